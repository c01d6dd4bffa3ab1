#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "block/snapshot/snapshot.hpp"
#include "block/type/type.hpp"
#include "block/volume/volume.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"
#include "platform/quota/quota.hpp"

namespace stratolet::block {

/// How much a project may have of volumes, and has. Gigabytes are GiB; -1 is unlimited. What a project may have is what
/// an administrator has said of it, or of the quota class "default", or the configuration; of the volumes, gigabytes
/// and snapshots of one type ("volumes_TYPE") as many as of all where nobody says. Owned by the module; any thread.
class VolumeQuotas {
public:
    explicit VolumeQuotas(Parts parts);

    /// Error(OverLimit) where the project may not have one more volume of that size and type.
    void claimVolume(store::Reader& db, const Volume& volume) const;
    /// Error(OverLimit) where the project may not have one more snapshot of that size.
    void claimSnapshot(store::Reader& db, const Snapshot& snapshot) const;
    /// Error(OverLimit) where the project may not have one more backup of a volume of that size.
    void claimBackup(store::Reader& db, const ProjectId& project, GiB size) const;
    /// Error(OverLimit) where the volume may not grow to that size.
    void claimGrowth(store::Reader& db, const Volume& volume, GiB size) const;
    /// Error(OverLimit) where the project may not have the volume as one of another type, as which it does not yet
    /// count.
    void claimRetype(store::Reader& db, const Volume& volume, const VolumeType& type) const;
    /// Error(OverLimit) where the project may not have one more group.
    void claimGroup(store::Reader& db, const ProjectId& project) const;

    struct Usage {
        std::string resource;
        std::int64_t limit, used;
    };
    using Limits = std::vector<std::pair<std::string, std::int64_t>>;
    std::vector<Usage> usage(const ProjectId& project) const;
    Limits defaults() const; ///< what a project has of which nobody has said anything

    /// `validated`: Error(Invalid) where the project has more of it already.
    void set(const identity::Caller& caller, const ProjectId& project, const Limits& limits, bool validated);
    void reset(const identity::Caller& caller, const ProjectId& project);

    // Quota classes: "default" is what projects have that have none of their own; others are kept and mean nothing.
    Limits classLimits(const identity::Caller& caller, const std::string& name) const;
    void setClass(const identity::Caller& caller, const std::string& name, const Limits& limits);

    // A type's resources are called after it.
    void renameType(store::Transaction& tx, const std::string& from, const std::string& to) const;
    void forgetType(store::Transaction& tx, const std::string& name) const;

private:
    std::vector<std::string> resources(store::Reader& db) const; ///< all that there are now
    void requireKnown(store::Reader& db, const Limits& limits) const;
    std::int64_t limit(store::Reader& db, const ProjectId& project, const std::string& resource) const;
    std::int64_t otherwise(store::Reader& db, const std::string& resource) const; ///< without a project's own
    void claim(store::Reader& db, const ProjectId& project, const std::string& resource, std::int64_t used,
               std::int64_t wanted) const;
    void requireSize(store::Reader& db, const ProjectId& project, GiB size) const;
    void claimGigabytes(store::Reader& db, const ProjectId& project, const std::string& type,
                        const std::string& typeName, std::int64_t more) const;
    std::int64_t gigabytes(store::Reader& db, const ProjectId& project, const std::string& type) const;
    std::vector<Usage> usage(store::Reader& db, const ProjectId& project) const;

    Parts parts_;
    bool withSnapshots_; ///< snapshots count as what they hold ([block] no_snapshot_gb_quota)
    Quotas quotas_, classes_;
};

}
