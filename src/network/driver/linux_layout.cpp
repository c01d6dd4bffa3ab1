#include "network/driver/linux_layout.hpp"

#include <stratolet/error.hpp>

#include <algorithm>
#include <charconv>
#include <set>

#include "network/address.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_rules.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

constexpr std::uint16_t routerMetadataPort = 9697;
constexpr std::string_view leaseSeconds = "86400";

bool isMac(const std::string& text) { return normalMac(text) == text; }
bool isAddress(const std::string& text) { return Address::parse(text).has_value(); }

bool areAddresses(const std::vector<PlannedFixedIp>& all) {
    return std::all_of(all.begin(), all.end(), [](const auto& each) { return isAddress(each.address); });
}

std::string wrongWith(const PlannedSubnet& subnet) {
    if (!isUuid(subnet.id.text)) return "a subnet's id is none";
    if (!Prefix::parse(subnet.cidr)) return "subnet " + subnet.id.text + " has no CIDR";
    if (!subnet.gateway.empty() && !isAddress(subnet.gateway))
        return "subnet " + subnet.id.text + " has a gateway that is no address";
    for (const auto& server : subnet.dnsNameservers)
        if (!isAddress(server)) return "subnet " + subnet.id.text + " has a name server that is no address";
    for (const auto& route : subnet.hostRoutes)
        if (!Prefix::parse(route.destination) || !isAddress(route.nexthop))
            return "subnet " + subnet.id.text + " has a host route that is none";
    return {};
}

std::string wrongWith(const PlannedInterface& interface) {
    if (!isUuid(interface.port.text) || !isUuid(interface.network.text)) return "an interface's id is none";
    if (!isMac(interface.mac) || !areAddresses(interface.addresses))
        return "interface " + interface.port.text + " has an address that is none";
    return {};
}

std::string wrongWith(const PlannedRule& rule) {
    const std::string name = "security group rule " + rule.id.text;
    const auto outside = [](const std::optional<int>& number, int most) {
        return number && (*number < 0 || *number > most);
    };
    if (outside(rule.protocol, 255) || outside(rule.portRangeMin, 65535) || outside(rule.portRangeMax, 65535))
        return name + " is out of range";
    if (rule.portRangeMin && rule.portRangeMax && rule.protocol != 1 && rule.protocol != 58 &&
        *rule.portRangeMin > *rule.portRangeMax)
        return name + " is out of range";
    if (rule.protocol == 1 || rule.protocol == 58)
        if (outside(rule.portRangeMin, 255) || outside(rule.portRangeMax, 255)) return name + " is out of range";
    // tcp, udp, dccp, sctp, udplite, and the types of both icmps; asked for the ports of any other, nft loads what it
    // can't list again
    const std::set<int> withPorts{1, 6, 17, 33, 58, 132, 136};
    if ((rule.portRangeMin || rule.portRangeMax) && (!rule.protocol || !withPorts.contains(*rule.protocol)))
        return name + " has ports of a protocol that has none";
    if (rule.remoteGroup && !isUuid(rule.remoteGroup->text)) return name + " names a group whose id is none";
    if (!rule.remotePrefix.empty()) {
        const auto prefix = Prefix::parseLoosely(rule.remotePrefix);
        if (!prefix || prefix->version() != (rule.ethertype == EtherType::IPv6 ? 6 : 4))
            return name + " has a prefix that is none";
    }
    for (const auto& each : rule.remoteAddresses.value_or(std::vector<std::string>())) {
        const auto prefix = Prefix::parse(each);
        if (!prefix || prefix->version() != (rule.ethertype == EtherType::IPv6 ? 6 : 4))
            return name + " names addresses that are none";
    }
    return {};
}

const PlannedSubnet* subnetOf(const PlannedNetwork& network, const PlannedFixedIp& fixed) {
    for (const auto& subnet : network.subnets)
        if (subnet.id == fixed.subnet) return &subnet;
    return nullptr;
}

