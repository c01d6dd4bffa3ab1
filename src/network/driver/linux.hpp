#pragma once

#include <stratolet/driver/network.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "network/driver/linux_outside.hpp"
#include "network/driver/linux_rules.hpp"

namespace stratolet::network {

/// What the driver is told once, at the start.
struct LinuxNetworkOptions {
    /// This cloud's own; it must live as long as the running kernel at least: hosts of DHCP, numbers given out,
    /// settings to put back. DHCP servers, which run without privileges, must be able to get into it.
    std::filesystem::path folder = "/run/stratolet/network";

    /// Its id, which marks its devices.
    std::string cloud = {};

    /// Networks of the data centre that this host is on: the device of each, which flat and vlan networks are put on.
    std::map<std::string, std::string> physical = {};

    /// Address of this host that carries vxlan networks to others; empty: they stay here.
    std::string tunnelAddress = {};

    /// External networks have their gateway on this host, which forwards and masquerades for them. Without it they are
    /// bridges and nothing more.
    bool nat = true;

    /// The interface that the host lends to external networks, or a bridge of its own, which are physical network
    /// `outsidePhysical` here; empty: none. Folder, mark and notice are those of the driver.
    OutsideOptions outside = {};

    /// What of this host answers guests and routers on external networks, and the ports of the API.
    GuestsReach reach = GuestsReach::Api;
    std::vector<std::uint16_t> apiPorts = {};

    /// Where Docker drops what it doesn't know, guests pass by one rule in the chain that it keeps for others' rules
    /// (DOCKER-USER, https://docs.docker.com/engine/network/packet-filtering-firewalls/).
    bool dockerUserRule = true;

    /// How long what nobody tells of may stay unseen, and what failed waits for another try.
    std::chrono::steady_clock::duration lookEvery = std::chrono::seconds(50);

    /// Told what was mended or is odd, one line each. May be empty.
    std::function<void(std::string_view)> notice = {};

    /// Called for each thing of ours that was not as it was made, before it is mended. May be empty.
    std::function<void()> mending = {};
};

/// Linux bridges, taps, namespaces, nftables and dnsmasq on this machine. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
/// Works in the network namespace of the thread that calls it and with the named namespaces under /run/netns.
std::unique_ptr<NetworkDriver> linuxNetworkDriver(LinuxNetworkOptions options);

}
