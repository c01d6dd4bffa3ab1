#include "compute/server/server_power.hpp"

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/server/server_changing.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/log/log.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

void softReboot(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:servers:reboot",
               .doing = "reboot",
               .action = "reboot",
               .event = "compute_reboot_instance",
               .job = "reboot",
               .states = {VmState::Active},
               .task = TaskState::Rebooting});
}

void hardReboot(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        beginVerb(core, tx, caller, id,
                  {.rule = "os_compute_api:servers:reboot",
                   .doing = "reboot",
                   .action = "reboot",
                   .event = "compute_reboot_instance",
                   .job = "reboot",
                   .states = {VmState::Active, VmState::Stopped, VmState::Paused, VmState::Suspended, VmState::Error},
                   .task = TaskState::RebootingHard,
                   .when = While::Busy},
                  "\"hard\":true");
    });
}

}

void startServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:servers:start",
               .doing = "start",
               .action = "start",
               .event = "compute_start_instance",
               .job = "start",
               .states = {VmState::Stopped},
               .task = TaskState::PoweringOn});
}

void stopServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:servers:stop",
               .doing = "stop",
               .action = "stop",
               .event = "compute_stop_instance",
               .job = "stop",
               .states = {VmState::Active, VmState::Error},
               .task = TaskState::PoweringOff});
}

void rebootServer(Core& core, const identity::Caller& caller, const ServerId& id, bool hard) {
    if (!hard) return softReboot(core, caller, id);
    const Server server = serverFor(core.reader(), caller, id);
    // A reboot that the guest doesn't follow is what a hard one is for; anything else that is being done to it is let
    // end.
    if (server.task != TaskState::None && server.task != TaskState::Rebooting &&
        server.task != TaskState::RebootingHard)
        requireState(server, caller, "reboot", anyState, While::Idle);
    hardReboot(core, caller, id);
}

namespace {

constexpr Verb pause{.rule = "os_compute_api:os-pause-server:pause",
                     .doing = "pause",
                     .action = "pause",
                     .event = "compute_pause_instance",
                     .job = "pause",
                     .states = {VmState::Active},
                     .task = TaskState::Pausing};
constexpr Verb unpause{.rule = "os_compute_api:os-pause-server:unpause",
                       .doing = "unpause",
                       .action = "unpause",
                       .event = "compute_unpause_instance",
                       .job = "unpause",
                       .states = {VmState::Paused},
                       .task = TaskState::Unpausing};
constexpr Verb suspend{.rule = "os_compute_api:os-suspend-server:suspend",
                       .doing = "suspend",
                       .action = "suspend",
                       .event = "compute_suspend_instance",
                       .job = "suspend",
                       .states = {VmState::Active},
                       .task = TaskState::Suspending};
constexpr Verb resume{.rule = "os_compute_api:os-suspend-server:resume",
                      .doing = "resume",
                      .action = "resume",
                      .event = "compute_resume_instance",
                      .job = "resume",
                      .states = {VmState::Suspended},
                      .task = TaskState::Resuming};

}

void pauseServer(Core& core, const identity::Caller& caller, const ServerId& id) { beginVerb(core, caller, id, pause); }
void unpauseServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id, unpause);
}
void suspendServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id, suspend);
}
void resumeServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id, resume);
}

void injectNetworkInfo(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:os-admin-actions:inject_network_info");
        requireState(server, caller, "injectNetworkInfo", withGuest, While::Idle);
        enqueueVerb(core, tx, server, askerOf(caller), "inject-network-info", "injectNetworkInfo",
                    "compute_inject_network_info");
    });
}

void crashServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:servers:trigger_crash_dump");
    requireState(server, caller, "trigger_crash_dump",
                 {VmState::Active, VmState::Paused, VmState::Rescued, VmState::Resized, VmState::Error}, While::Idle);
    core.hypervisors.on({server.host}).injectNmi(id);
    core.parts.store.write([&](Transaction& tx) {
        recordDone(core, tx, caller, server, "trigger_crash_dump", "compute_trigger_crash_dump");
    });
}

