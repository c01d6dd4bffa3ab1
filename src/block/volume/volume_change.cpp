#include "block/volume/volume_change.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/type/encryption.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::block {

using identity::Caller;
using enum VolumeStatus;

void VolumeChanges::revert(const Caller& caller, std::string_view rule, const VolumeId& id, const SnapshotId& wanted) {
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        const auto snapshots = snapshot_table::of(tx, id);
        if (snapshots.empty()) throw Error(Failure::Invalid, "Volume ", id, " doesn't have any snapshots.");
        auto newest = snapshots.back();
        if (newest.id != wanted)
            throw Error(Failure::Invalid, "Specified snapshot ", wanted, " is not the latest one of volume ", id, ".");
        if (newest.size != volume.size)
            throw Error(Failure::Invalid, "Can't revert volume ", id, " to its latest snapshot ", wanted,
                        ". The volume size must be equal to the snapshot size.");
        if (volume.status != Available || isMigrating(volume))
            throw Error(Failure::Conflict, "Invalid volume: Can't revert volume ", id, " to its latest snapshot ",
                        wanted, ". Volume's status must be 'available'.");
        if (newest.status != SnapshotStatus::Available)
            throw Error(Failure::Conflict, "Invalid snapshot: Can't revert volume ", id, " to its latest snapshot ",
                        wanted, ". Snapshot's status must be 'available'.");
        volume_table::move(tx, id, Available, Reverting, now());
        newest.status = SnapshotStatus::Restoring;
        snapshot_table::save(tx, newest);
        work_.enqueue(tx, "block.volume.revert", volume, {{"snapshot", wanted.text}});
    });
}

MadeImage VolumeChanges::upload(const Caller& caller, std::string_view rule, const VolumeId& id,
                                const WantedImage& wanted) {
    // What describes the image that the volume was made from isn't the new one's.
    constexpr std::array<std::string_view, 11> others{
        "image_id", "image_name", "checksum", "size",      "container_format", "disk_format",
        "min_disk", "min_ram",    "name",     keyProperty, keyPolicyProperty};
    return parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        if (!(volume.status == Available || (wanted.alsoInUse && volume.status == InUse)) || isMigrating(volume))
            throw invalidVolume("Volume ", id, " status must be available", wanted.alsoInUse ? " or in-use" : "", ".");
        auto image = wanted.image;
        const bool isSealed = !volume.encryptionKey.empty();
        if (isSealed && (image.diskFormat != "raw" || image.containerFormat != "bare"))
            throw Error(Failure::Invalid,
                        "An encrypted volume uploaded as an image must use 'raw' disk_format and 'bare' "
                        "container_format, which are the defaults for these options.");
        const auto secret = secrets_.copy(tx, volume.encryptionKey); // the volume's goes with the volume
        if (isSealed) image.properties[std::string(keyProperty)] = secret.text;
        if (isSealed) image.properties[std::string(keyPolicyProperty)] = "on_image_deletion";
        for (const auto& [name, value] : volume.imageMetadata)
            if (std::find(others.begin(), others.end(), name) == others.end()) image.properties.emplace(name, value);
        MadeImage made{volume, work_.images.create(tx, caller, image)};
        if (isSealed) secrets_.give(tx, secret, made.image);
        volume_table::move(tx, id, volume.status, Uploading, now());
        volume_table::setPrevious(tx, id, volume.status);
        if (volume.status == InUse) snapshot_table::hold(tx, {made.image.text});
        work_.enqueue(tx, "block.volume.upload", volume, {{"image", made.image.text}, {"request", caller.requestId}});
        made.volume.status = Uploading;
        return made;
    });
}

void VolumeChanges::reimage(const Caller& caller, const VolumeId& id, const ImageId& image, bool alsoReserved) {
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = visible(tx, caller, id);
        caller.enforce(volume.status == Reserved ? "volume:reimage_reserved" : "volume:reimage", targetOf(volume));
        if (attachment_table::of(tx, id).size() > 1)
            throw Error(Failure::Conflict, "Cannot re-image a volume which is attached to more than one server.");
        if (!secrets_.ofImage(tx, image).empty()) // and the volume, with its snapshots, by another
            throw Error(Failure::Invalid, "Image ", image, " is sealed by a key of its own; a volume is made from it.");
        if (volume.status != Available && volume.status != VolumeStatus::Failed &&
            !(alsoReserved && volume.status == Reserved))
            throw invalidVolume("Volume ", id, " status must be available",
                                alsoReserved ? ", error or reserved" : " or error", ", but current status is ",
                                nameOf(volume.status), ".");
        beginReimage(tx, caller, volume, image);
    });
}

