#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "block/volume/volume.hpp"
#include "platform/ambient/ambient.hpp"

// What a snapshot of a volume is and how its states follow each other. Values, and no I/O.

namespace stratolet::block {

///  creating ──► available ◄──► backing-up
///      │            │
///      ▼            ▼
///    error ────► deleting ──► gone, or error_deleting
///                unmanaging ──► gone, or available again
enum class SnapshotStatus {
    Creating,
    Available,
    Deleting,
    Failed, ///< "error"
    ErrorDeleting,
    Unmanaging, ///< becoming something in its back end that isn't the cloud's any more
    BackingUp,
    Restoring ///< its volume is being reverted to it
};
std::string_view nameOf(SnapshotStatus status); ///< the API's word: "error_deleting"
std::optional<SnapshotStatus> snapshotStatusNamed(std::string_view name);
bool needsJob(SnapshotStatus status); ///< a snapshot stays in it only while a job of ours works on it

/// The bytes that a volume had, as they are kept. It lies where its volume does.
struct Snapshot {
    SnapshotId id;
    VolumeId volume;
    ProjectId project;
    UserId user;
    std::optional<std::string> name, description;
    SnapshotStatus status = SnapshotStatus::Creating;
    GiB size;                            ///< of the volume when it was taken
    std::optional<std::string> progress; ///< "100%"
    bool consumesQuota = true;
    std::string group;      ///< id of the group's snapshot that it is part of; empty: of none
    SecretId encryptionKey; ///< the volume's when it was taken
    Time created;
    std::optional<Time> updated;
    Metadata metadata;
};

}
