#include "block/attachment/attachment_service.hpp"

#include <algorithm>
#include <utility>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/attachment/connection.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::block {
namespace {

using identity::Caller;
using enum VolumeStatus;

Error missing(const AttachmentId& attachment) {
    return Error(Failure::NotFound, "Volume attachment could not be found with filter: attachment_id = ", attachment,
                 ".");
}

/// What compute attached, compute alone lets go: the guest would go on writing (CVE-2023-2088).
void refuseOthers(const std::vector<VolumeAttachment>& attachments) {
    for (const auto& each : attachments)
        if (each.byCompute)
            throw Error(Failure::Conflict, "Detach volume from instance ", each.server, " using the Compute API")
                .as("ConflictNovaUsingAttachment");
}

}

/// Who has it already shares it only where it is a volume for several; and nobody gets one that is on its way.
void Attachments::requireFree(store::Transaction& tx, const Volume& volume, std::string_view what) const {
    const bool several = volume.multiattach && volume.status == InUse;
    if ((volume.status != Available && !several) || isMigrating(volume) ||
        (!several && !attachment_table::of(tx, volume.id).empty()))
        throw invalidVolume("Volume ", volume.id, " is ", isMigrating(volume) ? "migrating" : nameOf(volume.status),
                            "; only an available volume can be ", what, ".");
}

/// The status that those who have or want the volume now say.
void Attachments::settle(store::Transaction& tx, const VolumeId& volume) {
    auto status = Available;
    for (const auto& each : attachment_table::of(tx, volume)) {
        if (each.status == AttachmentStatus::Attached || each.status == AttachmentStatus::Detaching) status = InUse;
        if (each.status == AttachmentStatus::Attaching && status != InUse) status = Attaching;
        if (each.status == AttachmentStatus::Reserved && status == Available) status = Reserved;
    }
    volume_table::setStatus(tx, volume, status, now());
}

void Attachments::reserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        requireFree(tx, volume, "reserved");
        volume_table::move(tx, id, volume.status, Attaching, now());
    });
}

void Attachments::unreserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        const auto attachments = attachment_table::of(tx, id);
        if (volume.status != Attaching ||
            std::any_of(attachments.begin(), attachments.end(),
                        [](const VolumeAttachment& each) { return each.status == AttachmentStatus::Attaching; }))
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only a reserved volume can be unreserved.");
        settle(tx, id);
    });
}

void Attachments::beginDetaching(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        refuseOthers(attachment_table::of(tx, id));
        if (volume.status != InUse)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only a volume in use can be detached.");
        volume_table::move(tx, id, InUse, Detaching, now());
    });
}

void Attachments::rollDetaching(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        refuseOthers(attachment_table::of(tx, id));
        if (volume.status == Detaching) volume_table::move(tx, id, Detaching, InUse, now());
    });
}

void Attachments::attach(const Caller& caller, std::string_view rule, const VolumeId& id, VolumeAttachment wanted) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        if (volume.status != Attaching) requireFree(tx, volume, "attached, or a reserved one");
        if (!volume.multiattach && !attachment_table::of(tx, id).empty())
            throw invalidVolume("Volume ", id, " is attached already.");
        if (volume.readOnly.value_or(false) && wanted.mode == "rw")
            throw Error(Failure::Invalid, "Invalid attaching mode 'rw' for volume ", id, ": it is read-only.");
        wanted.id = {parts_.ambient.uuid()};
        wanted.volume = id;
        wanted.status = AttachmentStatus::Attached;
        wanted.created = now();
        wanted.attached = wanted.created;
        attachment_table::insert(tx, wanted);
        if (volume.status != InUse) volume_table::move(tx, id, volume.status, InUse, now());
    });
}

void Attachments::detach(const Caller& caller, std::string_view rule, const VolumeId& id,
                         const AttachmentId& attachment) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        const auto attachments = attachment_table::of(tx, id);
        if (attachments.empty() && volume.status == Available) return; // it is detached already
        if (attachment.empty()) refuseOthers(attachments);
        if ((volume.status != InUse && volume.status != Detaching) || attachments.empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an attached volume can be detached.");
        for (const auto& each : attachments)
            if (attachment.empty() || each.id == attachment) return refuseOthers({each}), release(tx, each);
        throw missing(attachment);
    });
}

/// Detaches whatever the status says. What a guest has, compute alone lets go all the same: the guest would go on
/// writing.
void Attachments::forceDetach(const Caller& caller, std::string_view rule, const VolumeId& id,
                              const AttachmentId& attachment) {
    parts_.store.write([&](store::Transaction& tx) {
        block::permitted(tx, caller, rule, id);
        auto attachments = attachment_table::of(tx, id);
        if (attachments.empty()) throw invalidVolume("Volume ", id, " is not attached.");
        if (!attachment.empty())
            std::erase_if(attachments, [&](const VolumeAttachment& each) { return each.id != attachment; });
        if (attachments.empty()) throw missing(attachment);
        refuseOthers(attachments);
        for (const auto& each : attachments) release(tx, each);
        if (attachment_table::of(tx, id).empty()) volume_table::setStatus(tx, id, Available, now());
    });
}

