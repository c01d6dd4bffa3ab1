#include "block/volume/volume_service.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {
namespace {

using identity::Caller;
using enum VolumeStatus;

Error missing(const VolumeId& volume) { return Error(Failure::NotFound, "Volume ", volume, " could not be found."); }
Error missing(const AttachmentId& attachment) {
    return Error(Failure::NotFound, "Volume attachment could not be found with filter: attachment_id = ", attachment, ".");
}

template <class... Parts> Error invalidVolume(const Parts&... parts) { return Error(Failure::Invalid, "Invalid volume: ", parts...); }

Target targetOf(const Volume& volume) { return {{"project_id", volume.project.text}}; }

bool isAdmin(const Caller& caller) { return caller.may("context_is_admin", {}); }

}

VolumeService::VolumeService(Parts parts, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, image::Images& images)
    : parts_(parts),
      backends_(drivers, parts.cloud.host),
      images_(images),
      quotas_("block-storage", {{"volumes", parts.config.integer("block", "quota_volumes")},
                                {"gigabytes", parts.config.integer("block", "quota_gigabytes")},
                                {"per_volume_gigabytes", parts.config.integer("block", "quota_per_volume_gigabytes")},
                                {"snapshots", 10},
                                {"backups", 10},
                                {"backup_gigabytes", 1000},
                                {"groups", 10},
                                {"volumes___DEFAULT__", -1},
                                {"gigabytes___DEFAULT__", -1},
                                {"snapshots___DEFAULT__", -1}}) {}

void VolumeService::bootstrap() {
    parts_.store.write([&](store::Transaction& tx) { table_.placeAll(tx, parts_.cloud.host); });
}

Volume VolumeService::visible(store::Reader& db, const Caller& caller, const VolumeId& id) {
    auto volume = table_.find(db, id);
    if (!volume || (volume->project != caller.project && !isAdmin(caller))) throw missing(id);
    return *volume;
}

Volume VolumeService::permitted(store::Reader& db, const Caller& caller, std::string_view rule, const VolumeId& id) {
    auto volume = visible(db, caller, id);
    caller.enforce(rule, targetOf(volume));
    return volume;
}

// --- the volume itself

/// An image by its id, by a link to it (its last part), or by a name that only one has: as block storage takes "imageRef".
ImageId VolumeService::imageNamed(const Caller& caller, const std::string& reference) {
    auto& db = parts_.store.reader();
    const ImageId id{reference.substr(reference.rfind('/') + 1)};
    if (images_.find(db, caller, id)) return id;
    const auto named = images_.named(db, caller, reference);
    if (named.size() > 1) throw Error(Failure::Conflict, "Multiple matches found for '", reference, "', use an ID to be more specific.");
    if (named.empty()) throw Error(Failure::Invalid, "Invalid image identifier or unable to access requested image.");
    return named.front();
}

/// What the image says of itself, once it is certain that a volume of this size can be made from it.
Metadata VolumeService::factsOf(const Caller& caller, const ImageId& id, GiB size) {
    const auto image = images_.find(parts_.store.reader(), caller, id);
    if (!image) throw Error(Failure::Invalid, "Invalid image identifier or unable to access requested image.");
    const auto refuse = [&](const auto&... why) { throw Error(Failure::Invalid, "Invalid input received: Image ", id, " ", why...); };
    if (image->status != "active") refuse("is not active.");
    if (image->containerFormat != "bare" || (image->diskFormat != "raw" && image->diskFormat != "qcow2"))
        refuse("is ", image->containerFormat, "/", image->diskFormat, "; a volume can be made from a bare raw or qcow2 image.");
    if (image->minDisk > size) refuse("needs at least ", image->minDisk, ", the volume has ", size, ".");
    if (image->virtualSize > size.bytes()) refuse("is larger than the volume's ", size, ".");

    Metadata facts = image->properties;
    facts["image_id"] = id.text;
    facts["image_name"] = image->name;
    facts["checksum"] = image->checksum;
    facts["container_format"] = image->containerFormat;
    facts["disk_format"] = image->diskFormat;
    facts["min_disk"] = std::to_string(image->minDisk.count);
    facts["min_ram"] = std::to_string(image->minRam.count);
    facts["size"] = std::to_string(image->size.count);
    return facts;
}

