#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "block/snapshot/snapshot.hpp"
#include "block/volume/volume.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"
#include "platform/quota/quota.hpp"

namespace stratolet::block {

/// How much a project may have of volumes, and has. Gigabytes are GiB; -1 is unlimited. Owned by the module; any
/// thread.
class VolumeQuotas {
public:
    /// What a project without limits of its own has is in [block] of the configuration.
    explicit VolumeQuotas(Parts parts);

    const std::map<std::string, std::int64_t, std::less<>>& defaults() const { return quotas_.defaults(); }

    /// Error(OverLimit) where the project may not have one more volume of that size.
    void claimVolume(store::Reader& db, const Volume& volume) const;
    /// Error(OverLimit) where the project may not have one more snapshot of that size.
    void claimSnapshot(store::Reader& db, const Snapshot& snapshot) const;
    /// Error(OverLimit) where the project may not have one more backup of a volume of that size.
    void claimBackup(store::Reader& db, const ProjectId& project, GiB size) const;
    /// Error(OverLimit) where the volume may not grow to that size.
    void claimGrowth(store::Reader& db, const Volume& volume, GiB size) const;

    struct Usage {
        std::string resource;
        std::int64_t limit, used;
    };
    std::vector<Usage> usage(const ProjectId& project) const;
    void set(const identity::Caller& caller, const ProjectId& project,
             const std::vector<std::pair<std::string, std::int64_t>>& limits);
    void reset(const identity::Caller& caller, const ProjectId& project);

private:
    std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project) const;
    void requireSize(store::Reader& db, const ProjectId& project, GiB size) const;
    void claimGigabytes(store::Reader& db, const ProjectId& project, std::int64_t more) const;

    Parts parts_;
    Quotas quotas_;
};

}