/// Addresses with the length of their subnet.
std::vector<std::string> withLengths(const PlannedNetwork& network, const std::vector<PlannedFixedIp>& addresses) {
    std::vector<std::string> out;
    for (const auto& fixed : addresses)
        if (const auto* subnet = subnetOf(network, fixed))
            out.push_back(fixed.address + "/" + std::to_string(Prefix::parse(subnet->cidr)->length));
    return out;
}

/// A bridge's own MAC: always the same, or it would follow that of its lowest port.
std::string bridgeMac(const NetworkId& network) {
    std::string digits;
    for (const char each : network.text)
        if (each != '-') digits += each;
    return "02:" + digits.substr(0, 2) + ":" + digits.substr(2, 2) + ":" + digits.substr(4, 2) + ":" +
           digits.substr(6, 2) + ":" + digits.substr(8, 2);
}

std::string tagOf(const PortId& port) { return "port" + port.text; }

bool isOption(const PlannedDhcpOption& option) {
    return isDhcpOptionName(option.name) && isDhcpOptionValue(option.value) &&
           (option.version == 4 || option.version == 6);
}

/// "0.0.0.0", "::": a name server that says that there is none.
bool isNobody(const std::string& address) { return Address::parse(address)->value == 0; }

void addSubnetOptions(std::vector<std::string>& options, const PlannedSubnet& subnet, const std::string& server,
                      const std::string& tag, const RouterPlaces& routers) {
    const auto prefix = *Prefix::parse(subnet.cidr);
    if (prefix.version() == 6 && subnet.addressMode == "slaac") return; // there is nothing to ask for
    if (prefix.version() == 6) {
        options.push_back("--dhcp-range=set:" + tag + "," + prefix.base.text() + ",static," +
                          std::to_string(prefix.length) + "," + std::string(leaseSeconds));
        std::string servers;
        for (const auto& each : subnet.dnsNameservers)
            if (Address::parse(each)->version == 6 && !isNobody(each)) servers += ",[" + each + "]";
        if (!servers.empty()) options.push_back("--dhcp-option=tag:" + tag + ",option6:dns-server" + servers);
        return;
    }
    options.push_back("--dhcp-range=set:" + tag + "," + prefix.base.text() + ",static," + prefix.mask().text() + "," +
                      std::string(leaseSeconds));
    std::string routes;
    const auto add = [&](const std::string& destination, const std::string& nexthop) {
        routes += "," + destination + "," + nexthop;
    };
    bool hasMetadata = false;
    for (const auto& route : subnet.hostRoutes) {
        if (Prefix::parse(route.destination)->version() != 4 || Address::parse(route.nexthop)->version != 4) continue;
        add(Prefix::parse(route.destination)->text(), route.nexthop);
        hasMetadata = hasMetadata || route.destination == std::string(metadataAddress) + "/32";
    }
    const bool hasRouter = !subnet.gateway.empty() && routers.contains({subnet.id, subnet.gateway});
    if (!hasMetadata) add(std::string(metadataAddress) + "/32", hasRouter ? subnet.gateway : server);
    // Clients that are given classless routes ignore the router option, so it must be among them.
    if (!subnet.gateway.empty()) add("0.0.0.0/0", subnet.gateway);
    options.push_back("--dhcp-option=tag:" + tag + ",121" + routes);
    options.push_back("--dhcp-option=tag:" + tag + ",249" + routes);
    options.push_back("--dhcp-option=tag:" + tag + ",3" + (subnet.gateway.empty() ? "" : "," + subnet.gateway));
    std::string servers;
    bool none = false;
    for (const auto& each : subnet.dnsNameservers) {
        if (Address::parse(each)->version != 4) continue;
        if (isNobody(each))
            none = true;
        else
            servers += "," + each;
    }
    // Without a number, the option isn't sent at all.
    options.push_back("--dhcp-option=tag:" + tag + ",6" + (servers.empty() && !none ? "," + server : servers));
}

}