void VolumeChanges::beginReimage(store::Transaction& tx, const Caller& caller, Volume volume, const ImageId& image) {
    const auto facts = volumes_.factsOf(caller, image, volume.size);
    volume.previous = volume.status == VolumeStatus::Failed ? Available : volume.status;
    volume.status = Downloading;
    volume.updated = now();
    volume_table::save(tx, volume);
    volume_table::setImageMetadata(tx, volume.id, facts);
    work_.enqueue(tx, "block.volume.reimage", volume, {{"image", image.text}, {"request", caller.requestId}});
}

void VolumeChanges::completeExtension(const Caller& caller, std::string_view rule, const VolumeId& id) {
    const auto volume = permitted(parts_.store.reader(), caller, rule, id);
    if (volume.status != Extending) throw invalidVolume("Volume is not being extended.");
    throw invalidVolume("Volume ", id, " is being extended by block storage itself, which completes it.");
}

// --- to another place

VolumeDriver& VolumeChanges::driverAt(const std::string& host) const {
    if (auto* driver = work_.backends.at(host)) return *driver;
    throw Error(Failure::Invalid, "Invalid host: No available service named '", host, "'");
}

/// Sets a volume going to `volume.newHost`, where it is once the job is done. `why` nobody may begin it otherwise.
void VolumeChanges::move(store::Transaction& tx, const Caller& caller, Volume volume, std::string_view why) {
    for (const auto& each : attachment_table::of(tx, volume.id))
        if (!each.byCompute) throw invalidVolume("Volume ", volume.id, why, "a host has it");
    volume.migrationStatus = "starting";
    volume.updated = now();
    volume_table::save(tx, volume);
    unbury(tx, "volume", backendIn(volume.newHost), volume.id.text); // what came of a move before is no matter
    work_.enqueue(tx, "block.volume.move", volume, {{"request", caller.requestId}});
}

void VolumeChanges::migrate(const Caller& caller, std::string_view rule, const VolumeId& id, const std::string& host,
                            bool lock) {
    const auto place = work_.backends.placeOf(driverAt(host));
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        if ((volume.status != Available && volume.status != InUse) || isMigrating(volume) || !volume.group.empty() ||
            volume.host == place || snapshot_table::any(tx, id) || volume_table::isBeingMadeFrom(tx, id))
            throw invalidVolume("Volume ", id,
                                " status must be available or in-use, must not be migrating, have snapshots, be "
                                "replicated, be part of a group and destination host/cluster must be different than "
                                "the current one");
        volume.newHost = place;
        if (lock && volume.status == Available) volume.previous = std::exchange(volume.status, Maintenance);
        move(tx, caller, volume, " can't be migrated: ");
    });
}

VolumeId VolumeChanges::completeMigration(const Caller& caller, std::string_view rule, const VolumeId& id,
                                          const VolumeId& made, bool) {
    auto& db = parts_.store.reader();
    const auto volume = permitted(db, caller, rule, id), other = visible(db, caller, made);
    if (!volume.migrationStatus && !other.migrationStatus) return made;
    if (!volume.migrationStatus) throw invalidVolume("Source volume not mid-migration.");
    if (!other.migrationStatus) throw invalidVolume("Destination volume not mid-migration.");
    throw invalidVolume("Destination has migration_status ", *other.migrationStatus, ", expected target:", id, ".");
}

void VolumeChanges::retype(const Caller& caller, std::string_view rule, const VolumeId& id, const std::string& wanted,
                           bool mayMove) {
    scheduler_.refresh();
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        const auto type = types_.wanted(tx, caller, wanted);
        if ((volume.status != Available && volume.status != InUse) || isMigrating(volume) || !volume.group.empty() ||
            volume.type == type.id || volume_table::isBeingMadeFrom(tx, id))
            throw invalidVolume("Retype needs volume to be in available or in-use state, not be part of an active "
                                "migration or a consistency group, requested type has to be different that the one "
                                "from the volume, and for in-use volumes front-end qos specs cannot change.");
        const bool several = saysTrue(type, "multiattach");
        if (several != volume.multiattach) {
            if (volume.status != Available)
                throw Error(Failure::Invalid,
                            "Invalid input received: Invalid volume_type passed, retypes affecting multiattach are "
                            "only allowed on available volumes, the specified volume however currently has a status "
                            "of: ",
                            nameOf(volume.status), ".");
            if (several) caller.enforce("volume:multiattach", targetOf(volume));
        }
        const auto encryption = encryption_table::of(tx, type.id);
        if (isByUs(encryption) == volume.encryptionKey.empty())
            throw Error(Failure::Invalid, "Invalid input received: Volume ", id,
                        " and its new type must both be encrypted, or neither.");
        if (volume.consumesQuota) quotas_.claimRetype(tx, volume, type);
        volume.multiattach = several;
        // Where it is, it needs no room that it hasn't.
        if (scheduler_.place(tx, {.size = {}, .specs = type.extraSpecs, .only = {volume.host}})) {
            volume.type = type.id;
            volume.updated = now();
            return volume_table::save(tx, volume);
        }
        const auto placed =
            mayMove && !snapshot_table::any(tx, id)
                ? scheduler_.place(tx, {.size = volume.size, .specs = type.extraSpecs, .notIn = {volume.host}})
                : Placed{};
        if (!placed) // accepted all the same, as what a scheduler says later: a message tells
            return work_.tell(tx, volume, caller.requestId, Doing::PlaceVolume, Wrong::NoBackend);
        volume.newHost = placed.host;
        volume.newType = type.id;
        volume.previous = volume.status;
        volume.status = Retyping;
        move(tx, caller, volume, " can't be retyped: ");
    });
}

