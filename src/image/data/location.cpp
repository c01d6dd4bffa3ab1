#include "image/data/location.hpp"

#include <algorithm>
#include <charconv>

#include <stratolet/error.hpp>

#include "image/import/web_source.hpp"

namespace stratolet::image {
namespace {

constexpr std::size_t metadataBytesMax = 4096;

bool isHex(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string metadataIn(const Json& location) {
    const auto found = location.find("metadata");
    if (!found) return "{}";
    if (!found->isObject()) found->refuse("It must be an object.");
    auto text = found->dump();
    if (text.size() > metadataBytesMax) found->refuse("It must have 4096 characters or less.");
    return text;
}

/// Digests that come with an address are those of the image, or become those of an image that has no data yet.
void takeDigests(ImageRecord& image, const Json& given) {
    given.onlyKnows({"checksum", "os_hash_algo", "os_hash_value"});
    const auto algorithm = given.text("os_hash_algo"), value = given.text("os_hash_value"),
               checksum = given.text("checksum", "");
    if (image.status != ImageStatus::Queued || !image.locations.empty()) {
        if (algorithm != "sha512" || value != image.hashValue || (!checksum.empty() && checksum != image.checksum))
            throw Error(Failure::Conflict, "validation_data is not that of the image, which has its data already.");
        return;
    }
    if (algorithm != "sha512") given.at("os_hash_algo").refuse("It must be sha512.");
    if (!isHex(value, 128)) given.at("os_hash_value").refuse("It must be 128 hexadecimal digits.");
    if (!checksum.empty() && !isHex(checksum, 32)) given.at("checksum").refuse("It must be 32 hexadecimal digits.");
    image.hashValue = value;
    image.checksum = checksum.empty() ? std::nullopt : std::optional(checksum);
}

void replaceAll(ImageRecord& image, const Json& value) {
    const auto given = value.items();
    if (image.locations.empty()) {
        for (const auto& each : given) addLocation(image, each);
        return;
    }
    std::vector<ImageLocation> after;
    for (const auto& each : given) {
        const auto url = each.text("url");
        const auto known = std::find_if(image.locations.begin(), image.locations.end(),
                                        [&](const ImageLocation& location) { return urlOf(image, location) == url; });
        const bool twice = std::any_of(after.begin(), after.end(),
                                       [&](const ImageLocation& other) { return urlOf(image, other) == url; });
        if (known == image.locations.end() || twice)
            value.refuse("The addresses of an image that has its data can't be replaced by others.");
        after.push_back({known->store, known->url, metadataIn(each)});
    }
    if (after.size() != image.locations.size())
        value.refuse("The addresses of an image that has its data can't be replaced by others.");
    image.locations = std::move(after);
}

}

std::string urlOf(const ImageRecord& image, const ImageLocation& location) {
    return location.store.empty() ? location.url : "file://" + location.store + "/" + image.id.text;
}

void addLocation(ImageRecord& image, const Json& location, std::optional<std::size_t> position) {
    location.onlyKnows({"url", "metadata", "validation_data"});
    const auto url = location.text("url");
    if (!isWebAddress(url)) location.at("url").refuse("It must be an http or https address without user and password.");
    for (const auto& each : image.locations)
        if (each.url == url) location.at("url").refuse("The image has this location already.");
    if (position && *position > image.locations.size()) location.refuse("There is no such position.");
    if (const auto digests = location.find("validation_data")) takeDigests(image, *digests);
    image.locations.insert(image.locations.begin() +
                               static_cast<std::ptrdiff_t>(position.value_or(image.locations.size())),
                           {"", url, metadataIn(location)});
}

void amendLocations(ImageRecord& image, const ImageChange& change) {
    std::optional<std::size_t> position;
    if (!change.element.empty() && change.element != "-")
        std::from_chars(change.element.data(), change.element.data() + change.element.size(), position.emplace());
    switch (change.kind) {
    case ImageChange::Kind::Add:
        if (change.element.empty()) return replaceAll(image, *change.value);
        return addLocation(image, *change.value, position);
    case ImageChange::Kind::Replace:
        if (!change.element.empty())
            throw Error(Failure::Invalid,
                        "A single location can't be replaced; add the new one and remove the old one.");
        return replaceAll(image, *change.value);
    case ImageChange::Kind::Remove:
        if (change.element.empty()) throw Error(Failure::Forbidden, "Property locations may not be removed.");
        if (!position || *position >= image.locations.size())
            throw Error(Failure::NotFound, "There is no such location.");
        image.locations.erase(image.locations.begin() + static_cast<std::ptrdiff_t>(*position));
        return;
    }
}

}
