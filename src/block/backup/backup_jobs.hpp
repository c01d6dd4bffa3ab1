#pragma once

#include <memory>
#include <string>

#include <stratolet/driver/backup_store.hpp>

#include "block/backup/backup.hpp"
#include "block/driver/disk_bytes.hpp"
#include "block/secret/secret.hpp"
#include "block/volume/volume_work.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::block {

/// What is done to the bytes of backups: "block.backup.hold" (of a volume in use: the snapshot that is copied),
/// "…create", "…release" (of that snapshot), "…restore", "…delete", "…import", and what is looked after at start-up.
/// Owned by the module.
class BackupJobs {
public:
    /// `log`: of backups, which is not that of volumes.
    BackupJobs(VolumeWork& work, Log& log, Secrets& secrets, BackupStore& store)
        : work_(work),
          log_(log),
          secrets_(secrets),
          store_(store) {}

    void declare();   ///< before jobs start
    void reconcile(); ///< tells of what nobody knows and removes what was deleted

private:
    void declareCreation();
    void declareRestoration();
    BackupId archiveOf(const BackupId& backup);
    std::unique_ptr<DiskBytes> sourceOf(const Backup& backup);
    void endCreation(store::Transaction& tx, const BackupId& backup, const std::string& failure);
    void endRestoration(store::Transaction& tx, const jobs::Run& run, VolumeStatus status);

    VolumeWork& work_;
    Log& log_;
    Secrets& secrets_;
    BackupStore& store_;
};

}
