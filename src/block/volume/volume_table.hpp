#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/volume/volume.hpp"
#include "platform/store/many.hpp"
#include "resource/listing.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What is true of each attribute of a volume: its column, what lists find and sort it by, and, in this order, what is
/// shown to anybody. What depends on the version or on rights is in wire.cpp.
extern const resource::Table<Volume> volumeColumns;

/// Volumes and their metadata. SQL, and no rule.
namespace volume_table {
std::optional<Volume> find(store::Reader& db, const VolumeId& volume);
std::int64_t count(store::Reader& db, const store::Conditions& conditions);
std::int64_t gigabytes(store::Reader& db, const store::Conditions& conditions);
std::vector<std::pair<std::string, std::string>> metadataOf(store::Reader& db,
                                                            const store::Conditions& conditions); ///< distinct

void insert(store::Transaction& tx, const Volume& volume);
void save(store::Transaction& tx, const Volume& volume);             ///< all that changes, but for metadata
void remove(store::Transaction& tx, const Volume& volume, Time now); ///< and remembers that it was deleted
void forget(store::Transaction& tx, const VolumeId& volume);         ///< it is another's now

/// Those of a version that knew one back end say where they are: at this host.
void placeAll(store::Transaction& tx, const std::string& host);

/// Moves a volume on, but only from where the caller saw it.
bool move(store::Transaction& tx, const VolumeId& volume, VolumeStatus from, VolumeStatus to, Time now);
void setStatus(store::Transaction& tx, const VolumeId& volume, VolumeStatus status,
               Time now); ///< by an administrator: from anywhere
void setBootable(store::Transaction& tx, const VolumeId& volume, bool bootable, Time now);
void setReadOnly(store::Transaction& tx, const VolumeId& volume, bool readOnly, Time now);
void setPrevious(store::Transaction& tx, const VolumeId& volume, VolumeStatus previous);
void setMigrationStatus(store::Transaction& tx, const VolumeId& volume, std::string_view status);
void setNewSize(store::Transaction& tx, const VolumeId& volume, std::optional<GiB> size);
void setSize(store::Transaction& tx, const VolumeId& volume, GiB size); ///< the new size, no longer to come
void setMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& metadata);
void setImageMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& metadata);
/// Whether a volume is being filled with the bytes of this one.
bool isBeingMadeFrom(store::Reader& db, const SnapshotId& snapshot);
bool isBeingMadeFrom(store::Reader& db, const VolumeId& source);
std::vector<VolumeId> deletedUntil(store::Reader& db, Time time);            ///< in the recycle bin since then at least
std::vector<std::pair<VolumeId, VolumeStatus>> inTransit(store::Reader& db); ///< whose status needs a job

std::int64_t countOf(store::Reader& db, const ProjectId& project);
std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project); ///< what extensions have claimed included
}

}
