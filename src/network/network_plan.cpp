#include "network/network_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "network/floating_ip.hpp"
#include "network/network_record.hpp"
#include "network/port.hpp"
#include "network/router.hpp"
#include "network/security_group.hpp"
#include "network/subnet.hpp"

namespace stratolet::network {

namespace {

std::vector<PlannedFixedIp> plannedAddresses(const Port& port) {
    std::vector<PlannedFixedIp> out;
    for (const auto& each : port.addresses) out.push_back({each.subnet, each.address.text()});
    return out;
}

PlannedInterface plannedInterface(const Port& port) { return {port.id, port.network, port.mac, plannedAddresses(port)}; }

std::vector<PlannedRoute> plannedRoutes(const TextPairs& routes) {
    std::vector<PlannedRoute> out;
    for (const auto& [destination, nexthop] : routes) out.push_back({destination, nexthop});
    return out;
}

PlannedPort plannedPort(const Port& port) {
    PlannedPort planned;
    planned.id = port.id;
    planned.network = port.network;
    planned.mac = port.mac;
    planned.hostname = port.hostname;
    planned.fixedIps = plannedAddresses(port);
    for (const auto& [mac, address] : port.pairs) planned.allowedPairs.push_back({mac, address});
    for (const auto& each : port.groups) planned.securityGroups.push_back({each});
    planned.portSecurity = port.portSecurity;
    planned.adminUp = port.adminUp;
    planned.tapped = true;
    return planned;
}

PlannedRule plannedRule(const SecurityGroupRule& rule) {
    PlannedRule planned;
    planned.id = rule.id;
    planned.direction = rule.direction == "egress" ? RuleDirection::Egress : RuleDirection::Ingress;
    planned.ethertype = rule.ethertype == "IPv6" ? EtherType::IPv6 : EtherType::IPv4;
    if (rule.protocol) planned.protocol = protocolNumber(*rule.protocol, rule.ethertype == "IPv6");
    if (rule.portMin) planned.portRangeMin = static_cast<int>(*rule.portMin);
    if (rule.portMax) planned.portRangeMax = static_cast<int>(*rule.portMax);
    planned.remotePrefix = rule.prefix.value_or("");
    if (rule.remoteGroup) planned.remoteGroup = SecurityGroupId{*rule.remoteGroup};
    return planned;
}

PlannedSubnet plannedSubnet(const Subnet& subnet) {
    return {subnet.id,   subnet.cidr.text(), subnet.gateway ? subnet.gateway->text() : "",
            subnet.dhcp, subnet.dns,         plannedRoutes(subnet.routes)};
}

template <class T> void sortById(std::vector<T>& all) {
    std::sort(all.begin(), all.end(), [](const T& one, const T& other) { return one.id < other.id; });
}

}

NetworkPlan networkPlan(store::Reader& db, const std::string& dnsDomain) {
    NetworkPlan plan;
    std::set<NetworkId> used, guests;
    std::set<SecurityGroupId> groups;

    store::Conditions bound;
    bound.add("p.server <> ''");
    for (const auto& port : port_table::list(db, bound)) {
        used.insert(port.network);
        guests.insert(port.network);
        for (const auto& each : port.groups) groups.insert({each});
        plan.ports.push_back(plannedPort(port));
    }

    std::map<RouterId, std::vector<PlannedFloatingIp>> floating;
    store::Conditions leading;
    leading.add("f.router IS NOT NULL");
    for (const auto& ip : floating_ip_table::list(db, leading)) floating[ip.router].push_back({ip.id, ip.address, ip.fixed});
    for (const auto& router : router_table::list(db, {}, " ORDER BY r.id")) {
        PlannedRouter planned;
        planned.id = router.id;
        planned.adminUp = router.adminUp;
        planned.snat = router.snat;
        if (const auto gateway = router.gatewayPort.empty() ? std::nullopt : port_table::find(db, router.gatewayPort))
            planned.gateway = plannedInterface(*gateway);
        for (const auto& each : router_table::interfacesOf(db, router.id)) planned.interfaces.push_back(plannedInterface(each));
        if (!router.adminUp || (!planned.gateway && planned.interfaces.empty())) continue;
        std::sort(planned.interfaces.begin(), planned.interfaces.end());
        planned.floatingIps = floating[router.id];
        sortById(planned.floatingIps);
        planned.routes = plannedRoutes(router.routes);
        if (planned.gateway) used.insert(planned.gateway->network);
        for (const auto& each : planned.interfaces) used.insert(each.network);
        plan.routers.push_back(std::move(planned));
    }

    for (const auto& network : network_table::list(db, {}, " ORDER BY n.id")) {
        if (!network.external && !used.contains(network.id)) continue;
        PlannedNetwork planned{network.id, network.mtu, network.external, dnsDomain, {}, {}};
        for (const auto& each : subnet_table::of(db, network.id)) planned.subnets.push_back(plannedSubnet(each));
        sortById(planned.subnets);
        if (guests.contains(network.id)) {
            store::Conditions dhcp;
            dhcp.add("p.network = ?", network.id).add("p.owner = ?", dhcpOwner);
            for (const auto& port : port_table::list(db, dhcp))
                if (!port.addresses.empty()) planned.dhcp = PlannedDhcp{port.id, port.mac, plannedAddresses(port)};
        }
        plan.networks.push_back(std::move(planned));
    }

    std::set<NetworkId> down;
    for (const auto& each : network_table::list(db, store::Conditions().add("n.admin_up = 0"), "")) down.insert(each.id);
    for (auto& port : plan.ports) port.adminUp = port.adminUp && !down.contains(port.network);
    sortById(plan.ports);
    for (const auto& id : groups) {
        const auto group = security_group_table::find(db, id);
        if (!group) continue;
        PlannedSecurityGroup planned{id, group->stateful, {}};
        for (const auto& each : security_group_table::rulesOf(db, id)) planned.rules.push_back(plannedRule(each));
        sortById(planned.rules);
        plan.securityGroups.push_back(std::move(planned));
    }
    return plan;
}

}
