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

std::string lastOf(std::string reference) {
    if (const auto slash = reference.rfind('/'); slash != std::string::npos) reference.erase(0, slash + 1);
    return reference;
}

std::optional<std::vector<std::pair<std::string, std::string>>> filesIn(const Call& call, const Json& body) {
    const auto given = body.find("personality");
    if (!given) return std::nullopt;
    if (call.since(57)) given->refuse("Additional properties are not allowed.");
    if (!given->isArray()) given->refuse("It is not of type 'array'");
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& file : given->items()) {
        call.onlyKnows(file, {"path", "contents"});
        auto contents = fromBase64(textOf(file.at("contents"), 0, 1 << 20));
        if (!contents) file.at("contents").refuse("It is not a 'base64'");
        files.emplace_back(textOf(file.at("path"), 1, 1024), *std::move(contents));
    }
    return files;
}

}
