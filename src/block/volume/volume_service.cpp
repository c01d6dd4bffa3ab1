#include "block/volume/volume_service.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/backup/backup_table.hpp"
#include "block/group/group.hpp"
#include "block/rows.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/type/encryption.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

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
    for (const auto& each : {keyProperty, keyPolicyProperty})
        facts.erase(std::string(each)); // the volume has one of its own
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

/// What of the volume follows from what it is made from: its size at least, its bytes, and what is said of them.
void Volumes::takeFrom(store::Transaction& tx, const Caller& caller, const NewVolume& wanted, Volume& volume) {
    const auto inherit = [&](const Volume& from, std::string_view what, GiB least) {
        if (volume.size.count == 0) volume.size = least;
        if (volume.size < least)
            throw Error(Failure::Invalid, "Invalid input received: Volume size '", volume.size.count,
                        "'GB cannot be smaller than the ", what, " size ", least.count, "GB. They must be >= original ",
                        what, " size.");
        if (wanted.type.empty()) volume.type = from.type;
        volume.host = from.host;
        volume.bootable = from.bootable;
        volume.imageMetadata = from.imageMetadata;
    };
    if (!wanted.snapshot.empty()) {
        const auto snapshot = visible(tx, caller, wanted.snapshot);
        if (snapshot.status != SnapshotStatus::Available)
            throw Error(Failure::Invalid,
                        "Invalid snapshot: Originating snapshot status must be one of 'available' values");
        inherit(volume_table::find(tx, snapshot.volume).value(), "snapshot", snapshot.size);
        volume.imageMetadata = snapshot_table::imageMetadataOf(tx, snapshot.id);
        volume.snapshot = snapshot.id;
        volume.encryptionKey = secrets_.copy(tx, snapshot.encryptionKey);
    } else if (!wanted.source.empty()) {
        const auto source = visible(tx, caller, wanted.source);
        if ((source.status != Available && source.status != InUse) || isMigrating(source))
            throw invalidVolume("Originating source volume status must be one of 'available, in-use' values");
        inherit(source, "volume", source.size);
        volume.source = source.id;
        volume.encryptionKey = secrets_.copy(tx, source.encryptionKey);
    }
}

namespace {

/// What says the type where the request says none: the image, by a property of this name.
const std::string& typeFor(const NewVolume& wanted, const Volume& volume) {
    const auto said = volume.imageMetadata.find("cinder_img_volume_type");
    return wanted.type.empty() && !wanted.image.empty() && said != volume.imageMetadata.end() ? said->second
                                                                                              : wanted.type;
}

}

/// A volume of a type that is encrypted gets a passphrase; one that is made from another has that one's already.
void Volumes::seal(store::Transaction& tx, Volume& volume, bool copied, bool restored) {
    const auto encryption = encryption_table::of(tx, volume.type);
    const bool sealed = isByUs(encryption);
    if (copied && sealed == volume.encryptionKey.empty())
        throw invalidVolume("What a volume is made from and its type must both be encrypted, or neither.");
    const auto ofImage = volume.image.empty() ? SecretId() : secrets_.ofImage(tx, volume.image);
    if (!ofImage.empty() && !sealed)
        throw invalidVolume("Image ", volume.image, " is an encrypted volume's, and type ", volume.typeName,
                            " is not encrypted.");
    if (!sealed || copied || restored) return;
    // "luks2" differs in how a passphrase is stretched, which is of no moment for a random one; QEMU reads "luks".
    if (formatOf(encryption->provider).empty())
        throw Error(Failure::Invalid, "Volume type ", volume.typeName, " is encrypted by ", encryption->provider,
                    ", which nobody here can do; luks and luks2 can be done.");
    volume.encryptionKey = ofImage.empty() ? secrets_.create(tx) : secrets_.copy(tx, ofImage);
}

Volume Volumes::planned(const Caller& caller, const NewVolume& wanted) {
    if (!wanted.snapshot.empty() + !wanted.source.empty() + !wanted.image.empty() + !wanted.backup.empty() > 1)
        throw Error(Failure::Invalid,
                    "Invalid input received: May specify only one of snapshot, imageRef, backup or source volume");
    Volume volume;
    volume.id = {parts_.ambient.uuid()};
    volume.project = caller.project;
    volume.user = caller.user;
    volume.name = wanted.name;
    volume.description = wanted.description;
    volume.size = wanted.size.value_or(GiB{});
    volume.metadata = wanted.metadata;
    volume.created = now();
    if (!wanted.image.empty()) {
        caller.enforce("volume:create_from_image", {});
        volume.image = imageNamed(caller, wanted.image);
        volume.imageMetadata = factsOf(caller, volume.image, volume.size);
    }
    return volume;
}

