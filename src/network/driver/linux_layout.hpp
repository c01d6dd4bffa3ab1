#pragma once

#include <stratolet/driver/network.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "network/driver/linux_numbers.hpp"

namespace stratolet::network {

// What a plan means on a Linux host, in the host's own terms. Everything in here has been checked: it may go into a command line or a rule.

struct BridgeLayout {
    std::string name, mac;
    int mtu = 1500;
    std::vector<std::string> addresses; ///< of the host on it, with length
    bool operator==(const BridgeLayout&) const = default;
};

struct TapLayout {
    std::string name, bridge;
    int mtu = 1500;
    bool up = true;
    bool operator==(const TapLayout&) const = default;
};

/// An interface of a namespace: one end of a pair, the other end is on a bridge.
struct InterfaceLayout {
    std::string name, hostSide, bridge, mac;
    int mtu = 1500;
    std::vector<std::string> addresses; ///< with length
    bool operator==(const InterfaceLayout&) const = default;
};

struct RouteLayout {
    std::string destination, nexthop;
    std::string interface; ///< empty: where the nexthop is
    bool operator==(const RouteLayout&) const = default;
};

struct ListenerLayout {
    std::string interface;
    NetworkId network;
    std::string address; ///< "0.0.0.0": any
    std::uint16_t port = 80;
    bool operator==(const ListenerLayout&) const = default;
};

struct DhcpHost {
    std::string mac, address; ///< what a lease would be about (IPv4)
    std::string lines;        ///< what the server is told
    bool operator==(const DhcpHost&) const = default;
};

struct DhcpLayout {
    std::string key;                       ///< the network's id
    std::string interface, address;        ///< where the server listens
    std::vector<std::string> options;      ///< of the command line
    std::map<std::string, DhcpHost> hosts; ///< by port id
    bool operator==(const DhcpLayout&) const = default;
};

struct NamespaceLayout {
    std::string name;
    std::vector<InterfaceLayout> interfaces = {};
    std::vector<RouteLayout> routes = {};
    bool forwards = false;
    std::string rules = {}; ///< for nft; empty: none
    std::optional<DhcpLayout> dhcp = {};
    std::vector<ListenerLayout> listeners = {};
    bool operator==(const NamespaceLayout&) const = default;
};

struct HostLayout {
    std::vector<BridgeLayout> bridges;
    std::vector<TapLayout> taps;
    std::vector<NamespaceLayout> namespaces;
    std::string rules;     ///< for nft in the host's own namespace; empty: none
    bool forwards = false; ///< the host routes for an external network
    bool operator==(const HostLayout&) const = default;
};

/// Leaves out what can't be (and says so in `complaints`), so that one bad value never costs the rest.
HostLayout layoutOf(const NetworkPlan& plan, bool nat, Numbers& numbers, std::vector<std::string>& complaints);

/// Our tables in the host's own namespace, as nft names them.
inline const std::vector<std::string> hostTables = {"bridge stratolet_guard", "inet stratolet_filter", "ip stratolet_host"};
inline const std::string routerTable = "ip stratolet_router";

}
