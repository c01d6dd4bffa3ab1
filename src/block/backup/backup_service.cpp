#include "block/backup/backup_service.hpp"

#include <stratolet/error.hpp>

#include "block/backup/backup_record.hpp"
#include "block/backup/backup_table.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::block {
namespace {

using identity::Caller;
using enum VolumeStatus;

Error missing(const BackupId& backup) { return Error(Failure::NotFound, "Backup ", backup, " could not be found."); }

template <class... Parts> Error invalidBackup(const Parts&... parts) {
    return Error(Failure::Invalid, "Invalid backup: ", parts...);
}

}

Backup Backups::permitted(store::Reader& db, const Caller& caller, std::string_view rule, const BackupId& id) const {
    auto backup = backup_table::find(db, id);
    if (!backup || (backup->project != caller.project && !isAdmin(caller))) throw missing(id);
    caller.enforce(rule, {{"project_id", backup->project.text}});
    return *std::move(backup);
}

ListPage<Backup> Backups::list(const Caller& caller, ListQuery query) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        auto& conditions = query.listing.conditions;
        restrict(conditions, caller, query.allProjects, 'b');
        ListPage<Backup> page;
        if (query.counted) page.count = backup_table::count(db, conditions);
        if (!query.listing.marker.empty()) {
            const auto marker = backup_table::find(db, {query.listing.marker});
            if (!marker || (marker->project != caller.project && !isAdmin(caller)))
                throw missing(BackupId{query.listing.marker});
        }
        page.rows = resource::pageOf(db, backupColumns, query.listing, query.offset);
        return page;
    });
}

Backup Backups::show(const Caller& caller, const BackupId& id) const {
    return permitted(parts_.store.reader(), caller, caller.rule, id);
}

Backup Backups::create(const Caller& caller, const NewBackup& wanted) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        const auto volume = visible(tx, caller, wanted.volume);
        caller.enforce({{"project_id", volume.project.text}});
        Backup backup;
        backup.data = now();
        if (!wanted.snapshot.empty()) {
            const auto snapshot = visible(tx, caller, wanted.snapshot);
            if (snapshot.volume != volume.id)
                throw Error(Failure::Invalid, "Invalid input for field/attribute snapshot_id. Value: ", snapshot.id,
                            ". It is not of volume ", volume.id, ".");
            if (snapshot.status != SnapshotStatus::Available)
                throw Error(Failure::Invalid, "Invalid snapshot: Snapshot ", snapshot.id, " is ",
                            nameOf(snapshot.status), "; only an available one can be backed up.");
            backup.data = snapshot.created;
        } else if (volume.status == InUse && !wanted.force) {
            throw invalidVolume("Backing up an in-use volume must use the force flag.");
        } else if (volume.status != Available && volume.status != InUse) {
            throw invalidVolume("Volume to be backed up must be available or in-use, but the current status is \"",
                                nameOf(volume.status), "\".");
        }
        if (wanted.incremental) {
            const auto before = backup_table::newest(tx, caller.project, volume.id);
            if (!before) throw invalidBackup("No backups available to do an incremental backup.");
            if (!secrets_.same(tx, before->key, volume.encryptionKey))
                throw invalidBackup("The volume is sealed differently since backup ", before->id,
                                    "; make one that is not incremental.");
            backup.parent = before->id;
        }
        backup.id = {parts_.ambient.uuid()};
        backup.archive = backup.id;
        backup.project =
            caller.project; // whoever makes it has it; an administrator's is no other project's to build on
        backup.user = caller.user;
        backup.volume = volume.id;
        backup.snapshot = wanted.snapshot;
        backup.name = wanted.name;
        backup.description = wanted.description;
        backup.container = wanted.container ? wanted.container : std::string(store_.name());
        backup.zone = wanted.zone ? wanted.zone : std::string(availabilityZone);
        backup.size = volume.size;
        backup.created = now();
        backup.metadata = wanted.metadata;
        backup.held = wanted.snapshot.empty() && volume.status == InUse;
        backup.key = secrets_.copy(tx, volume.encryptionKey);
        backup.facts = factsOf({volume.bootable, volume.type, volume.metadata, volume.imageMetadata});
        quotas_.claimBackup(tx, backup.project, backup.size);
        backup_table::insert(tx, backup);
        if (backup.held) {
            snapshot_table::hold(tx, {backup.id.text});
            work_.enqueue(tx, "block.backup.hold", volume, {{"backup", backup.id.text}});
            return backup;
        }
        if (backup.snapshot.empty()) volume_table::move(tx, volume.id, Available, BackingUp, now());
        parts_.jobs.enqueue(tx, "block.backup.create", backup.id.text, "", backup.project.text);
        return backup;
    });
}

