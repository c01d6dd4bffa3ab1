#include "block/group/group_service.hpp"

#include <algorithm>
#include <chrono>

#include <stratolet/error.hpp>

#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

template <class... Parts> Error invalidGroup(const Parts&... parts) {
    return Error(Failure::Invalid, "Invalid group: ", parts...);
}

std::optional<std::string> orNothing(std::optional<std::string> text, const std::optional<std::string>& otherwise) {
    return text ? text : otherwise;
}

constexpr std::chrono::milliseconds look{500}; ///< how often a job looks whether others have ended

}

void Groups::refuseReserved(bool reserved, const std::string& type) const {
    if (reserved && face_ == GroupFace::Groups)
        throw Error(Failure::Invalid, "Group_type ", type,
                    " is reserved for migrating CGs to groups. Migrated group can only be operated by CG APIs.");
}

/// The id of the type that a new group is of.
std::string Groups::typeOf(store::Reader& db, const Caller& caller, const New& wanted) const {
    if (face_ == GroupFace::Groups) {
        const auto type = groupTypes_.wanted(db, caller, wanted.type);
        refuseReserved(type.name == reservedGroupType, type.id);
        return type.id;
    }
    const auto type = group_table::findTypeNamed(db, reservedGroupType);
    if (!type)
        throw Error(Failure::Invalid, "Group type ", reservedGroupType, " not found."); // an administrator's doing
    return type->id;
}

Group Groups::visible(store::Reader& db, const Caller& caller, std::string_view rule, const std::string& id) const {
    auto group = group_table::find(db, id);
    if (!group || (group->project != caller.project && !isAdmin(caller)))
        throw Error(Failure::NotFound, "Group ", id, " could not be found.");
    caller.enforce(rule, {{"project_id", group->project.text}});
    refuseReserved(group->reserved, group->type);
    return *std::move(group);
}

GroupSnapshot Groups::visibleSnapshot(store::Reader& db, const Caller& caller, std::string_view rule,
                                      const std::string& id) const {
    auto snapshot = groupSnapshotColumns.find(db, id);
    if (!snapshot || (snapshot->project != caller.project && !isAdmin(caller)))
        throw Error(Failure::NotFound, "GroupSnapshot ", id, " could not be found.");
    caller.enforce(rule, {{"project_id", snapshot->project.text}});
    refuseReserved(snapshot->reserved, snapshot->type);
    return *std::move(snapshot);
}

Group Groups::planned(const Caller& caller, const New& wanted) const {
    Group group;
    group.id = parts_.ambient.uuid();
    group.project = caller.project;
    group.user = caller.user;
    group.name = wanted.name;
    group.description = wanted.description;
    group.created = parts_.ambient.now();
    return group;
}

ListPage<Groups::View> Groups::list(const Caller& caller, ListQuery query, bool withVolumes) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects, 'g');
        if (face_ == GroupFace::Groups) group_table::withoutReserved(query.listing.conditions, 'g');
        if (!query.listing.marker.empty()) visible(db, caller, "group:get", query.listing.marker);
        ListPage<View> page;
        std::vector<std::string> ids;
        for (auto& each : resource::pageOf(db, groupColumns, query.listing, query.offset)) {
            ids.push_back(each.id);
            page.rows.push_back({std::move(each), {}});
        }
        if (!withVolumes) return page;
        auto volumes = group_table::volumeIdsOf(db, ids);
        for (auto& each : page.rows) each.volumes = store::takeOf(volumes, each.group.id);
        return page;
    });
}

Groups::View Groups::show(const Caller& caller, const std::string& id, bool withVolumes) const {
    auto& db = parts_.store.reader();
    View view{visible(db, caller, caller.rule, id), {}};
    if (withVolumes) {
        auto volumes = group_table::volumeIdsOf(db, {id});
        view.volumes = store::takeOf(volumes, id);
    }
    return view;
}

Group Groups::create(const Caller& caller, const New& wanted) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        auto group = planned(caller, wanted);
        group.type = typeOf(tx, caller, wanted);
        for (const auto& each : wanted.volumeTypes) group.volumeTypes.push_back(types_.wanted(tx, caller, each).id);
        quotas_.claimGroup(tx, caller.project);
        group_table::insert(tx, group);
        return group;
    });
}

