#include <chrono>

#include "compute/compute.hpp"
#include "compute/host/host_table.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_table.hpp"
#include "platform/bus/bus.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

void created(Core& core, Transaction& tx, const Run& run) {
    const auto id = run.id_of<ServerId>();
    for (const auto& attachment : core.block.madeByCompute(tx, id)) core.block.attached(tx, attachment.id);
    ServerTable::launched(tx, id, core.now());
    if (const auto host = ServerTable::hostOf(tx, id)) host_table::made(tx, {*host}, true);
    close(core, tx, run, VmState::Active, PowerState::Running);
}

/// One that its owner gave up says nothing against its host.
void notMade(Transaction& tx, const Run& run) {
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (server && !server->deleted && server->task != TaskState::Deleting) host_table::made(tx, {server->host}, false);
}

/// One that never was anywhere has left nothing there.
bool isSomewhere(Core& core, const Run& run) { return !hostOf(core, run.id_of<ServerId>()).empty(); }

void release(Core& core, Transaction& tx, const ServerId& id) {
    core.network.releasePorts(tx, id);
    for (const auto& attachment : core.block.madeByCompute(tx, id)) {
        core.block.released(tx, attachment.id);
        TieTable::remove(tx, attachment.id);
    }
}

void deleted(Core& core, Transaction& tx, const Run& run) {
    endAction(core, tx, run);
    const auto server = ServerTable::find(tx, run.id_of<ServerId>());
    if (!server || server->deleted) return;
    release(core, tx, server->id);
    ServerTable::deleted(tx, server->id, core.now());
    core.parts.bus.announce(tx, ServerDeleted{server->id, server->project});
    if (!ServerTable::baseUsed(tx, server->base))
        tx.afterCommit([&reconciler = core.parts.reconciler] { reconciler.kick("compute"); });
}

}

Job createServerJob(Core& core) {
    auto job = Job("compute.server.create")
                   .within(std::chrono::minutes(60)) // a large image takes its time to copy
                   .step(
                       "disk", [&core](Run& run) { ensureDisk(core, run.id_of<ServerId>(), run.cancelled); },
                       [&core](Run& run) { disksOf(core, run).discard(run.id_of<ServerId>()); }, jobs::copyLane);
    return booted(std::move(job), core,
                  [&core](Run& run) { hypervisorOf(core, run).ensureGone(run.id_of<ServerId>()); })
        .onDone([&core](Transaction& tx, Run& run) { created(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            notMade(tx, run);
            failed(core, tx, run, "build", reason);
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

}
