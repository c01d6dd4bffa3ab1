#pragma once

#include <stratolet/disk.hpp>
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
///      └────────────────────► deleting ──► gone, deleted (in the recycle bin), or error_deleting
///
///  managing ──► available, or error_managing
///  available, in-use ──► uploading, retyping, reverting, backing-up ──► the same again (reverting may also fail)
///  available ──► awaiting-transfer ──► available; restoring-backup ──► available, or error_restoring
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
    Uploading, ///< its bytes are becoming an image
    Retyping,  ///< it is becoming one of another type, or of another back end
    Reverting, ///< to its newest snapshot
    Managing,  ///< being taken over from what lies in a back end
    ErrorManaging,
    Unmanaging, ///< becoming something in its back end that isn't the cloud's any more
    AwaitingTransfer,
    BackingUp,       ///< "backing-up": its bytes are being copied into a backup
    RestoringBackup, ///< "restoring-backup": it is being filled from one
    ErrorBackingUp,
    ErrorRestoring,
    Deleted ///< in the recycle bin: its bytes are kept until [block] delete_retention is over
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
    SnapshotId snapshot;                        ///< that it was made from; it may be gone
    VolumeId source;                            ///< the same of another volume
    bool multiattach = false;                   ///< several servers may have it at once
    SecretId encryptionKey;                     ///< what opens it; empty where its bytes are as they are
    std::optional<std::string> migrationStatus; ///< how its move goes; nothing where there was none
    std::optional<VolumeStatus> previous;       ///< what it is again once the work that its status names is done
    std::string newHost, newType; ///< where it is being moved, and what it becomes; empty: nowhere, nothing
    std::string group;            ///< id of its group; empty: in none
    std::string consistencyGroup; ///< the same where that is a consistency group
    bool consumesQuota = true;
    std::optional<Time> deleted; ///< since when it has been in the recycle bin
    Metadata metadata;
    Metadata imageMetadata;
};

/// On its way to another back end: nothing else may be begun with it.
bool isMigrating(const Volume& volume);

// What an image that a sealed volume was made says of its passphrase. For people to read: we believe our own table.
constexpr std::string_view keyProperty = "cinder_encryption_key_id",
                           keyPolicyProperty = "cinder_encryption_key_deletion_policy";

/// The host of a volume that no back end could take.
constexpr std::string_view nowhere = "-";

constexpr std::string_view availabilityZone = "nova";

}
