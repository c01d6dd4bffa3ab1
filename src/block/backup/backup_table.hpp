#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "block/backup/backup.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What is true of each attribute of a backup, in the order in which it is shown.
extern const resource::Table<Backup> backupColumns;

/// SQL, and no rule.
namespace backup_table {
std::optional<Backup> find(store::Reader& db, const BackupId& backup);

/// The project's newest available one of the volume: what the next one can stand on.
std::optional<Backup> newest(store::Reader& db, const ProjectId& project, const VolumeId& volume);

/// Whether a backup is being copied from the volume through a snapshot of its own, or from this snapshot.
bool copiedFrom(store::Reader& db, const VolumeId& volume);
bool copiedFrom(store::Reader& db, const SnapshotId& snapshot);

/// Whether a backup other than this one has its objects there.
bool isUsed(store::Reader& db, const BackupId& archive, const BackupId& otherThan = {});

void insert(store::Transaction& tx, const Backup& backup);
void update(store::Transaction& tx, const Backup& backup); ///< its name, description, metadata and all that moves
void remove(store::Transaction& tx, const BackupId& backup);

/// Moves on, but only from where the caller saw it.
bool move(store::Transaction& tx, const BackupId& backup, BackupStatus from, BackupStatus to, Time now);
void setStatus(store::Transaction& tx, const BackupId& backup, BackupStatus status, Time now); ///< from anywhere
void setObjects(store::Transaction& tx, const BackupId& backup, int objects);
void setRestoring(store::Transaction& tx, const BackupId& backup, const VolumeId& into); ///< empty: no more
void setMetadata(store::Transaction& tx, const BackupId& backup, const Metadata& metadata);

std::int64_t count(store::Reader& db, const store::Conditions& conditions);
std::int64_t countOf(store::Reader& db, const ProjectId& project);
std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project);
std::vector<std::pair<BackupId, BackupStatus>> moving(store::Reader& db); ///< those whose status needs a job
}

}
