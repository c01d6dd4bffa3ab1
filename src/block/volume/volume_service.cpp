#include "block/volume/volume_service.hpp"

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/message/message.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::block {

using identity::Caller;
using enum VolumeStatus;

void Volumes::bootstrap() {
    parts_.store.write([&](store::Transaction& tx) { volume_table::placeAll(tx, parts_.cloud.host); });
}

/// An image by its id, by a link to it (its last part), or by a name that only one has: as block storage takes
/// "imageRef".
ImageId Volumes::imageNamed(const Caller& caller, const std::string& reference) {
    auto& db = parts_.store.reader();
    const ImageId id{reference.substr(reference.rfind('/') + 1)};
    if (images_.find(db, caller, id)) return id;
    const auto named = images_.named(db, caller, reference);
    if (named.size() > 1)
        throw Error(Failure::Conflict, "Multiple matches found for '", reference, "', use an ID to be more specific.");
    if (named.empty()) throw Error(Failure::Invalid, "Invalid image identifier or unable to access requested image.");
    return named.front();
}

/// What the image says of itself, once it is certain that a volume of this size can be made from it.
Metadata Volumes::factsOf(const Caller& caller, const ImageId& id, GiB size) {
    const auto image = images_.find(parts_.store.reader(), caller, id);
    if (!image) throw Error(Failure::Invalid, "Invalid image identifier or unable to access requested image.");
    const auto refuse = [&](const auto&... why) {
        throw Error(Failure::Invalid, "Invalid input received: Image ", id, " ", why...);
    };
    if (image->status != "active") refuse("is not active.");
    if (image->containerFormat != "bare" || (image->diskFormat != "raw" && image->diskFormat != "qcow2"))
        refuse("is ", image->containerFormat, "/", image->diskFormat,
               "; a volume can be made from a bare raw or qcow2 image.");
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

Volume Volumes::create(const Caller& caller, const NewVolume& wanted) {
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
    if (!wanted.image.empty()) {
        caller.enforce("volume:create_from_image", {});
        volume.image = imageNamed(caller, wanted.image);
        volume.imageMetadata = factsOf(caller, volume.image, wanted.size);
    }

    scheduler_.refresh();
    return parts_.store.write([&](store::Transaction& tx) {
        const auto type = types_.wanted(tx, caller, wanted.type);
        volume.type = type.id;
        volume.typeName = type.name;
        Placement placement{.size = wanted.size, .specs = type.extraSpecs, .zone = wanted.zone};
        scheduler_.apply(tx, caller.project, wanted.hints, placement);
        quotas_.claimVolume(tx, volume);
        volume.host = scheduler_.place(tx, placement).host;
        if (volume.host.empty()) return keepUnplaced(tx, caller, volume);
        volume_table::insert(tx, volume);
        work_.enqueue(tx, "block.volume.create", volume, {{"request", caller.requestId}});
        return volume;
    });
}

/// The request is accepted all the same, and what is answered is what was wanted: a message says why nothing came of
/// it.
Volume Volumes::keepUnplaced(store::Transaction& tx, const Caller& caller, const Volume& wanted) {
    auto volume = wanted;
    volume.host = nowhere;
    volume.status = VolumeStatus::Failed;
    volume_table::insert(tx, volume);
    record(tx, parts_.ambient,
           {.project = volume.project,
            .request = caller.requestId,
            .resource = volume.id.text,
            .action = Doing::PlaceVolume,
            .detail = Wrong::NoBackend});
    volume.status = wanted.status;
    return volume;
}

VolumeView Volumes::show(const Caller& caller, const VolumeId& id) {
    auto& db = parts_.store.reader();
    auto volume = permitted(db, caller, caller.rule, id);
    auto attachments = attachment_table::of(db, id);
    return {std::move(volume), std::move(attachments)};
}

ListPage<VolumeView> Volumes::list(const Caller& caller, ListQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects);
        ListPage<VolumeView> page;
        if (query.counted) page.count = volume_table::count(db, query.listing.conditions);
        if (!query.listing.marker.empty()) visible(db, caller, {query.listing.marker});
        auto volumes = resource::pageOf(db, volumeColumns, query.listing, query.offset);
        auto attachments = attachment_table::of(db, volume_table::idsOf(volumes));
        for (auto& volume : volumes) {
            auto its = store::takeOf(attachments, volume.id.text);
            page.rows.push_back({std::move(volume), std::move(its)});
        }
        return page;
    });
}

Volumes::Summary Volumes::summary(const Caller& caller, ListQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects);
        return Summary{volume_table::count(db, query.listing.conditions),
                       volume_table::gigabytes(db, query.listing.conditions),
                       volume_table::metadataOf(db, query.listing.conditions)};
    });
}

VolumeView Volumes::rename(const Caller& caller, const VolumeId& id, const std::function<void(Volume&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, caller.rule, id);
        const auto metadata = volume.metadata;
        amend(volume);
        volume.updated = now();
        volume_table::save(tx, volume);
        if (volume.metadata != metadata) volume_table::setMetadata(tx, id, volume.metadata);
        return VolumeView{volume, attachment_table::of(tx, id)};
    });
}

