#pragma once

#include <stratolet/driver/volume.hpp>

#include "block/block.hpp"
#include "block/secret/secret.hpp"
#include "block/snapshot/snapshot_jobs.hpp"
#include "block/volume/volume_work.hpp"

namespace stratolet::block {

/// What is done to the bytes of volumes: the steps of "block.volume.create", "…extend" and "…delete", and what is
/// looked after at start-up. Owned by the module. A step runs on a thread of its lane and may block; what it throws is
/// a failed attempt (platform/jobs).
class VolumeJobs {
public:
    VolumeJobs(Parts parts, VolumeWork& work, Secrets& secrets, SnapshotJobs& snapshots)
        : parts_(parts),
          work_(work),
          secrets_(secrets),
          snapshots_(snapshots) {}

    void declare();   ///< before jobs start
    void reconcile(); ///< compares the back ends with the rows; tells of what nobody knows and removes what was deleted

    /// The bytes of `volume.image` into the volume, sealed where it is.
    void pour(const Volume& volume, const Cancelled& cancelled);

private:
    void fill(const Volume& volume, const Cancelled& cancelled);
    void seal(const Volume& volume, const Cancelled& cancelled);
    void endExtension(store::Transaction& tx, const VolumeId& volume, bool grown);
    void reconcile(VolumeDriver& driver);

    Parts parts_;
    VolumeWork& work_;
    Secrets& secrets_;
    SnapshotJobs& snapshots_;
};

}
