#include "compute/version.hpp"

#include <charconv>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::compute {

using http::Request;

namespace {

/// What the version headers ask for, empty where they ask for nothing. The generic one wins where it names compute.
std::string_view versionText(const Request& request) {
    for (const auto each : split(request.headers[genericHeader], ',')) {
        const auto item = trimmed(each);
        if (const auto blank = item.find(' ');
            blank != std::string_view::npos && sameWithoutCase(item.substr(0, blank), "compute"))
            return trimmed(item.substr(blank));
    }
    return trimmed(request.headers[oldHeader]);
}

}

AskedVersion askedVersion(const Request& request) {
    const std::string_view text = versionText(request);
    if (text.empty()) return {};
    if (sameWithoutCase(text, "latest")) return {2, versionMax, true};
    AskedVersion asked{0, 0, false};
    const char* const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, asked.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return asked;
    const auto minor = std::from_chars(major.ptr + 1, end, asked.minor);
    asked.wellFormed = minor.ec == std::errc() && minor.ptr == end && asked.major >= 1 && asked.minor >= 0;
    return asked;
}

bool isLegacy(const Request& request) { return request.path == "/v2" || request.path.starts_with("/v2/"); }

int negotiated(const Request& request) {
    if (isLegacy(request)) return versionMin;
    const AskedVersion asked = askedVersion(request);
    if (!asked.wellFormed)
        throw Error(Failure::Invalid, "API Version String ", versionText(request),
                    " is of invalid format. Must be of format MajorNum.MinorNum.");
    if (!asked.served())
        throw Error(Failure::Unsupported, "Version ", asked.major, ".", asked.minor,
                    " is not supported by the API. Minimum is 2.", versionMin, " and maximum is 2.", versionMax, ".")
            .as("version");
    return asked.minor;
}

}