Volume VolumeService::create(const Caller& caller, const NewVolume& wanted) {
    caller.enforce();
    if (!wanted.source.empty()) {
        visible(parts_.store.reader(), caller, wanted.source);
        throw Error(Failure::Invalid, "Invalid input for field/attribute source_volid. Value: ", wanted.source,
                    ". A volume cannot be made from another.");
    }
    Volume volume;
    volume.id = {parts_.ambient.uuid()};
    volume.project = caller.project;
    volume.user = caller.user;
    volume.name = wanted.name;
    volume.description = wanted.description;
    volume.size = wanted.size;
    volume.metadata = wanted.metadata;
    volume.created = now();
    volume.host = backends_.placeOf(backends_.withRoomFor(wanted.size));
    if (!wanted.image.empty()) {
        caller.enforce("volume:create_from_image", {});
        volume.image = imageNamed(caller, wanted.image);
        volume.imageMetadata = factsOf(caller, volume.image, wanted.size);
    }

    return parts_.store.write([&](store::Transaction& tx) {
        const auto type = table_.type(tx, wanted.type.empty() ? defaultType : std::string_view(wanted.type));
        if (!type) throw Error(Failure::NotFound, "Volume type ", wanted.type, " could not be found.");
        volume.type = type->id;
        volume.typeName = type->name;
        const auto& owner = volume.project.text;
        const auto most = quotas_.limit(tx, owner, "per_volume_gigabytes");
        if (most >= 0 && volume.size.count > most)
            throw Error(Failure::OverLimit, "Requested volume size ", volume.size.count, " is larger than maximum allowed limit ", most,
                        ".");
        for (const auto* resource : {"volumes", "volumes___DEFAULT__"})
            quotas_.claim(tx, owner, resource, table_.countOf(tx, volume.project), 1);
        for (const auto* resource : {"gigabytes", "gigabytes___DEFAULT__"})
            quotas_.claim(tx, owner, resource, table_.gigabytesOf(tx, volume.project), volume.size.count);
        table_.insert(tx, volume);
        parts_.jobs.enqueue(tx, "block.volume.create", volume.id.text, "", volume.project.text);
        return volume;
    });
}

VolumeView VolumeService::show(const Caller& caller, const VolumeId& id) {
    auto& db = parts_.store.reader();
    auto volume = permitted(db, caller, caller.rule, id);
    auto attachments = table_.attachmentsOf(db, id);
    return {std::move(volume), std::move(attachments)};
}

void VolumeService::restrict(store::Conditions& conditions, const Caller& caller, bool allProjects, const std::string& column) {
    if (!allProjects || !isAdmin(caller)) conditions.add(column + " = ?", caller.project);
}

VolumeService::Page VolumeService::list(const Caller& caller, VolumeQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.conditions, caller, query.allProjects, "project_id");
        Page page;
        if (query.counted) page.count = table_.count(db, query.conditions);
        if (!query.marker.empty()) {
            visible(db, caller, query.marker);
            store::startAfter(query.conditions, query.order, "volumes", query.marker.text);
        }
        auto volumes = table_.list(db, query.conditions, query.order, query.limit, query.offset);
        auto attachments = table_.attachmentsOf(db, volumes);
        for (auto& volume : volumes) {
            auto its = store::takeOf(attachments, volume.id.text);
            page.volumes.push_back({std::move(volume), std::move(its)});
        }
        return page;
    });
}

VolumeService::Summary VolumeService::summary(const Caller& caller, VolumeQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.conditions, caller, query.allProjects, "project_id");
        return Summary{table_.count(db, query.conditions), table_.gigabytes(db, query.conditions), table_.metadataOf(db, query.conditions)};
    });
}

