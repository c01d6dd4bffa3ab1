#include "compute/attachment/volume_attachment.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

std::vector<VolumeTie>::const_iterator tieTo(const std::vector<VolumeTie>& ties, const VolumeId& volume) {
    return std::find_if(ties.begin(), ties.end(),
                        [&](const VolumeTie& each) { return each.attachment.volume == volume; });
}

}

store::ByOwner<VolumeTie> tiesOf(Core& core, store::Reader& db, const std::vector<std::string>& servers) {
    store::ByOwner<VolumeTie> ties;
    auto known = DeviceTable::of(db, servers);
    for (auto& [server, attachments] : core.block.madeByCompute(db, servers)) {
        const auto devices = store::takeOf(known, server);
        for (auto& attachment : attachments) {
            const auto device = std::find_if(devices.begin(), devices.end(),
                                             [&](const Device& each) { return each.attachment == attachment.id; });
            ties[server].push_back({attachment, device == devices.end() ? Device{} : *device});
        }
    }
    return ties;
}

std::vector<VolumeTie> tiesOf(Core& core, store::Reader& db, const ServerId& id) {
    auto found = tiesOf(core, db, std::vector{id.text});
    return store::takeOf(found, id.text);
}

VolumeTie attachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const WantedVolume& wanted) {
    return core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        requireState(server, caller, "attach_volume", withDisks, While::Idle);
        const auto ties = tiesOf(core, tx, id);
        if (tieTo(ties, wanted.volume) != ties.end())
            throw Error(Failure::Invalid, "Invalid volume: volume ", wanted.volume, " already attached");
        std::vector<std::string> taken;
        for (const auto& each : DeviceTable::of(tx, id)) taken.push_back(each.name);
        for (const auto& each : ties) taken.push_back(each.attachment.device);
        Device device;
        device.name = freeName(taken, device.bus, false);
        const auto attachment = core.block.reserve(tx, server.project, wanted.volume, id, device.name);
        device.id = attachment.id.text;
        device.server = id;
        device.source = "volume";
        device.volume = wanted.volume;
        device.attachment = attachment.id;
        device.tag = wanted.tag;
        device.deleteOnTermination = wanted.deleteOnTermination;
        DeviceTable::insert(tx, device);
        enqueueVerb(core, tx, server, askerOf(caller), "attach-volume", "attach_volume", "compute_attach_volume",
                    "\"attachment\":" + jsonText(attachment.id.text));
        return VolumeTie{attachment, device};
    });
}

void detachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        const auto ties = tiesOf(core, tx, id);
        const auto tie = tieTo(ties, volume);
        if (tie == ties.end())
            throw Error(Failure::NotFound, "Instance ", id, " is not attached to volume ", volume, ".");
        requireState(server, caller, "detach_volume", withDisks, While::Idle);
        if (tie->isRoot()) throw Error(Failure::Invalid, "Cannot detach a root device volume");
        core.block.detaching(tx, tie->attachment.id);
        enqueueVerb(core, tx, server, askerOf(caller), "detach-volume", "detach_volume", "compute_detach_volume",
                    "\"attachment\":" + jsonText(tie->attachment.id.text) + ",\"volume\":" + jsonText(volume.text));
    });
}

void swapVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& old,
                const VolumeId& wanted) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:os-volumes-attachments:swap");
        requireState(server, caller, "swap_volume", {VmState::Active, VmState::Paused, VmState::Resized}, While::Idle);
        const auto ties = tiesOf(core, tx, id);
        const auto tie = tieTo(ties, old);
        if (tie == ties.end()) throw Error(Failure::NotFound, "Instance ", id, " is not attached to volume ", old, ".");
        const auto before = core.block.find(tx, server.project, old),
                   after = core.block.find(tx, server.project, wanted);
        if (!before || !after) throw Error(Failure::Invalid, "Volume ", wanted, " could not be found.");
        if (before->attachments > 1)
            throw Error(Failure::Invalid, "Swapping multi-attach volumes with more than one read/write attachment is "
                                          "not supported.");
        if (after->size < before->size)
            throw Error(Failure::Invalid, "Invalid volume: New volume must be the same size or larger.");
        const auto fresh = core.block.reserve(tx, server.project, wanted, id, tie->attachment.device);
        core.block.detaching(tx, tie->attachment.id);
        enqueueVerb(core, tx, server, askerOf(caller), "swap-volume", "swap_volume", "compute_swap_volume",
                    "\"old\":" + jsonText(tie->attachment.id.text) + ",\"volume\":" + jsonText(old.text) +
                        ",\"attachment\":" + jsonText(fresh.id.text));
    });
}

void setDeleteOnTermination(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume,
                            bool ends) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id, "os_compute_api:os-volumes-attachments:update");
        const auto ties = tiesOf(core, tx, id);
        const auto tie = tieTo(ties, volume);
        if (tie == ties.end())
            throw Error(Failure::NotFound, "Instance ", id, " is not attached to volume ", volume, ".");
        DeviceTable::setEnds(tx, tie->attachment.id, ends);
    });
}

void volumeExtended(Core& core, store::Transaction& tx, const ServerId& id, const VolumeId& volume) {
    const auto server = ServerTable::find(tx, id);
    if (!server || server->deleted) return;
    enqueueVerb(core, tx, *server, ownAsker(core, *server), "extend-volume", "extend_volume", "compute_extend_volume",
                "\"volume\":" + jsonText(volume.text));
}

}
