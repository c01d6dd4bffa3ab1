#pragma once

#include <string>

#include "block/snapshot/snapshot.hpp"
#include "block/volume/volume_work.hpp"

namespace stratolet::block {

/// What is done to the bytes of snapshots: the steps of "block.snapshot.create", "…delete", "…manage" and "…unmanage",
/// and what is looked after at start-up. Owned by the module.
class SnapshotJobs {
public:
    explicit SnapshotJobs(VolumeWork& work) : work_(work) {}

    void declare();                       ///< before jobs start
    void reconcile(VolumeDriver& driver); ///< tells of what nobody knows and removes what was deleted
    void lookAfterRows();                 ///< tells of those that nobody works on though their status says so

private:
    void end(store::Transaction& tx, const jobs::Run& run, SnapshotStatus status);

    VolumeWork& work_;
};

}
