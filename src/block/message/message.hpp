#pragma once

#include <stratolet/ids.hpp>

#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// Why something failed after the request for it had been accepted: said to its project in words that tell nothing of
// the host.

namespace stratolet::block {

/// What was being done (block storage API, "Messages": the number is in the event's id).
enum class Doing {
    PlaceVolume = 1, ///< "schedule allocate volume"
    Attach,
    UploadToImage,
    UpdateAttachment,
    CopyImage,
    Unmanage,
    Extend,
    CreateVolume, ///< "create volume from backend storage"
    CreateSnapshot,
    DeleteSnapshot,
    UpdateSnapshot,
    UpdateSnapshotMetadata,
    CreateBackup,
    DeleteBackup,
    RestoreBackup,
    Reimage
};

/// What went wrong (likewise).
enum class Wrong {
    Unknown = 1,
    DriverNotReady,
    NoBackend, ///< "Could not find any available weighted backend."
    UploadFailed,
    AttachMode,
    QuotaExceeded,
    NoSpaceForImage,
    UnmanageEncrypted,
    ComputeFailedToExtend,
    ExtendFailed,
    Signature,
    CreateFailed,
    SnapshotFailed,
    SnapshotMetadataFailed,
    SnapshotBusy,
    SnapshotDeleteFailed,
    BackupStatus,
    BackupServiceDown,
    BackupDevice,
    BackupFailed,
    AttachFailed,
    DetachFailed,
    BackupCleanup,
    BackupPlace,
    BackupDeleteFailed,
    RestoreFailed,
    VolumeStatus,
    ReimageFailed,
    ImageFormat,
    FullBackupInstead
};

struct Message {
    std::string id;
    ProjectId project;   ///< who may read it
    std::string request; ///< id of the request that asked for what failed; "" where nobody knows it any more
    std::string resourceType = "VOLUME"; ///< what it is about
    std::string resource;                ///< the volume's id
    Doing action = Doing::PlaceVolume;
    Wrong detail = Wrong::Unknown;
    std::string level = "ERROR";
    Time created, expires;
};

std::string eventOf(const Message& message); ///< "VOLUME_VOLUME_001_003"
std::string wordsOf(const Message& message); ///< "schedule allocate volume:Could not find any available …"

extern const resource::Table<Message> messageColumns;

/// SQL, and no rule.
namespace message_table {
void removeExpired(store::Transaction& tx, Time now, int most);
void keepNewest(store::Transaction& tx, const ProjectId& project, int most); ///< the rest goes
}

/// What there is to say of something.
struct NewMessage {
    ProjectId project;
    std::string request;
    std::string resource;
    Doing action = Doing::PlaceVolume;
    Wrong detail = Wrong::Unknown;
};

/// Keeps the message for 30 days. Every job's onFailed that a project should hear of calls it, in its transaction; what
/// really happened goes to the log. What a project has of messages is bounded: the oldest goes where it is full.
void record(store::Transaction& tx, Ambient& ambient, const NewMessage& message);

/// The id of the request that asked for a job, from its payload ("request"); "" where that says none.
std::string requestIn(const std::string& payload);

}
