#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/image_record.hpp"
#include "platform/http/http.hpp"

namespace stratolet::image {

/// One operation of a JSON patch (RFC 6902) on one attribute of an image.
struct ImageChange {
    enum class Kind { Add, Replace, Remove };
    Kind kind;
    std::string attribute;
    std::string element;       ///< of "locations": "-" or a number; empty where the whole attribute is meant
    std::optional<Json> value; ///< nothing where it is removed
};

/// The operations of a PATCH in either of the two media types (v2.1: {"op", "path", "value"}; v2.0: {"replace":
/// "/path", "value"}). Error(Unsupported) for any other type, Error(Invalid) for what is no patch.
std::vector<ImageChange> changesIn(const http::Request& request);

/// Error(Conflict) for a property that is not there, Error(Forbidden) for an attribute that is not a user's to change.
void amend(ImageRecord& image, const std::vector<ImageChange>& changes);

}