VolumeView VolumeService::rename(const Caller& caller, const VolumeId& id, const std::function<void(Volume&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, caller.rule, id);
        const auto metadata = volume.metadata;
        amend(volume);
        volume.updated = now();
        table_.rename(tx, volume);
        if (volume.metadata != metadata) table_.setMetadata(tx, id, volume.metadata);
        return VolumeView{volume, table_.attachmentsOf(tx, id)};
    });
}

void VolumeService::startRemoval(store::Transaction& tx, const Volume& volume, bool force) {
    // Whatever the status says: as long as anybody has the volume, its bytes stay where they are (CVE-2023-2088).
    if (!table_.attachmentsOf(tx, volume.id).empty()) throw invalidVolume("Volume ", volume.id, " is attached and cannot be deleted.");
    const bool may = volume.status == Available || volume.status == VolumeStatus::Failed || volume.status == ErrorExtending;
    if (volume.status == Deleting && force) return;
    if (!force && !may)
        throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status),
                            "; only one that is available, error or error_extending can be deleted.");
    if (force && !mayFollow(volume.status, Deleting))
        throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status), " and cannot be deleted.");
    if (force) // what is still at work on it takes back what it did; the deletion comes after
        for (const auto* kind : {"block.volume.create", "block.volume.extend"}) parts_.jobs.cancel(tx, kind, volume.id.text);
    table_.move(tx, volume.id, volume.status, Deleting, now());
    parts_.jobs.enqueue(tx, "block.volume.delete", volume.id.text, "", volume.project.text);
}

void VolumeService::remove(const Caller& caller, const VolumeId& id, bool force) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, caller.rule, id);
        if (force) caller.enforce("volume:force_delete", targetOf(volume));
        startRemoval(tx, volume, force);
    });
}

void VolumeService::forceRemove(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) { startRemoval(tx, permitted(tx, caller, rule, id), true); });
}

// --- metadata

Metadata VolumeService::metadata(const Caller& caller, const VolumeId& id) {
    return permitted(parts_.store.reader(), caller, caller.rule, id).metadata;
}

Metadata VolumeService::changeMetadata(const Caller& caller, const VolumeId& id, const std::function<void(Metadata&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, caller.rule, id);
        if (volume.status == Maintenance) throw invalidVolume("Volume ", id, " is in maintenance; its metadata cannot be changed.");
        amend(volume.metadata);
        table_.setMetadata(tx, id, volume.metadata);
        return volume.metadata;
    });
}

Metadata VolumeService::imageMetadata(const Caller& caller, const VolumeId& id) {
    return permitted(parts_.store.reader(), caller, "volume_extension:volume_image_metadata:show", id).imageMetadata;
}

Metadata VolumeService::changeImageMetadata(const Caller& caller, const VolumeId& id, const std::function<void(Metadata&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, "volume_extension:volume_image_metadata:set", id);
        amend(volume.imageMetadata);
        table_.setImageMetadata(tx, id, volume.imageMetadata);
        return volume.imageMetadata;
    });
}

// --- actions

void VolumeService::extend(const Caller& caller, std::string_view rule, const VolumeId& id, GiB size, bool alsoInUse) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        if (volume.status == InUse && alsoInUse)
            caller.enforce("volume:extend_attached_volume", targetOf(volume));
        else if (volume.status != Available)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only an available volume can be extended",
                                alsoInUse ? ", or one in use." : ".");
        if (size <= volume.size)
            throw Error(Failure::Invalid,
                        "Invalid input received: New size for extend must be greater than current size. (current: ", volume.size.count,
                        ", extended: ", size.count, ").");
        const auto& owner = volume.project.text;
        const auto most = quotas_.limit(tx, owner, "per_volume_gigabytes");
        if (most >= 0 && size.count > most)
            throw Error(Failure::OverLimit, "Requested volume size ", size.count, " is larger than maximum allowed limit ", most, ".");
        for (const auto* resource : {"gigabytes", "gigabytes___DEFAULT__"})
            quotas_.claim(tx, owner, resource, table_.gigabytesOf(tx, volume.project), size.count - volume.size.count);
        table_.move(tx, id, volume.status, Extending, now());
        table_.setNewSize(tx, id, size);
        parts_.jobs.enqueue(tx, "block.volume.extend", id.text, "", volume.project.text);
    });
}