void changePassword(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& password) {
    const auto server = allowedServer(core.reader(), caller, id, "os_compute_api:os-admin-password");
    requireState(server, caller, "changePassword", {VmState::Active}, While::Idle);
    const auto image = server.image ? core.images.find(core.reader(), caller, server.image) : std::nullopt;
    const auto system = image ? imageProperty(*image, "os_type") : std::string();
    const auto given = image ? imageProperty(*image, "os_admin_user") : std::string();
    const auto user = !given.empty() ? given : system == "windows" ? "Administrator" : "root";
    try {
        core.hypervisors.on({server.host}).setPassword(id, user, password);
    } catch (const Error& problem) { // why is for those who run the host
        core.parts.log.warning("A password could not be changed", {{"server", id.text}, {"reason", problem.what()}});
        throw Error(Failure::Conflict, "Failed to set admin password on ", id,
                    " because error setting admin password: the guest agent does not answer");
    }
    core.parts.store.write(
        [&](Transaction& tx) { recordDone(core, tx, caller, server, "changePassword", "compute_set_admin_password"); });
}

void resetState(Core& core, const identity::Caller& caller, const ServerId& id, bool active) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, "os_compute_api:os-admin-actions:reset_state");
        ServerTable::move(tx, server, active ? VmState::Active : VmState::Error, TaskState::None, server.power,
                          core.now());
        recordDone(core, tx, caller, server, "resetState", "api_reset_state");
    });
}

Job startServerJob(Core& core) {
    return booted(Job("compute.server.start"), core)
        .onDone([&core](Transaction& tx, Run& run) {
            // One that was rescued or resized, and lost its guest, is so still.
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            const bool other = server && (server->vm == VmState::Rescued || server->vm == VmState::Resized);
            close(core, tx, run, other ? server->vm : VmState::Active, PowerState::Running);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            gaveUp(core, tx, run, "start", reason, VmState::Error);
        });
}

Job stopServerJob(Core& core) {
    return closing(
        Job("compute.server.stop").step("stop", [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); }),
        core, VmState::Stopped, PowerState::Shutdown, "stop", VmState::Error);
}

Job rebootServerJob(Core& core) {
    const auto off = [&core](Run& run) {
        const bool hard = run.arguments().boolean("hard", false);
        powerOff(core, run, hard ? std::chrono::seconds(0) : shutdownPatience(core));
        if (hard) hypervisorOf(core, run).ensureOff(run.id_of<ServerId>()); // what a suspended one had in memory, too
    };
    // Off and on again instead of the hypervisor's own reboot: only this shows whether the guest has followed. One that
    // does not answer is made to.
    return closing(booted(Job("compute.server.reboot").step("off", off), core), core, VmState::Active,
                   PowerState::Running, "reboot", VmState::Error);
}

Job pauseServerJob(Core& core) {
    return closing(
        Job("compute.server.pause")
            .step("pause", [&core](Run& run) { hypervisorOf(core, run).ensurePaused(run.id_of<ServerId>()); }),
        core, VmState::Paused, PowerState::Paused, "pause");
}

Job unpauseServerJob(Core& core) {
    return closing(
        Job("compute.server.unpause")
            .step("unpause", [&core](Run& run) { hypervisorOf(core, run).ensureRunning(run.id_of<ServerId>()); }),
        core, VmState::Active, PowerState::Running, "unpause");
}

Job suspendServerJob(Core& core) {
    return closing(Job("compute.server.suspend")
                       .step(
                           "suspend",
                           [&core](Run& run) { hypervisorOf(core, run).ensureSuspended(run.id_of<ServerId>()); }, {},
                           jobs::copyLane),
                   core, VmState::Suspended, PowerState::Shutdown, "suspend");
}

Job resumeServerJob(Core& core) {
    // Not defined anew: it goes on with what it had.
    return closing(
        wired(Job("compute.server.resume"), core)
            .step("resume", [&core](Run& run) { hypervisorOf(core, run).ensureRunning(run.id_of<ServerId>()); }),
        core, VmState::Active, PowerState::Running, "resume");
}

Job injectNetworkInfoJob(Core& core) {
    return wired(Job("compute.server.inject-network-info"), core)
        .onDone([&core](Transaction& tx, Run& run) { endAction(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            failAction(core, tx, run, "give its network to", reason);
        });
}

}