std::string faultOf(const PlannedNetwork& network) {
    if (!isUuid(network.id.text)) return "a network's id is none";
    if (network.mtu < 68 || network.mtu > 65521) return "network " + network.id.text + " has an impossible MTU";
    if (!network.domain.empty() && !isDomainName(network.domain))
        return "network " + network.id.text + " has a domain that is none";
    for (const auto& subnet : network.subnets)
        if (auto wrong = wrongWith(subnet); !wrong.empty()) return wrong;
    for (const auto& each : network.segments)
        if (each.number < 0 || each.number > (each.type == "vlan" ? 4094 : 16777215))
            return "network " + network.id.text + " has a segment with an impossible number";
    for (const auto& each : network.remotes)
        if (!isUuid(each.id.text) || !isMac(each.mac) || !areAddresses(each.addresses) || !isAddress(each.tunnel))
            return "network " + network.id.text + " has a neighbour that is none";
    const auto& dhcp = network.dhcp;
    if (dhcp && (!isUuid(dhcp->port.text) || !isMac(dhcp->mac) || !areAddresses(dhcp->addresses)))
        return "the DHCP port of network " + network.id.text + " is none";
    return {};
}

std::string faultOf(const PlannedPort& port) {
    if (!isUuid(port.id.text) || !isUuid(port.network.text)) return "a port's id is none";
    if (!isMac(port.mac)) return "port " + port.id.text + " has a MAC address that is none";
    if (!port.hostname.empty() && !isHostLabel(port.hostname))
        return "port " + port.id.text + " has a host name that is none";
    if (!areAddresses(port.fixedIps)) return "port " + port.id.text + " has an address that is none";
    if (!std::all_of(port.dhcpOptions.begin(), port.dhcpOptions.end(), isOption))
        return "port " + port.id.text + " has a DHCP option that is none";
    if (!port.trunk.empty() && (!isUuid(port.trunk.text) || port.vlan < 1 || port.vlan > 4094))
        return "port " + port.id.text + " has a place in a trunk that is none";
    if (!port.tunnel.empty() && !isAddress(port.tunnel))
        return "port " + port.id.text + " is on a host whose address is none";
    for (const auto& pair : port.allowedPairs)
        if (!Prefix::parseLoosely(pair.address) || (!pair.mac.empty() && !isMac(pair.mac)))
            return "port " + port.id.text + " has an address pair that is none";
    for (const auto& group : port.securityGroups)
        if (!isUuid(group.text)) return "port " + port.id.text + " has a security group whose id is none";
    return {};
}

