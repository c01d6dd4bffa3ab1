#include "image/import/web_source.hpp"

#include <stratolet/error.hpp>

namespace stratolet::image {

bool isWebAddress(const std::string& url) { return web::parsed(url).has_value(); }

void WebSource::check(const std::string& url) const {
    const auto address = web::parsed(url);
    if (!address)
        throw Error(Failure::Invalid,
                    "Invalid value for uri: it must be an http or https address without user and password.");
    if (!rules_.allowsPort(address->port))
        throw Error(Failure::Invalid, "Invalid value for uri: port ", address->port, " is not allowed.");
    if (const auto why = rules_.complaint(address->host); !why.empty())
        throw Error(Failure::Invalid, "Invalid value for uri: ", why, ".");
}

void WebSource::fetch(const Wanted& wanted, const std::function<void(std::span<const std::byte>)>& take) const {
    check(wanted.url);
    web::fetch({.url = wanted.url,
                .bytesMax = wanted.bytesMax,
                .pace = pace_,
                .refusal =
                    [this](const sockaddr& address, std::uint16_t port) {
                        const auto why = rules_.complaint(address);
                        return !why.empty() || rules_.allowsPort(port) ? why : "its port is not allowed";
                    },
                .cancelled = wanted.cancelled,
                .progress = wanted.progress},
               take);
}

}
