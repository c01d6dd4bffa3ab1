#include "block/backup/backup_table.hpp"

#include <cassert>

#include "block/rows.hpp"

namespace stratolet::resource {

template <> struct Codec<block::BackupStatus> : WordCodec<block::backupStatusNamed> {};

}

namespace stratolet::block {
namespace {

using namespace resource;

void showIncremental(JsonWriter& out, const Backup& backup) { out.value(!backup.parent.empty()); }
void showDependents(JsonWriter& out, const Backup& backup) { out.value(backup.dependents); }

constexpr ItemTable metadata{"backup_metadata", "backup_id"};

}

const Table<Backup> backupColumns(
    "backups", 'b',
    {
        attribute<&Backup::id>("id", Show | Find),
        attribute<&Backup::status>("status", Show | Find),
        attribute<&Backup::size>("size", Show | Find),
        attribute<&Backup::objects>("object_count", Show | Moves),
        attribute<&Backup::failReason>("fail_reason", Show | Moves),
        attribute<&Backup::volume>("volume_id", Show | Find),
        maybe<&Backup::snapshot>("snapshot_id", Show | Filter),
        attribute<&Backup::container>("container", Show),
        attribute<&Backup::zone>("availability_zone", Show).in("zone"),
        attribute<&Backup::name>("name", Show | Find | Put),
        attribute<&Backup::description>("description", Show | Put),
        attribute<&Backup::created>("created_at", Show | Sort).in("created").shown(showMicros<&Backup::created>),
        attribute<&Backup::updated>("updated_at", Show | Sort | Moves)
            .in("updated")
            .foundBy("coalesce($.updated, $.created)")
            .shown(showMicros<&Backup::updated>),
        attribute<&Backup::data>("data_timestamp", Show | Sort | Moves).shown(showMicros<&Backup::data>),
        computed<Backup>("is_incremental", Kind::Truth, Show, showIncremental),
        attribute<&Backup::dependents>("has_dependent_backups", Show)
            .computed("EXISTS (SELECT 1 FROM backups d WHERE d.parent_id = $.id)")
            .shown(showDependents),
        attribute<&Backup::project>("project_id", 0),
        attribute<&Backup::user>("user_id", 0),
        maybeColumn<&Backup::parent>("parent_id"),
        column<&Backup::archive>("archive_id"),
        column<&Backup::held>("held").computed(
            "EXISTS (SELECT 1 FROM volume_held_snapshots h WHERE h.snapshot_id = $.id)"),
        maybeColumn<&Backup::restoring>("restoring_id", Moves),
        maybeColumn<&Backup::key>("encryption_key_id"),
        maybeColumn<&Backup::facts>("volume_facts"),
    },
    [](store::Reader& db, std::vector<Backup>& all) { complete(db, all, metadata, &Backup::metadata); });

namespace backup_table {

std::optional<Backup> find(store::Reader& db, const BackupId& backup) { return backupColumns.find(db, backup); }

std::optional<Backup> newest(store::Reader& db, const ProjectId& project, const VolumeId& volume) {
    auto found =
        backupColumns.where(db,
                            "WHERE b.volume_id = ? AND b.project_id = ? AND b.status IN ('available', 'restoring') "
                            "ORDER BY b.data_timestamp DESC LIMIT 1",
                            volume, project);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

bool copiedFrom(store::Reader& db, const VolumeId& volume) {
    return db
        .query("SELECT 1 FROM backups WHERE volume_id = ? AND (status = 'creating' OR EXISTS (SELECT 1 FROM "
               "volume_held_snapshots h WHERE h.snapshot_id = backups.id))",
               volume)
        .next();
}

bool copiedFrom(store::Reader& db, const SnapshotId& snapshot) {
    return db
        .query("SELECT 1 FROM backups WHERE volume_id = (SELECT volume_id FROM volume_snapshots WHERE id = ?1) "
               "AND snapshot_id = ?1 AND status = 'creating'",
               snapshot)
        .next();
}

bool isUsed(store::Reader& db, const BackupId& archive, const BackupId& otherThan) {
    return db.query("SELECT 1 FROM backups WHERE archive_id = ? AND id <> ?", archive, otherThan).next();
}

void insert(store::Transaction& tx, const Backup& backup) {
    backupColumns.insert(tx, backup);
    setMetadata(tx, backup.id, backup.metadata);
}

void update(store::Transaction& tx, const Backup& backup) { backupColumns.update(tx, backup); }

void remove(store::Transaction& tx, const BackupId& backup) { tx.execute("DELETE FROM backups WHERE id = ?", backup); }

bool move(store::Transaction& tx, const BackupId& backup, BackupStatus from, BackupStatus to, Time now) {
    assert(mayFollow(from, to));
    return tx.execute("UPDATE backups SET status = ?, updated = ? WHERE id = ? AND status = ?", nameOf(to), now, backup,
                      nameOf(from)) == 1;
}

void setStatus(store::Transaction& tx, const BackupId& backup, BackupStatus status, Time now) {
    tx.execute("UPDATE backups SET status = ?, updated = ? WHERE id = ?", nameOf(status), now, backup);
}

void setRestoring(store::Transaction& tx, const BackupId& backup, const VolumeId& into) {
    tx.execute("UPDATE backups SET restoring_id = ? WHERE id = ?",
               into.empty() ? std::nullopt : std::optional(into.text), backup);
}

void setObjects(store::Transaction& tx, const BackupId& backup, int objects) {
    tx.execute("UPDATE backups SET object_count = ? WHERE id = ?", objects, backup);
}

void setMetadata(store::Transaction& tx, const BackupId& backup, const Metadata& items) {
    setItems(tx, metadata, backup.text, items);
}

std::int64_t count(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT count(*) FROM backups b" + conditions.where(), conditions.values()).integer();
}

std::int64_t countOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT count(*) FROM backups WHERE project_id = ?", project).integer();
}

std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT coalesce(sum(size), 0) FROM backups WHERE project_id = ?", project).integer();
}

std::vector<std::pair<BackupId, BackupStatus>> moving(store::Reader& db) {
    return db.query("SELECT id, status FROM backups WHERE status IN ('creating', 'restoring', 'deleting')")
        .all<std::pair<BackupId, BackupStatus>>(
            [](const store::Row& row) { return std::pair(row.id<BackupId>(0), *backupStatusNamed(row.text(1))); });
}

}
}
