#include "block/snapshot/snapshot_service.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "block/backup/backup_table.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::block {
namespace {

using identity::Caller;
using enum SnapshotStatus;

Target targetOf(const Snapshot& snapshot) { return {{"project_id", snapshot.project.text}}; }

template <class... Parts> Error invalidSnapshot(const Parts&... parts) {
    return Error(Failure::Invalid, "Invalid snapshot: ", parts...);
}

}

Snapshot visible(store::Reader& db, const Caller& caller, const SnapshotId& id) {
    auto snapshot = snapshot_table::find(db, id);
    if (!snapshot || (snapshot->project != caller.project && !isAdmin(caller)))
        throw Error(Failure::NotFound, "Snapshot ", id, " could not be found.");
    return *std::move(snapshot);
}

Snapshot Snapshots::permitted(store::Reader& db, const Caller& caller, std::string_view rule, const SnapshotId& id) {
    auto snapshot = visible(db, caller, id);
    caller.enforce(rule, targetOf(snapshot));
    return snapshot;
}

Snapshot Snapshots::planned(store::Transaction& tx, const Caller& caller, const Volume& volume,
                            const NewSnapshot& wanted) {
    Snapshot snapshot;
    snapshot.id = {parts_.ambient.uuid()};
    snapshot.volume = volume.id;
    snapshot.project = caller.project;
    snapshot.user = caller.user;
    snapshot.name = wanted.name;
    snapshot.description = wanted.description;
    snapshot.size = volume.size;
    snapshot.progress = "0%";
    snapshot.group = wanted.group;
    snapshot.encryptionKey = volume.encryptionKey;
    snapshot.created = now();
    snapshot.metadata = wanted.metadata;
    quotas_.claimSnapshot(tx, snapshot);
    snapshot_table::insert(tx, snapshot);
    return snapshot;
}

Snapshot Snapshots::create(const Caller& caller, const NewSnapshot& wanted, bool alsoInUse) {
    return parts_.store.write([&](store::Transaction& tx) { return createIn(tx, caller, wanted, alsoInUse); });
}

Snapshot Snapshots::createIn(store::Transaction& tx, const Caller& caller, const NewSnapshot& wanted, bool alsoInUse) {
    const auto volume = block::permitted(tx, caller, "volume:create_snapshot", wanted.volume);
    if (isMigrating(volume)) throw invalidVolume("Snapshot cannot be created while volume is migrating.");
    if (volume.status != VolumeStatus::Available && !(alsoInUse && volume.status == VolumeStatus::InUse))
        throw invalidVolume("Volume ", volume.id, " status must be available", alsoInUse ? ", in-use" : "",
                            ", but current status is: ", nameOf(volume.status), ".");
    auto snapshot = planned(tx, caller, volume, wanted);
    work_.enqueue(tx, "block.snapshot.create", volume, {{"snapshot", snapshot.id.text}});
    return snapshot;
}

Snapshot Snapshots::show(const Caller& caller, const SnapshotId& id) {
    return permitted(parts_.store.reader(), caller, caller.rule, id);
}

ListPage<Snapshot> Snapshots::list(const Caller& caller, ListQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects, 's');
        ListPage<Snapshot> page;
        if (query.counted) page.count = snapshot_table::count(db, query.listing.conditions);
        if (!query.listing.marker.empty()) visible(db, caller, SnapshotId{query.listing.marker});
        page.rows = resource::pageOf(db, snapshotColumns, query.listing, query.offset);
        return page;
    });
}

Snapshot Snapshots::rename(const Caller& caller, const SnapshotId& id, const std::function<void(Snapshot&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = permitted(tx, caller, caller.rule, id);
        amend(snapshot);
        snapshot.updated = now();
        snapshot_table::save(tx, snapshot);
        return snapshot;
    });
}

void Snapshots::startRemoval(store::Transaction& tx, Snapshot snapshot, bool force) {
    if (!snapshot.group.empty() || (!force && snapshot.status != Available && snapshot.status != Failed))
        throw invalidSnapshot("Snapshot status must be available or error and must not be part of a group; it is ",
                              nameOf(snapshot.status), snapshot.group.empty() ? "." : " and part of one.");
    removeIn(tx, snapshot);
}

void Snapshots::removeIn(store::Transaction& tx, const Snapshot& snapshot) {
    if (backup_table::copiedFrom(tx, snapshot.id))
        throw invalidSnapshot("Snapshot ", snapshot.id, " is being backed up.");
    if (volume_table::isBeingMadeFrom(tx, snapshot.id))
        throw invalidSnapshot("Snapshot ", snapshot.id, " is being copied to a volume.");
    const auto volume = volume_table::find(tx, snapshot.volume);
    if (!volume) return;
    auto after = snapshot;
    after.status = Deleting;
    after.updated = now();
    snapshot_table::save(tx, after);
    work_.enqueue(tx, "block.snapshot.delete", *volume, {{"snapshot", snapshot.id.text}});
}

