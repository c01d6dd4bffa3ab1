#include "compute/metadata/network_document.hpp"

#include <algorithm>

#include "platform/json/json.hpp"

namespace stratolet::compute {

using network::FixedIp;
using network::PortFacts;
using network::SubnetFacts;

namespace {

bool isSix(const FixedIp& ip) { return ip.address.find(':') != std::string::npos; }

void writeNameServer(JsonWriter& out, const std::string& address) {
    const auto service = out.object();
    out.field("type", "dns");
    out.field("address", address);
}

void writeRoute(JsonWriter& out, const SubnetFacts::Route& route) {
    const auto written = out.object();
    out.field("network", route.network);
    out.field("netmask", route.netmask);
    out.field("gateway", route.gateway);
}

/// What a guest needs that nobody on its network tells: all where there is no DHCP. Of IPv6 also where routers
/// advertise themselves, which says how the address is come by.
void writeAddress(JsonWriter& out, const FixedIp& ip, const SubnetFacts& subnet) {
    out.field("ip_address", ip.address);
    out.field("netmask", subnet.netmask);
    {
        const auto routes = out.array("routes");
        if (!subnet.gateway.empty()) {
            const std::string any = isSix(ip) ? "::" : "0.0.0.0";
            writeRoute(out, {any, any, subnet.gateway});
        }
        for (const auto& each : subnet.hostRoutes) writeRoute(out, each);
    }
    const auto services = out.array("services");
    for (const auto& each : subnet.dns) writeNameServer(out, each);
}

void writeNetwork(JsonWriter& out, std::size_t number, const PortFacts& port, const FixedIp& ip,
                  const SubnetFacts& subnet) {
    const bool told = subnet.addressMode.empty() && subnet.dhcp;
    const auto network = out.object();
    out.field("id", "network" + std::to_string(number));
    std::string type = isSix(ip) ? "ipv6" : "ipv4";
    if (told)
        type += "_dhcp";
    else if (!subnet.addressMode.empty())
        type += "_" + subnet.addressMode;
    out.field("type", type);
    out.field("link", port.tap);
    if (!told) writeAddress(out, ip, subnet);
    out.field("network_id", port.network);
}

}

std::string networkDocument(const std::vector<PortFacts>& ports, const std::vector<SubnetFacts>& subnets) {
    const auto subnetOf = [&](const FixedIp& ip) {
        const auto found =
            std::find_if(subnets.begin(), subnets.end(), [&](const auto& each) { return each.id == ip.subnet; });
        return found == subnets.end() ? nullptr : &*found;
    };
    std::string text;
    JsonWriter out(text);
    const auto scope = out.object();
    {
        const auto links = out.array("links");
        for (const auto& port : ports) {
            const auto link = out.object();
            out.field("id", port.tap);
            out.field("vif_id", port.id);
            out.field("type", "bridge");
            out.field("mtu", port.mtu);
            out.field("ethernet_mac_address", port.mac);
        }
    }
    std::vector<std::string> nameServers;
    {
        const auto networks = out.array("networks");
        std::size_t number = 0;
        for (const auto& port : ports)
            for (const auto& ip : port.fixedIps)
                if (const auto* const subnet = subnetOf(ip)) {
                    writeNetwork(out, number++, port, ip, *subnet);
                    for (const auto& each : subnet->dns)
                        if (std::find(nameServers.begin(), nameServers.end(), each) == nameServers.end())
                            nameServers.push_back(each);
                }
    }
    const auto services = out.array("services");
    for (const auto& each : nameServers) writeNameServer(out, each);
    return text;
}

}