Backup Backups::update(const Caller& caller, const BackupId& id, const std::function<void(Backup&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        auto backup = permitted(tx, caller, caller.rule, id);
        const auto metadata = backup.metadata;
        amend(backup);
        backup.updated = now();
        backup_table::update(tx, backup);
        if (backup.metadata != metadata) backup_table::setMetadata(tx, id, backup.metadata);
        return backup;
    });
}

void Backups::startRemoval(store::Transaction& tx, const Backup& backup) {
    if (backup.dependents)
        throw invalidBackup("Incremental backups exist for this backup, so it cannot be deleted: ", backup.id, ".");
    if (!backup_table::move(tx, backup.id, backup.status, BackupStatus::Deleting, now())) return;
    parts_.jobs.enqueue(tx, "block.backup.delete", backup.id.text, "", backup.project.text);
}

void Backups::remove(const Caller& caller, const BackupId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto backup = permitted(tx, caller, caller.rule, id);
        if (backup.status != BackupStatus::Available && backup.status != BackupStatus::Failed)
            throw invalidBackup("Backup ", id, " is ", nameOf(backup.status),
                                "; only one that is available or error can be deleted.");
        startRemoval(tx, backup);
    });
}

void Backups::forceRemove(const Caller& caller, std::string_view rule, const BackupId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto backup = permitted(tx, caller, rule, id);
        if (backup.status == BackupStatus::Deleting) return;
        if (backup.status == BackupStatus::Restoring)
            throw invalidBackup("Backup ", id, " is being restored and cannot be deleted now.");
        // What is still being copied is given up; the deletion comes after.
        if (backup.status == BackupStatus::Creating) parts_.jobs.cancel(tx, "block.backup.create", id.text);
        startRemoval(tx, backup);
    });
}

void Backups::resetStatus(const Caller& caller, std::string_view rule, const BackupId& id, BackupStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        auto backup = permitted(tx, caller, rule, id);
        if (needsJob(status))
            throw Error(Failure::Invalid, "Invalid input for field/attribute status. Value: ", nameOf(status),
                        ". No work is going on that would end it.");
        if (needsJob(backup.status)) throw invalidBackup("Backup ", id, " is being worked on; it cannot be reset now.");
        backup_table::setStatus(tx, id, status, now());
    });
}

// --- restoring

void Backups::startFilling(store::Transaction& tx, const Backup& backup, const Volume& volume) {
    if (!backup_table::move(tx, backup.id, BackupStatus::Available, BackupStatus::Restoring, now()))
        throw invalidBackup("Backup ", backup.id, " is ", nameOf(backup.status),
                            "; only an available one can be restored.");
    backup_table::setRestoring(tx, backup.id, volume.id);
    work_.enqueue(tx, "block.backup.restore", volume, {{"backup", backup.id.text}});
}

void Backups::fill(store::Transaction& tx, const Caller& caller, const BackupId& id, Volume& volume) {
    const auto backup = permitted(tx, caller, "backup:restore", id);
    if (backup.size > volume.size)
        throw Error(Failure::Invalid, "Invalid input received: Volume size ", volume.size.count,
                    "GB cannot be smaller than the backup size ", backup.size.count,
                    "GB. They must be >= backup size.");
    const auto traits = traitsIn(backup.facts);
    volume.bootable = traits.bootable;
    volume.imageMetadata = traits.imageMetadata;
    for (const auto& [name, value] : traits.metadata) volume.metadata.emplace(name, value);
    volume.encryptionKey = secrets_.copy(tx, backup.key);
    volume_table::save(tx, volume);
    volume_table::setMetadata(tx, volume.id, volume.metadata);
    volume_table::setImageMetadata(tx, volume.id, volume.imageMetadata);
    volume_table::move(tx, volume.id, Creating, RestoringBackup, now());
    startFilling(tx, backup, volume);
}

