#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet::network {

/// An IPv4 or IPv6 address as a number that can be counted with.
struct Address {
    using Number = unsigned __int128;

    int version = 4; ///< 4 or 6
    Number value = 0;

    /// Nothing where `text` is no address as inet_pton(3) reads it (no octal, no short forms).
    static std::optional<Address> parse(std::string_view text);

    std::string text() const; ///< as inet_ntop(3) writes it
    int bits() const { return version == 4 ? 32 : 128; }
    Address plus(Number count) const { return {version, value + count}; }
    friend auto operator<=>(const Address&, const Address&) = default;
};

/// A block of addresses: "10.0.0.0/24".
struct Prefix {
    Address base; ///< host bits are zero
    int length = 0;

    /// Nothing where `text` is no "address/length". An address with host bits is taken for its block.
    static std::optional<Prefix> parse(std::string_view text);

    /// As parse, but a single address is a block of one.
    static std::optional<Prefix> parseLoosely(std::string_view text);

    std::string text() const;
    int version() const { return base.version; }
    Address first() const { return base; }
    Address last() const;
    Address mask() const; ///< "255.255.255.0"
    bool contains(const Address& address) const;
    bool overlaps(const Prefix& other) const;
    friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// True where a host can have `address` of the block: neither end of an IPv4 block, which are nobody's and everybody's.
bool canBeHost(const Prefix& prefix, const Address& address);

/// True where hosts can have the addresses of the block: not the loopback's, not of groups, not "this network", not
/// nobody's.
bool holdsHosts(const Prefix& prefix);

/// "fa:16:3e:01:02:03" in lower case, or nothing where `text` is no unicast Ethernet address of six pairs with colons
/// or dashes.
std::optional<std::string> normalMac(std::string_view text);

/// The address as 32 hexadecimal digits, which sort as numbers do, and back.
std::string sortable(const Address& address);
Address addressIn(std::string_view sortable, int version);

/// The address that stateless autoconfiguration gives an interface with this MAC in a /64.
Address eui64Of(const Prefix& prefix, std::string_view mac);

/// What a host is called that nobody gave a name: "host-10-0-0-5".
std::string hostnameOf(const std::string& given, const Address& address);

/// True where `text` is letters, digits and dashes, 1–63 of them, no dash at either end: what may go into a DHCP
/// answer.
bool isHostLabel(std::string_view text);

/// Labels joined by dots, 255 characters at most.
bool isDomainName(std::string_view text);

// What DHCP may tell one port, as it goes into a file of the server's.

bool isDhcpOptionName(std::string_view text);  ///< as dnsmasq and Neutron name them: "mtu", "bootfile-name", "150"
bool isDhcpOptionValue(std::string_view text); ///< 1–255 printable characters of ASCII

}
