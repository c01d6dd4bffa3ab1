#include "compute/server/server_power.hpp"

#include <chrono>

#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/config/config.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

std::chrono::seconds patience(Core& core) { return core.parts.config.seconds("compute", "shutdown_timeout"); }

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
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:servers:reboot",
               .doing = "reboot",
               .action = "reboot",
               .event = "compute_reboot_instance",
               .job = "reboot",
               .states = {VmState::Active, VmState::Stopped, VmState::Error},
               .task = TaskState::RebootingHard,
               .when = While::Busy,
               .more = "\"hard\":true"});
}

/// The end of a job that leaves the guest as `vm` and `power` say, or fails at `doing` it.
Job closing(Job&& job, Core& core, VmState vm, PowerState power, const char* doing) {
    return std::move(job)
        .onDone([&core, vm, power](Transaction& tx, Run& run) { close(core, tx, run, vm, power); })
        .onFailed([&core, doing](Transaction& tx, Run& run, const std::string& reason) {
            failed(core, tx, run, doing, reason);
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

Job startServerJob(Core& core) {
    return closing(booted(Job("compute.server.start"), core), core, VmState::Active, PowerState::Running, "start");
}

Job stopServerJob(Core& core) {
    return closing(Job("compute.server.stop").step("stop", [&core](Run& run) { powerOff(core, run, patience(core)); }),
                   core, VmState::Stopped, PowerState::Shutdown, "stop");
}

Job rebootServerJob(Core& core) {
    const auto off = [&core](Run& run) {
        powerOff(core, run, run.arguments().boolean("hard", false) ? std::chrono::seconds(0) : patience(core));
    };
    // Off and on again instead of the hypervisor's own reboot: only this shows whether the guest has followed. One that
    // does not answer is made to.
    return closing(booted(Job("compute.server.reboot").step("off", off), core), core, VmState::Active,
                   PowerState::Running, "reboot");
}

}
