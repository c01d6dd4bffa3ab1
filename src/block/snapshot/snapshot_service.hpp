#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "block/list/list.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/snapshot/snapshot.hpp"
#include "block/volume/volume_work.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The snapshot that a request wants.
struct NewSnapshot {
    VolumeId volume;
    std::optional<std::string> name, description;
    Metadata metadata;
    std::string group = {}; ///< the group's snapshot that it is part of; empty: of none
};

/// Error(NotFound) where there is none, or one of a project that isn't the caller's (an administrator sees all).
Snapshot visible(store::Reader& db, const identity::Caller& caller, const SnapshotId& snapshot);

/// The verbs of snapshots: who may (by the rule of the route, unless they say another), what must hold, one transaction
/// each. What takes time is enqueued (snapshot_jobs.hpp). Owned by the module; any thread. Error(NotFound) for a
/// snapshot that the caller can't see.
class Snapshots {
public:
    Snapshots(Parts parts, VolumeWork& work, VolumeQuotas& quotas) : parts_(parts), work_(work), quotas_(quotas) {}

    /// `alsoInUse`: the caller says or knows that a guest may write to the volume meanwhile.
    Snapshot create(const identity::Caller& caller, const NewSnapshot& wanted, bool alsoInUse);
    /// The same as a part of another change.
    Snapshot createIn(store::Transaction& tx, const identity::Caller& caller, const NewSnapshot& wanted,
                      bool alsoInUse);
    Snapshot show(const identity::Caller& caller, const SnapshotId& snapshot);
    ListPage<Snapshot> list(const identity::Caller& caller, ListQuery query);
    Snapshot rename(const identity::Caller& caller, const SnapshotId& snapshot,
                    const std::function<void(Snapshot&)>& amend);
    void remove(const identity::Caller& caller, const SnapshotId& snapshot);
    /// As a part of another change: of a group's snapshot, or with its volume. The rule has been asked.
    void removeIn(store::Transaction& tx, const Snapshot& snapshot);

    Metadata metadata(const identity::Caller& caller, const SnapshotId& snapshot);
    Metadata changeMetadata(const identity::Caller& caller, const SnapshotId& snapshot,
                            const std::function<void(Metadata&)>& amend);

    // Actions; `rule` is the action's own.
    void resetStatus(const identity::Caller& caller, std::string_view rule, const SnapshotId& snapshot,
                     SnapshotStatus status);
    /// By who makes the snapshot in the cloud's place: only along its way.
    void updateStatus(const identity::Caller& caller, std::string_view rule, const SnapshotId& snapshot,
                      SnapshotStatus status, const std::optional<std::string>& progress);
    void forceRemove(const identity::Caller& caller, std::string_view rule, const SnapshotId& snapshot);
    void unmanage(const identity::Caller& caller, std::string_view rule, const SnapshotId& snapshot);

    /// What lies in the back end as `reference` becomes a snapshot of the volume. Asks the driver.
    Snapshot manage(const identity::Caller& caller, const NewSnapshot& wanted, const std::string& reference);

private:
    Snapshot permitted(store::Reader& db, const identity::Caller& caller, std::string_view rule,
                       const SnapshotId& snapshot);
    void startRemoval(store::Transaction& tx, Snapshot snapshot, bool force);
    Snapshot planned(store::Transaction& tx, const identity::Caller& caller, const Volume& volume,
                     const NewSnapshot& wanted);
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
    VolumeQuotas& quotas_;
};

}
