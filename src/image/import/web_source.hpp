#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "image/import/address_rules.hpp"
#include "platform/web/web.hpp"

namespace stratolet::image {

/// Whether the text is an http or https address with a host and without a user or a password.
bool isWebAddress(const std::string& url);

using web::Pace;

/// Fetches what strangers name, from where they may name it: http and https only, and every connection (the first, and
/// one for each redirect) goes to an address that the rules allow, looked at after the name has been resolved. Nothing
/// of ours is sent along.
class WebSource {
public:
    explicit WebSource(AddressRules rules, Pace pace = {}) : rules_(std::move(rules)), pace_(pace) {}

    /// Error(Invalid) for an address that will never be fetched; what only a name server knows is found out by fetch().
    void check(const std::string& url) const;

    struct Wanted {
        std::string url;
        std::int64_t bytesMax = 0;
        std::function<bool()> cancelled = {}; ///< asked now and then
        std::function<void(std::int64_t, std::int64_t)> progress =
            {}; ///< bytes of bytes, 0 where the stranger does not say
    };

    /// Error(Invalid) where the address is refused, or the answer is not 200; Error(TooLarge) where it is larger than
    /// allowed; Error(Invalid) where it comes slower than the pace (trying again would not make it faster); Error(Busy)
    /// when cancelled; Error(Broken) for other troubles on the way.
    void fetch(const Wanted& wanted, const std::function<void(std::span<const std::byte>)>& take) const;

private:
    AddressRules rules_;
    Pace pace_;
};

}