void Snapshots::remove(const Caller& caller, const SnapshotId& id) {
    parts_.store.write(
        [&](store::Transaction& tx) { startRemoval(tx, permitted(tx, caller, caller.rule, id), false); });
}

void Snapshots::forceRemove(const Caller& caller, std::string_view rule, const SnapshotId& id) {
    parts_.store.write([&](store::Transaction& tx) { startRemoval(tx, permitted(tx, caller, rule, id), true); });
}

// --- metadata

Metadata Snapshots::metadata(const Caller& caller, const SnapshotId& id) {
    return permitted(parts_.store.reader(), caller, caller.rule, id).metadata;
}

Metadata Snapshots::changeMetadata(const Caller& caller, const SnapshotId& id,
                                   const std::function<void(Metadata&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = permitted(tx, caller, caller.rule, id);
        amend(snapshot.metadata);
        snapshot_table::setMetadata(tx, id, snapshot.metadata);
        return snapshot.metadata;
    });
}

// --- actions

void Snapshots::resetStatus(const Caller& caller, std::string_view rule, const SnapshotId& id, SnapshotStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = permitted(tx, caller, rule, id);
        if (needsJob(snapshot.status) && work_.busy(tx, snapshot.volume))
            throw invalidSnapshot("Snapshot ", id, " is being worked on; its status cannot be reset now.");
        snapshot.status = status;
        snapshot.updated = now();
        snapshot_table::save(tx, snapshot);
    });
}

void Snapshots::updateStatus(const Caller& caller, std::string_view rule, const SnapshotId& id, SnapshotStatus status,
                             const std::optional<std::string>& progress) {
    parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = permitted(tx, caller, rule, id);
        if (snapshot.status != Creating && snapshot.status != Deleting)
            throw Error(Failure::Invalid, "Snapshot status ", nameOf(snapshot.status),
                        " not allowed for update_snapshot_status");
        const bool may = snapshot.status == Creating ? status == Creating || status == Available || status == Failed
                                                     : status == Deleting || status == ErrorDeleting;
        if (!may)
            throw Error(Failure::Invalid, "Provided snapshot status ", nameOf(status),
                        " not allowed for snapshot with status ", nameOf(snapshot.status), ".");
        snapshot.status = status;
        if (progress && !progress->empty()) snapshot.progress = progress;
        snapshot.updated = now();
        snapshot_table::save(tx, snapshot);
    });
}

void Snapshots::unmanage(const Caller& caller, std::string_view rule, const SnapshotId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = permitted(tx, caller, rule, id);
        if ((snapshot.status != Available && snapshot.status != Failed) || !snapshot.group.empty())
            throw invalidSnapshot("Snapshot status must be available or error and must not be part of a group.");
        if (volume_table::isBeingMadeFrom(tx, id))
            throw invalidSnapshot("Snapshot ", id, " is being copied to a volume.");
        snapshot.status = Unmanaging;
        snapshot.updated = now();
        snapshot_table::save(tx, snapshot);
        work_.enqueue(tx, "block.snapshot.unmanage", *volume_table::find(tx, snapshot.volume), {{"snapshot", id.text}});
    });
}

Snapshot Snapshots::manage(const Caller& caller, const NewSnapshot& wanted, const std::string& reference) {
    auto& db = parts_.store.reader();
    const auto volume = block::permitted(db, caller, caller.rule, wanted.volume);
    const auto all = work_.backends.of(volume).manageable();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Manageable& each) {
        return each.reference == reference && each.snapshot && each.volume.value_or(volume.id) == volume.id;
    });
    const auto refuse = [&](std::string_view why) {
        throw Error(Failure::Invalid, "Manage existing snapshot failed due to invalid backend reference ", reference,
                    ": ", why);
    };
    if (found == all.end()) refuse("There is no such snapshot of the volume in its back end.");
    if (!found->reason.empty()) refuse(found->reason);
    return parts_.store.write([&](store::Transaction& tx) {
        if (snapshot_table::find(tx, *found->snapshot)) refuse("It is managed already.");
        auto snapshot = planned(tx, caller, *volume_table::find(tx, volume.id), wanted);
        work_.enqueue(tx, "block.snapshot.manage", volume, {{"snapshot", snapshot.id.text}, {"reference", reference}});
        return snapshot;
    });
}

}
