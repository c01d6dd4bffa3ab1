#include "network/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

Address::Number maskOf(int bits, int length) {
    if (length == 0) return 0;
    const Address::Number all = bits == 128 ? ~Address::Number{0} : (Address::Number{1} << bits) - 1;
    return length >= bits ? all : all & ~((Address::Number{1} << (bits - length)) - 1);
}

}

std::optional<Address> Address::parse(std::string_view text) {
    if (text.empty() || text.size() > 45) return std::nullopt;
    const std::string terminated(text);
    if (terminated.find('\0') != std::string::npos) return std::nullopt;
    std::array<unsigned char, 16> bytes{};
    Address address;
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1)
        address.version = 4;
    else if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1)
        address.version = 6;
    else
        return std::nullopt;
    for (int at = 0; at < address.bits() / 8; ++at)
        address.value = (address.value << 8) | bytes[static_cast<std::size_t>(at)];
    return address;
}

std::string Address::text() const {
    std::array<unsigned char, 16> bytes{};
    Number rest = value;
    for (int at = bits() / 8 - 1; at >= 0; --at, rest >>= 8)
        bytes[static_cast<std::size_t>(at)] = static_cast<unsigned char>(rest & 0xff);
    std::array<char, INET6_ADDRSTRLEN> out{};
    inet_ntop(version == 4 ? AF_INET : AF_INET6, bytes.data(), out.data(), out.size());
    return out.data();
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const auto number = wholeNumberIn(text.substr(slash + 1));
    if (!number || *number < 0 || *number > address->bits()) return std::nullopt;
    const auto length = static_cast<int>(*number);
    return Prefix{{address->version, address->value & maskOf(address->bits(), length)}, length};
}

std::optional<Prefix> Prefix::parseLoosely(std::string_view text) {
    if (text.find('/') != std::string_view::npos) return parse(text);
    const auto address = Address::parse(text);
    if (!address) return std::nullopt;
    return Prefix{*address, address->bits()};
}

std::string Prefix::text() const { return base.text() + "/" + std::to_string(length); }

Address Prefix::last() const {
    const auto all = maskOf(base.bits(), base.bits());
    return {base.version, base.value | (all & ~maskOf(base.bits(), length))};
}

Address Prefix::mask() const { return {base.version, maskOf(base.bits(), length)}; }

bool Prefix::contains(const Address& address) const {
    return address.version == base.version && (address.value & maskOf(base.bits(), length)) == base.value;
}

bool Prefix::overlaps(const Prefix& other) const { return contains(other.base) || other.contains(base); }

bool canBeHost(const Prefix& prefix, const Address& address) {
    return prefix.version() == 6 || prefix.length >= 31 || (address != prefix.first() && address != prefix.last());
}

bool holdsHosts(const Prefix& prefix) {
    // RFC 6890; class E (RFC 1112) is reserved, and the kernel routes nothing to it that has a subnet's broadcast
    // address.
    static const std::array<Prefix, 6> never{*Prefix::parse("0.0.0.0/8"),   *Prefix::parse("127.0.0.0/8"),
                                             *Prefix::parse("224.0.0.0/4"), *Prefix::parse("240.0.0.0/4"),
                                             *Prefix::parse("::/64"),       *Prefix::parse("ff00::/8")};
    return std::none_of(never.begin(), never.end(), [&](const auto& each) { return each.overlaps(prefix); });
}

std::optional<std::string> normalMac(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    std::string mac(text);
    for (std::size_t at = 0; at < mac.size(); ++at) {
        if (at % 3 == 2) {
            if (mac[at] != ':' && mac[at] != '-') return std::nullopt;
            mac[at] = ':';
        } else {
            if (!std::isxdigit(static_cast<unsigned char>(mac[at]))) return std::nullopt;
            mac[at] = static_cast<char>(std::tolower(static_cast<unsigned char>(mac[at])));
        }
    }
    const bool multicast = std::string_view("13579bdf").find(mac[1]) != std::string_view::npos;
    if (multicast || mac == "00:00:00:00:00:00") return std::nullopt;
    return mac;
}

std::string sortable(const Address& address) {
    std::string out(32, '0');
    auto rest = address.value;
    for (auto each = out.rbegin(); each != out.rend(); ++each, rest >>= 4)
        *each = "0123456789abcdef"[static_cast<int>(rest & 0xf)];
    return out;
}

Address addressIn(std::string_view sortable, int version) {
    Address out{version, 0};
    for (const char each : sortable)
        out.value = out.value << 4 | static_cast<unsigned>(each <= '9' ? each - '0' : each - 'a' + 10);
    return out;
}

Address eui64Of(const Prefix& prefix, std::string_view mac) {
    Address::Number bytes = 0;
    for (std::size_t at = 0; at + 1 < mac.size(); at += 3) {
        unsigned byte = 0;
        std::from_chars(mac.data() + at, mac.data() + at + 2, byte, 16);
        bytes = (bytes << 8) | byte;
    }
    const Address::Number upper = bytes >> 24, lower = bytes & 0xffffff;
    const Address::Number interfaceId =
        ((upper << 40) | (Address::Number{0xfffe} << 24) | lower) ^ (Address::Number{0x02} << 56);
    return {6, (prefix.base.value >> 64 << 64) | interfaceId};
}

std::string hostnameOf(const std::string& given, const Address& address) {
    if (!given.empty()) return given;
    auto name = "host-" + address.text();
    std::replace_if(
        name.begin(), name.end(), [](char each) { return each == '.' || each == ':'; }, '-');
    while (name.back() == '-') name.pop_back();
    return name;
}

bool isDhcpOptionName(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char each) {
        return std::isalnum(each) != 0 || each == '-' || each == '_';
    });
}

bool isDhcpOptionValue(std::string_view text) {
    return !text.empty() && text.size() <= 255 &&
           std::all_of(text.begin(), text.end(), [](unsigned char each) { return each >= 0x20 && each < 0x7f; });
}

bool isHostLabel(std::string_view text) {
    if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
    for (const char each : text)
        if (!std::isalnum(static_cast<unsigned char>(each)) && each != '-') return false;
    return true;
}

bool isDomainName(std::string_view text) {
    if (text.empty() || text.size() > 255) return false;
    if (text.back() == '.') text.remove_suffix(1);
    while (true) {
        const auto dot = text.find('.');
        if (!isHostLabel(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

}
