#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "block/volume/volume.hpp"
#include "platform/ambient/ambient.hpp"

// What a backup is. A value, and no I/O.

namespace stratolet::block {

///  creating ──► available ◄──► restoring
///      │            │
///      ▼            ▼
///    error ─────► deleting ──► gone
enum class BackupStatus { Creating, Available, Restoring, Deleting, Failed };
std::string_view nameOf(BackupStatus status);
std::optional<BackupStatus> backupStatusNamed(std::string_view name);
bool mayFollow(BackupStatus from, BackupStatus to); ///< by itself; an administrator may set any
bool needsJob(BackupStatus status);                 ///< a backup stays in it only while a job of ours works on it

/// What a volume said at one moment, kept apart from it.
struct Backup {
    BackupId id;
    ProjectId project;
    UserId user;
    BackupId archive;    ///< under which its objects lie: its own id, unless it was imported under another
    VolumeId volume;     ///< that it is of; it may be gone
    SnapshotId snapshot; ///< that it was copied from; empty: the volume itself
    BackupId parent;     ///< whose chunks it uses where they say the same; empty: it stands alone
    std::optional<std::string> name, description;
    BackupStatus status = BackupStatus::Creating;
    GiB size; ///< of the volume
    std::optional<std::string> container, zone;
    int objects = 0;
    std::optional<std::string> failReason;
    Time data;          ///< when the volume said that
    bool held = false;  ///< copied from a snapshot of its own, which has the backup's id
    VolumeId restoring; ///< the volume that is being filled from it
    SecretId key;       ///< what opens the bytes; empty: they are as they are
    std::string facts;  ///< what else was true of the volume: JSON
    bool dependents = false;
    Time created;
    std::optional<Time> updated;
    Metadata metadata;
};

/// What a volume has beside its bytes that a new one made from its backup has, too.
struct VolumeTraits {
    bool bootable = false;
    std::string type; ///< id
    Metadata metadata, imageMetadata;
};
std::string factsOf(const VolumeTraits& traits); ///< as Backup::facts has them
VolumeTraits traitsIn(const std::string& facts);

}
