#pragma once

#include <filesystem>

#include "block/volume/volume_jobs.hpp"

namespace stratolet::block {

/// The steps of what gives a volume other bytes, another place or another master: "block.volume.revert", "…upload",
/// "…reimage", "…move", "…sweep", "…manage" and "…unmanage". Owned by the module.
class VolumeChangeJobs {
public:
    VolumeChangeJobs(VolumeWork& work, VolumeJobs& volumes);

    void declare(); ///< before jobs start

private:
    void declareUpload();
    void declareMove();
    void declareManaging();
    /// Back from what its job's status names, unless somebody has said otherwise meanwhile.
    void end(store::Transaction& tx, const jobs::Run& run, VolumeStatus from, std::optional<VolumeStatus> to);
    std::filesystem::path uploadFile(const jobs::Run& run) const;
    void copyForUpload(const jobs::Run& run);

    VolumeWork& work_;
    VolumeJobs& volumes_;
    std::filesystem::path uploads_; ///< where the bytes of volumes lie on their way to be images
};

}
