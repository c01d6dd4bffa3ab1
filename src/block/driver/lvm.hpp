#pragma once

#include <stratolet/driver/volume.hpp>

#include <memory>
#include <string>

namespace stratolet::block {

struct LvmOptions {
    std::string name;  ///< the back end's
    std::string group; ///< the volume group: there already
    bool thin = true;  ///< in `pool`; else each volume has all its room from the beginning
    std::string pool;  ///< the thin pool of that group: there already
};

/// Volumes as logical volumes "volume-ID", snapshots as "_snapshot-ID" (LVM keeps "snapshot…" for itself). Thin:
/// snapshots and clones share blocks. Thick: snapshots keep what is overwritten, clones are copies, and what is handed
/// out has been zeroed. Error(Invalid) where the kernel has no device-mapper, or the group or the pool isn't there.
/// The caller is root.
std::unique_ptr<VolumeDriver> lvmVolumeDriver(LvmOptions options);

}
