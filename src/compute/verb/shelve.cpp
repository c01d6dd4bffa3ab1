#include "compute/verb/shelve.hpp"

#include <chrono>

#include <stratolet/error.hpp>

#include "compute/base/base_copies.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "compute/verb/snapshot.hpp"
#include "platform/config/config.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

constexpr Verb shelve{.rule = "os_compute_api:os-shelve:shelve",
                      .doing = "shelve",
                      .action = "shelve",
                      .event = "compute_shelve_instance",
                      .job = "shelve",
                      .states = {VmState::Active, VmState::Stopped, VmState::Paused, VmState::Suspended},
                      .task = TaskState::Shelving};

std::int64_t offloadTime(Core& core) { return core.parts.config.integer("compute", "shelved_offload_time"); }

/// Its host at once, rather than later.
bool leaves(Core& core, const std::optional<Server>& server) {
    return server && (!server->image || offloadTime(core) == 0);
}

void leave(Core& core, const Run& run) {
    const auto id = run.id_of<ServerId>();
    hypervisorOf(core, run).ensureGone(id);
    disksOf(core, run).discard(id);
}

/// Its disk comes back from the image that it was put into.
void comeBack(Core& core, const Run& run) {
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return;
    auto& disks = core.hypervisors.disksOn({server->host});
    if (server->shelvedImage && !disks.find(server->id, {}))
        ensureLayer(core, *server, {}, server->shelvedImage, server->base, run.cancelled);
    ensureDisks(core, server->id, run.cancelled);
}

}

void shelveServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = allowedServer(tx, caller, id, shelve.rule);
        requireState(server, caller, shelve.doing, shelve.states, shelve.when); // before an image is begun
        const auto image =
            server.image ? plannedImage(core, tx, caller, server, server.name + "-shelved", {}) : ImageId();
        beginVerb(core, tx, caller, id, shelve, "\"image\":" + jsonText(image.text));
    });
}

void offloadServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:os-shelve:shelve_offload",
               .doing = "shelveOffload",
               .action = "shelveOffload",
               .event = "compute_shelve_offload_instance",
               .job = "offload",
               .states = {VmState::Shelved},
               .task = TaskState::ShelvingOffloading});
}

void unshelveServer(Core& core, const identity::Caller& caller, const ServerId& id, const ComesBack& to) {
    core.parts.store.write([&](Transaction& tx) {
        const auto server = beginVerb(core, tx, caller, id,
                                      {.rule = "os_compute_api:os-shelve:unshelve",
                                       .doing = "unshelve",
                                       .action = "unshelve",
                                       .event = "compute_unshelve_instance",
                                       .job = "unshelve",
                                       .states = {VmState::Shelved, VmState::ShelvedOffloaded},
                                       .task = TaskState::Unshelving});
        if ((to.zone || to.host) && server.vm != VmState::ShelvedOffloaded)
            throw Error(Failure::Conflict, "Unshelving a server to another zone or host needs it to be offloaded.");
        if (server.vm == VmState::Shelved) return;
        auto placing = placingOf(server);
        placing.host = to.host;
        if (to.zone) {
            placing.zone = *to.zone;
            ServerTable::pin(tx, id, to.zone->empty() ? std::nullopt : to.zone);
        }
        core.scheduler.requireKnown(tx, placing);
        const auto placed = core.scheduler.choose(tx, placing);
        if (!placed) throw Error(Failure::Invalid, placed.fault);
        ServerTable::setHost(tx, id, placed.host, placed.zone);
        if (!server.shelvedImage) return;
        const auto image = core.images.find(tx, caller, server.shelvedImage);
        if (!image || image->status != "active")
            throw Error(Failure::Invalid, "The image that server ", id, " was shelved into is not there any more.");
        ServerTable::setBase(tx, id, server.image, baseNameOf(image->id, image->checksum));
    });
}

void offloadOldShelved(Core& core) {
    const auto time = offloadTime(core);
    if (time <= 0) return;
    for (const auto& id : ServerTable::shelvedBefore(core.reader(), core.now() - std::chrono::seconds(time)))
        core.parts.store.write([&](Transaction& tx) {
            const auto server = ServerTable::find(tx, id);
            if (!server || server->vm != VmState::Shelved || server->task != TaskState::None) return;
            ServerTable::move(tx, *server, server->vm, TaskState::ShelvingOffloading, server->power, core.now());
            enqueueVerb(core, tx, *server, ownAsker(core, *server), "offload", "shelveOffload",
                        "compute_shelve_offload_instance");
        });
}

Job shelveServerJob(Core& core) {
    const auto off = [&core](Run& run) { powerOff(core, run, shutdownPatience(core)); };
    const auto away = [&core](Run& run) {
        if (leaves(core, ServerTable::find(core.reader(), run.id_of<ServerId>()))) leave(core, run);
    };
    const auto goOn = [&core](Run& run) { // it was powered off for nothing
        const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
        if (server && server->vm == VmState::Active && server->task != TaskState::Deleting) boot(core, server->id);
    };
    return saved(Job("compute.server.shelve").within(std::chrono::hours(6)).step("off", off, goOn), core)
        .step("leave", away)
        .onDone([&core](Transaction& tx, Run& run) {
            const auto id = run.id_of<ServerId>();
            ServerTable::setShelved(tx, id, imageIn(run));
            const auto server = ServerTable::find(tx, id);
            const bool left = leaves(core, server);
            close(core, tx, run, left ? VmState::ShelvedOffloaded : VmState::Shelved, PowerState::Shutdown);
            if (left) ServerTable::setHost(tx, id, {}, server->zone);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            core.images.abandon(tx, imageIn(run));
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            gaveUp(core, tx, run, "shelve", reason,
                   server && server->vm == VmState::Active ? VmState::Active : VmState::Stopped);
        });
}

Job offloadServerJob(Core& core) {
    return Job("compute.server.offload")
        .step("leave", [&core](Run& run) { leave(core, run); })
        .untilDone()
        .onDone([&core](Transaction& tx, Run& run) {
            close(core, tx, run, VmState::ShelvedOffloaded, PowerState::Shutdown);
            if (const auto server = ServerTable::find(tx, run.id_of<ServerId>()))
                ServerTable::setHost(tx, server->id, {}, server->zone); // it takes nothing there any more
        });
}

Job unshelveServerJob(Core& core) {
    const auto disks = [&core](Run& run) {
        comeBack(core, run);
        return true;
    };
    return booted(disksMade(Job("compute.server.unshelve").within(std::chrono::minutes(60)), core, disks), core)
        .onDone([&core](Transaction& tx, Run& run) {
            const auto id = run.id_of<ServerId>();
            if (const auto server = ServerTable::find(tx, id); server && server->shelvedImage)
                core.images.discard(tx, server->shelvedImage);
            ServerTable::setShelved(tx, id, {});
            close(core, tx, run, VmState::Active, PowerState::Running);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            gaveUp(core, tx, run, "unshelve", reason);
            const auto server = ServerTable::find(tx, run.id_of<ServerId>());
            if (server && server->vm == VmState::ShelvedOffloaded)
                ServerTable::setHost(tx, server->id, {}, server->zone);
        });
}

}
