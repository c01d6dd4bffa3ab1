#include <chrono>

#include <stratolet/error.hpp>

#include "compute/device/device.hpp"
#include "compute/host/host_table.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_making.hpp"
#include "compute/server/server_table.hpp"

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

/// Volumes that are made for it become its own as they are there; block storage makes them meanwhile. True once all
/// are.
bool haveVolumes(Core& core, Run& run) {
    constexpr std::chrono::milliseconds look{100};
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    if (!server) return true;
    for (const auto& device : DeviceTable::of(core.reader(), server->id)) {
        if (device.local || device.attachment) continue;
        const auto volume = core.block.find(core.reader(), server->project, device.volume);
        if (!volume || volume->status.starts_with("error"))
            throw Error(Failure::Invalid, "the volume ", device.volume, " could not be made");
        if (volume->status != "available") return run.notYet(look), false;
        core.parts.store.write([&](Transaction& tx) {
            const auto attachment = core.block.reserve(tx, server->project, device.volume, server->id, device.name);
            DeviceTable::setAttachment(tx, device.id, attachment.id, device.name);
        });
    }
    return true;
}

}

Job createServerJob(Core& core) {
    auto job = disksMade(
        Job("compute.server.create").within(std::chrono::minutes(60)), // a large image takes its time to copy
        core,
        [&core](Run& run) {
            if (!haveVolumes(core, run)) return false;
            ensureDisks(core, run.id_of<ServerId>(), run.cancelled);
            return true;
        },
        [&core](Run& run) { disksOf(core, run).discard(run.id_of<ServerId>()); });
    return booted(std::move(job), core,
                  [&core](Run& run) { hypervisorOf(core, run).ensureGone(run.id_of<ServerId>()); })
        .onDone([&core](Transaction& tx, Run& run) { created(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            notMade(tx, run);
            gaveUp(core, tx, run, "build", reason, VmState::Error);
        });
}

}
