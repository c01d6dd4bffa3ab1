#include "block/attachment/attachment.hpp"

#include <array>

#include "platform/words.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::pair<AttachmentStatus, std::string_view>, 4> attachmentStatuses{
    {{AttachmentStatus::Reserved, "reserved"},
     {AttachmentStatus::Attaching, "attaching"},
     {AttachmentStatus::Attached, "attached"},
     {AttachmentStatus::Detaching, "detaching"}}};

}

std::string_view nameOf(AttachmentStatus status) { return nameIn(attachmentStatuses, status); }
std::optional<AttachmentStatus> attachmentStatusNamed(std::string_view name) {
    return findIn(attachmentStatuses, name);
}

}