// --- from and to another master

std::vector<Found> VolumeChanges::manageableVolumes(const Caller& caller, const std::string& host) {
    caller.enforce();
    auto& db = parts_.store.reader();
    std::vector<Found> all;
    for (auto& each : driverAt(host).manageable()) {
        if (each.snapshot) continue;
        const bool known = each.volume && volume_table::find(db, *each.volume);
        all.push_back({each, known ? each.volume->text : ""});
    }
    return all;
}

std::vector<Found> VolumeChanges::manageableSnapshots(const Caller& caller, const std::string& host) {
    caller.enforce();
    auto& db = parts_.store.reader();
    std::vector<Found> all;
    for (auto& each : driverAt(host).manageable()) {
        if (!each.snapshot) continue;
        const bool known = snapshot_table::find(db, *each.snapshot).has_value();
        all.push_back({each, known ? each.snapshot->text : ""});
    }
    return all;
}

VolumeView VolumeChanges::manage(const Caller& caller, const NewManaged& wanted) {
    caller.enforce();
    auto& driver = driverAt(wanted.host);
    const auto all = driver.manageable();
    const auto refuse = [&](std::string_view why) {
        throw Error(Failure::Invalid, "Manage existing volume failed due to invalid backend reference ",
                    wanted.reference, ": ", why);
    };
    const auto found = std::find_if(all.begin(), all.end(), [&](const Manageable& each) {
        return each.reference == wanted.reference && !each.snapshot;
    });
    if (found == all.end()) refuse("There is no such volume in the back end.");
    if (!found->reason.empty()) refuse(found->reason);
    Volume volume;
    volume.id = {parts_.ambient.uuid()};
    volume.project = caller.project;
    volume.user = caller.user;
    volume.name = wanted.name;
    volume.description = wanted.description;
    volume.metadata = wanted.metadata;
    volume.bootable = wanted.bootable;
    volume.status = Managing;
    volume.size = volumeSizeFor(found->size);
    volume.host = work_.backends.placeOf(driver);
    volume.created = now();
    return parts_.store.write([&](store::Transaction& tx) {
        if (found->volume && volume_table::find(tx, *found->volume)) refuse("It is managed already.");
        const auto type = types_.wanted(tx, caller, wanted.type);
        volume.type = type.id;
        volume.typeName = type.name;
        volume.multiattach = saysTrue(type, "multiattach");
        quotas_.claimVolume(tx, volume);
        volume_table::insert(tx, volume);
        work_.enqueue(tx, "block.volume.manage", volume,
                      {{"reference", wanted.reference}, {"request", caller.requestId}});
        return VolumeView{volume, {}};
    });
}

void VolumeChanges::unmanage(const Caller& caller, std::string_view rule, const VolumeId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto volume = permitted(tx, caller, rule, id);
        if (!volume.encryptionKey.empty()) throw invalidVolume("Unmanaging encrypted volumes is not supported.");
        if ((volume.status != Available && volume.status != ErrorManaging) || isMigrating(volume) ||
            !volume.group.empty() || snapshot_table::any(tx, id) || !attachment_table::of(tx, id).empty() ||
            volume_table::isBeingMadeFrom(tx, id))
            throw invalidVolume("Volume ", id,
                                " status must be available or error_managing and must not be migrating, attached, "
                                "belong to a group, have snapshots or be copied.");
        volume_table::move(tx, id, volume.status, Unmanaging, now());
        work_.enqueue(tx, "block.volume.unmanage", volume);
    });
}

}
