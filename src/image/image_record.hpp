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

///  queued ──► saving ───────────────► active ◄──► deactivated
///   │ │ ▲        │ (failed)              ▲
///   │ │ ├────────┘                       │
///   │ │ ├──────────────────┐ (failed)    │
///   │ └─┼─► uploading ──► importing ─────┤       uploading: its data is being staged, or waits for the import
///   │   └──────┘ (failed)   ▲            │
///   └───────────────────────┴────────────┘       to importing: from the web; to active: an address was given
/// Any of them can be deleted; then there is no image any more.
enum class ImageStatus { Queued, Saving, Uploading, Importing, Active, Deactivated };
std::string_view nameOf(ImageStatus status);
std::optional<ImageStatus> statusNamed(std::string_view name);
bool mayFollow(ImageStatus from, ImageStatus to);

/// Who sees an image beside its owner.
enum class Visibility { Public, Private, Shared, Community };
std::string_view nameOf(Visibility visibility);
std::optional<Visibility> visibilityNamed(std::string_view name);

constexpr std::size_t propertiesMax = 128, tagsMax = 128, membersMax = 128, locationsMax = 10;

/// One place where the data of an image is.
struct ImageLocation {
    std::string store;           ///< name of one of ours; empty where it is an address elsewhere
    std::string url;             ///< of that address; empty where it is in a store of ours
    std::string metadata = "{}"; ///< a JSON object
    friend bool operator==(const ImageLocation&, const ImageLocation&) = default;
};

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
    std::optional<std::int64_t> staged; ///< bytes in the staging area
    std::optional<std::string> importingTo,
        failedImport; ///< stores of the last import, with commas; nothing where there was none
    std::map<std::string, std::string> properties;
    std::vector<std::string> tags;
    std::vector<ImageLocation> locations;
};

/// Whether one of its locations is this store of ours.
bool isIn(const ImageRecord& image, std::string_view store);

/// Whether the data of such an image is the disk itself (and not an archive around it).
bool isPlainContainer(const std::optional<std::string>& containerFormat);

/// What a request may do with an attribute of an image.
enum class AttributeKind { Property, Writable, ReadOnly, Reserved };
AttributeKind kindOf(std::string_view attribute);

/// Sets an attribute or a property from what a user sent; Error(Invalid) naming it where the value can't be,
/// Error(Forbidden) where it isn't a user's.
void assign(ImageRecord& image, const std::string& attribute, const Json& value);

}