void VolumeService::resetStatus(const Caller& caller, std::string_view rule, const VolumeId& id, VolumeStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        permitted(tx, caller, rule, id);
        if (needsJob(status))
            throw Error(Failure::Invalid, "Invalid input for field/attribute status. Value: ", nameOf(status),
                        ". No work is going on that would end it.");
        if (parts_.jobs.busy(tx, id.text)) throw invalidVolume("Volume ", id, " is being worked on; its status cannot be reset now.");
        table_.setStatus(tx, id, status, now());
    });
}

void VolumeService::setBootable(const Caller& caller, std::string_view rule, const VolumeId& id, bool bootable) {
    parts_.store.write([&](store::Transaction& tx) {
        permitted(tx, caller, rule, id);
        table_.setBootable(tx, id, bootable, now());
    });
}

void VolumeService::setReadOnly(const Caller& caller, std::string_view rule, const VolumeId& id, bool readOnly) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        // Whoever has it now got it as it was: a guest's disk does not change its mind.
        if (volume.status != Available)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only an available volume can change its access mode.");
        table_.setReadOnly(tx, id, readOnly, now());
    });
}

void VolumeService::reserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        if (volume.status != Available || !table_.attachmentsOf(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only an available volume can be reserved.");
        table_.move(tx, id, Available, Attaching, now());
    });
}

void VolumeService::unreserve(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        if (volume.status != Attaching || !table_.attachmentsOf(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only a reserved volume can be unreserved.");
        table_.move(tx, id, Attaching, Available, now());
    });
}

namespace {

/// What compute attached, compute alone lets go: the guest would go on writing (CVE-2023-2088).
void refuseOthers(const std::vector<VolumeAttachment>& attachments) {
    for (const auto& each : attachments)
        if (each.byCompute)
            throw Error(Failure::Conflict, "Detach volume from instance ", each.server, " using the Compute API")
                .as("ConflictNovaUsingAttachment");
}

}

void VolumeService::beginDetaching(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        refuseOthers(table_.attachmentsOf(tx, id));
        if (volume.status != InUse)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only a volume in use can be detached.");
        table_.move(tx, id, InUse, Detaching, now());
    });
}

void VolumeService::rollDetaching(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        refuseOthers(table_.attachmentsOf(tx, id));
        if (volume.status == Detaching) table_.move(tx, id, Detaching, InUse, now());
    });
}

void VolumeService::attach(const Caller& caller, std::string_view rule, const VolumeId& id, VolumeAttachment wanted) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        if ((volume.status != Available && volume.status != Attaching) || !table_.attachmentsOf(tx, id).empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only an available or reserved volume can be attached.");
        if (volume.readOnly.value_or(false) && wanted.mode == "rw")
            throw Error(Failure::Invalid, "Invalid attaching mode 'rw' for volume ", id, ": it is read-only.");
        wanted.id = {parts_.ambient.uuid()};
        wanted.volume = id;
        wanted.status = AttachmentStatus::Attached;
        wanted.created = now();
        wanted.attached = wanted.created;
        table_.insert(tx, wanted);
        table_.move(tx, id, volume.status, InUse, now());
    });
}

void VolumeService::detach(const Caller& caller, std::string_view rule, const VolumeId& id, const AttachmentId& attachment) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        const auto attachments = table_.attachmentsOf(tx, id);
        if (attachments.empty() && volume.status == Available) return; // it is detached already
        refuseOthers(attachments);
        if ((volume.status != InUse && volume.status != Detaching) || attachments.empty())
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only an attached volume can be detached.");
        for (const auto& each : attachments)
            if (attachment.empty() || each.id == attachment) return release(tx, each);
        throw missing(attachment);
    });
}

