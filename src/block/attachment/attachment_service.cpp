#include "block/attachment/attachment_service.hpp"

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
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

void Attachments::reserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        if (volume.status != Available || !attachment_table::of(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an available volume can be reserved.");
        volume_table::move(tx, id, Available, Attaching, now());
    });
}

void Attachments::unreserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        if (volume.status != Attaching || !attachment_table::of(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only a reserved volume can be unreserved.");
        volume_table::move(tx, id, Attaching, Available, now());
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
        if ((volume.status != Available && volume.status != Attaching) || !attachment_table::of(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an available or reserved volume can be attached.");
        if (volume.readOnly.value_or(false) && wanted.mode == "rw")
            throw Error(Failure::Invalid, "Invalid attaching mode 'rw' for volume ", id, ": it is read-only.");
        wanted.id = {parts_.ambient.uuid()};
        wanted.volume = id;
        wanted.status = AttachmentStatus::Attached;
        wanted.created = now();
        wanted.attached = wanted.created;
        attachment_table::insert(tx, wanted);
        volume_table::move(tx, id, volume.status, InUse, now());
    });
}

void Attachments::detach(const Caller& caller, std::string_view rule, const VolumeId& id,
                         const AttachmentId& attachment) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, rule, id);
        const auto attachments = attachment_table::of(tx, id);
        if (attachments.empty() && volume.status == Available) return; // it is detached already
        refuseOthers(attachments);
        if ((volume.status != InUse && volume.status != Detaching) || attachments.empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an attached volume can be detached.");
        for (const auto& each : attachments)
            if (attachment.empty() || each.id == attachment) return release(tx, each);
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

/// The attachment goes, and with the last one the volume is free again, unless an administrator has said otherwise.
void Attachments::release(store::Transaction& tx, const VolumeAttachment& attachment) {
    attachment_table::remove(tx, attachment.id);
    if (!attachment_table::of(tx, attachment.volume).empty()) return;
    const auto volume = volume_table::find(tx, attachment.volume);
    if (!volume) return;
    if (volume->status == Reserved || volume->status == Attaching || volume->status == InUse ||
        volume->status == Detaching)
        volume_table::move(tx, volume->id, volume->status, Available, now());
}

VolumeAttachment Attachments::create(const Caller& caller, VolumeAttachment wanted) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto volume = block::permitted(tx, caller, caller.rule, wanted.volume);
        if (volume.status != Available || !attachment_table::of(tx, volume.id).empty())
            throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status),
                                "; only an available volume can be reserved.");
        wanted.id = {parts_.ambient.uuid()};
        wanted.status = AttachmentStatus::Reserved;
        wanted.created = now();
        attachment_table::insert(tx, wanted);
        volume_table::move(tx, volume.id, Available, Reserved, now());
        return wanted;
    });
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
    restrict(conditions, caller, allProjects);
    return attachment_table::list(parts_.store.reader(), conditions, limit);
}

void Attachments::complete(const Caller& caller, const AttachmentId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto [attachment, volume] = permitted(tx, caller, id);
        refuseOthers({attachment});
        attachment.status = AttachmentStatus::Attached;
        attachment.attached = now();
        attachment_table::update(tx, attachment);
        if (volume.status == Reserved || volume.status == Attaching)
            volume_table::move(tx, volume.id, volume.status, InUse, now());
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
    if (volume->status != Available || !attachment_table::of(tx, id).empty())
        throw invalidVolume("Volume ", id, " is ", nameOf(volume->status),
                            "; only an available volume can be attached.");
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
    volume_table::move(tx, id, Available, Attaching, now());
    return made;
}

void Attachments::attached(store::Transaction& tx, const AttachmentId& id) {
    auto found = attachment_table::find(tx, id);
    if (!found || found->status != AttachmentStatus::Attaching) return; // it has been said before
    found->status = AttachmentStatus::Attached;
    found->attached = now();
    attachment_table::update(tx, *found);
    volume_table::move(tx, found->volume, Attaching, InUse, now());
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
    volume_table::move(tx, found->volume, Detaching, InUse, now());
}

void Attachments::released(store::Transaction& tx, const AttachmentId& id) {
    if (const auto found = attachment_table::find(tx, id)) release(tx, *found);
}

std::vector<VolumeAttachment> Attachments::madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    return attachment_table::madeByCompute(db, servers);
}

}
