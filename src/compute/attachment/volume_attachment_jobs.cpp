#include <chrono>
#include <optional>

#include <stratolet/error.hpp>

#include "compute/attachment/volume_attachment.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_table.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

AttachmentId attachmentOf(const Run& run) { return AttachmentId{run.arguments().text("attachment")}; }

std::optional<block::Attachment> madeFor(Core& core, const Run& run) {
    for (auto& attachment : core.block.madeByCompute(core.reader(), run.id_of<ServerId>()))
        if (attachment.id == attachmentOf(run)) return attachment;
    return std::nullopt;
}

void attach(Core& core, const Run& run) {
    const auto attachment = madeFor(core, run);
    if (!attachment) throw Error(Failure::Broken, "the attachment ", attachmentOf(run), " is gone");
    if (!hasGuest(core, run)) return; // it will be there when the guest is
    hypervisorOf(core, run).ensureAttached(run.id_of<ServerId>(), diskOf(core, {*attachment, {}}));
}

void letGoOf(Core& core, Run& run, const std::string& volume) {
    letGo(run, [&](bool ask) { return hypervisorOf(core, run).detached(run.id_of<ServerId>(), volume, ask); });
}

void untie(Core& core, Transaction& tx, const Run& run) {
    core.block.released(tx, attachmentOf(run));
    DeviceTable::removeAttached(tx, attachmentOf(run));
}

void tellSize(Core& core, const Run& run) {
    const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>());
    const VolumeId id{run.arguments().text("volume")};
    const auto volume = server ? core.block.find(core.reader(), server->project, id) : std::nullopt;
    if (volume)
        core.hypervisors.on({server->host})
            .ensureDiskSize(server->id, DeviceTable::serialOf(core.reader(), server->id, id), volume->size.bytes());
}

}

Job attachVolumeJob(Core& core) {
    return Job("compute.server.attach-volume")
        .step(
            "attach", [&core](Run& run) { attach(core, run); },
            [&core](Run& run) {
                if (const auto attachment = madeFor(core, run)) letGoOf(core, run, attachment->volume.text);
            })
        .onDone([&core](Transaction& tx, Run& run) {
            core.block.attached(tx, attachmentOf(run));
            endAction(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            untie(core, tx, run);
            failAction(core, tx, run, "attach a volume to", reason);
        });
}

Job detachVolumeJob(Core& core) {
    return Job("compute.server.detach-volume")
        .attempts(2) // each waits two minutes for the guest to let go
        .step("detach",
              [&core](Run& run) {
                  const VolumeId volume{run.arguments().text("volume")};
                  letGoOf(core, run, DeviceTable::serialOf(core.reader(), run.id_of<ServerId>(), volume));
              })
        .onDone([&core](Transaction& tx, Run& run) {
            untie(core, tx, run);
            endAction(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            core.block.stillAttached(tx, attachmentOf(run));
            failAction(core, tx, run, "detach a volume from", reason);
        });
}

Job extendVolumeJob(Core& core) {
    return Job("compute.server.extend-volume")
        .step("tell", [&core](Run& run) { tellSize(core, run); })
        .onDone([&core](Transaction& tx, Run& run) { endAction(core, tx, run); })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            failAction(core, tx, run, "extend a volume of", reason);
        });
}

Job swapVolumeJob(Core& core) {
    const auto copy = [&core](Run& run) {
        const auto fresh = madeFor(core, run);
        if (!fresh) throw Error(Failure::Broken, "the attachment ", attachmentOf(run), " is gone");
        const auto id = run.id_of<ServerId>();
        const auto serial = DeviceTable::serialOf(core.reader(), id, VolumeId{run.arguments().text("volume")});
        const auto disk = hypervisorOf(core, run).liveDisk(id, serial);
        if (!disk || !disk->moveTo(core.block.source(fresh->volume), run.cancelled))
            throw Error(Failure::Conflict, "the guest has ended meanwhile: its volume was not copied");
    };
    return Job("compute.server.swap-volume")
        .within(std::chrono::hours(6))
        .step("copy", copy, {}, jobs::copyLane)
        .onDone([&core](Transaction& tx, Run& run) {
            const AttachmentId old{run.arguments().text("old")};
            for (const auto& each : core.block.madeByCompute(tx, run.id_of<ServerId>()))
                if (each.id == attachmentOf(run)) DeviceTable::exchange(tx, old, each);
            core.block.attached(tx, attachmentOf(run));
            core.block.released(tx, old);
            endAction(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            core.block.released(tx, attachmentOf(run));
            core.block.stillAttached(tx, AttachmentId{run.arguments().text("old")});
            failAction(core, tx, run, "swap a volume of", reason);
        });
}

}
