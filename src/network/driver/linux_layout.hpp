#pragma once

#include <stratolet/driver/network.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "network/driver/linux_rules.hpp"

namespace stratolet::network {

// What a plan means on a Linux host, in the host's own terms. Everything in here has been checked: it may go into a
// command line or a rule.

/// A bridge of a network.
struct BridgeLayout {
    std::string name, mac;
    int mtu = 1500;
    std::vector<std::string> addresses; ///< of the host on it, with length
    bool operator==(const BridgeLayout&) const = default;
};

/// What joins a network's bridge to other hosts: a device of this host, a pair of ours where that is a bridge, a VLAN
/// of one, or a VXLAN.
struct UplinkLayout {
    std::string name;  ///< on the bridge; empty: the network stays on this host
    std::string under; ///< of a VLAN: the device whose it is
    std::string local; ///< of a VXLAN: address of this host
    std::int64_t number = 0;
    bool answers = false;              ///< for neighbours elsewhere: all that may have addresses there are known
    std::string far = {}, across = {}; ///< of a pair: its other end, and the bridge that this is on
    bool operator==(const UplinkLayout&) const = default;
};

/// What a host is connected to.
struct UplinkOptions {
    std::map<std::string, std::string> physical;
    std::string tunnelAddress;
    std::set<std::string> bridges = {}; ///< which of those devices are bridges
};

/// The first of the network's segments that this host can be on. Error(Broken) where it can be on none of them.
UplinkLayout uplinkLayout(const PlannedNetwork& network, const UplinkOptions& host);

/// Somebody on another host, for a VXLAN.
struct RemoteLayout {
    std::string mac, tunnel;
    std::vector<std::string> addresses;
    bool operator==(const RemoteLayout&) const = default;
};
/// Nothing where it is on this host, or nobody knows where.
std::optional<RemoteLayout> remoteLayout(const PlannedPort& port);

/// A guest's device, on its network's bridge.
struct TapLayout {
    std::string name, bridge;
    int mtu = 1500;
    bool up = true;
    std::string under = {}; ///< whose tagged frames it has: the device of a trunk's parent; empty: it is a tap
    int vlan = 0;
    bool multiqueue = false;
    bool operator==(const TapLayout&) const = default;
};

/// An interface of a namespace: one end of a pair, the other end is on a bridge.
struct InterfaceLayout {
    NetworkId network;
    std::string name, hostSide, bridge, mac;
    int mtu = 1500;
    std::vector<std::string> addresses; ///< with length
    bool operator==(const InterfaceLayout&) const = default;
};

/// A route of a namespace.
struct RouteLayout {
    std::string destination, nexthop;
    std::string interface; ///< empty: where the nexthop is
    bool operator==(const RouteLayout&) const = default;
};

/// A TCP socket that the program itself has open inside a namespace: the metadata service.
struct ListenerLayout {
    std::string interface;
    NetworkId network;
    std::string address; ///< "0.0.0.0": any
    std::uint16_t port = 80;
    bool operator==(const ListenerLayout&) const = default;
};

/// What a network's DHCP server says to one MAC; changed without a restart.
struct DhcpHost {
    std::string mac, address; ///< what a lease would be about (IPv4)
    std::string lines;        ///< what the server is told
    std::string options = {}; ///< what it tells this one alone
    std::string names = {};   ///< under which others find it
    bool operator==(const DhcpHost&) const = default;
};

/// A network's DHCP server, as it has to be started.
struct DhcpLayout {
    std::string key;                  ///< the network's id
    std::string interface, address;   ///< where the server listens
    std::vector<std::string> options; ///< of the command line
    bool operator==(const DhcpLayout&) const = default;
};

/// A network namespace and all in it: a router, or a network's DHCP and metadata.
struct NamespaceLayout {
    std::string name;
    std::vector<InterfaceLayout> interfaces = {};
    std::vector<RouteLayout> routes = {};
    bool forwards = false;
    std::optional<RouterRules> rules = {};
    std::optional<DhcpLayout> dhcp = {};
    std::vector<ListenerLayout> listeners = {};
    bool operator==(const NamespaceLayout&) const = default;
};

/// What is wrong with a thing in itself; empty where nothing is. What is wrong is not wired, and costs nobody else
/// anything.
std::string faultOf(const PlannedNetwork& network);
std::string faultOf(const PlannedPort& port);
std::string faultOf(const PlannedRouter& router);
std::string faultOf(const PlannedSecurityGroup& group);

BridgeLayout bridgeLayout(const PlannedNetwork& network, bool nat);
TapLayout tapLayout(const PlannedPort& port, const PlannedNetwork& network);

/// Where routers are: subnet and address.
using RouterPlaces = std::map<std::pair<SubnetId, std::string>, int>;

/// The namespace of a network's DHCP server; nothing where there is none.
std::optional<NamespaceLayout> dhcpLayout(const PlannedNetwork& network, const RouterPlaces& routers);

/// What the DHCP server is told of a port; nothing where it has no address that is served.
std::optional<DhcpHost> dhcpHostOf(const PlannedPort& port, const PlannedNetwork& network);

/// All networks that the router is on are among `networks`.
NamespaceLayout routerLayout(const PlannedRouter& router,
                             const std::function<const PlannedNetwork&(const NetworkId&)>& networkOf);

}
