#pragma once

#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"

namespace stratolet::image {

///  queued ──► saving ──► active ◄──► deactivated
///    ▲           │
///    └───────────┘  (the upload failed)
/// Any of them can be deleted; then there is no image any more.
enum class ImageStatus { Queued, Saving, Active, Deactivated };
std::string_view nameOf(ImageStatus status);
std::optional<ImageStatus> statusNamed(std::string_view name);
bool mayFollow(ImageStatus from, ImageStatus to);

enum class Visibility { Public, Private, Shared, Community };
std::string_view nameOf(Visibility visibility);
std::optional<Visibility> visibilityNamed(std::string_view name);

constexpr std::size_t propertiesMax = 128, tagsMax = 128, membersMax = 128;

/// One image as the store has it.
struct ImageRecord {
    ImageId id;
    std::optional<std::string> name;
    ProjectId owner; ///< empty where nobody owns it
    ImageStatus status = ImageStatus::Queued;
    Visibility visibility = Visibility::Shared;
    std::optional<std::string> diskFormat, containerFormat;
    std::optional<std::int64_t> size, virtualSize;  ///< bytes
    std::optional<std::string> checksum, hashValue; ///< md5 and sha512, hexadecimal
    MiB minRam;
    GiB minDisk;
    bool isProtected = false;
    bool hidden = false;
    Time created, updated;
    std::map<std::string, std::string> properties;
    std::vector<std::string> tags;
};

/// A project that an image is shared with.
struct ImageMember {
    ImageId image;
    ProjectId member;
    std::string status; ///< "pending", "accepted", "rejected"
    Time created, updated;
};

/// Whether the data of such an image is the disk itself (and not an archive around it).
bool isPlainContainer(const std::optional<std::string>& containerFormat);

enum class AttributeKind { Property, Writable, ReadOnly, Reserved };
AttributeKind kindOf(std::string_view attribute);

/// Sets an attribute or a property from what a user sent; Error(Invalid) naming it where the value can't be, Error(Forbidden) where it
/// isn't a user's.
void assign(ImageRecord& image, const std::string& attribute, const Json& value);

}
