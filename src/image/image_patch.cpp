#include "image/image_patch.hpp"

#include "image/data/location.hpp"

#include <stratolet/error.hpp>

namespace stratolet::image {
namespace {

constexpr std::string_view type21 = "application/openstack-images-v2.1-json-patch",
                           type20 = "application/openstack-images-v2.0-json-patch";

constexpr std::string_view locationsStart = "/locations/";

/// "0" of "/locations/0"; empty for any other path.
std::string elementIn(const Json& pointer) {
    const auto text = pointer.text();
    if (!text.starts_with(locationsStart)) return {};
    auto element = text.substr(locationsStart.size());
    const bool number =
        !element.empty() && element.size() < 4 && element.find_first_not_of("0123456789") == std::string::npos;
    if (!number && element != "-") pointer.refuse("A location is named by its number, or \"-\" for the end.");
    return element;
}

/// The one segment of a JSON pointer (RFC 6901).
std::string attributeIn(const Json& pointer) {
    const auto text = pointer.text();
    if (text.starts_with(locationsStart)) return "locations";
    if (!text.starts_with('/') || text.size() == 1)
        pointer.refuse("A path must begin with \"/\" and name an attribute.");
    std::string name;
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '/') {
            pointer.refuse("A path has one level only.");
        }
        if (text[at] != '~') {
            name += text[at];
        } else if (at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) {
            name += text[++at] == '0' ? '~' : '/';
        } else {
            pointer.refuse("\"~\" must be followed by 0 or 1.");
        }
    }
    return name;
}

ImageChange::Kind kindNamed(const Json& where, const std::string& name) {
    if (name == "add") return ImageChange::Kind::Add;
    if (name == "replace") return ImageChange::Kind::Replace;
    if (name == "remove") return ImageChange::Kind::Remove;
    where.refuse("The operation must be add, replace or remove.");
}

ImageChange change21(const Json& operation) {
    const auto kind = kindNamed(operation, operation.text("op"));
    const auto path = operation.at("path");
    return {kind, attributeIn(path), elementIn(path),
            kind == ImageChange::Kind::Remove ? std::nullopt : std::optional(operation.at("value"))};
}

ImageChange change20(const Json& operation) {
    std::optional<std::string> found;
    for (const auto& name : operation.names()) {
        if (name == "value") continue;
        if (found) operation.refuse("An operation has one path only.");
        found = name;
    }
    if (!found) operation.refuse("The operation must be add, replace or remove.");
    const auto kind = kindNamed(operation, *found);
    const auto path = operation.at(*found);
    return {kind, attributeIn(path), elementIn(path),
            kind == ImageChange::Kind::Remove ? std::nullopt : std::optional(operation.at("value"))};
}

void remove(const std::string& attribute, ImageRecord& image) {
    if (kindOf(attribute) != AttributeKind::Property)
        throw Error(Failure::Forbidden, "Property ", attribute, " may not be removed.");
    if (image.properties.erase(attribute) == 0)
        throw Error(Failure::Conflict, "Property ", attribute, " does not exist.");
}

}

std::vector<ImageChange> changesIn(const http::Request& request) {
    const auto type = request.headers.mediaType();
    if (type != type21 && type != type20)
        throw Error(Failure::Unsupported, "The media type ", type, " is not supported here.").as("patch");
    const auto body = request.json();
    if (!body.isArray()) throw Error(Failure::Invalid, "Request body must be a JSON array of operation objects.");
    std::vector<ImageChange> changes;
    for (const auto& operation : body.items()) {
        if (!operation.isObject()) throw Error(Failure::Invalid, "Operations must be JSON objects.");
        changes.push_back(type == type21 ? change21(operation) : change20(operation));
    }
    return changes;
}

void amend(ImageRecord& image, const std::vector<ImageChange>& changes) {
    for (const auto& change : changes) {
        if (change.attribute == "locations") {
            amendLocations(image, change);
            continue;
        }
        if (change.kind == ImageChange::Kind::Remove) {
            remove(change.attribute, image);
            continue;
        }
        const bool ours = kindOf(change.attribute) == AttributeKind::Property;
        if (change.kind == ImageChange::Kind::Replace && ours && !image.properties.contains(change.attribute))
            throw Error(Failure::Conflict, "Property ", change.attribute, " does not exist.");
        assign(image, change.attribute, *change.value);
    }
}

}
