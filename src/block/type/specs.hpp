#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "block/type/type.hpp"
#include "platform/http/http.hpp"
#include "platform/json/json.hpp"

// What volume types and group types have in common on the wire.

namespace stratolet::block {

/// An object of texts, of keys of 1 to 255 letters, digits and -_:. (and, where `spaced`, spaces and slashes). A null
/// is kept as the empty text.
ExtraSpecs specsIn(const Json& value, bool spaced);

/// A text of 1 to 255 characters that are not all spaces.
std::string typeNameIn(const Json& value);

/// "is_public" of a query: nothing where "none" is asked for, true where nothing is.
std::optional<bool> publicIn(const http::Request& request);

void writeSpecs(JsonWriter& out, std::string_view name, const ExtraSpecs& specs);
http::Response specsResponse(std::string_view name, const ExtraSpecs& specs, int status = 200);
http::Response specResponse(const std::string& key, const std::string& value); ///< {"key": "value"} alone

}