Restoration Backups::restore(const Caller& caller, const BackupId& id, const VolumeId& target,
                             const std::optional<std::string>& name) {
    const auto available = [&](store::Reader& db) {
        auto backup = permitted(db, caller, caller.rule, id);
        if (backup.status != BackupStatus::Available)
            throw invalidBackup("Backup ", id, " is ", nameOf(backup.status),
                                "; only an available one can be restored.");
        return backup;
    };
    if (target.empty()) {
        const auto backup = available(parts_.store.reader());
        NewVolume wanted;
        wanted.name = name ? *name : "restore_backup_" + id.text;
        wanted.description = backup.description;
        wanted.size = backup.size;
        wanted.type = traitsIn(backup.facts).type;
        wanted.backup = id;
        const auto volume = volumes_.create(caller, wanted);
        return {id, volume.id, volume.name.value_or("")};
    }
    return parts_.store.write([&](store::Transaction& tx) {
        const auto backup = available(tx);
        auto volume = visible(tx, caller, target);
        caller.enforce({{"project_id", volume.project.text}});
        if (volume.status != Available)
            throw invalidVolume("Volume to be restored to must be available, but the current status is \"",
                                nameOf(volume.status), "\".");
        if (volume.size < backup.size)
            throw invalidVolume("volume size ", volume.size.count, " is too small to restore backup of size ",
                                backup.size.count, ".");
        if (volume.encryptionKey.empty() != backup.key.empty())
            throw invalidVolume("Volume ", volume.id, " and backup ", id,
                                " are not both sealed; restore it to a new volume.");
        if (snapshot_table::any(tx, volume.id))
            throw invalidVolume("Volume ", volume.id, " has snapshots and cannot be restored to.");
        if (!backup.key.empty()) {
            secrets_.remove(tx, volume.encryptionKey);
            volume.encryptionKey = secrets_.copy(tx, backup.key);
            volume_table::save(tx, volume);
        }
        volume_table::move(tx, volume.id, Available, RestoringBackup, now());
        startFilling(tx, backup, volume);
        return Restoration{id, volume.id, volume.name.value_or("")};
    });
}

// --- records

std::string Backups::service() const {
    // Clients look at how it begins; it is the one whose backups are in a folder.
    return "cinder.backup.drivers.posix.PosixBackupDriver";
}

std::string Backups::exportRecord(const Caller& caller, const BackupId& id) const {
    auto& db = parts_.store.reader();
    const auto backup = permitted(db, caller, caller.rule, id);
    if (backup.status != BackupStatus::Available)
        throw invalidBackup("Backup ", id, " is ", nameOf(backup.status), "; only an available one can be exported.");
    return recordOf(backup, secrets_.sealed(db, backup.key).value_or(""));
}

Backup Backups::importRecord(const Caller& caller, const std::string& service, const std::string& record) {
    caller.enforce();
    if (service != this->service())
        throw Error(Failure::Invalid, "Invalid input for field/attribute backup_service. Value: ", service,
                    ". Backups here are those of ", this->service(), ".");
    auto [backup, sealed] = recordIn(record);
    return parts_.store.write([&, backup = backup, sealed = sealed](store::Transaction& tx) mutable {
        if (backup_table::find(tx, backup.id))
            throw invalidBackup("Backup already exists in database: ", backup.id, ".");
        if (!backup.parent.empty() && !backup_table::find(tx, backup.parent))
            throw invalidBackup("It stands on backup ", backup.parent, ", which has to be imported before it.");
        backup.project = caller.project;
        backup.user = caller.user;
        backup.created = now();
        if (!sealed.empty()) {
            backup.key = secrets_.adopt(tx, sealed);
            if (backup.key.empty()) throw invalidBackup("Its passphrase was sealed by another cloud's keys.");
        }
        quotas_.claimBackup(tx, backup.project, backup.size);
        unbury(tx, "backup", "", backup.archive.text);
        backup_table::insert(tx, backup);
        parts_.jobs.enqueue(tx, "block.backup.import", backup.id.text, "", backup.project.text);
        return backup;
    });
}

}
