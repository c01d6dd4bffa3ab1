#pragma once

#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"

// What a volume is and how its states follow each other. Values, and no I/O.

namespace stratolet::block {

///  creating ──► downloading ──► available ◄──► reserved, attaching ──► in-use ◄──► detaching ──► available
///      │             │            │  ▲                                    │
///      ▼             ▼            │  └── extending ──► error_extending    ▼ (maintenance: by an administrator only)
///      │             │            │                                     extending ──► in-use
///    error ◄─────────┘            ▼
///      └────────────────────► deleting ──► gone, or error_deleting
/// An available volume is also backing-up (then available again) or restoring-backup (then available, or
/// error_restoring).
enum class VolumeStatus {
    Creating,
    Downloading, ///< being filled from an image
    Available,
    Reserved,
    Attaching,
    InUse,
    Detaching,
    Extending,
    Deleting,
    Maintenance,
    Failed, ///< "error"
    ErrorDeleting,
    ErrorExtending,
    BackingUp,       ///< "backing-up": its bytes are being copied into a backup
    RestoringBackup, ///< "restoring-backup": it is being filled from one
    ErrorBackingUp,
    ErrorRestoring
};
std::string_view nameOf(VolumeStatus status); ///< the API's word: "in-use"
std::optional<VolumeStatus> volumeStatusNamed(std::string_view name);
bool mayFollow(VolumeStatus from, VolumeStatus to); ///< by itself; an administrator may set any status
bool needsJob(VolumeStatus status);                 ///< a volume stays in it only while a job of ours works on it

using Metadata = std::map<std::string, std::string>;

/// A volume as it is kept.
struct Volume {
    VolumeId id;
    ProjectId project;
    UserId user;
    std::optional<std::string> name, description;
    VolumeStatus status = VolumeStatus::Creating;
    GiB size;
    std::optional<GiB> newSize; ///< while it is being extended
    bool bootable = false;
    std::optional<bool> readOnly; ///< guests may only read it; nothing where nobody has said
    ImageId image;                ///< that it is filled from; empty where it is made empty
    std::string type;             ///< id of its volume type
    std::string typeName;
    std::string host; ///< where it is: "host@backend#pool"
    Time created;
    std::optional<Time> updated;
    Metadata metadata;
    Metadata imageMetadata;
};

/// What a project has of the volumes; an empty project stands for all.
struct Share {
    ProjectId project;
    std::int64_t count = 0, gigabytes = 0;
};

constexpr std::string_view availabilityZone = "nova";

}
