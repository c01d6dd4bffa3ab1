#pragma once

#include <string>
#include <vector>

#include "network/wire.hpp"
#include "resource/codec.hpp"

namespace stratolet::network {

/// What DHCP tells one port beside what it tells all.
struct DhcpOption {
    std::string name, value;
    int version = 4; ///< of IP
};
using DhcpOptions = std::vector<DhcpOption>;

/// "extra_dhcp_opts" of a body: those that are given are set or, with a null for a value, removed; others stay.
/// Error(Invalid) by the attribute's name.
DhcpOptions dhcpOptionsIn(const Body& body, DhcpOptions before);

}

namespace stratolet::resource {

template <> struct Codec<network::DhcpOptions> {
    static constexpr Kind kind = Kind::Other;
    static network::DhcpOptions load(const store::Row& row, int column);
    static store::Value bind(const network::DhcpOptions& options);
    static void show(JsonWriter& out, const network::DhcpOptions& options);
};

}
