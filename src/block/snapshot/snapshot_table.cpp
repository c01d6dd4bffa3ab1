#include "block/snapshot/snapshot_table.hpp"

#include "block/rows.hpp"
#include "platform/cloud/strays.hpp"

namespace stratolet::resource {

template <> struct Codec<block::SnapshotStatus> : WordCodec<block::snapshotStatusNamed> {};

}

namespace stratolet::block {
namespace {

using namespace resource;

void showMetadata(JsonWriter& out, const Snapshot& snapshot) {
    const auto object = out.object();
    for (const auto& [name, value] : snapshot.metadata) out.field(name, value);
}

constexpr ItemTable metadata{"volume_snapshot_metadata", "snapshot_id"},
    imageMetadata{"volume_snapshot_image_metadata", "snapshot_id"};

}

const Table<Snapshot> snapshotColumns(
    "volume_snapshots", 's',
    {
        attribute<&Snapshot::id>("id", Show | Find),
        attribute<&Snapshot::name>("name", Put | Show | Find),
        computed<Snapshot>("display_name", Kind::Text, Find, nullptr, "coalesce($.name, '')")
            .in("name"), // as version 1 called it
        attribute<&Snapshot::description>("description", Put | Show | Filter),
        attribute<&Snapshot::created>("created_at", Show | Sort).in("created").shown(showMicros<&Snapshot::created>),
        attribute<&Snapshot::updated>("updated_at", Show | Sort | Moves)
            .in("updated")
            .foundBy("coalesce($.updated, $.created)")
            .shown(showMicros<&Snapshot::updated>),
        attribute<&Snapshot::volume>("volume_id", Show | Find),
        attribute<&Snapshot::status>("status", Show | Find | Moves),
        attribute<&Snapshot::size>("size", Show | Sort).in("size"),
        computed<Snapshot>("metadata", Kind::Other, Show, showMetadata),
        attribute<&Snapshot::project>("project_id", Find), // shown to whom the rule lets see it
        attribute<&Snapshot::user>("user_id", Find),
        computed<Snapshot>("availability_zone", Kind::Text, Sort, nullptr, "''"), // there is one
        column<&Snapshot::progress>("progress", Moves),
        attribute<&Snapshot::consumesQuota>("consumes_quota", 0).in("use_quota"),
        maybe<&Snapshot::group>("group_snapshot_id", Filter | Moves),
        maybeColumn<&Snapshot::encryptionKey>("encryption_key_id", Moves),
    },
    [](store::Reader& db, std::vector<Snapshot>& all) { complete(db, all, metadata, &Snapshot::metadata); });

namespace snapshot_table {

std::optional<Snapshot> find(store::Reader& db, const SnapshotId& id) { return snapshotColumns.find(db, id); }

std::vector<Snapshot> of(store::Reader& db, const VolumeId& volume) {
    return snapshotColumns.where(db, "WHERE s.volume_id = ? ORDER BY s.created, s.id", volume);
}

bool any(store::Reader& db, const VolumeId& volume) {
    return db.query("SELECT EXISTS (SELECT 1 FROM volume_snapshots WHERE volume_id = ?)", volume).integer() != 0;
}

std::int64_t count(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT count(*) FROM volume_snapshots s" + conditions.where(), conditions.values()).integer();
}

void insert(store::Transaction& tx, const Snapshot& snapshot) {
    snapshotColumns.insert(tx, snapshot);
    setMetadata(tx, snapshot.id, snapshot.metadata);
    tx.execute("INSERT INTO volume_snapshot_image_metadata SELECT ?, name, value FROM volume_image_metadata WHERE "
               "volume_id = ?",
               snapshot.id, snapshot.volume);
}

Metadata imageMetadataOf(store::Reader& db, const SnapshotId& snapshot) {
    const auto found = itemsIn(db, imageMetadata, {snapshot.text});
    const auto its = found.find(snapshot.text);
    return its == found.end() ? Metadata() : Metadata(its->second.begin(), its->second.end());
}

void save(store::Transaction& tx, const Snapshot& snapshot) { snapshotColumns.update(tx, snapshot); }

void setMetadata(store::Transaction& tx, const SnapshotId& snapshot, const Metadata& items) {
    setItems(tx, metadata, snapshot.text, items);
}

void remove(store::Transaction& tx, const SnapshotId& snapshot, const std::string& backend, Time now) {
    forget(tx, snapshot);
    bury(tx, "snapshot", backend, snapshot.text, now);
}

void forget(store::Transaction& tx, const SnapshotId& snapshot) { snapshotColumns.remove(tx, snapshot); }

void hold(store::Transaction& tx, const SnapshotId& snapshot) {
    tx.execute("INSERT OR IGNORE INTO volume_held_snapshots VALUES (?)", snapshot);
}

void letGo(store::Transaction& tx, const SnapshotId& snapshot) {
    tx.execute("DELETE FROM volume_held_snapshots WHERE snapshot_id = ?", snapshot);
}

bool isHeld(store::Reader& db, const SnapshotId& snapshot) {
    return db.query("SELECT 1 FROM volume_held_snapshots WHERE snapshot_id = ?", snapshot).next();
}

std::optional<std::string> placeOf(store::Reader& db, const SnapshotId& snapshot) {
    return db
        .query("SELECT v.host FROM volume_snapshots s JOIN volumes v ON v.id = s.volume_id WHERE s.id = ?", snapshot)
        .maybeText();
}

std::vector<std::pair<SnapshotId, SnapshotStatus>> inTransit(store::Reader& db) {
    return db
        .query("SELECT id, status FROM volume_snapshots WHERE status IN ('creating', 'deleting', 'unmanaging', "
               "'backing-up', 'restoring')")
        .all<std::pair<SnapshotId, SnapshotStatus>>(
            [](const store::Row& row) { return std::pair(row.id<SnapshotId>(0), *snapshotStatusNamed(row.text(1))); });
}

std::int64_t countOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT count(*) FROM volume_snapshots WHERE project_id = ? AND use_quota", project).integer();
}

std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT coalesce(sum(size), 0) FROM volume_snapshots WHERE project_id = ? AND use_quota", project)
        .integer();
}

}
}
