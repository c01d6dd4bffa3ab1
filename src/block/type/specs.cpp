#include "block/type/specs.hpp"

#include <stratolet/error.hpp>

#include "block/volume/volume_access.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

using http::Request;
using http::Response;
using identity::callerOf;

namespace {

/// A key of 1 to 255 characters of letters, digits and -_:. (and, where `spaced`, spaces and slashes).
bool isSpecKey(std::string_view key, bool spaced) {
    if (key.empty() || key.size() > 255) return false;
    for (const char each : key) {
        const bool plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                           (each >= '0' && each <= '9') || each == '-' || each == '_' || each == ':' || each == '.';
        if (!plain && !(spaced && (each == ' ' || each == '/'))) return false;
    }
    return true;
}

}

ExtraSpecs specsIn(const Json& value, bool spaced) {
    if (!value.isObject()) value.refuse("It must be an object of texts.");
    ExtraSpecs specs;
    for (const auto& name : value.names()) {
        const auto each = value.at(name);
        if (!isSpecKey(name, spaced)) each.refuse("The name of an extra spec has 1 to 255 letters, digits and -_:.");
        specs.emplace(name, shortTextOrNull(each).value_or(""));
    }
    return specs;
}

std::string typeNameIn(const Json& value) {
    const auto name = value.text();
    if (trimmed(name).empty() || lengthInCharacters(name) > 255) value.refuse("It must have 1 to 255 characters.");
    return name;
}

std::optional<bool> publicIn(const Request& request) {
    const auto value = request.query.find("is_public");
    if (!value) return true;
    if (lowered(*value) == "none") return std::nullopt;
    const auto truth = truthOf(*value);
    if (!truth && isAdmin(callerOf(request))) throw Error(Failure::Invalid, "Invalid is_public filter [", *value, "]");
    return truth.value_or(true);
}

void writeSpecs(JsonWriter& out, std::string_view name, const ExtraSpecs& specs) {
    const auto object = out.object(name);
    for (const auto& [key, value] : specs) out.field(key, value);
}

Response specsResponse(std::string_view name, const ExtraSpecs& specs, int status) {
    return http::jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        writeSpecs(out, name, specs);
    });
}

Response specResponse(const std::string& key, const std::string& value) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field(key, value);
    });
}

}
