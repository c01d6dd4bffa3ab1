#include "block/snapshot/snapshot.hpp"

#include <array>

#include "platform/words.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::pair<SnapshotStatus, std::string_view>, 8> snapshotStatuses{
    {{SnapshotStatus::Creating, "creating"},
     {SnapshotStatus::Available, "available"},
     {SnapshotStatus::Deleting, "deleting"},
     {SnapshotStatus::Failed, "error"},
     {SnapshotStatus::ErrorDeleting, "error_deleting"},
     {SnapshotStatus::Unmanaging, "unmanaging"},
     {SnapshotStatus::BackingUp, "backing-up"},
     {SnapshotStatus::Restoring, "restoring"}}};

}

std::string_view nameOf(SnapshotStatus status) { return nameIn(snapshotStatuses, status); }
std::optional<SnapshotStatus> snapshotStatusNamed(std::string_view name) { return findIn(snapshotStatuses, name); }

bool needsJob(SnapshotStatus status) {
    using enum SnapshotStatus;
    return status == Creating || status == Deleting || status == Unmanaging || status == BackingUp ||
           status == Restoring;
}

}