Group Groups::createFrom(const Caller& caller, const New& wanted, const std::string& snapshot,
                         const std::string& source) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        auto group = planned(caller, wanted);
        std::vector<NewVolume> copies;
        if (!snapshot.empty()) {
            const auto from = visibleSnapshot(tx, caller, "group:get_group_snapshot", snapshot);
            if (from.status != GroupStatus::Available)
                throw invalidGroup("the group snapshot ", snapshot, " is ", nameOf(from.status), ".");
            group.type = from.type;
            group.snapshot = from.id;
            group.volumeTypes = group_table::find(tx, from.group).value().volumeTypes;
            for (const auto& each : group_table::snapshotsOf(tx, snapshot)) {
                NewVolume copy;
                copy.snapshot = each.id;
                copies.push_back(std::move(copy));
            }
        } else {
            const auto from = visible(tx, caller, "group:get", source);
            if (from.status != GroupStatus::Available)
                throw invalidGroup("the group ", source, " is ", nameOf(from.status), ".");
            group.type = from.type;
            group.source = from.id;
            group.volumeTypes = from.volumeTypes;
            for (const auto& each : group_table::volumesOf(tx, source)) {
                NewVolume copy;
                copy.source = each.id;
                copies.push_back(std::move(copy));
            }
        }
        if (copies.empty()) throw invalidGroup("there is nothing in it to make a group from.");
        group.status = GroupStatus::Creating;
        quotas_.claimGroup(tx, caller.project);
        group_table::insert(tx, group);
        for (auto& each : copies) {
            each.name = wanted.name;
            each.description = wanted.description;
            group_table::setVolumeGroup(tx, volumes_.createIn(tx, caller, each).id, group.id);
        }
        parts_.jobs.enqueue(tx, "block.group.create", group.id, "", group.project.text);
        return group;
    });
}

void Groups::update(const Caller& caller, const std::string& id, const Change& change) {
    parts_.store.write([&](store::Transaction& tx) {
        auto group = visible(tx, caller, caller.rule, id);
        if (group.status != GroupStatus::Available) throw invalidGroup("Group status must be available.");
        const auto mayMove = [](const Volume& volume) {
            return volume.status == VolumeStatus::Available || volume.status == VolumeStatus::InUse ||
                   volume.status == VolumeStatus::Failed;
        };
        for (const auto& each : change.removed) {
            const auto volume = volume_table::find(tx, each);
            if (!volume || volume->group != id)
                throw invalidVolume("Cannot remove volume ", each, " from group ", id,
                                    " because it is not in the group.");
            if (std::find(change.added.begin(), change.added.end(), each) != change.added.end())
                throw invalidVolume("UUIDs ", each, " are in both add and remove volume list.");
            if (!mayMove(*volume))
                throw invalidVolume("Cannot remove volume ", each, " from group ", id, " because it is ",
                                    nameOf(volume->status), ".");
            group_table::setVolumeGroup(tx, each, std::nullopt);
        }
        for (const auto& each : change.added) {
            const auto volume = volume_table::find(tx, each);
            const auto refuse = [&](const auto&... why) {
                throw invalidVolume("Cannot add volume ", each, " to group ", id, " because ", why..., ".");
            };
            if (!volume || volume->project != group.project) refuse("volume cannot be found");
            if (volume->group == id) continue;
            if (!volume->group.empty()) refuse("it is already in another group");
            if (std::find(group.volumeTypes.begin(), group.volumeTypes.end(), volume->type) == group.volumeTypes.end())
                refuse("volume type ", volume->type, " is not supported by the group");
            if (!mayMove(*volume) || volume->status == VolumeStatus::Failed) refuse("it is ", nameOf(volume->status));
            group_table::setVolumeGroup(tx, each, id);
        }
        if (!change.name && !change.description && change.added.empty() && change.removed.empty())
            throw invalidGroup("Cannot update group ", id,
                               " because no valid name, description, add_volumes, or remove_volumes were provided.");
        group.name = orNothing(change.name, group.name);
        group.description = orNothing(change.description, group.description);
        group.updated = parts_.ambient.now();
        groupColumns.update(tx, group);
    });
}

