#include "image/import/address_rules.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include <stratolet/error.hpp>

#include "platform/config/config.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

using namespace std::string_view_literals;

// What is not the public internet: IANA's registries of special purpose IPv4 and IPv6 addresses (RFC 6890).
constexpr std::array special{
    "0.0.0.0/8"sv,     "10.0.0.0/8"sv,      "100.64.0.0/10"sv,  "127.0.0.0/8"sv,    "169.254.0.0/16"sv,
    "172.16.0.0/12"sv, "192.0.0.0/24"sv,    "192.0.2.0/24"sv,   "192.88.99.0/24"sv, "192.168.0.0/16"sv,
    "198.18.0.0/15"sv, "198.51.100.0/24"sv, "203.0.113.0/24"sv, "224.0.0.0/4"sv,    "240.0.0.0/4"sv,
    "::/96"sv,         "::ffff:0:0:0/96"sv, "64:ff9b::/96"sv,   "64:ff9b:1::/48"sv, "100::/64"sv,
    "2001::/23"sv,     "2001:db8::/32"sv,   "2002::/16"sv,      "3fff::/20"sv,      "5f00::/16"sv,
    "fc00::/7"sv,      "fe80::/10"sv,       "fec0::/10"sv,      "ff00::/8"sv};

constexpr std::string_view mappedPrefix{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};

/// 16 bytes; nothing where the text is no address.
std::optional<std::string> bytesOf(const std::string& text) {
    in_addr four{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1)
        return std::string(mappedPrefix) + std::string(reinterpret_cast<const char*>(&four), 4);
    in6_addr six{};
    if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) return std::string(reinterpret_cast<const char*>(&six), 16);
    return std::nullopt;
}

std::string bytesOf(const sockaddr& address) {
    if (address.sa_family == AF_INET)
        return std::string(mappedPrefix) +
               std::string(reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr), 4);
    if (address.sa_family == AF_INET6)
        return std::string(reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr),
                           16);
    return {};
}

/// An address of one of this host's interfaces, as it is now.
bool isOurs(std::string_view address) {
    ifaddrs* first = nullptr;
    check(::getifaddrs(&first), "list this host's addresses");
    const Handle<ifaddrs, ::freeifaddrs> all(first);
    for (const auto* each = first; each; each = each->ifa_next)
        if (each->ifa_addr && bytesOf(*each->ifa_addr) == address) return true;
    return false;
}

}

bool AddressRules::Network::holds(std::string_view address) const {
    for (unsigned bit = 0; bit < bits; ++bit) {
        const auto mask = 0x80U >> (bit % 8);
        if ((static_cast<unsigned char>(bytes[bit / 8]) & mask) !=
            (static_cast<unsigned char>(address[bit / 8]) & mask))
            return false;
    }
    return true;
}

AddressRules::Network AddressRules::parse(std::string_view text) {
    const auto slash = text.find('/');
    const std::string host(text.substr(0, slash));
    const auto bytes = bytesOf(host);
    const bool four = host.find(':') == std::string::npos;
    unsigned bits = four ? 32 : 128;
    const auto widest = bits;
    bool good = bytes.has_value();
    if (slash != std::string_view::npos) {
        const auto number = wholeNumberIn(text.substr(slash + 1));
        good = good && number && *number >= 0 && *number <= widest;
        bits = good ? static_cast<unsigned>(*number) : 0;
    }
    if (!good) throw Error(Failure::Invalid, "\"", text, "\" is no network; it must be like 10.1.0.0/16 or fd00::/8");
    return {*bytes, four ? bits + 96 : bits};
}

AddressRules::AddressRules(const std::vector<std::string>& allowed, std::vector<std::uint16_t> ports)
    : ports_(std::move(ports)) {
    for (const auto& each : allowed) allowed_.push_back(parse(each));
    for (const auto each : special) refused_.push_back(parse(each));
}

std::string AddressRules::complaintAbout(std::string_view address) const {
    if (address.size() != 16) return "it is no internet address";
    const auto holds = [&](const Network& each) { return each.holds(address); };
    if (std::any_of(allowed_.begin(), allowed_.end(), holds)) return {};
    if (std::any_of(refused_.begin(), refused_.end(), holds)) return "its address is not a public one";
    if (isOurs(address)) return "its address is not a public one";
    return {};
}

std::string AddressRules::complaint(const sockaddr& address) const { return complaintAbout(bytesOf(address)); }

std::string AddressRules::complaint(const std::string& host) const {
    const auto bytes = bytesOf(host);
    return bytes ? complaintAbout(*bytes) : std::string();
}

bool AddressRules::allowsPort(std::uint16_t port) const {
    return std::find(ports_.begin(), ports_.end(), port) != ports_.end();
}

std::string networksComplaint(const std::string& list) {
    try {
        [[maybe_unused]] const AddressRules good(itemsOf(list), {});
        return {};
    } catch (const Error& problem) {
        return problem.what();
    }
}

}
