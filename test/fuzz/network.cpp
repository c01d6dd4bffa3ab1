// A plan of networks with any texts in it, as rules for nft and as options and hosts for dnsmasq: what is no address is
// complained of and not wired, and what is wired has no letter that means something to either.

#include <cstdlib>

#include "fuzz/target.hpp"
#include "network/driver/linux_layout.hpp"
#include "network/driver/linux_rules.hpp"

namespace stratolet::fuzz {
namespace {

void requireOnly(std::string_view text, std::string_view marks) {
    for (const char each : text)
        if (!(each >= 'a' && each <= 'z') && !(each >= 'A' && each <= 'Z') && !(each >= '0' && each <= '9') &&
            marks.find(each) == std::string_view::npos)
            std::abort();
}

void requireBalanced(std::string_view rules) {
    int depth = 0;
    for (const char each : rules) {
        depth += each == '{' ? 1 : each == '}' ? -1 : 0;
        if (depth < 0) std::abort();
    }
    if (depth != 0) std::abort();
}

std::string uuid(unsigned number) { return "00000000-0000-4000-8000-0000000000" + std::to_string(10 + number % 90); }

std::optional<int> maybe(Parts& parts) {
    const auto kind = parts.number(3);
    if (kind == 0) return std::nullopt;
    return kind == 1 ? static_cast<int>(parts.number(255))
                     : static_cast<int>(parts.number(255)) * 257 - (kind == 3 ? 70 : 0);
}

NetworkPlan planFrom(Parts& parts) {
    NetworkPlan plan;
    PlannedNetwork network;
    network.id.text = uuid(0);
    network.mtu = static_cast<int>(parts.number(255)) * 40;
    network.domain = parts.text();
    PlannedSubnet subnet{{uuid(1)}, parts.text(), parts.text(), true, {}, {}};
    subnet.dnsNameservers.push_back(parts.text());
    subnet.hostRoutes.push_back({parts.text(), parts.text()});
    network.subnets.push_back(subnet);
    network.dhcp = PlannedDhcp{{uuid(2)}, parts.text(), {{{uuid(1)}, parts.text()}}};
    plan.networks.push_back(network);
    PlannedPort port;
    port.id.text = uuid(3);
    port.network.text = uuid(0);
    port.mac = parts.text();
    port.hostname = parts.text();
    port.fixedIps.push_back({{uuid(1)}, parts.text()});
    port.allowedPairs.push_back({parts.text(), parts.text()});
    port.securityGroups.push_back({uuid(4)});
    port.tapped = true;
    plan.ports.push_back(port);
    PlannedSecurityGroup group{{uuid(4)}, parts.number(1) == 1, {}};
    for (unsigned count = parts.number(4); count > 0; --count) {
        PlannedRule rule;
        rule.id.text = uuid(20 + count);
        rule.direction = parts.number(1) ? RuleDirection::Ingress : RuleDirection::Egress;
        rule.ethertype = parts.number(1) ? EtherType::IPv4 : EtherType::IPv6;
        rule.protocol = maybe(parts);
        rule.portRangeMin = maybe(parts);
        rule.portRangeMax = maybe(parts);
        if (parts.number(1))
            rule.remotePrefix = parts.text();
        else if (parts.number(1))
            rule.remoteGroup = SecurityGroupId{uuid(4)};
        group.rules.push_back(rule);
    }
    plan.securityGroups.push_back(group);
    PlannedRouter router;
    router.id.text = uuid(5);
    router.interfaces.push_back({{uuid(6)}, {uuid(0)}, parts.text(), {{{uuid(1)}, parts.text()}}});
    router.routes.push_back({parts.text(), parts.text()});
    router.floatingIps.push_back({{uuid(7)}, parts.text(), parts.text()});
    plan.routers.push_back(router);
    return plan;
}

}

namespace {

constexpr std::string_view inRules = " \n\t{}.,:;/-_+=<>@\"!&|*()";

void requireRules(std::string_view rules) {
    requireOnly(rules, inRules);
    requireBalanced(rules);
}

void requirePlain(const network::NamespaceLayout& space) {
    for (const auto& each : space.interfaces)
        for (const auto& address : each.addresses) requireOnly(address, ".:/");
    for (const auto& route : space.routes) requireOnly(route.destination + route.nexthop, ".:/");
    if (space.rules) {
        for (const auto& [name, chain] : space.rules->chains)
            for (const auto& rule : chain.rules) requireRules(rule);
        for (const auto& element : space.rules->elements) requireRules(element.key + element.value);
    }
    if (space.dhcp)
        for (const auto& option : space.dhcp->options) requireOnly(option, ".,:;/-_=[]");
}

}

void run(std::string_view input) {
    Parts parts(input);
    const auto plan = planFrom(parts);
    const auto& net = plan.networks.front();
    if (!network::faultOf(net).empty()) return; // it is complained of, and nothing that is on it is wired
    network::HostRules rules({});
    rules.set(net, 1);
    for (const auto& group : plan.securityGroups)
        if (network::faultOf(group).empty()) rules.set(group);
    for (const auto& port : plan.ports) {
        if (!network::faultOf(port).empty()) continue;
        rules.set(port, 1);
        if (const auto host = network::dhcpHostOf(port, net)) {
            requireOnly(host->lines, ".,:;/-_=[]\n");
            requireOnly(host->mac + host->address, ".:");
        }
    }
    requireRules(rules.rules().commands());
    if (const auto dhcp = network::dhcpLayout(net, {})) requirePlain(*dhcp);
    for (const auto& router : plan.routers)
        if (network::faultOf(router).empty())
            requirePlain(network::routerLayout(router, [&](const NetworkId&) -> const PlannedNetwork& { return net; }));
}

std::vector<std::string> seeds() { return {}; }

}