/// Detaches whatever the status says. What a guest has, compute alone lets go all the same: the guest would go on writing.
void VolumeService::forceDetach(const Caller& caller, std::string_view rule, const VolumeId& id, const AttachmentId& attachment) {
    parts_.store.write([&](store::Transaction& tx) {
        permitted(tx, caller, rule, id);
        auto attachments = table_.attachmentsOf(tx, id);
        if (attachments.empty()) throw invalidVolume("Volume ", id, " is not attached.");
        if (!attachment.empty()) std::erase_if(attachments, [&](const VolumeAttachment& each) { return each.id != attachment; });
        if (attachments.empty()) throw missing(attachment);
        refuseOthers(attachments);
        for (const auto& each : attachments) release(tx, each);
        if (table_.attachmentsOf(tx, id).empty()) table_.setStatus(tx, id, Available, now());
    });
}

// --- attachments

/// The attachment goes, and with the last one the volume is free again, unless an administrator has said otherwise.
void VolumeService::release(store::Transaction& tx, const VolumeAttachment& attachment) {
    table_.remove(tx, attachment.id);
    if (!table_.attachmentsOf(tx, attachment.volume).empty()) return;
    const auto volume = table_.find(tx, attachment.volume);
    if (!volume) return;
    if (volume->status == Reserved || volume->status == Attaching || volume->status == InUse || volume->status == Detaching)
        table_.move(tx, volume->id, volume->status, Available, now());
}

VolumeAttachment VolumeService::createAttachment(const Caller& caller, VolumeAttachment wanted) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, caller.rule, wanted.volume);
        if (volume.status != Available || !table_.attachmentsOf(tx, volume.id).empty())
            throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status), "; only an available volume can be reserved.");
        wanted.id = {parts_.ambient.uuid()};
        wanted.status = AttachmentStatus::Reserved;
        wanted.created = now();
        table_.insert(tx, wanted);
        table_.move(tx, volume.id, Available, Reserved, now());
        return wanted;
    });
}

VolumeAttachment VolumeService::attachment(const Caller& caller, const AttachmentId& id) {
    auto& db = parts_.store.reader();
    const auto found = table_.attachment(db, id);
    if (!found) throw missing(id);
    const auto volume = table_.find(db, found->volume);
    if (!volume || (volume->project != caller.project && !isAdmin(caller))) throw missing(id);
    caller.enforce(targetOf(*volume));
    return *found;
}

std::vector<VolumeAttachment> VolumeService::attachments(const Caller& caller, store::Conditions conditions, bool allProjects,
                                                         std::int64_t limit) {
    caller.enforce();
    restrict(conditions, caller, allProjects, "v.project_id");
    return table_.attachments(parts_.store.reader(), conditions, limit);
}

void VolumeService::completeAttachment(const Caller& caller, const AttachmentId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto found = table_.attachment(tx, id);
        if (!found) throw missing(id);
        const auto volume = table_.find(tx, found->volume);
        if (!volume || (volume->project != caller.project && !isAdmin(caller))) throw missing(id);
        caller.enforce(targetOf(*volume));
        refuseOthers({*found});
        found->status = AttachmentStatus::Attached;
        found->attached = now();
        table_.update(tx, *found);
        if (volume->status == Reserved || volume->status == Attaching) table_.move(tx, volume->id, volume->status, InUse, now());
    });
}

std::vector<VolumeAttachment> VolumeService::removeAttachment(const Caller& caller, const AttachmentId& id) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto found = table_.attachment(tx, id);
        if (!found) throw missing(id);
        const auto volume = table_.find(tx, found->volume);
        if (!volume || (volume->project != caller.project && !isAdmin(caller))) throw missing(id);
        caller.enforce(targetOf(*volume));
        refuseOthers({*found});
        release(tx, *found);
        return table_.attachmentsOf(tx, volume->id);
    });
}

// --- types, quotas

std::vector<VolumeType> VolumeService::types(const Caller& caller) {
    caller.enforce();
    return table_.types(parts_.store.reader());
}

VolumeType VolumeService::type(const Caller& caller, const std::string& idOrName) {
    caller.enforce();
    auto found = table_.type(parts_.store.reader(), idOrName);
    if (!found) throw Error(Failure::NotFound, "Volume type ", idOrName, " could not be found.");
    return *found;
}

