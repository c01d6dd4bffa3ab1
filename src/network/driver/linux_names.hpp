#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace stratolet::network {

// A device name has 15 bytes at most: four of ours and the first eleven of the id.
inline std::string shortened(std::string_view prefix, const std::string& id) {
    return std::string(prefix) + id.substr(0, 11);
}

inline std::string bridgeOf(const NetworkId& network) { return shortened("brq", network.text); }
inline std::string tapNameOf(const PortId& port) { return shortened("tap", port.text); }
/// "eth1.100", as everybody names the VLAN of a device, or shorter where that is too long for a device.
inline std::string vlanDeviceOf(const std::string& device, std::int64_t number) {
    constexpr std::size_t most = 15;
    const auto end = "." + std::to_string(number);
    return device.substr(0, most - end.size()) + end;
}
inline std::string hostSideOf(const PortId& port) {
    return shortened("sv-", port.text);
} ///< the end of a veth pair that is on the bridge
/// The pair that joins a network's bridge to one of the host's: its ends here and there, as Neutron's Open vSwitch
/// agent calls them.
inline std::string nearEndOf(const std::string& bridge) { return shortened("int-", bridge); }
inline std::string farEndOf(const std::string& bridge) { return shortened("phy-", bridge); }
inline std::string dhcpInterfaceOf(const PortId& port) { return shortened("ns-", port.text); }
inline std::string routerInterfaceOf(const PortId& port) { return shortened("qr-", port.text); }
inline std::string gatewayInterfaceOf(const PortId& port) { return shortened("qg-", port.text); }
inline std::string dhcpNamespaceOf(const NetworkId& network) { return "qdhcp-" + network.text; }
inline std::string routerNamespaceOf(const RouterId& router) { return "qrouter-" + router.text; }

/// What marks a device as ours, beside its name: its alias, which says whose it is.
inline std::string markOf(std::string_view cloud) {
    return cloud.empty() ? "stratolet" : "stratolet " + std::string(cloud);
}

/// Versions before said "stratolet" alone: such a device is ours until it is marked anew, which all that are in the
/// plan are at the start.
inline bool isMarked(std::string_view alias, std::string_view mark) { return alias == mark || alias == "stratolet"; }

/// Where guests look for metadata.
inline constexpr std::string_view metadataAddress = "169.254.169.254";

}