/// The attachment goes, and what led to it; with the last one the volume is free again, unless an administrator has
/// said otherwise.
void Attachments::release(store::Transaction& tx, const VolumeAttachment& attachment) {
    attachment_table::remove(tx, attachment.id);
    const auto volume = volume_table::find(tx, attachment.volume);
    if (!volume) return;
    if (volume->status == Reserved || volume->status == Attaching || volume->status == InUse ||
        volume->status == Detaching)
        settle(tx, volume->id);
    if (attachment.connector) startDisconnecting(tx, work_, *volume, *attachment.connector);
    const auto& drivers = work_.backends.all();
    const bool byNetwork = std::any_of(drivers.begin(), drivers.end(), [&](const VolumeDriver* each) {
        return each->name() == backendIn(volume->host) && each->protocol() != "file";
    });
    if (attachment.byCompute && byNetwork)
        startDisconnecting(tx, work_, *volume, connectorOf(attachment.hostName.value_or("")));
}

std::string Attachments::initialize(const Caller& caller, std::string_view rule, const VolumeId& id,
                                    const std::string& connector) {
    const auto volume = block::permitted(parts_.store.reader(), caller, rule, id);
    if (volume.status != Attaching && volume.status != InUse && volume.status != Detaching)
        throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                            "; only one that is reserved or in use can be connected.");
    return connect(work_, volume, connector, volume.readOnly.value_or(false) ? "ro" : "rw");
}

void Attachments::terminate(const Caller& caller, std::string_view rule, const VolumeId& id,
                            const std::string& connector) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        refuseOthers(attachment_table::of(tx, id));
        startDisconnecting(tx, work_, volume, connector);
    });
}

VolumeAttachment Attachments::create(const Caller& caller, VolumeAttachment wanted) {
    const auto connector = std::exchange(wanted.connector, std::nullopt);
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, caller.rule, wanted.volume);
        if (volume.multiattach && volume.status == InUse && volume.bootable)
            caller.enforce("volume:multiattach_bootable_volume", targetOf(volume));
        requireFree(tx, volume, "reserved");
        wanted.id = {parts_.ambient.uuid()};
        wanted.status = AttachmentStatus::Reserved;
        if (volume.readOnly.value_or(false)) wanted.mode = "ro";
        wanted.created = now();
        attachment_table::insert(tx, wanted);
        if (volume.status == Available) volume_table::move(tx, volume.id, Available, Reserved, now());
    });
    if (!connector) return wanted;
    try {
        return connected(wanted.id, *connector);
    } catch (const std::exception&) { // as if it had not been asked for
        parts_.store.write([&](store::Transaction& tx) {
            if (const auto made = attachment_table::find(tx, wanted.id)) release(tx, *made);
        });
        throw;
    }
}

/// Connected, and the row says so. It is remembered before the driver lets anybody in, so that nothing stays open that
/// no row knows of.
VolumeAttachment Attachments::connected(const AttachmentId& id, const std::string& connector) {
    Volume volume;
    VolumeAttachment attachment;
    parts_.store.write([&](store::Transaction& tx) {
        auto found = attachment_table::find(tx, id);
        if (!found) throw missing(id);
        volume = volume_table::find(tx, found->volume).value();
        const auto wish = wishIn(connector);
        if (wish.mode == "ro" || wish.mode == "rw") found->mode = *wish.mode;
        if (volume.readOnly.value_or(false) && found->mode != "ro")
            throw Error(Failure::Invalid, "Invalid attaching mode 'rw' for volume ", volume.id, ": it is read-only.");
        if (wish.device) found->device = wish.device;
        if (found->connector && *found->connector != connector)
            startDisconnecting(tx, work_, volume, *found->connector);
        found->connector = connector;
        found->hostName = wish.host;
        attachment_table::update(tx, *found);
        attachment = *found;
    });
    const auto connection = connect(work_, volume, connector, attachment.mode);
    parts_.store.write([&](store::Transaction& tx) {
        auto found = attachment_table::find(tx, id);
        if (!found) throw missing(id);
        found->connection = connection;
        if (found->status == AttachmentStatus::Reserved) found->status = AttachmentStatus::Attaching;
        attachment_table::update(tx, *found);
        const auto now_ = volume_table::find(tx, found->volume).value();
        if (now_.status == Reserved || now_.status == Attaching) settle(tx, found->volume);
        attachment = *found;
    });
    return attachment;
}