void Volumes::startRemoval(store::Transaction& tx, const Volume& volume, bool force) {
    // Whatever the status says: as long as anybody has the volume, its bytes stay where they are (CVE-2023-2088).
    if (!attachment_table::of(tx, volume.id).empty())
        throw invalidVolume("Volume ", volume.id, " is attached and cannot be deleted.");
    const bool may =
        volume.status == Available || volume.status == VolumeStatus::Failed || volume.status == ErrorExtending;
    if (volume.status == Deleting && force) return;
    if (!force && !may)
        throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status),
                            "; only one that is available, error or error_extending can be deleted.");
    if (force && !mayFollow(volume.status, Deleting))
        throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status), " and cannot be deleted.");
    if (force) // what is still at work on it takes back what it did; the deletion comes after
        for (const auto* kind : {"block.volume.create", "block.volume.extend"})
            parts_.jobs.cancel(tx, kind, volume.id.text);
    volume_table::move(tx, volume.id, volume.status, Deleting, now());
    work_.enqueue(tx, "block.volume.delete", volume);
}

void Volumes::remove(const Caller& caller, const VolumeId& id, bool force) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, caller.rule, id);
        if (force) caller.enforce("volume:force_delete", targetOf(volume));
        startRemoval(tx, volume, force);
    });
}

void Volumes::forceRemove(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) { startRemoval(tx, permitted(tx, caller, rule, id), true); });
}

// --- metadata

Metadata Volumes::metadata(const Caller& caller, const VolumeId& id) {
    return permitted(parts_.store.reader(), caller, caller.rule, id).metadata;
}

Metadata Volumes::changeMetadata(const Caller& caller, const VolumeId& id,
                                 const std::function<void(Metadata&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, caller.rule, id);
        if (volume.status == Maintenance)
            throw invalidVolume("Volume ", id, " is in maintenance; its metadata cannot be changed.");
        amend(volume.metadata);
        volume_table::setMetadata(tx, id, volume.metadata);
        return volume.metadata;
    });
}

Metadata Volumes::imageMetadata(const Caller& caller, const VolumeId& id) {
    return permitted(parts_.store.reader(), caller, "volume_extension:volume_image_metadata:show", id).imageMetadata;
}

Metadata Volumes::changeImageMetadata(const Caller& caller, const VolumeId& id,
                                      const std::function<void(Metadata&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, "volume_extension:volume_image_metadata:set", id);
        amend(volume.imageMetadata);
        volume_table::setImageMetadata(tx, id, volume.imageMetadata);
        return volume.imageMetadata;
    });
}

// --- actions

void Volumes::extend(const Caller& caller, std::string_view rule, const VolumeId& id, GiB size, bool alsoInUse) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        if (volume.status == InUse && alsoInUse)
            caller.enforce("volume:extend_attached_volume", targetOf(volume));
        else if (volume.status != Available)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an available volume can be extended", alsoInUse ? ", or one in use." : ".");
        if (size <= volume.size)
            throw Error(Failure::Invalid,
                        "Invalid input received: New size for extend must be greater than current size. (current: ",
                        volume.size.count, ", extended: ", size.count, ").");
        quotas_.claimGrowth(tx, volume, size);
        volume_table::move(tx, id, volume.status, Extending, now());
        volume_table::setNewSize(tx, id, size);
        work_.enqueue(tx, "block.volume.extend", volume, {{"request", caller.requestId}});
    });
}

void Volumes::resetStatus(const Caller& caller, std::string_view rule, const VolumeId& id, VolumeStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        permitted(tx, caller, rule, id);
        if (needsJob(status))
            throw Error(Failure::Invalid, "Invalid input for field/attribute status. Value: ", nameOf(status),
                        ". No work is going on that would end it.");
        if (work_.busy(tx, id))
            throw invalidVolume("Volume ", id, " is being worked on; its status cannot be reset now.");
        volume_table::setStatus(tx, id, status, now());
    });
}

void Volumes::setBootable(const Caller& caller, std::string_view rule, const VolumeId& id, bool bootable) {
    parts_.store.write([&](store::Transaction& tx) {
        permitted(tx, caller, rule, id);
        volume_table::setBootable(tx, id, bootable, now());
    });
}

void Volumes::setReadOnly(const Caller& caller, std::string_view rule, const VolumeId& id, bool readOnly) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, rule, id);
        // Whoever has it now got it as it was: a guest's disk does not change its mind.
        if (volume.status != Available)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status),
                                "; only an available volume can change its access mode.");
        volume_table::setReadOnly(tx, id, readOnly, now());
    });
}

// --- for compute

std::optional<Volume> Volumes::find(store::Reader& db, const ProjectId& project, const VolumeId& id) {
    auto volume = volume_table::find(db, id);
    if (volume && volume->project != project) return std::nullopt;
    return volume;
}

DiskSource Volumes::source(const VolumeId& id) {
    const auto volume = volume_table::find(parts_.store.reader(), id);
    if (!volume) throw Error(Failure::Broken, "volume ", id, " is gone");
    // What is done to its bytes now is done as to those of a volume that nobody has: a guest waits for the end of it.
    if (parts_.jobs.busy(parts_.store.reader(), id.text))
        throw Error(Failure::Busy, "volume ", id, " is being worked on");
    const auto turn = work_.turn(id);
    auto found = backends_.of(*volume).connect(id, {.host = parts_.cloud.host});
    found.readOnly = volume->readOnly.value_or(false);
    return found;
}

}
