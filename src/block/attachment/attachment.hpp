#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "platform/ambient/ambient.hpp"

// What an attachment is: the tie of a volume to a server of ours, or to anybody who says so by the block storage API. A
// value, and no I/O.

namespace stratolet::block {

/// "reserved", "attaching", "attached", "detaching"
enum class AttachmentStatus { Reserved, Attaching, Attached, Detaching };
std::string_view nameOf(AttachmentStatus status);
std::optional<AttachmentStatus> attachmentStatusNamed(std::string_view name);

/// Who has a volume, or wants it, as it is kept.
struct VolumeAttachment {
    AttachmentId id;
    VolumeId volume;
    ServerId server; ///< empty where a host has it
    std::optional<std::string> hostName, device;
    std::string mode = "rw"; ///< or "ro"
    AttachmentStatus status = AttachmentStatus::Reserved;
    bool byCompute = false; ///< a guest of ours has it: only compute may let it go (CVE-2023-2088)
    Time created;
    std::optional<Time> attached;
    std::optional<std::string> connector;  ///< how it said that it reaches the volume: a JSON object
    std::optional<std::string> connection; ///< what it was told: a JSON object
};

}