Volume Volumes::create(const Caller& caller, const NewVolume& wanted) {
    caller.enforce();
    const auto volume = planned(caller, wanted);
    scheduler_.refresh();
    return parts_.store.write([&](store::Transaction& tx) { return finish(tx, caller, wanted, volume); });
}

Volume Volumes::createIn(store::Transaction& tx, const Caller& caller, const NewVolume& wanted) {
    return finish(tx, caller, wanted, planned(caller, wanted));
}

/// A volume is of one of its group's types.
void Volumes::joinGroup(store::Reader& db, const Caller& caller, const NewVolume& wanted, Volume& volume) const {
    if (wanted.group.empty()) return;
    const auto group = group_table::find(db, wanted.group);
    if (!group || group->project != caller.project)
        throw Error(Failure::NotFound, "Group ", wanted.group, " could not be found.");
    if (group->status != GroupStatus::Available)
        throw Error(Failure::Invalid, "Invalid group: Group ", group->id, " is ", nameOf(group->status), ".");
    if (std::find(group->volumeTypes.begin(), group->volumeTypes.end(), volume.type) == group->volumeTypes.end())
        throw Error(Failure::Invalid, "Invalid input received: Volume type ", volume.typeName,
                    " is not among those of group ", group->id, ".");
    volume.group = group->id;
    if (group->reserved) volume.consistencyGroup = group->id;
}

Volume Volumes::finish(store::Transaction& tx, const Caller& caller, const NewVolume& wanted, Volume volume) {
    takeFrom(tx, caller, wanted, volume);
    const auto type = wanted.type.empty() && !volume.type.empty() ? type_table::find(tx, volume.type).value()
                                                                  : types_.wanted(tx, caller, typeFor(wanted, volume));
    volume.type = type.id;
    volume.typeName = type.name;
    volume.multiattach = wanted.multiattach || saysTrue(type, "multiattach");
    if (volume.multiattach) caller.enforce("volume:multiattach", {{"project_id", volume.project.text}});
    joinGroup(tx, caller, wanted, volume);
    seal(tx, volume, !wanted.snapshot.empty() || !wanted.source.empty(), !wanted.backup.empty());
    quotas_.claimVolume(tx, volume);
    auto why = Wrong::NoBackend;
    if (volume.host.empty()) { // else it lies where what it is made from does
        Placement placement{.size = volume.size, .specs = type.extraSpecs, .zone = wanted.zone};
        scheduler_.apply(tx, caller.project, wanted.hints, placement);
        const auto placed = scheduler_.place(tx, placement);
        volume.host = placed.host;
        if (placed.onlySilent) why = Wrong::DriverNotReady;
    }
    if (volume.host.empty()) return keepUnplaced(tx, caller, volume, why);
    volume_table::insert(tx, volume);
    if (!wanted.backup.empty())
        fillFromBackup(tx, caller, wanted.backup, volume);
    else
        work_.enqueue(tx, "block.volume.create", volume, {{"request", caller.requestId}});
    return volume;
}

