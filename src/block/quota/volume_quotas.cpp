#include "block/quota/volume_quotas.hpp"

#include <stratolet/error.hpp>

#include "block/backup/backup_table.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/config/config.hpp"

namespace stratolet::block {

VolumeQuotas::VolumeQuotas(Parts parts)
    : parts_(parts),
      quotas_("block-storage", {{"volumes", parts.config.integer("block", "quota_volumes")},
                                {"gigabytes", parts.config.integer("block", "quota_gigabytes")},
                                {"per_volume_gigabytes", parts.config.integer("block", "quota_per_volume_gigabytes")},
                                {"snapshots", parts.config.integer("block", "quota_snapshots")},
                                {"backups", parts.config.integer("block", "quota_backups")},
                                {"backup_gigabytes", parts.config.integer("block", "quota_backup_gigabytes")},
                                {"groups", 10},
                                {"volumes___DEFAULT__", -1},
                                {"gigabytes___DEFAULT__", -1},
                                {"snapshots___DEFAULT__", -1}}) {}

void VolumeQuotas::requireSize(store::Reader& db, const ProjectId& project, GiB size) const {
    const auto most = quotas_.limit(db, project.text, "per_volume_gigabytes");
    if (most >= 0 && size.count > most)
        throw Error(Failure::OverLimit, "Requested volume size ", size.count, " is larger than maximum allowed limit ",
                    most, ".");
}

/// Snapshots count as what they hold, unless they are said not to ([block] no_snapshot_gb_quota).
std::int64_t VolumeQuotas::gigabytesOf(store::Reader& db, const ProjectId& project) const {
    const bool without = parts_.config.boolean("block", "no_snapshot_gb_quota");
    return volume_table::gigabytesOf(db, project) + (without ? 0 : snapshot_table::gigabytesOf(db, project));
}

void VolumeQuotas::claimGigabytes(store::Reader& db, const ProjectId& project, std::int64_t more) const {
    for (const auto* resource : {"gigabytes", "gigabytes___DEFAULT__"})
        quotas_.claim(db, project.text, resource, gigabytesOf(db, project), more);
}

void VolumeQuotas::claimVolume(store::Reader& db, const Volume& volume) const {
    requireSize(db, volume.project, volume.size);
    for (const auto* resource : {"volumes", "volumes___DEFAULT__"})
        quotas_.claim(db, volume.project.text, resource, volume_table::countOf(db, volume.project), 1);
    claimGigabytes(db, volume.project, volume.size.count);
}

void VolumeQuotas::claimSnapshot(store::Reader& db, const Snapshot& snapshot) const {
    for (const auto* resource : {"snapshots", "snapshots___DEFAULT__"})
        quotas_.claim(db, snapshot.project.text, resource, snapshot_table::countOf(db, snapshot.project), 1);
    if (!parts_.config.boolean("block", "no_snapshot_gb_quota"))
        claimGigabytes(db, snapshot.project, snapshot.size.count);
}

void VolumeQuotas::claimBackup(store::Reader& db, const ProjectId& project, GiB size) const {
    quotas_.claim(db, project.text, "backups", backup_table::countOf(db, project), 1);
    quotas_.claim(db, project.text, "backup_gigabytes", backup_table::gigabytesOf(db, project), size.count);
}

void VolumeQuotas::claimGrowth(store::Reader& db, const Volume& volume, GiB size) const {
    requireSize(db, volume.project, size);
    claimGigabytes(db, volume.project, size.count - volume.size.count);
}

std::vector<VolumeQuotas::Usage> VolumeQuotas::usage(const ProjectId& project) const {
    auto& db = parts_.store.reader();
    const auto volumes = volume_table::countOf(db, project), gigabytes = gigabytesOf(db, project),
               snapshots = snapshot_table::countOf(db, project), backups = backup_table::countOf(db, project),
               backupGigabytes = backup_table::gigabytesOf(db, project);
    std::vector<Usage> all;
    for (const auto& [resource, otherwise] : quotas_.defaults()) {
        const std::int64_t used = resource.starts_with("volumes")     ? volumes
                                  : resource.starts_with("gigabytes") ? gigabytes
                                  : resource.starts_with("snapshots") ? snapshots
                                  : resource == "backups"             ? backups
                                  : resource == "backup_gigabytes"    ? backupGigabytes
                                                                      : 0;
        all.push_back({resource, quotas_.limit(db, project.text, resource), used});
    }
    return all;
}

void VolumeQuotas::set(const identity::Caller& caller, const ProjectId& project,
                       const std::vector<std::pair<std::string, std::int64_t>>& limits) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) {
        for (const auto& [resource, limit] : limits) quotas_.set(tx, project.text, resource, limit);
    });
}

void VolumeQuotas::reset(const identity::Caller& caller, const ProjectId& project) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) { quotas_.reset(tx, project.text); });
}

}
