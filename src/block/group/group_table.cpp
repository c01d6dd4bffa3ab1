#include <array>

#include "block/group/group.hpp"
#include "block/rows.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/words.hpp"

namespace stratolet::resource {

template <> struct Codec<block::GroupStatus> : WordCodec<block::groupStatusNamed> {};

}

namespace stratolet::block {

using namespace resource;

namespace {

constexpr std::array<std::pair<GroupStatus, std::string_view>, 4> statuses{{{GroupStatus::Creating, "creating"},
                                                                            {GroupStatus::Available, "available"},
                                                                            {GroupStatus::Failed, "error"},
                                                                            {GroupStatus::Deleting, "deleting"}}};

constexpr ItemTable specs{"volume_group_type_specs", "type_id"};

/// Whether the row's type is reservedGroupType.
constexpr std::string_view isReserved =
    "coalesce($.type_id = (SELECT id FROM volume_group_types WHERE name = 'default_cgsnapshot_type'), 0)";

void completeGroups(store::Reader& db, std::vector<Group>& groups) {
    auto types = store::many<std::string>(
        db,
        "SELECT t.group_id, t.type_id FROM json_each(?) w JOIN volume_group_volume_types t ON t.group_id = w.value "
        "ORDER BY t.type_id",
        idsOf(groups), [](const store::Row& row) { return row.text(1); });
    for (auto& group : groups) group.volumeTypes = store::takeOf(types, group.id);
}

constexpr std::array<ListFilter, 2> typeFilters{{
    {"is_public", [](store::Conditions&, const FilterAsked&) {}},
    {"name"}, // clients look a type up by it, with any rights
}};
constexpr std::array<ListFilter, 5> groupFilters{{
    {"name"},
    {"status"},
    {"id"},
    {"group_type"},
    {"list_volume", [](store::Conditions&, const FilterAsked&) {}}, // what is shown, and no filter
}};
constexpr std::array<ListFilter, 4> snapshotFilters{{{"name"}, {"status"}, {"group_id"}, {"id"}}};

}

std::string_view nameOf(GroupStatus status) { return nameIn(statuses, status); }
std::optional<GroupStatus> groupStatusNamed(std::string_view name) { return findIn(statuses, name); }

const Table<GroupType> groupTypeColumns(
    "volume_group_types", 't',
    {
        attribute<&GroupType::id>("id", Show | Find),
        attribute<&GroupType::name>("name", Put | Show | Find),
        attribute<&GroupType::description>("description", Put | Show | Find),
        attribute<&GroupType::isPublic>("is_public", Put | Show | Sort),
        attribute<&GroupType::created>("created_at", Sort).in("created"),
        attribute<&GroupType::updated>("updated_at", Sort | Moves).in("updated").foundBy("coalesce($.updated, 0)"),
    },
    [](store::Reader& db, std::vector<GroupType>& all) { complete(db, all, specs, &GroupType::specs); });

// What is shown of groups and their snapshots by version and rights is in group_api.cpp.
const Table<Group> groupColumns(
    "volume_groups", 'g',
    {
        attribute<&Group::id>("id", Show | Find),
        attribute<&Group::status>("status", Show | Find | Moves),
        attribute<&Group::created>("created_at", Show | Sort).in("created").shown(showMicros<&Group::created>),
        attribute<&Group::name>("name", Put | Show | Find),
        attribute<&Group::description>("description", Put | Show | Find),
        attribute<&Group::type>("group_type", Show | Find).in("type_id"),
        attribute<&Group::updated>("updated_at", Sort | Moves).in("updated").foundBy("coalesce($.updated, 0)"),
        column<&Group::reserved>("reserved").computed(isReserved),
        column<&Group::project>("project_id"),
        column<&Group::user>("user_id"),
        maybeColumn<&Group::snapshot>("group_snapshot_id"),
        maybeColumn<&Group::source>("source_group_id"),
    },
    completeGroups);

const Table<GroupSnapshot> groupSnapshotColumns(
    "volume_group_snapshots", 's',
    {
        attribute<&GroupSnapshot::id>("id", Show | Find),
        attribute<&GroupSnapshot::group>("group_id", Show | Find),
        attribute<&GroupSnapshot::type>("group_type_id", Show | Find).in("type_id"),
        attribute<&GroupSnapshot::status>("status", Show | Find | Moves),
        attribute<&GroupSnapshot::created>("created_at", Show | Sort)
            .in("created")
            .shown(showMicros<&GroupSnapshot::created>),
        attribute<&GroupSnapshot::name>("name", Show | Find),
        attribute<&GroupSnapshot::description>("description", Show | Find),
        attribute<&GroupSnapshot::updated>("updated_at", Sort | Moves).in("updated").foundBy("coalesce($.updated, 0)"),
        column<&GroupSnapshot::reserved>("reserved").computed(isReserved),
        column<&GroupSnapshot::project>("project_id"),
        column<&GroupSnapshot::user>("user_id"),
    });

ListNoun groupTypeLists() { return {"group_type", typeFilters, groupTypeColumns.text(), groupTypeColumns.words()}; }
ListNoun groupLists() { return {"group", groupFilters, groupColumns.text(), groupColumns.words()}; }
ListNoun groupSnapshotLists() {
    return {"group_snapshot", snapshotFilters, groupSnapshotColumns.text(), groupSnapshotColumns.words()};
}

namespace group_table {

std::optional<GroupType> findTypeNamed(store::Reader& db, std::string_view idOrName) {
    auto found = groupTypeColumns.where(db, "WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1", idOrName);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void withoutReserved(store::Conditions& conditions, char alias) {
    conditions.add("NOT " + withAlias(isReserved, alias));
}

bool isTypeUsed(store::Reader& db, const std::string& type) {
    return db.query("SELECT 1 FROM volume_groups WHERE type_id = ? LIMIT 1", type).any();
}

void insertType(store::Transaction& tx, const GroupType& type) {
    groupTypeColumns.insert(tx, type);
    setSpecs(tx, type);
}

void setSpecs(store::Transaction& tx, const GroupType& type) { setItems(tx, specs, type.id, type.specs); }

std::optional<Group> find(store::Reader& db, const std::string& group) { return groupColumns.find(db, group); }

void insert(store::Transaction& tx, const Group& group) {
    groupColumns.insert(tx, group);
    for (const auto& each : group.volumeTypes)
        tx.execute("INSERT OR IGNORE INTO volume_group_volume_types VALUES (?, ?)", group.id, each);
}

void setVolumeGroup(store::Transaction& tx, const VolumeId& volume, const std::optional<std::string>& group) {
    tx.execute("UPDATE volumes SET group_id = ? WHERE id = ?", group, volume);
}

std::vector<Volume> volumesOf(store::Reader& db, const std::string& group) {
    return volumeColumns.where(db, "WHERE group_id = ? AND status <> 'deleted' ORDER BY created, id", group);
}

store::ByOwner<std::string> volumeIdsOf(store::Reader& db, const std::vector<std::string>& groups) {
    return store::many<std::string>(db,
                                    "SELECT v.group_id, v.id FROM json_each(?) w JOIN volumes v ON v.group_id = "
                                    "w.value WHERE v.status <> 'deleted' ORDER BY v.created, v.id",
                                    groups, [](const store::Row& row) { return row.text(1); });
}

bool hasSnapshots(store::Reader& db, const std::string& group) {
    return db.query("SELECT 1 FROM volume_group_snapshots WHERE group_id = ? LIMIT 1", group).any();
}

std::vector<Snapshot> snapshotsOf(store::Reader& db, const std::string& groupSnapshot) {
    return snapshotColumns.where(db, "WHERE group_snapshot_id = ? ORDER BY created, id", groupSnapshot);
}

}
}
