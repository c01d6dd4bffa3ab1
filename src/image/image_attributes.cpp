#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "image/image_table.hpp"

// What is true of each attribute of an image, a line each; and what a body may say of them.

namespace stratolet::resource {

template <> struct Codec<image::ImageStatus> : WordCodec<image::statusNamed> {};
template <> struct Codec<image::Visibility> : WordCodec<image::visibilityNamed> {};

}

namespace stratolet::image {
namespace {

using namespace resource;

constexpr std::array<std::string_view, 8> containerFormats{"ami", "ari", "aki",    "bare",
                                                           "ovf", "ova", "docker", "compressed"};
constexpr std::array<std::string_view, 11> diskFormats{"ami", "ari",   "aki", "vhd", "vhdx", "vmdk",
                                                       "raw", "qcow2", "vdi", "iso", "ploop"};

constexpr std::array<std::string_view, 5> reserved{"deleted", "deleted_at", "location", "locations", "is_public"};

template <class Names> bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t charactersOf(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char each) { return (static_cast<unsigned char>(each) & 0xC0) != 0x80; }));
}

std::string shortText(const Json& value, std::size_t charactersMax) {
    auto text = value.text();
    if (charactersOf(text) > charactersMax)
        value.refuse("It must be " + std::to_string(charactersMax) + " characters or less.");
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

std::int64_t countIn(const Json& value) {
    const auto number = value.integer();
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max())
        value.refuse("It must be a whole number from 0 to 2147483647.");
    return number;
}

std::vector<std::string> tagsFrom(const Json& value) {
    std::vector<std::string> tags;
    for (const auto& each : value.items()) tags.push_back(shortText(each, 255));
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    return tags;
}

// How bodies say them (Image API v2, "Create image"): Error(Invalid) naming the attribute that can't be.

void readName(ImageRecord& image, const Json& value, const Reading&) {
    image.name = value.isNull() ? std::nullopt : std::optional(shortText(value, 255));
}

void readOwner(ImageRecord& image, const Json& value, const Reading&) {
    image.owner = {value.isNull() ? "" : shortText(value, 255)};
}

void readDiskFormat(ImageRecord& image, const Json& value, const Reading&) {
    image.diskFormat = oneOrNone(value, diskFormats);
}

void readContainerFormat(ImageRecord& image, const Json& value, const Reading&) {
    image.containerFormat = oneOrNone(value, containerFormats);
}

void readVisibility(ImageRecord& image, const Json& value, const Reading&) {
    const auto found = visibilityNamed(value.text());
    if (!found) value.refuse("It must be one of public, private, shared, community.");
    image.visibility = *found;
}

void readTags(ImageRecord& image, const Json& value, const Reading&) { image.tags = tagsFrom(value); }

template <auto Member> void readTruth(ImageRecord& image, const Json& value, const Reading&) {
    image.*Member = value.boolean();
}
template <auto Member> void readSize(ImageRecord& image, const Json& value, const Reading&) {
    image.*Member = {countIn(value)};
}

void showOwner(JsonWriter& out, const ImageRecord& image) {
    image.owner.empty() ? out.value(nullptr) : out.value(image.owner);
}
void showHashAlgorithm(JsonWriter& out, const ImageRecord& image) {
    image.hashValue ? out.value("sha512") : out.value(nullptr);
}
void showTags(JsonWriter& out, const ImageRecord& image) { Codec<std::vector<std::string>>::show(out, image.tags); }

Attribute<ImageRecord> shownByHook(std::string_view name) { return computed<ImageRecord>(name, Kind::Other, Show); }

}

const Table<ImageRecord> imageColumns(
    "images", 'i',
    {
        attribute<&ImageRecord::name>("name", Post | Put | Show | Find).readBy(readName),
        attribute<&ImageRecord::diskFormat>("disk_format", Post | Put | Show | Find).readBy(readDiskFormat),
        attribute<&ImageRecord::containerFormat>("container_format", Post | Put | Show | Find)
            .readBy(readContainerFormat),
        attribute<&ImageRecord::visibility>("visibility", Post | Put | Show).readBy(readVisibility),
        attribute<&ImageRecord::size>("size", Show | Find).foundBy("coalesce($.size, -1)"),
        attribute<&ImageRecord::virtualSize>("virtual_size", Show | Find).foundBy("coalesce($.virtual_size, -1)"),
        attribute<&ImageRecord::status>("status", Show | Find),
        attribute<&ImageRecord::checksum>("checksum", Show | Filter),
        attribute<&ImageRecord::isProtected>("protected", Post | Put | Show)
            .readBy(readTruth<&ImageRecord::isProtected>),
        attribute<&ImageRecord::minRam>("min_ram", Post | Put | Show | Find).readBy(readSize<&ImageRecord::minRam>),
        attribute<&ImageRecord::minDisk>("min_disk", Post | Put | Show | Find).readBy(readSize<&ImageRecord::minDisk>),
        attribute<&ImageRecord::owner>("owner", Post | Put | Show | Find).shown(showOwner).readBy(readOwner),
        attribute<&ImageRecord::hidden>("os_hidden", Post | Put | Show)
            .in("hidden")
            .readBy(readTruth<&ImageRecord::hidden>),
        computed<ImageRecord>("os_hash_algo", Kind::Text, Show, showHashAlgorithm),
        attribute<&ImageRecord::hashValue>("os_hash_value", Show | Filter).in("hash_value"),
        attribute<&ImageRecord::id>("id", Show | Find),
        attribute<&ImageRecord::created>("created_at", Show | Sort).in("created"),
        attribute<&ImageRecord::updated>("updated_at", Show | Sort | Moves).in("updated"),
        computed<ImageRecord>("tags", Kind::Other, Post | Put | Show, showTags).readBy(readTags),
        shownByHook("stores"),
        shownByHook("direct_url"),
        shownByHook("self"),
        shownByHook("file"),
        shownByHook("schema"),
        column<&ImageRecord::staged>("staged"),
        column<&ImageRecord::importingTo>("importing_to"),
        column<&ImageRecord::failedImport>("failed_import"),
    },
    completeImages);

AttributeKind kindOf(std::string_view attribute) {
    if (const auto* word = wordOf(imageColumns.words(), attribute))
        return word->may(Put) ? AttributeKind::Writable : AttributeKind::ReadOnly;
    if (contains(reserved, attribute) || attribute.starts_with("os_glance")) return AttributeKind::Reserved;
    return AttributeKind::Property;
}

void assign(ImageRecord& image, const std::string& attribute, const Json& value) {
    switch (kindOf(attribute)) {
    case AttributeKind::ReadOnly: throw Error(Failure::Forbidden, "Attribute '", attribute, "' is read-only.");
    case AttributeKind::Reserved: throw Error(Failure::Forbidden, "Attribute '", attribute, "' is reserved.");
    case AttributeKind::Writable:
        for (const auto& each : imageColumns.attributes())
            if (each.name == attribute) each.read(image, value, {});
        return;
    case AttributeKind::Property: break;
    }
    if (attribute.empty() || charactersOf(attribute) > 255)
        value.refuse("The name of a property must have 1 to 255 characters.");
    image.properties[attribute] = shortText(value, 65535);
}

}
