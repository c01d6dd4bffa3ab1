#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/list/list_query.hpp"
#include "block/snapshot/snapshot.hpp"
#include "block/type/type.hpp"
#include "block/volume/volume.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// Volumes that are snapshotted, copied and deleted together: what a group is, its type, and its snapshots. Values and
// their tables.

namespace stratolet::block {

///  creating ──► available ──► deleting ──► gone
///      │            │
///      ▼            ▼
///    error ◄────────┘
/// Of a group and of a group's snapshot.
enum class GroupStatus { Creating, Available, Failed, Deleting };
std::string_view nameOf(GroupStatus status); ///< the API's word
std::optional<GroupStatus> groupStatusNamed(std::string_view name);

/// Made by administrators.
struct GroupType {
    std::string id, name;
    std::optional<std::string> description;
    bool isPublic = true;
    Time created;
    std::optional<Time> updated;
    ExtraSpecs specs;
};

struct Group {
    std::string id;
    ProjectId project;
    UserId user;
    std::optional<std::string> name, description;
    GroupStatus status = GroupStatus::Available;
    std::string type;                     ///< id of the group type
    bool reserved = false;                ///< its type is reservedGroupType: it is a consistency group
    std::string snapshot, source;         ///< a group's snapshot or a group that it was made from; empty: neither
    std::vector<std::string> volumeTypes; ///< ids: of which its volumes may be
    Time created;
    std::optional<Time> updated;
};

/// Snapshots of all volumes of a group.
struct GroupSnapshot {
    std::string id, group;
    ProjectId project;
    UserId user;
    std::optional<std::string> name, description;
    GroupStatus status = GroupStatus::Creating;
    std::string type;      ///< the group's
    bool reserved = false; ///< the group is
    Time created;
    std::optional<Time> updated;
};

/// The name of the type of consistency groups, as groups were called before 3.13: older clients ask for those by
/// another API, which the API of groups leaves them to (Cinder, group_types).
constexpr std::string_view reservedGroupType = "default_cgsnapshot_type";

extern const resource::Table<GroupType> groupTypeColumns;
extern const resource::Table<Group> groupColumns;
extern const resource::Table<GroupSnapshot> groupSnapshotColumns;

// What their lists are filtered by.
ListNoun groupTypeLists();
ListNoun groupLists();
ListNoun groupSnapshotLists();

/// SQL, and no rule.
namespace group_table {
std::optional<GroupType> findTypeNamed(store::Reader& db, std::string_view idOrName); ///< an id goes before a name
void withoutReserved(store::Conditions& conditions, char alias); ///< of groups, or of their snapshots
bool isTypeUsed(store::Reader& db, const std::string& type);
void insertType(store::Transaction& tx, const GroupType& type);
void setSpecs(store::Transaction& tx, const GroupType& type); ///< those that it has now

std::optional<Group> find(store::Reader& db, const std::string& group);
void insert(store::Transaction& tx, const Group& group);
void setVolumeGroup(store::Transaction& tx, const VolumeId& volume, const std::optional<std::string>& group);
std::vector<Volume> volumesOf(store::Reader& db, const std::string& group); ///< oldest first, without the recycle bin's
store::ByOwner<std::string> volumeIdsOf(store::Reader& db, const std::vector<std::string>& groups);
bool hasSnapshots(store::Reader& db, const std::string& group);
std::vector<Snapshot> snapshotsOf(store::Reader& db, const std::string& groupSnapshot); ///< oldest first
}

}
