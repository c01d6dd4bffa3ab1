#include "compute/verb/removal.hpp"

#include <chrono>

#include "compute/compute.hpp"
#include "compute/device/injected.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

std::chrono::seconds reclaimInterval(Core& core) {
    return core.parts.config.seconds("compute", "reclaim_instance_interval");
}

/// Gives up what is under way, and enqueues what ends it.
void beginRemoval(Core& core, Transaction& tx, const Server& server, const Asker& asker, std::string_view action) {
    ServerTable::move(tx, server, server.vm, TaskState::Deleting, server.power, core.now());
    core.parts.jobs.cancelAll(tx, "compute.server.", server.id.text);
    enqueueVerb(core, tx, server, asker, "delete", action, "compute_terminate_instance");
}

/// One that never was anywhere has left nothing there.
bool isSomewhere(Core& core, const Run& run) { return !hostOf(core, run.id_of<ServerId>()).empty(); }

/// Lets go of all that others keep for a server: ports, volumes; volumes that end with it go too.
void releaseAll(Core& core, Transaction& tx, const ServerId& id) {
    core.network.releasePorts(tx, id);
    for (const auto& attachment : core.block.madeByCompute(tx, id)) core.block.released(tx, attachment.id);
    for (const auto& device : DeviceTable::of(tx, id))
        if (!device.local && device.deleteOnTermination) core.block.removeVolume(tx, device.volume);
    DeviceTable::removeAll(tx, id);
    FileTable::removeAll(tx, id);
}

void deleted(Core& core, Transaction& tx, const Run& run) {
    endAction(core, tx, run);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted) return;
    releaseAll(core, tx, server->id);
    ServerTable::deleted(tx, server->id, core.now());
    core.parts.bus.announce(tx, ServerDeleted{server->id, server->project});
    if (!ServerTable::baseUsed(tx, server->base))
        tx.afterCommit([&reconciler = core.parts.reconciler] { reconciler.kick("compute"); });
}

}

void removeServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:servers:delete");
        requireState(server, caller, "delete", anyState, While::Busy);
        if (server.task == TaskState::Deleting || server.vm == VmState::SoftDeleted) return; // under way already
        if (reclaimInterval(core).count() == 0 || !server.launched || server.vm == VmState::Building ||
            server.vm == VmState::ShelvedOffloaded)
            return beginRemoval(core, tx, server, askerOf(caller), "delete");
        ServerTable::move(tx, server, server.vm, TaskState::SoftDeleting, server.power, core.now());
        core.parts.jobs.cancelAll(tx, "compute.server.", id.text);
        enqueueVerb(core, tx, server, askerOf(caller), "soft-delete", "delete", "compute_soft_delete_instance");
    });
}

void forceRemoveServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    core.parts.store.write([&](Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:os-deferred-delete:force");
        requireState(server, caller, "force_delete", anyState, While::Busy);
        if (server.task != TaskState::Deleting) beginRemoval(core, tx, server, askerOf(caller), "forceDelete");
    });
}

void restoreServer(Core& core, const identity::Caller& caller, const ServerId& id) {
    beginVerb(core, caller, id,
              {.rule = "os_compute_api:os-deferred-delete:restore",
               .doing = "restore",
               .action = "restore",
               .event = "compute_restore_instance",
               .job = "restore",
               .states = {VmState::SoftDeleted},
               .task = TaskState::Restoring});
}

void reclaimServers(Core& core) {
    const auto interval = reclaimInterval(core);
    if (interval.count() == 0) return;
    for (const auto& id : ServerTable::softDeletedBefore(core.reader(), core.now() - interval))
        core.parts.store.write([&](Transaction& tx) {
            const auto server = ServerTable::find(tx, id);
            if (!server || server->vm != VmState::SoftDeleted || server->task != TaskState::None) return;
            beginRemoval(core, tx, *server, ownAsker(core, *server), "delete");
        });
}

Job deleteServerJob(Core& core) {
    return Job("compute.server.delete")
        .step("guest",
              [&core](Run& run) {
                  if (isSomewhere(core, run)) hypervisorOf(core, run).ensureGone(run.id_of<ServerId>());
              })
        .step("disk",
              [&core](Run& run) {
                  if (isSomewhere(core, run)) disksOf(core, run).discard(run.id_of<ServerId>());
              })
        .untilDone() // it was promised: 204
        .onDone([&core](Transaction& tx, Run& run) { deleted(core, tx, run); });
}

Job softDeleteServerJob(Core& core) {
    return Job("compute.server.soft-delete")
        .step("off", [&core](Run& run) { hypervisorOf(core, run).ensureOff(run.id_of<ServerId>()); })
        .untilDone()
        .onDone([&core](Transaction& tx, Run& run) {
            ServerTable::setSoftDeleted(tx, run.id_of<ServerId>(), core.now());
            close(core, tx, run, VmState::SoftDeleted, PowerState::Shutdown);
        });
}

Job restoreServerJob(Core& core) {
    return booted(Job("compute.server.restore"), core)
        .onDone([&core](Transaction& tx, Run& run) {
            ServerTable::setSoftDeleted(tx, run.id_of<ServerId>(), std::nullopt);
            close(core, tx, run, VmState::Active, PowerState::Running);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            gaveUp(core, tx, run, "restore", reason);
        });
}

}