/// The request is accepted all the same, and what is answered is what was wanted: a message says why nothing came of
/// it.
Volume Volumes::keepUnplaced(store::Transaction& tx, const Caller& caller, const Volume& wanted, Wrong why) {
    auto volume = wanted;
    volume.host = nowhere;
    volume.status = VolumeStatus::Failed;
    volume_table::insert(tx, volume);
    work_.tell(tx, volume, caller.requestId, Doing::PlaceVolume, why);
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
        restrictVolumes(query.listing.conditions, caller, query.allProjects);
        ListPage<VolumeView> page;
        if (query.counted) page.count = volume_table::count(db, query.listing.conditions);
        if (!query.listing.marker.empty()) visible(db, caller, VolumeId{query.listing.marker});
        auto volumes = resource::pageOf(db, volumeColumns, query.listing, query.offset);
        auto attachments = attachment_table::of(db, idsOf(volumes));
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
        restrictVolumes(query.listing.conditions, caller, query.allProjects);
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

void Volumes::startRemoval(store::Transaction& tx, Volume volume, bool cascade, bool force) {
    // Whatever the status says: as long as anybody has the volume, its bytes stay where they are (CVE-2023-2088).
    if (!attachment_table::of(tx, volume.id).empty())
        throw invalidVolume("Volume ", volume.id, " is attached and cannot be deleted.");
    if (backup_table::copiedFrom(tx, volume.id))
        throw invalidVolume("Volume ", volume.id, " is being backed up and cannot be deleted.");
    const bool may = volume.status == Available || volume.status == VolumeStatus::Failed ||
                     volume.status == ErrorExtending || volume.status == ErrorRestoring ||
                     volume.status == ErrorManaging || volume.status == ErrorBackingUp;
    if (volume.status == Deleting && force && work_.busy(tx, volume.id)) return;
    if (!force && !may)
        throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status),
                            "; only one that is available, error, error_extending, error_restoring or error_managing "
                            "can be deleted.");
    if (isMigrating(volume)) throw invalidVolume("Volume ", volume.id, " is migrating and cannot be deleted.");
    if (!volume.group.empty()) throw invalidVolume("Volume ", volume.id, " belongs to a group and cannot be deleted.");
    if (volume_table::isBeingMadeFrom(tx, volume.id))
        throw invalidVolume("Volume ", volume.id, " is being copied to another and cannot be deleted.");
    const auto snapshots = snapshot_table::of(tx, volume.id);
    if (!cascade && !snapshots.empty())
        throw invalidVolume("Volume ", volume.id, " has snapshots and cannot be deleted.");
    for (const auto& each : snapshots)
        if ((each.status != SnapshotStatus::Available && each.status != SnapshotStatus::Failed &&
             each.status != SnapshotStatus::ErrorDeleting) ||
            !each.group.empty() || volume_table::isBeingMadeFrom(tx, each.id))
            throw invalidVolume("Snapshot ", each.id, " of volume ", volume.id,
                                " must be available or error, not part of a group, and not being copied.");
    if (force) // what is still at work on it takes back what it did; the deletion comes after
        for (const auto* kind : {"block.volume.create", "block.volume.extend", "block.volume.upload",
                                 "block.volume.revert", "block.volume.reimage", "block.volume.move"})
            parts_.jobs.cancel(tx, kind, volume.id.text);
    if (!force && may && retention().count() > 0 && volume.status != ErrorManaging) {
        for (const auto& each : snapshots) snapshots_.removeIn(tx, each);
        volume.previous = volume.status;
        volume.status = Deleted;
        volume.deleted = now();
        return volume_table::save(tx, volume);
    }
    for (auto each : snapshots) { // they go with its bytes, in one job
        each.status = SnapshotStatus::Deleting;
        snapshot_table::save(tx, each);
    }
    volume_table::setStatus(tx, volume.id, Deleting, now()); // from whatever an administrator has said it was
    work_.enqueue(tx, "block.volume.delete", volume);
}

std::chrono::seconds Volumes::retention() const {
    return std::chrono::seconds(parts_.config.integer("block", "delete_retention"));
}

void Volumes::removeOfGroup(store::Transaction& tx, Volume volume) {
    volume.group.clear();
    startRemoval(tx, std::move(volume), false, false);
}

bool Volumes::removeOfServer(store::Transaction& tx, const VolumeId& id) {
    const auto volume = volume_table::find(tx, id);
    if (!volume) return true;
    try {
        startRemoval(tx, *volume, false, volume->status == VolumeStatus::Creating || volume->status == Downloading);
        return true;
    } catch (const Error& refusal) {
        parts_.log.warning("A volume that should go with its server stays",
                           {{"volume", id.text}, {"reason", refusal.what()}});
        return false;
    }
}

void Volumes::remove(const Caller& caller, const VolumeId& id, bool cascade, bool force) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, caller.rule, id);
        if (force) caller.enforce("volume:force_delete", targetOf(volume));
        startRemoval(tx, volume, cascade, force);
    });
}

void Volumes::forceRemove(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) { startRemoval(tx, permitted(tx, caller, rule, id), false, true); });
}

void Volumes::undelete(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        if (volume.status != Deleted)
            throw invalidVolume("Volume ", id, " is ", nameOf(volume.status), "; only a deleted volume comes back.");
        volume.status = volume.previous.value_or(Available);
        volume.previous = std::nullopt;
        volume.deleted = std::nullopt;
        volume.updated = now();
        volume_table::save(tx, volume);
    });
}

void Volumes::emptyBin() {
    const auto until = now() - retention();
    for (const auto& id : volume_table::deletedUntil(parts_.store.reader(), until))
        parts_.store.write([&](store::Transaction& tx) {
            const auto volume = volume_table::find(tx, id);
            if (!volume || volume->status != Deleted || *volume->deleted > until) return;
            volume_table::move(tx, id, Deleted, Deleting, now());
            work_.enqueue(tx, "block.volume.delete", *volume);
        });
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
        if (isMigrating(volume)) throw invalidVolume("Volume ", id, " is migrating and cannot be extended.");
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
        if (permitted(tx, caller, rule, id).status == Deleted)
            throw invalidVolume("Volume ", id, " is deleted; os-undelete brings it back.");
        if (status == Deleted)
            throw Error(Failure::Invalid, "Invalid input for field/attribute status. Value: ", nameOf(status),
                        ". It is deleted by deleting it.");
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
    if (volume && (volume->project != project || volume->deleted)) return std::nullopt;
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
    found.luks = volume->encryptionKey;
    found.shared = volume->multiattach && found.format == DiskFormat::Raw;
    return found;
}

}
