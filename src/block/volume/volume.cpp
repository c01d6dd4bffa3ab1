#include "block/volume/volume.hpp"

#include <array>
#include <cstdlib>

#include "platform/words.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::pair<VolumeStatus, std::string_view>, 25> statuses{
    {{VolumeStatus::Creating, "creating"},
     {VolumeStatus::Downloading, "downloading"},
     {VolumeStatus::Available, "available"},
     {VolumeStatus::Reserved, "reserved"},
     {VolumeStatus::Attaching, "attaching"},
     {VolumeStatus::InUse, "in-use"},
     {VolumeStatus::Detaching, "detaching"},
     {VolumeStatus::Extending, "extending"},
     {VolumeStatus::Deleting, "deleting"},
     {VolumeStatus::Maintenance, "maintenance"},
     {VolumeStatus::Failed, "error"},
     {VolumeStatus::ErrorDeleting, "error_deleting"},
     {VolumeStatus::ErrorExtending, "error_extending"},
     {VolumeStatus::Uploading, "uploading"},
     {VolumeStatus::Retyping, "retyping"},
     {VolumeStatus::Reverting, "reverting"},
     {VolumeStatus::Managing, "managing"},
     {VolumeStatus::ErrorManaging, "error_managing"},
     {VolumeStatus::Unmanaging, "unmanaging"},
     {VolumeStatus::AwaitingTransfer, "awaiting-transfer"},
     {VolumeStatus::BackingUp, "backing-up"},
     {VolumeStatus::RestoringBackup, "restoring-backup"},
     {VolumeStatus::ErrorBackingUp, "error_backing-up"},
     {VolumeStatus::ErrorRestoring, "error_restoring"},
     {VolumeStatus::Deleted, "deleted"}}};

}

std::string_view nameOf(VolumeStatus status) { return nameIn(statuses, status); }
std::optional<VolumeStatus> volumeStatusNamed(std::string_view name) { return findIn(statuses, name); }

bool mayFollow(VolumeStatus from, VolumeStatus to) {
    using enum VolumeStatus;
    switch (from) {
    case Creating:
        return to == Downloading || to == Available || to == Failed || to == Deleting || to == RestoringBackup;
    case Downloading: return to == Available || to == Reserved || to == Failed || to == Deleting;
    case Available:
        return to == Reserved || to == Attaching || to == InUse || to == Extending || to == Deleting ||
               to == Uploading || to == Retyping || to == Reverting || to == AwaitingTransfer || to == BackingUp ||
               to == RestoringBackup || to == Downloading || to == Unmanaging;
    case Reserved: return to == Available || to == InUse || to == Deleting || to == Downloading;
    case Attaching: return to == Available || to == InUse || to == Deleting;
    case InUse: // to Attaching: by one more, of a volume for several
        return to == Detaching || to == Attaching || to == Reserved || to == Available || to == Extending ||
               to == Uploading || to == Retyping || to == BackingUp;
    case Detaching: return to == InUse || to == Available || to == Deleting;
    case Extending: return to == Available || to == InUse || to == ErrorExtending || to == Deleting;
    case Deleting: return to == ErrorDeleting || to == Deleted;
    case Maintenance: return to == Deleting;
    case Failed: return to == Deleting || to == Downloading || to == RestoringBackup;
    case ErrorDeleting: return to == Deleting;
    case ErrorExtending: return to == Deleting;
    case BackingUp: return to == Available || to == InUse || to == ErrorBackingUp || to == Deleting;
    case Uploading:
    case Retyping: return to == Available || to == InUse || to == Deleting || to == Failed;
    case Reverting: return to == Available || to == Failed || to == Deleting;
    case Managing: return to == Available || to == ErrorManaging || to == Deleting;
    case ErrorManaging: return to == Deleting || to == Unmanaging;
    case Unmanaging: return to == Available || to == Deleting;
    case AwaitingTransfer: return to == Available || to == Deleting;
    case RestoringBackup: return to == Available || to == ErrorRestoring || to == Deleting;
    case ErrorBackingUp:
    case ErrorRestoring: return to == Deleting;
    case Deleted: return to == Deleting || to == Available;
    }
    std::abort();
}

bool isMigrating(const Volume& volume) {
    const auto& status = volume.migrationStatus;
    return status && *status != "success" && *status != "error" && *status != "none";
}

bool needsJob(VolumeStatus status) {
    using enum VolumeStatus;
    switch (status) {
    case Creating:
    case Downloading:
    case Extending:
    case Deleting:
    case Uploading:
    case Retyping:
    case Reverting:
    case Managing:
    case Unmanaging:
    case BackingUp:
    case RestoringBackup: return true;
    default: return false;
    }
}

}
