#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/config/config.hpp"

// ML2: types of networks, mechanisms that put them on hosts, and which of these can do which
// (https://docs.openstack.org/neutron/latest/admin/config-ml2.html).

namespace stratolet::network {

/// How frames of a network travel between hosts: not at all, untagged over a physical network, tagged there, or in
/// packets of the hosts.
enum class NetworkType { Local, Flat, Vlan, Vxlan, Gre, Geneve };

/// What is true of a type whichever mechanism realises it.
struct TypeFacts {
    NetworkType type;
    std::string_view name;
    bool physical;            ///< lies on a physical network
    std::int64_t least, most; ///< its numbers; both 0: it has none
    int overhead;             ///< bytes around a frame's payload, between hosts of IPv4 addresses
    bool given;               ///< there is a type driver: numbers are given out, frames leave the host
};
const TypeFacts& factsOf(NetworkType type);
std::optional<NetworkType> networkTypeNamed(std::string_view name);
inline std::string_view nameOf(NetworkType type) { return factsOf(type).name; }

/// What puts networks on hosts. The interface of all of them is NetworkDriver, which says which one it is.
struct Mechanism {
    std::string_view name;
    std::vector<NetworkType> realises;

    bool can(NetworkType type) const;
};
const std::vector<Mechanism>& mechanisms();
const Mechanism& mechanismNamed(std::string_view name); ///< there is one of that name

/// Error(Invalid) where the mechanism does not realise the type, with what would work instead of either.
void checkPair(const Mechanism& mechanism, NetworkType type);

/// What the physical network is called that the host lends by external_network = bridge:…
inline constexpr std::string_view outsidePhysical = "public";
/// The device in that option's "bridge:eth0"; empty for whatever else it is.
std::string lentDevice(const std::string& externalNetwork);

/// Of [network] in stratolet.conf: what this host is connected to, and what networks are made of where nobody says.
struct Ml2Options {
    std::vector<NetworkType> tenantTypes;        ///< the first that has something left
    std::map<std::string, std::string> physical; ///< networks of the data centre: the device of this host on each
    struct Range {
        NetworkType type;
        std::string physical; ///< of vlan
        std::int64_t least, most;
    };
    std::vector<Range> ranges;
    std::string tunnelAddress; ///< of this host, for vxlan; empty: none
    int mtu = 1500;            ///< of physical networks, and between hosts; bytes

    /// What is left of a frame for a network of this type.
    int mtuOf(NetworkType type) const;
};
Ml2Options ml2Options(const Config& config);
std::vector<ConfigOption> ml2ConfigOptions();

}
