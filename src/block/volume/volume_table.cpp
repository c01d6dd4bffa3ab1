#include "block/volume/volume_table.hpp"

#include <cassert>

#include "block/backends.hpp"
#include "block/rows.hpp"
#include "platform/cloud/strays.hpp"

namespace stratolet::resource {

template <> struct Codec<block::VolumeStatus> : WordCodec<block::volumeStatusNamed> {};

}

namespace stratolet::block {
namespace {

using namespace resource;

void showBootable(JsonWriter& out, const Volume& volume) {
    out.value(volume.bootable ? "true" : "false");
} // a text, there
void showZone(JsonWriter& out, const Volume&) { out.value(availabilityZone); }
void showEncrypted(JsonWriter& out, const Volume& volume) { out.value(!volume.encryptionKey.empty()); }

constexpr ItemTable metadata{"volume_metadata", "volume_id"}, imageMetadata{"volume_image_metadata", "volume_id"};

void completeVolumes(store::Reader& db, std::vector<Volume>& volumes) {
    complete(db, volumes, metadata, &Volume::metadata);
    complete(db, volumes, imageMetadata, &Volume::imageMetadata);
}

}

const Table<Volume> volumeColumns(
    "volumes", 'v',
    {
        attribute<&Volume::id>("id", Show | Find),
        attribute<&Volume::name>("name", Put | Show | Find),
        computed<Volume>("display_name", Kind::Text, Find, nullptr, "coalesce($.name, '')")
            .in("name"), // as version 1 called it
        attribute<&Volume::description>("description", Put | Show | Filter),
        attribute<&Volume::status>("status", Show | Find | Moves),
        attribute<&Volume::size>("size", Show | Sort | Moves),
        computed<Volume>("availability_zone", Kind::Text, Show | Sort, showZone, "''"), // there is one
        attribute<&Volume::created>("created_at", Show | Sort).in("created").shown(showMicros<&Volume::created>),
        attribute<&Volume::updated>("updated_at", Show | Sort | Moves)
            .in("updated")
            .foundBy("coalesce($.updated, $.created)")
            .shown(showMicros<&Volume::updated>),
        attribute<&Volume::typeName>("volume_type", Show)
            .computed("(SELECT name FROM volume_types WHERE volume_types.id = $.type_id)"),
        maybe<&Volume::snapshot>("snapshot_id", Show | Filter),
        maybe<&Volume::source>("source_volid", Show | Filter),
        attribute<&Volume::user>("user_id", Show | Find),
        attribute<&Volume::bootable>("bootable", Show | Sort | Moves).shown(showBootable),
        computed<Volume>("encrypted", Kind::Truth, Show, showEncrypted),
        computed<Volume>("replication_status", Kind::Text, Show, showNull),
        maybe<&Volume::consistencyGroup>("consistencygroup_id", Show)
            .computed("(SELECT g.id FROM volume_groups g JOIN volume_group_types t ON t.id = g.type_id WHERE g.id = "
                      "$.group_id AND t.name = 'default_cgsnapshot_type')"),
        attribute<&Volume::multiattach>("multiattach", Show | Moves),
        attribute<&Volume::migrationStatus>("migration_status", Show | Filter | Moves),
        attribute<&Volume::project>("project_id",
                                    Find), // shown as os-vol-tenant-attr:tenant_id, to whom the rule lets see it
        attribute<&Volume::type>("volume_type_id", Sort | Moves).in("type_id"),
        attribute<&Volume::host>("host", Sort | Moves),
        maybeColumn<&Volume::image>("image_id", Moves),
        column<&Volume::newSize>("new_size", Moves),
        column<&Volume::readOnly>("readonly", Moves),
        maybeColumn<&Volume::encryptionKey>("encryption_key_id", Moves),
        column<&Volume::previous>("previous_status", Moves),
        maybeColumn<&Volume::newHost>("new_host", Moves),
        maybeColumn<&Volume::newType>("new_type_id", Moves),
        maybe<&Volume::group>("group_id", Filter | Moves),
        attribute<&Volume::consumesQuota>("consumes_quota", 0).in("use_quota"),
        column<&Volume::deleted>("deleted", Moves),
    },
    completeVolumes);

namespace volume_table {

std::optional<Volume> find(store::Reader& db, const VolumeId& id) { return volumeColumns.find(db, id); }

std::int64_t count(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT count(*) FROM volumes v" + conditions.where(), conditions.values()).integer();
}

std::int64_t gigabytes(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT coalesce(sum(size), 0) FROM volumes v" + conditions.where(), conditions.values()).integer();
}

std::vector<std::pair<std::string, std::string>> metadataOf(store::Reader& db, const store::Conditions& conditions) {
    return db
        .run("SELECT DISTINCT name, value FROM volume_metadata WHERE volume_id IN (SELECT id FROM volumes v" +
                 conditions.where() + ") ORDER BY name, value",
             conditions.values())
        .all<std::pair<std::string, std::string>>(
            [](const store::Row& row) { return std::pair(row.text(0), row.text(1)); });
}

void insert(store::Transaction& tx, const Volume& volume) {
    volumeColumns.insert(tx, volume);
    setMetadata(tx, volume.id, volume.metadata);
    setImageMetadata(tx, volume.id, volume.imageMetadata);
}

void save(store::Transaction& tx, const Volume& volume) { volumeColumns.update(tx, volume); }

void remove(store::Transaction& tx, const Volume& volume, Time now) {
    tx.execute("DELETE FROM volumes WHERE id = ?", volume.id);
    bury(tx, "volume", backendIn(volume.host), volume.id.text, now);
}

void forget(store::Transaction& tx, const VolumeId& volume) { volumeColumns.remove(tx, volume); }

void placeAll(store::Transaction& tx, const std::string& host) {
    tx.execute("UPDATE volumes SET host = ? || '@file#file' WHERE host = ''", host);
}

bool move(store::Transaction& tx, const VolumeId& volume, VolumeStatus from, VolumeStatus to, Time now) {
    assert(mayFollow(from, to));
    return tx.execute("UPDATE volumes SET status = ?, updated = ? WHERE id = ? AND status = ?", nameOf(to), now, volume,
                      nameOf(from)) == 1;
}

void setStatus(store::Transaction& tx, const VolumeId& volume, VolumeStatus status, Time now) {
    tx.execute("UPDATE volumes SET status = ?, updated = ? WHERE id = ?", nameOf(status), now, volume);
}

void setReadOnly(store::Transaction& tx, const VolumeId& volume, bool readOnly, Time now) {
    tx.execute("UPDATE volumes SET readonly = ?, updated = ? WHERE id = ?", readOnly, now, volume);
}

void setBootable(store::Transaction& tx, const VolumeId& volume, bool bootable, Time now) {
    tx.execute("UPDATE volumes SET bootable = ?, updated = ? WHERE id = ?", bootable, now, volume);
}

void setPrevious(store::Transaction& tx, const VolumeId& volume, VolumeStatus previous) {
    tx.execute("UPDATE volumes SET previous_status = ? WHERE id = ?", nameOf(previous), volume);
}

void setMigrationStatus(store::Transaction& tx, const VolumeId& volume, std::string_view status) {
    tx.execute("UPDATE volumes SET migration_status = ? WHERE id = ?", status, volume);
}

void setNewSize(store::Transaction& tx, const VolumeId& volume, std::optional<GiB> size) {
    tx.execute("UPDATE volumes SET new_size = ? WHERE id = ?", size ? std::optional(size->count) : std::nullopt,
               volume);
}

void setSize(store::Transaction& tx, const VolumeId& volume, GiB size) {
    tx.execute("UPDATE volumes SET size = ?, new_size = NULL WHERE id = ?", size.count, volume);
}

void setMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& items) {
    setItems(tx, metadata, volume.text, items);
}

void setImageMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& items) {
    setItems(tx, imageMetadata, volume.text, items);
}

