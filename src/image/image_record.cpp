#include "image/image_record.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "platform/words.hpp"

namespace stratolet::image {
namespace {

constexpr std::array<std::pair<ImageStatus, std::string_view>, 6> statuses{{{ImageStatus::Queued, "queued"},
                                                                            {ImageStatus::Saving, "saving"},
                                                                            {ImageStatus::Uploading, "uploading"},
                                                                            {ImageStatus::Importing, "importing"},
                                                                            {ImageStatus::Active, "active"},
                                                                            {ImageStatus::Deactivated, "deactivated"}}};
constexpr std::array<std::pair<Visibility, std::string_view>, 4> visibilities{{{Visibility::Public, "public"},
                                                                               {Visibility::Private, "private"},
                                                                               {Visibility::Shared, "shared"},
                                                                               {Visibility::Community, "community"}}};

constexpr std::array<std::string_view, 8> containerFormats{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"};
constexpr std::array<std::string_view, 11> diskFormats{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"};

constexpr std::array<std::string_view, 10> writable{"name",        "visibility", "protected", "os_hidden", "owner", "container_format",
                                                    "disk_format", "min_ram",    "min_disk",  "tags"};
constexpr std::array<std::string_view, 14> readOnly{"id",           "created_at",    "updated_at", "status",       "checksum",
                                                    "os_hash_algo", "os_hash_value", "size",       "virtual_size", "direct_url",
                                                    "self",         "file",          "schema",     "stores"};
constexpr std::array<std::string_view, 5> reserved{"deleted", "deleted_at", "location", "locations", "is_public"};

template <class Names> bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t charactersOf(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char each) { return (static_cast<unsigned char>(each) & 0xC0) != 0x80; }));
}

std::string shortText(const Json& value, std::size_t charactersMax) {
    auto text = value.text();
    if (charactersOf(text) > charactersMax) value.refuse("It must be " + std::to_string(charactersMax) + " characters or less.");
    return text;
}

template <class Names> std::optional<std::string> oneOrNone(const Json& value, const Names& names) {
    if (value.isNull()) return std::nullopt;
    auto text = value.text();
    if (!contains(names, text)) {
        std::string known;
        for (const auto each : names) known.append(known.empty() ? "" : ", ").append(each);
        value.refuse("It must be one of " + known + ".");
    }
    return text;
}

std::int64_t count(const Json& value) {
    const auto number = value.integer();
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) value.refuse("It must be a whole number from 0 to 2147483647.");
    return number;
}

std::vector<std::string> tagsFrom(const Json& value) {
    std::vector<std::string> tags;
    for (const auto& each : value.items()) tags.push_back(shortText(each, 255));
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    return tags;
}

void assignOwn(ImageRecord& image, std::string_view attribute, const Json& value) {
    if (attribute == "name")
        image.name = value.isNull() ? std::nullopt : std::optional(shortText(value, 255));
    else if (attribute == "owner")
        image.owner = {value.isNull() ? "" : shortText(value, 255)};
    else if (attribute == "protected")
        image.isProtected = value.boolean();
    else if (attribute == "os_hidden")
        image.hidden = value.boolean();
    else if (attribute == "min_ram")
        image.minRam = {count(value)};
    else if (attribute == "min_disk")
        image.minDisk = {count(value)};
    else if (attribute == "tags")
        image.tags = tagsFrom(value);
    else if (attribute == "container_format")
        image.containerFormat = oneOrNone(value, containerFormats);
    else if (attribute == "disk_format")
        image.diskFormat = oneOrNone(value, diskFormats);
    else {
        const auto found = visibilityNamed(value.text());
        if (!found) value.refuse("It must be one of public, private, shared, community.");
        image.visibility = *found;
    }
}

}

std::string_view nameOf(ImageStatus status) { return nameIn(statuses, status); }
std::optional<ImageStatus> statusNamed(std::string_view name) { return findIn(statuses, name); }
std::string_view nameOf(Visibility visibility) { return nameIn(visibilities, visibility); }
std::optional<Visibility> visibilityNamed(std::string_view name) { return findIn(visibilities, name); }

bool mayFollow(ImageStatus from, ImageStatus to) {
    switch (from) {
    case ImageStatus::Queued:
        return to == ImageStatus::Saving || to == ImageStatus::Uploading || to == ImageStatus::Importing || to == ImageStatus::Active;
    case ImageStatus::Saving: return to == ImageStatus::Active || to == ImageStatus::Queued;
    case ImageStatus::Uploading: return to == ImageStatus::Importing || to == ImageStatus::Queued;
    case ImageStatus::Importing: return to == ImageStatus::Active || to == ImageStatus::Queued;
    case ImageStatus::Active: return to == ImageStatus::Deactivated;
    case ImageStatus::Deactivated: return to == ImageStatus::Active;
    }
    std::abort();
}

bool isIn(const ImageRecord& image, std::string_view store) {
    return std::any_of(image.locations.begin(), image.locations.end(), [&](const ImageLocation& each) { return each.store == store; });
}

bool isPlainContainer(const std::optional<std::string>& containerFormat) {
    return containerFormat &&
           (*containerFormat == "bare" || *containerFormat == "ami" || *containerFormat == "ari" || *containerFormat == "aki");
}

AttributeKind kindOf(std::string_view attribute) {
    if (contains(writable, attribute)) return AttributeKind::Writable;
    if (contains(readOnly, attribute)) return AttributeKind::ReadOnly;
    if (contains(reserved, attribute) || attribute.starts_with("os_glance")) return AttributeKind::Reserved;
    return AttributeKind::Property;
}

void assign(ImageRecord& image, const std::string& attribute, const Json& value) {
    switch (kindOf(attribute)) {
    case AttributeKind::ReadOnly: throw Error(Failure::Forbidden, "Attribute '", attribute, "' is read-only.");
    case AttributeKind::Reserved: throw Error(Failure::Forbidden, "Attribute '", attribute, "' is reserved.");
    case AttributeKind::Writable: return assignOwn(image, attribute, value);
    case AttributeKind::Property: break;
    }
    if (attribute.empty() || charactersOf(attribute) > 255) value.refuse("The name of a property must have 1 to 255 characters.");
    image.properties[attribute] = shortText(value, 65535);
}

}