void Groups::remove(const Caller& caller, std::string_view rule, const std::string& id, bool withVolumes) {
    parts_.store.write([&](store::Transaction& tx) {
        auto group = visible(tx, caller, rule, id);
        if (group.status != GroupStatus::Available && group.status != GroupStatus::Failed)
            throw invalidGroup("Group status must be available or error, but current status is: ",
                               nameOf(group.status));
        if (group_table::hasSnapshots(tx, id)) throw invalidGroup("Group has existing snapshots.");
        const auto volumes = group_table::volumesOf(tx, id);
        if (!volumes.empty() && !withVolumes)
            throw invalidGroup("Group ", id,
                               " still contains volumes. The delete-volumes flag is required to delete it.");
        for (const auto& each : volumes) volumes_.removeOfGroup(tx, each);
        group.status = GroupStatus::Deleting;
        group.updated = parts_.ambient.now();
        groupColumns.update(tx, group);
        parts_.jobs.enqueue(tx, "block.group.delete", id, "", group.project.text);
    });
}

void Groups::resetStatus(const Caller& caller, std::string_view rule, const std::string& id, GroupStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        auto group = visible(tx, caller, rule, id);
        if (parts_.jobs.busy(tx, id)) throw invalidGroup("Group ", id, " is being worked on.");
        group.status = status;
        group.updated = parts_.ambient.now();
        groupColumns.update(tx, group);
    });
}

// --- snapshots

ListPage<GroupSnapshot> Groups::snapshots(const Caller& caller, ListQuery query) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects, 's');
        if (face_ == GroupFace::Groups) group_table::withoutReserved(query.listing.conditions, 's');
        if (!query.listing.marker.empty())
            visibleSnapshot(db, caller, "group:get_group_snapshot", query.listing.marker);
        return ListPage<GroupSnapshot>{resource::pageOf(db, groupSnapshotColumns, query.listing, query.offset)};
    });
}

GroupSnapshot Groups::showSnapshot(const Caller& caller, const std::string& id) const {
    return visibleSnapshot(parts_.store.reader(), caller, caller.rule, id);
}

GroupSnapshot Groups::createSnapshot(const Caller& caller, const std::string& id,
                                     const std::optional<std::string>& name,
                                     const std::optional<std::string>& description) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        const auto group = visible(tx, caller, "group:get", id);
        if (group.status != GroupStatus::Available) throw invalidGroup("Group status must be available.");
        const auto volumes = group_table::volumesOf(tx, id);
        if (volumes.empty()) throw invalidGroup("Group is empty. No group snapshot will be created.");
        GroupSnapshot snapshot;
        snapshot.id = parts_.ambient.uuid();
        snapshot.group = id;
        snapshot.project = caller.project;
        snapshot.user = caller.user;
        snapshot.name = name;
        snapshot.description = description;
        snapshot.type = group.type;
        snapshot.created = parts_.ambient.now();
        groupSnapshotColumns.insert(tx, snapshot);
        for (const auto& each : volumes)
            snapshots_.createIn(
                tx, caller,
                {.volume = each.id, .name = name, .description = description, .metadata = {}, .group = snapshot.id},
                true);
        parts_.jobs.enqueue(tx, "block.group_snapshot.create", snapshot.id, "", snapshot.project.text);
        return snapshot;
    });
}

void Groups::removeSnapshot(const Caller& caller, const std::string& id) {
    parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = visibleSnapshot(tx, caller, caller.rule, id);
        if (snapshot.status != GroupStatus::Available && snapshot.status != GroupStatus::Failed)
            throw Error(Failure::Invalid, "Invalid group snapshot: GroupSnapshot status must be available or error.");
        for (const auto& each : group_table::snapshotsOf(tx, id))
            if (!needsJob(each.status)) snapshots_.removeIn(tx, each);
        snapshot.status = GroupStatus::Deleting;
        snapshot.updated = parts_.ambient.now();
        groupSnapshotColumns.update(tx, snapshot);
        parts_.jobs.enqueue(tx, "block.group_snapshot.delete", id, "", snapshot.project.text);
    });
}

void Groups::resetSnapshotStatus(const Caller& caller, const std::string& id, GroupStatus status) {
    parts_.store.write([&](store::Transaction& tx) {
        auto snapshot = visibleSnapshot(tx, caller, caller.rule, id);
        if (parts_.jobs.busy(tx, id))
            throw Error(Failure::Invalid, "Invalid group snapshot: ", id, " is being worked on.");
        snapshot.status = status;
        snapshot.updated = parts_.ambient.now();
        groupSnapshotColumns.update(tx, snapshot);
    });
}

