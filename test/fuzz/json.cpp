// JSON in, JSON out: what is understood is written so that it is understood again, and any bytes become a text.

#include <cstdlib>

#include <stratolet/error.hpp>

#include "fuzz/target.hpp"
#include "platform/json/json.hpp"
#include "platform/text/text.hpp"

namespace stratolet::fuzz {
namespace {

void walk(const Json& json) {
    if (json.isText() && !isUtf8(json.text())) std::abort();
    if (json.isArray())
        for (const auto& each : json.items()) walk(each);
    if (json.isObject())
        for (const auto& name : json.names()) walk(json.at(name));
}

}

void run(std::string_view input) {
    const auto quoted = jsonText(input);
    if (!isUtf8(quoted) || Json::parse(quoted).text() != asUtf8(input)) std::abort();
    try {
        const auto json = Json::parse(input);
        walk(json);
        const auto once = json.dump();
        if (!isUtf8(once) || Json::parse(once).dump() != once) std::abort();
    } catch (const Error& refusal) {
        if (refusal.failure() != Failure::Invalid) std::abort();
    }
}

std::vector<std::string> seeds() { return {}; }

}