std::vector<VolumeService::Usage> VolumeService::usage(const ProjectId& project) {
    auto& db = parts_.store.reader();
    const auto volumes = table_.countOf(db, project), gigabytes = table_.gigabytesOf(db, project);
    std::vector<Usage> all;
    for (const auto& [resource, otherwise] : quotas_.defaults()) {
        const std::int64_t used = resource.starts_with("volumes") ? volumes : resource.starts_with("gigabytes") ? gigabytes : 0;
        all.push_back({resource, quotas_.limit(db, project.text, resource), used});
    }
    return all;
}

void VolumeService::setQuotas(const Caller& caller, const ProjectId& project,
                              const std::vector<std::pair<std::string, std::int64_t>>& limits) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) {
        for (const auto& [resource, limit] : limits) quotas_.set(tx, project.text, resource, limit);
    });
}

void VolumeService::resetQuotas(const Caller& caller, const ProjectId& project) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) { quotas_.reset(tx, project.text); });
}

std::vector<Share> VolumeService::shares(const Caller& caller, const std::string& backend) {
    caller.enforce();
    auto all = table_.shares(parts_.store.reader(), backend);
    Share total;
    for (const auto& each : all) {
        total.count += each.count;
        total.gigabytes += each.gigabytes;
    }
    all.insert(all.begin(), total);
    return all;
}

// --- for compute

std::optional<Volume> VolumeService::find(store::Reader& db, const ProjectId& project, const VolumeId& id) {
    auto volume = table_.find(db, id);
    if (volume && volume->project != project) return std::nullopt;
    return volume;
}

VolumeAttachment VolumeService::reserveFor(store::Transaction& tx, const ProjectId& project, const VolumeId& id, const ServerId& server,
                                           const std::string& device) {
    const auto volume = find(tx, project, id);
    if (!volume) throw missing(id);
    if (volume->status != Available || !table_.attachmentsOf(tx, id).empty())
        throw invalidVolume("Volume ", id, " is ", nameOf(volume->status), "; only an available volume can be attached.");
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
    table_.insert(tx, made);
    table_.move(tx, id, Available, Attaching, now());
    return made;
}

void VolumeService::attached(store::Transaction& tx, const AttachmentId& id) {
    auto found = table_.attachment(tx, id);
    if (!found || found->status != AttachmentStatus::Attaching) return; // it has been said before
    found->status = AttachmentStatus::Attached;
    found->attached = now();
    table_.update(tx, *found);
    table_.move(tx, found->volume, Attaching, InUse, now());
}

void VolumeService::detaching(store::Transaction& tx, const AttachmentId& id) {
    auto found = table_.attachment(tx, id);
    if (!found) throw missing(id);
    const auto volume = table_.find(tx, found->volume);
    if (found->status != AttachmentStatus::Attached || volume->status != InUse)
        throw invalidVolume("Volume ", found->volume, " is ", nameOf(volume->status), "; only a volume in use can be detached.");
    found->status = AttachmentStatus::Detaching;
    table_.update(tx, *found);
    table_.move(tx, found->volume, InUse, Detaching, now());
}

void VolumeService::stillAttached(store::Transaction& tx, const AttachmentId& id) {
    auto found = table_.attachment(tx, id);
    if (!found || found->status != AttachmentStatus::Detaching) return;
    found->status = AttachmentStatus::Attached;
    table_.update(tx, *found);
    table_.move(tx, found->volume, Detaching, InUse, now());
}

void VolumeService::released(store::Transaction& tx, const AttachmentId& id) {
    if (const auto found = table_.attachment(tx, id)) release(tx, *found);
}

DiskSource VolumeService::source(const VolumeId& id) {
    const auto volume = table_.find(parts_.store.reader(), id);
    if (!volume) throw Error(Failure::Broken, "volume ", id, " is gone");
    auto found = backends_.of(*volume).connect(id, {.host = parts_.cloud.host});
    found.readOnly = volume->readOnly.value_or(false);
    return found;
}

std::vector<VolumeAttachment> VolumeService::madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    return table_.madeByCompute(db, servers);
}

}