// --- jobs: each waits for those of the volumes or snapshots, which have limits of their own

void Groups::declare() {
    const auto read = [this](auto what) { return parts_.store.read(what); };
    const auto endGroup = [this](store::Transaction& tx, const jobs::Run& run, GroupStatus status) {
        auto group = group_table::find(tx, run.subject);
        if (!group) return;
        group->status = status;
        groupColumns.update(tx, *group);
    };
    const auto endSnapshot = [this](store::Transaction& tx, const jobs::Run& run, GroupStatus status) {
        auto snapshot = groupSnapshotColumns.find(tx, run.subject);
        if (!snapshot) return;
        snapshot->status = status;
        groupSnapshotColumns.update(tx, *snapshot);
    };
    constexpr std::chrono::hours most{2};

    parts_.jobs.declare(
        jobs::Job("block.group.create")
            .step("wait",
                  [read](jobs::Run& run) {
                      for (const auto& each :
                           read([&](store::Reader& db) { return group_table::volumesOf(db, run.subject); }))
                          if (needsJob(each.status)) return run.notYet(look);
                  })
            .within(most)
            .onDone([endGroup](store::Transaction& tx, jobs::Run& run) {
                const auto volumes = group_table::volumesOf(tx, run.subject);
                const bool whole = std::none_of(volumes.begin(), volumes.end(),
                                                [](const Volume& each) { return each.status == VolumeStatus::Failed; });
                endGroup(tx, run, whole ? GroupStatus::Available : GroupStatus::Failed);
            })
            .onFailed([this, endGroup](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                parts_.log.error("group could not be made", {{"group", run.subject}, {"reason", reason}});
                endGroup(tx, run, GroupStatus::Failed);
            }));

    parts_.jobs.declare(
        jobs::Job("block.group.delete")
            .step("wait",
                  [read](jobs::Run& run) {
                      if (!read([&](store::Reader& db) { return group_table::volumesOf(db, run.subject); }).empty())
                          run.notYet(look);
                  })
            .onDone([](store::Transaction& tx, jobs::Run& run) { groupColumns.remove(tx, run.subject); })
            .untilDone());

    parts_.jobs.declare(
        jobs::Job("block.group_snapshot.create")
            .step("wait",
                  [read](jobs::Run& run) {
                      for (const auto& each :
                           read([&](store::Reader& db) { return group_table::snapshotsOf(db, run.subject); }))
                          if (needsJob(each.status)) return run.notYet(look);
                  })
            .within(most)
            .onDone([endSnapshot](store::Transaction& tx, jobs::Run& run) {
                const auto snapshots = group_table::snapshotsOf(tx, run.subject);
                const bool whole = std::all_of(snapshots.begin(), snapshots.end(), [](const Snapshot& each) {
                    return each.status == SnapshotStatus::Available;
                });
                endSnapshot(tx, run, whole ? GroupStatus::Available : GroupStatus::Failed);
            })
            .onFailed([this, endSnapshot](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                parts_.log.error("group snapshot could not be made",
                                 {{"group snapshot", run.subject}, {"reason", reason}});
                endSnapshot(tx, run, GroupStatus::Failed);
            }));

    parts_.jobs.declare(
        jobs::Job("block.group_snapshot.delete")
            .step("wait",
                  [read](jobs::Run& run) {
                      for (const auto& each :
                           read([&](store::Reader& db) { return group_table::snapshotsOf(db, run.subject); })) {
                          if (needsJob(each.status)) return run.notYet(look);
                          throw Error(Failure::Broken, "snapshot ", each.id, " is ", nameOf(each.status));
                      }
                  })
            .within(most)
            .onDone([](store::Transaction& tx, jobs::Run& run) { groupSnapshotColumns.remove(tx, run.subject); })
            .onFailed([this, endSnapshot](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                parts_.log.error("group snapshot could not be deleted",
                                 {{"group snapshot", run.subject}, {"reason", reason}});
                endSnapshot(tx, run, GroupStatus::Failed);
            }));
}

}
