#include "block/volume/volume.hpp"

#include <array>
#include <cstdlib>

#include "platform/words.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::pair<VolumeStatus, std::string_view>, 17> statuses{
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
     {VolumeStatus::BackingUp, "backing-up"},
     {VolumeStatus::RestoringBackup, "restoring-backup"},
     {VolumeStatus::ErrorBackingUp, "error_backing-up"},
     {VolumeStatus::ErrorRestoring, "error_restoring"}}};

}

std::string_view nameOf(VolumeStatus status) { return nameIn(statuses, status); }
std::optional<VolumeStatus> volumeStatusNamed(std::string_view name) { return findIn(statuses, name); }

bool mayFollow(VolumeStatus from, VolumeStatus to) {
    using enum VolumeStatus;
    switch (from) {
    case Creating:
        return to == Downloading || to == Available || to == Failed || to == Deleting || to == RestoringBackup;
    case Downloading: return to == Available || to == Failed || to == Deleting;
    case Available:
        return to == Reserved || to == Attaching || to == InUse || to == Extending || to == Deleting ||
               to == BackingUp || to == RestoringBackup;
    case Reserved: return to == Available || to == InUse || to == Deleting;
    case Attaching: return to == Available || to == InUse || to == Deleting;
    case InUse: return to == Detaching || to == Available || to == Extending;
    case Detaching: return to == InUse || to == Available || to == Deleting;
    case Extending: return to == Available || to == InUse || to == ErrorExtending || to == Deleting;
    case Deleting: return to == ErrorDeleting;
    case Maintenance: return to == Deleting;
    case Failed: return to == Deleting;
    case ErrorDeleting: return to == Deleting;
    case ErrorExtending:
    case ErrorBackingUp:
    case ErrorRestoring: return to == Deleting;
    case BackingUp: return to == Available || to == ErrorBackingUp;
    case RestoringBackup: return to == Available || to == ErrorRestoring;
    }
    std::abort();
}

bool needsJob(VolumeStatus status) {
    using enum VolumeStatus;
    return status == Creating || status == Downloading || status == Extending || status == Deleting ||
           status == BackingUp || status == RestoringBackup;
}

}
