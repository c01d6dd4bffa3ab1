#include <cstdint>
#include <string>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/encoding.hpp"
#include "platform/text/text.hpp"

// Values as this API's schemas take them.

namespace stratolet::compute {

bool booleanOf(const Json& value) {
    if (value.isBoolean()) return value.boolean();
    if (value.isText())
        if (const auto truth = truthOf(value.text())) return *truth;
    value.refuse("It is not a boolean.");
}

bool booleanOf(std::string_view name, const std::string& text) {
    if (const auto truth = truthOf(text)) return *truth;
    throw Error(Failure::Invalid, "Invalid input for query parameters ", name, ". Value: ", text,
                ". It is not a boolean.");
}

std::int64_t integerOf(const Json& value, std::int64_t least, std::int64_t most) {
    std::int64_t number = 0;
    if (value.isInteger()) {
        number = value.integer();
    } else if (value.isText()) {
        const auto read = wholeNumberIn(value.text());
        if (!read) value.refuse("It is not an integer.");
        number = *read;
    } else {
        value.refuse("It is not an integer.");
    }
    if (number < least) value.refuse(std::to_string(number) + " is less than the minimum of " + std::to_string(least));
    if (number > most) value.refuse(std::to_string(number) + " is greater than the maximum of " + std::to_string(most));
    return number;
}

std::string textOf(const Json& value, std::size_t least, std::size_t most) {
    if (!value.isText()) value.refuse("It is not of type 'string'");
    std::string text = value.text();
    if (lengthInCharacters(text) < least) value.refuse("It is too short");
    if (lengthInCharacters(text) > most) value.refuse("It is too long");
    return text;
}

std::string nameOf(const Json& value) {
    std::string name = textOf(value, 1, 255);
    if (!isPrintable(name) || name.front() == ' ' || name.back() == ' ')
        value.refuse("It must be printable, without a blank at either end.");
    return name;
}

std::string uuidOf(const Json& value) {
    if (!value.isText() || !isUuid(value.text())) value.refuse("It is not a 'uuid'");
    return value.text();
}

std::string addressOf(const Json& value) {
    const std::string address = textOf(value, 1, 64);
    auto canonical = canonicalIpv4(address);
    if (!canonical) canonical = canonicalIpv6(address);
    if (!canonical) value.refuse("It is not an address.");
    return *std::move(canonical);
}

void writeTime(JsonWriter& out, std::string_view name, std::optional<Time> time) {
    time ? out.field(name, isoSecondsZ(*time)) : out.field(name, nullptr);
}

}