VolumeAttachment Attachments::update(const Caller& caller, const AttachmentId& id, const std::string& connector) {
    const auto [attachment, volume] = permitted(parts_.store.reader(), caller, id);
    refuseOthers({attachment});
    if (nameOf(volume.status).starts_with("error"))
        throw Error(Failure::Conflict,
                    "Volume attachments can not be updated if the volume is in an error state. The "
                    "Volume ",
                    volume.id, " currently has a status of: ", nameOf(volume.status), ".");
    return connected(id, connector);
}

Attachments::Held Attachments::permitted(store::Reader& db, const Caller& caller, const AttachmentId& id) {
    auto found = attachment_table::find(db, id);
    if (!found) throw missing(id);
    auto volume = volume_table::find(db, found->volume);
    if (!volume || (volume->project != caller.project && !isAdmin(caller))) throw missing(id);
    caller.enforce(targetOf(*volume));
    return {*std::move(found), *std::move(volume)};
}

VolumeAttachment Attachments::show(const Caller& caller, const AttachmentId& id) {
    return permitted(parts_.store.reader(), caller, id).attachment;
}

std::vector<VolumeAttachment> Attachments::list(const Caller& caller, store::Conditions conditions, bool allProjects,
                                                std::int64_t limit) {
    caller.enforce();
    restrictVolumes(conditions, caller, allProjects);
    return attachment_table::list(parts_.store.reader(), conditions, limit);
}

void Attachments::complete(const Caller& caller, const AttachmentId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto [attachment, volume] = permitted(tx, caller, id);
        refuseOthers({attachment});
        attachment.status = AttachmentStatus::Attached;
        attachment.attached = now();
        attachment_table::update(tx, attachment);
        if (volume.status == Reserved || volume.status == Attaching) settle(tx, volume.id);
    });
}

std::vector<VolumeAttachment> Attachments::remove(const Caller& caller, const AttachmentId& id) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto [attachment, volume] = permitted(tx, caller, id);
        refuseOthers({attachment});
        release(tx, attachment);
        return attachment_table::of(tx, volume.id);
    });
}

// --- for compute

VolumeAttachment Attachments::reserveFor(store::Transaction& tx, const ProjectId& project, const VolumeId& id,
                                         const ServerId& server, const std::string& device) {
    const auto volume = volume_table::find(tx, id);
    if (!volume || volume->project != project) throw missing(id);
    requireFree(tx, *volume, "attached");
    for (const auto& each : attachment_table::of(tx, id))
        if (each.server == server) throw invalidVolume("Volume ", id, " is attached to server ", server, " already.");
    VolumeAttachment made;
    made.id = {parts_.ambient.uuid()};
    made.volume = id;
    made.server = server;
    made.hostName = parts_.cloud.host;
    made.device = device;
    made.mode = volume->readOnly.value_or(false) ? "ro" : "rw";
    made.status = AttachmentStatus::Attaching;
    made.byCompute = true;
    made.created = now();
    attachment_table::insert(tx, made);
    volume_table::move(tx, id, volume->status, Attaching, now());
    return made;
}

void Attachments::attached(store::Transaction& tx, const AttachmentId& id) {
    auto found = attachment_table::find(tx, id);
    if (!found || found->status != AttachmentStatus::Attaching) return; // it has been said before
    found->status = AttachmentStatus::Attached;
    found->attached = now();
    attachment_table::update(tx, *found);
    settle(tx, found->volume);
}

void Attachments::detaching(store::Transaction& tx, const AttachmentId& id) {
    auto found = attachment_table::find(tx, id);
    if (!found) throw missing(id);
    const auto volume = volume_table::find(tx, found->volume);
    if (found->status != AttachmentStatus::Attached || volume->status != InUse)
        throw invalidVolume("Volume ", found->volume, " is ", nameOf(volume->status),
                            "; only a volume in use can be detached.");
    found->status = AttachmentStatus::Detaching;
    attachment_table::update(tx, *found);
    volume_table::move(tx, found->volume, InUse, Detaching, now());
}

void Attachments::stillAttached(store::Transaction& tx, const AttachmentId& id) {
    auto found = attachment_table::find(tx, id);
    if (!found || found->status != AttachmentStatus::Detaching) return;
    found->status = AttachmentStatus::Attached;
    attachment_table::update(tx, *found);
    settle(tx, found->volume);
}

void Attachments::released(store::Transaction& tx, const AttachmentId& id) {
    if (const auto found = attachment_table::find(tx, id)) release(tx, *found);
}

std::vector<VolumeAttachment> Attachments::madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    return attachment_table::madeByCompute(db, servers);
}

}
