#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "block/snapshot/snapshot.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What is true of each attribute of a snapshot, and, in this order, what is shown to anybody.
extern const resource::Table<Snapshot> snapshotColumns;

/// Snapshots and their metadata. SQL, and no rule.
namespace snapshot_table {
std::optional<Snapshot> find(store::Reader& db, const SnapshotId& snapshot);
std::vector<Snapshot> of(store::Reader& db, const VolumeId& volume); ///< oldest first
bool any(store::Reader& db, const VolumeId& volume);
std::int64_t count(store::Reader& db, const store::Conditions& conditions);
/// A new one, with what its volume's image metadata says now.
void insert(store::Transaction& tx, const Snapshot& snapshot);
Metadata imageMetadataOf(store::Reader& db, const SnapshotId& snapshot); ///< as its volume's was when it was taken
void save(store::Transaction& tx, const Snapshot& snapshot);             ///< all that changes, but for metadata
void setMetadata(store::Transaction& tx, const SnapshotId& snapshot, const Metadata& metadata);
/// And remembers that it was deleted in this back end.
void remove(store::Transaction& tx, const SnapshotId& snapshot, const std::string& backend, Time now);
void forget(store::Transaction& tx, const SnapshotId& snapshot); ///< what it was made of stays
// One that a volume in use is copied from, which nobody else knows of: from its first byte to its last in the back end.
void hold(store::Transaction& tx, const SnapshotId& snapshot);
void letGo(store::Transaction& tx, const SnapshotId& snapshot);
bool isHeld(store::Reader& db, const SnapshotId& snapshot);
std::optional<std::string> placeOf(store::Reader& db, const SnapshotId& snapshot); ///< its volume's host
std::vector<std::pair<SnapshotId, SnapshotStatus>> inTransit(store::Reader& db);   ///< those that need a job

std::int64_t countOf(store::Reader& db, const ProjectId& project);
std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project);
}

}