bool isBeingMadeFrom(store::Reader& db, const SnapshotId& snapshot) {
    return db.query("SELECT EXISTS (SELECT 1 FROM volumes WHERE snapshot_id = ? AND snapshot_id IS NOT NULL AND "
                    "status = 'creating')",
                    snapshot)
               .integer() != 0;
}

bool isBeingMadeFrom(store::Reader& db, const VolumeId& source) {
    return db.query("SELECT EXISTS (SELECT 1 FROM volumes WHERE source_volid = ? AND source_volid IS NOT NULL AND "
                    "status = 'creating')",
                    source)
               .integer() != 0;
}

std::vector<VolumeId> deletedUntil(store::Reader& db, Time time) {
    return db.query("SELECT id FROM volumes WHERE deleted IS NOT NULL AND deleted <= ?", time)
        .all<VolumeId>([](const store::Row& row) { return row.id<VolumeId>(0); });
}

std::vector<std::pair<VolumeId, VolumeStatus>> inTransit(store::Reader& db) {
    // As the index volumes_in_transit says it, which else would not be used.
    return db
        .query("SELECT id, status FROM volumes WHERE status IN ('creating', 'downloading', 'extending', 'deleting', "
               "'uploading', 'retyping', 'reverting', 'managing', 'unmanaging', 'backing-up', 'restoring-backup')")
        .all<std::pair<VolumeId, VolumeStatus>>(
            [](const store::Row& row) { return std::pair(row.id<VolumeId>(0), *volumeStatusNamed(row.text(1))); });
}

std::int64_t countOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT count(*) FROM volumes WHERE project_id = ? AND use_quota", project).integer();
}

std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project) {
    return db
        .query("SELECT coalesce(sum(coalesce(new_size, size)), 0) FROM volumes WHERE project_id = ? AND use_quota",
               project)
        .integer();
}

}
}