std::string faultOf(const PlannedRouter& router) {
    if (!isUuid(router.id.text)) return "a router's id is none";
    if (router.gateway)
        if (auto wrong = wrongWith(*router.gateway); !wrong.empty()) return wrong;
    for (const auto& each : router.interfaces)
        if (auto wrong = wrongWith(each); !wrong.empty()) return wrong;
    for (const auto& each : router.floatingIps) {
        const auto isFour = [](const std::string& text) {
            const auto address = Address::parse(text);
            return address && address->version == 4;
        };
        if (!isFour(each.floating) || !(each.fixed.empty() || isFour(each.fixed)))
            return "floating IP " + each.id.text + " has an address that is none";
        const std::set<int> withPorts{6, 17, 33, 132};
        for (const auto& one : each.forwardings) {
            const int outside = one.outsideMost - one.outsideLeast, inside = one.insideMost - one.insideLeast;
            if (!isFour(one.fixed) || !withPorts.contains(one.protocol) || one.outsideLeast < 1 ||
                one.outsideMost > 65535 || one.insideLeast < 1 || one.insideMost > 65535 || outside < 0 ||
                (inside != outside && inside != 0))
                return "floating IP " + each.id.text + " has a port forwarding that is none";
        }
    }
    for (const auto& each : router.helpers)
        if ((each.protocol != 6 && each.protocol != 17) || each.port < 1 || each.port > 65535 || each.helper.empty() ||
            each.helper.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
            return "router " + router.id.text + " has a conntrack helper that is none";
    for (const auto& each : router.routes)
        if (!Prefix::parse(each.destination) || !isAddress(each.nexthop))
            return "router " + router.id.text + " has a route that is none";
    return {};
}

std::string faultOf(const PlannedSecurityGroup& group) {
    if (!isUuid(group.id.text)) return "a security group's id is none";
    for (const auto& each : group.rules)
        if (auto wrong = wrongWith(each); !wrong.empty()) return wrong;
    return {};
}

BridgeLayout bridgeLayout(const PlannedNetwork& network, bool nat) {
    BridgeLayout bridge{bridgeOf(network.id), bridgeMac(network.id), network.mtu, {}};
    if (network.external && nat)
        for (const auto& subnet : network.subnets)
            if (!subnet.gateway.empty())
                bridge.addresses.push_back(subnet.gateway + "/" + std::to_string(Prefix::parse(subnet.cidr)->length));
    return bridge;
}

TapLayout tapLayout(const PlannedPort& port, const PlannedNetwork& network) {
    return {tapNameOf(port.id),
            bridgeOf(port.network),
            network.mtu,
            port.adminUp,
            port.trunk.empty() ? "" : tapNameOf(port.trunk),
            port.vlan,
            port.multiqueue};
}

UplinkLayout uplinkLayout(const PlannedNetwork& network, const UplinkOptions& host) {
    std::string missing;
    for (const auto& each : network.segments) {
        if (each.type == "local") return {};
        if (each.type == "vxlan") {
            if (host.tunnelAddress.empty()) return {};
            return {.name = "vxlan-" + std::to_string(each.number),
                    .under = {},
                    .local = host.tunnelAddress,
                    .number = each.number};
        }
        const auto device = host.physical.find(each.physical);
        if (device == host.physical.end()) {
            missing += (missing.empty() ? "" : ", ") + each.physical;
            continue;
        }
        if (each.type == "flat" && host.bridges.contains(device->second))
            return {.name = nearEndOf(device->second),
                    .under = {},
                    .local = {},
                    .far = farEndOf(device->second),
                    .across = device->second};
        if (each.type == "flat") return {.name = device->second, .under = {}, .local = {}};
        if (each.type == "vlan")
            return {.name = vlanDeviceOf(device->second, each.number),
                    .under = device->second,
                    .local = {},
                    .number = each.number};
        throw Error(Failure::Broken, "network ", network.id, " is of type ", each.type,
                    ", which this host can't be on");
    }
    if (!missing.empty())
        throw Error(Failure::Broken, "network ", network.id, " is on physical network ", missing,
                    ", which this host is not on");
    return {};
}

std::optional<RemoteLayout> remoteLayout(const PlannedPort& port) {
    if (port.tapped || port.tunnel.empty()) return std::nullopt;
    RemoteLayout remote{.mac = port.mac, .tunnel = port.tunnel, .addresses = {}};
    for (const auto& each : port.fixedIps) remote.addresses.push_back(each.address);
    return remote;
}

std::optional<DhcpHost> dhcpHostOf(const PlannedPort& port, const PlannedNetwork& network) {
    DhcpHost host{.mac = port.mac, .address = {}, .lines = {}};
    const auto tag = port.dhcpOptions.empty() ? "" : ",set:" + tagOf(port.id);
    for (const auto& fixed : port.fixedIps) {
        const auto* subnet = subnetOf(network, fixed);
        if (!subnet || !subnet->dhcp) continue;
        const auto address = *Address::parse(fixed.address);
        const auto name = hostnameOf(port.hostname, address);
        host.names +=
            address.text() + " " + (network.domain.empty() ? "" : name + "." + network.domain + " ") + name + "\n";
        if (address.version == 6 && !subnet->addressMode.empty() && subnet->addressMode != "dhcpv6-stateful")
            continue; // it has formed that one itself
        if (address.version == 4 && host.address.empty()) host.address = address.text();
        host.lines += port.mac + "," + (address.version == 4 ? address.text() : "[" + address.text() + "]") + "," +
                      name + tag + "\n";
    }
    if (host.lines.empty() && host.names.empty()) return std::nullopt;
    if (host.lines.empty()) host.lines = port.mac + tag + "\n"; // known, so that it is told what is its alone
    for (const auto& each : port.dhcpOptions) {
        const bool number =
            std::all_of(each.name.begin(), each.name.end(), [](char one) { return one >= '0' && one <= '9'; });
        const std::string family = each.version == 6 ? "option6:" : number ? "" : "option:";
        host.options += "tag:" + tagOf(port.id) + "," + family + each.name + "," + each.value + "\n";
    }
    return host;
}

std::optional<NamespaceLayout> dhcpLayout(const PlannedNetwork& network, const RouterPlaces& routers) {
    if (!network.dhcp || network.dhcp->addresses.empty()) return std::nullopt;
    const auto& dhcp = *network.dhcp;
    NamespaceLayout layout{.name = dhcpNamespaceOf(network.id)};
    InterfaceLayout interface {
        network.id, dhcpInterfaceOf(dhcp.port), hostSideOf(dhcp.port), bridgeOf(network.id), dhcp.mac, network.mtu,
            withLengths(network, dhcp.addresses)
    };
    interface.addresses.push_back(std::string(metadataAddress) + "/32");

    DhcpLayout server{.key = network.id.text, .interface = interface.name, .address = {}, .options = {}};
    int number = 0;
    for (const auto& fixed : dhcp.addresses) {
        const auto* subnet = subnetOf(network, fixed);
        if (!subnet || !subnet->dhcp) continue;
        if (server.address.empty() && Address::parse(fixed.address)->version == 4) server.address = fixed.address;
        addSubnetOptions(server.options, *subnet, fixed.address, "subnet" + std::to_string(number++), routers);
    }
    if (!network.domain.empty()) {
        server.options.push_back("--domain=" + network.domain);
        server.options.push_back("--local=/" + network.domain + "/");
    }
    server.options.push_back("--dhcp-option=26," + std::to_string(network.mtu));
    layout.interfaces.push_back(interface);
    if (number > 0) layout.dhcp = server;
    layout.listeners.push_back({interface.name, network.id, std::string(metadataAddress), 80});
    return layout;
}

namespace {

using NetworkOf = std::function<const PlannedNetwork&(const NetworkId&)>;

/// Who tells hosts of a router where it is and how they get their addresses (RFC 4861 6.2); nothing where nobody is to.
std::optional<DhcpLayout> announcements(const PlannedRouter& router, const NetworkOf& networkOf) {
    DhcpLayout server{.key = router.id.text, .interface = {}, .address = {}, .options = {}};
    int number = 0;
    for (const auto& each : router.interfaces) {
        const auto& network = networkOf(each.network);
        const auto name = routerInterfaceOf(each.port);
        bool announces = false;
        for (const auto& fixed : each.addresses) {
            const auto* subnet = subnetOf(network, fixed);
            if (!subnet || subnet->raMode.empty() || Address::parse(fixed.address)->version != 6) continue;
            const auto tag = "announced" + std::to_string(number++);
            const auto prefix = *Prefix::parse(subnet->cidr);
            const std::string mode = subnet->raMode == "slaac"              ? "ra-only"
                                     : subnet->raMode == "dhcpv6-stateless" ? "ra-stateless"
                                                                            : "static";
            server.options.push_back("--dhcp-range=set:" + tag + "," + prefix.base.text() + "," + mode + "," +
                                     std::to_string(prefix.length) + "," + std::string(leaseSeconds));
            std::string servers;
            for (const auto& one : subnet->dnsNameservers)
                if (Address::parse(one)->version == 6 && !isNobody(one)) servers += ",[" + one + "]";
            // Without a number it is not sent; a server would say that it is one itself.
            server.options.push_back("--dhcp-option=tag:" + tag + ",option6:dns-server" + servers);
            announces = true;
        }
        if (!announces) continue;
        if (server.interface.empty())
            server.interface = name;
        else
            server.options.push_back("--interface=" + name);
        server.options.push_back("--ra-param=" + name + ",mtu:" + std::to_string(network.mtu) + ",60,1800");
    }
    if (server.interface.empty()) return std::nullopt;
    server.options.insert(server.options.begin(), {"--port=0", "--enable-ra"});
    return server;
}

/// Of which address scopes the router's interfaces are.
std::vector<ScopedInterface> scopesOf(const PlannedRouter& router, const NetworkOf& networkOf) {
    std::vector<ScopedInterface> all;
    const auto add = [&](const PlannedInterface& interface, const std::string& name) {
        ScopedInterface scoped{name, {}, {}};
        for (const auto& fixed : interface.addresses)
            if (const auto* subnet = subnetOf(networkOf(interface.network), fixed))
                (Address::parse(fixed.address)->version == 6 ? scoped.scope6 : scoped.scope4) = subnet->scope;
        all.push_back(scoped);
    };
    for (const auto& each : router.interfaces) add(each, routerInterfaceOf(each.port));
    if (router.gateway) add(*router.gateway, gatewayInterfaceOf(router.gateway->port));
    return all;
}

}

NamespaceLayout routerLayout(const PlannedRouter& router,
                             const std::function<const PlannedNetwork&(const NetworkId&)>& networkOf) {
    NamespaceLayout layout{.name = routerNamespaceOf(router.id)};
    layout.forwards = true;
    for (const auto& each : router.interfaces) {
        const auto& network = networkOf(each.network);
        layout.interfaces.push_back({network.id, routerInterfaceOf(each.port), hostSideOf(each.port),
                                     bridgeOf(network.id), each.mac, network.mtu,
                                     withLengths(network, each.addresses)});
        layout.listeners.push_back({routerInterfaceOf(each.port), network.id, "0.0.0.0", routerMetadataPort});
    }
    if (router.gateway) {
        const auto& network = networkOf(router.gateway->network);
        InterfaceLayout gateway{network.id,
                                gatewayInterfaceOf(router.gateway->port),
                                hostSideOf(router.gateway->port),
                                bridgeOf(network.id),
                                router.gateway->mac,
                                network.mtu,
                                withLengths(network, router.gateway->addresses)};
        for (const auto& floating : router.floatingIps) gateway.addresses.push_back(floating.floating + "/32");
        bool defaulted[2] = {false, false};
        for (const auto& fixed : router.gateway->addresses) {
            const auto* subnet = subnetOf(network, fixed);
            if (!subnet || subnet->gateway.empty()) continue;
            const bool six = Address::parse(subnet->gateway)->version == 6;
            if (std::exchange(defaulted[six], true)) continue;
            if (!Prefix::parse(subnet->cidr)
                     ->contains(*Address::parse(subnet->gateway))) // it is on the link, wherever its address is
                layout.routes.push_back({subnet->gateway + (six ? "/128" : "/32"), "", gateway.name});
            layout.routes.push_back({six ? "::/0" : "0.0.0.0/0", subnet->gateway, gateway.name});
        }
        layout.interfaces.push_back(gateway);
    }
    for (const auto& route : router.routes) {
        const auto destination = Prefix::parse(route.destination)->text();
        // The owner's own default route is stronger than the gateway's.
        std::erase_if(layout.routes, [&](const auto& each) { return each.destination == destination; });
        layout.routes.push_back({destination, route.nexthop, ""});
    }
    layout.dhcp = announcements(router, networkOf);
    layout.rules = routerRules(router, routerMetadataPort, scopesOf(router, networkOf));
    return layout;
}

}
