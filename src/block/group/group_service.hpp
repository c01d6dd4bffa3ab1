#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "block/group/group.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/type/type_service.hpp"
#include "block/volume/volume_service.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The verbs of group types; who isn't an administrator sees the public ones. Owned by the module; any thread.
class GroupTypes {
public:
    explicit GroupTypes(Parts parts);

    GroupType wanted(store::Reader& db, const identity::Caller& caller, std::string_view idOrName) const;
    ListPage<GroupType> list(const identity::Caller& caller, ListQuery query, std::optional<bool> isPublic) const;
    GroupType show(const identity::Caller& caller, const std::string& id) const;
    GroupType showDefault(const identity::Caller& caller) const; ///< [block] default_group_type
    GroupType create(const identity::Caller& caller, GroupType type);
    GroupType update(const identity::Caller& caller, const std::string& id,
                     const std::function<void(GroupType&)>& amend);
    void remove(const identity::Caller& caller, const std::string& id);
    void changeSpecs(const identity::Caller& caller, const std::string& id,
                     const std::function<void(ExtraSpecs&)>& amend);

private:
    Parts parts_;
    std::string default_;
};

/// By which API groups are asked for: that of groups refuses the reserved ones and shows no list of them, that of
/// consistency groups takes all (Cinder, api/v3/groups.py and api/contrib/consistencygroups.py).
enum class GroupFace { Groups, ConsistencyGroups };

/// The verbs of groups and of their snapshots: one transaction each. What takes time are the volumes' and the
/// snapshots' own jobs; a group's job waits for them. Owned by the module; any thread. Error(NotFound) for what the
/// caller can't see.
class Groups {
public:
    Groups(Parts parts, const GroupTypes& groupTypes, const VolumeTypes& types, VolumeQuotas& quotas, Volumes& volumes,
           Snapshots& snapshots, GroupFace face)
        : parts_(parts),
          groupTypes_(groupTypes),
          types_(types),
          quotas_(quotas),
          volumes_(volumes),
          snapshots_(snapshots),
          face_(face) {}

    void declare(); ///< the jobs, before they start; once, whatever faces there are

    struct View {
        Group group;
        std::vector<std::string> volumes; ///< where that was wanted
    };
    ListPage<View> list(const identity::Caller& caller, ListQuery query, bool withVolumes) const;
    View show(const identity::Caller& caller, const std::string& id, bool withVolumes) const;
    struct New {
        std::optional<std::string> name, description;
        std::string type;                     ///< id or name; of a consistency group nobody says it
        std::vector<std::string> volumeTypes; ///< ids or names
    };
    Group create(const identity::Caller& caller, const New& wanted);
    /// From a group's snapshot or from a group: one of them is named.
    Group createFrom(const identity::Caller& caller, const New& wanted, const std::string& snapshot,
                     const std::string& source);
    struct Change {
        std::optional<std::string> name, description;
        std::vector<VolumeId> added, removed;
    };
    void update(const identity::Caller& caller, const std::string& id, const Change& change);
    void remove(const identity::Caller& caller, std::string_view rule, const std::string& id, bool withVolumes);
    void resetStatus(const identity::Caller& caller, std::string_view rule, const std::string& id, GroupStatus status);

    ListPage<GroupSnapshot> snapshots(const identity::Caller& caller, ListQuery query) const;
    GroupSnapshot showSnapshot(const identity::Caller& caller, const std::string& id) const;
    GroupSnapshot createSnapshot(const identity::Caller& caller, const std::string& group,
                                 const std::optional<std::string>& name, const std::optional<std::string>& description);
    void removeSnapshot(const identity::Caller& caller, const std::string& id);
    void resetSnapshotStatus(const identity::Caller& caller, const std::string& id, GroupStatus status);

private:
    Group visible(store::Reader& db, const identity::Caller& caller, std::string_view rule,
                  const std::string& id) const;
    GroupSnapshot visibleSnapshot(store::Reader& db, const identity::Caller& caller, std::string_view rule,
                                  const std::string& id) const;
    Group planned(const identity::Caller& caller, const New& wanted) const;
    std::string typeOf(store::Reader& db, const identity::Caller& caller, const New& wanted) const;
    void refuseReserved(bool reserved, const std::string& type) const;

    Parts parts_;
    const GroupTypes& groupTypes_;
    const VolumeTypes& types_;
    VolumeQuotas& quotas_;
    Volumes& volumes_;
    Snapshots& snapshots_;
    GroupFace face_;
};

}
