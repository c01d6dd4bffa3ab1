#include "compute/server/server_body.hpp"

#include <algorithm>
#include <cctype>

#include "compute/api.hpp"
#include "compute/encoding.hpp"

namespace stratolet::compute {

std::string accessAddress(const Json& value, int version) {
    if (value.isNull() || (value.isText() && value.text().empty())) return "";
    const auto address =
        value.isText() ? (version == 6 ? canonicalIpv6(value.text()) : canonicalIpv4(value.text())) : std::nullopt;
    if (!address) value.refuse("It is not an 'ipv" + std::to_string(version) + "'");
    return *address;
}

std::string diskConfigOf(const Json& value) {
    if (!value.isText() || (value.text() != "AUTO" && value.text() != "MANUAL"))
        value.refuse("It is not one of ['AUTO', 'MANUAL']");
    return value.text();
}

std::optional<std::string> descriptionOf(const Json& value) {
    if (value.isNull()) return std::nullopt;
    std::string text = textOf(value, 0, 255);
    if (!isPrintable(text)) value.refuse("It must be printable.");
    return text;
}

std::string hostnameOf(const Json& value, bool qualified) {
    const std::string name = textOf(value, 1, qualified ? 255 : 63);
    const bool plain = std::all_of(name.begin(), name.end(), [&](unsigned char letter) {
        return std::isalnum(letter) || letter == '-' || (qualified && letter == '.');
    });
    if (!plain || name.front() == '-' || name.back() == '-' || name.front() == '.')
        value.refuse("It may have letters, digits and dashes only, and no dash at either end.");
    return name;
}

}
