#include "network/driver/linux_rules.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "network/address.hpp"
#include "network/driver/linux_names.hpp"

namespace stratolet::network {

namespace {

using Texts = std::vector<std::string>;

std::string joined(const Texts& texts, std::string_view between = ", ") {
    std::string out;
    for (const auto& each : texts) out += (out.empty() ? "" : std::string(between)) + each;
    return out;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

/// A named set or map; nft wants no empty list of elements.
std::string collection(std::string_view keyword, const std::string& name, const std::string& type, const Texts& elements,
                       std::string_view flags = "") {
    std::string out = std::string(keyword) + " " + name + " { type " + type + "; " + std::string(flags);
    if (!elements.empty()) out += "elements = { " + joined(elements) + " }; ";
    return out + "}\n";
}

std::string replaceTable(const std::string& table, const std::string& body) {
    return "table " + table + " { }\ndelete table " + table + "\ntable " + table + " {\n" + body + "}\n";
}

/// The blocks that `prefix` is made of, as interval sets like them (a whole family at once is none they know).
Texts blocks(const Prefix& prefix) {
    if (prefix.length > 0) return {prefix.length == prefix.base.bits() ? prefix.base.text() : prefix.text()};
    return prefix.version() == 4 ? Texts{"0.0.0.0/1", "128.0.0.0/1"} : Texts{"::/1", "8000::/1"};
}

struct Allowed {
    std::string mac;
    Prefix address;
    auto operator<=>(const Allowed&) const = default;
};

/// Under which MACs and addresses a port may speak.
std::set<Allowed> allowedOf(const PlannedPort& port) {
    std::set<Allowed> allowed;
    for (const auto& fixed : port.fixedIps)
        if (const auto address = Prefix::parseLoosely(fixed.address)) allowed.insert({port.mac, *address});
    for (const auto& pair : port.allowedPairs)
        if (const auto address = Prefix::parseLoosely(pair.address)) allowed.insert({pair.mac.empty() ? port.mac : pair.mac, *address});
    return allowed;
}

std::set<std::string> macsOf(const PlannedPort& port) {
    std::set<std::string> macs{port.mac};
    for (const auto& pair : port.allowedPairs)
        if (!pair.mac.empty()) macs.insert(pair.mac);
    return macs;
}

bool guarded(const PlannedPort& port) { return port.tapped && port.portSecurity; }

/// A neighbour advertisement's target: 128 bits that nft has no name for here.
std::string targetIs(const Prefix& prefix) {
    std::ostringstream hex;
    hex << std::hex;
    auto value = prefix.base.value >> (128 - prefix.length);
    std::string digits;
    for (; value != 0; value >>= 4) digits.insert(digits.begin(), "0123456789abcdef"[static_cast<int>(value & 0xf)]);
    return "@th,64," + std::to_string(prefix.length) + " 0x" + (digits.empty() ? "0" : digits);
}

std::string guardChains(const PlannedPort& port, int number) {
    const auto suffix = std::to_string(number);
    const auto macs = macsOf(port);
    auto allowed = allowedOf(port);
    for (const auto& mac : macs) allowed.insert({mac, Prefix{eui64Of(*Prefix::parse("fe80::/64"), mac), 128}});
    const auto macSet = "{ " + joined(Texts(macs.begin(), macs.end())) + " }";

    std::ostringstream out;
    out << "chain arp_" << suffix << " {\n"
        << "  arp saddr ether != " << macSet << " drop\n"
        << "  arp saddr ip 0.0.0.0 return\n"; // a probe for an address that is about to be used
    for (const auto& each : allowed)
        if (each.address.version() == 4)
            out << "  arp saddr ether " << each.mac << (each.address.length ? " arp saddr ip " + each.address.text() : "") << " return\n";
    out << "  drop\n}\n";

    out << "chain ip4_" << suffix << " {\n"
        << "  udp sport 67 drop\n"
        << "  ip saddr 0.0.0.0 udp sport 68 udp dport 67 return\n";
    for (const auto& each : allowed)
        if (each.address.version() == 4)
            out << "  ether saddr " << each.mac << (each.address.length ? " ip saddr " + each.address.text() : "") << " return\n";
    out << "  drop\n}\n";

    out << "chain nd_" << suffix << " {\n";
    for (const auto& each : allowed)
        if (each.address.version() == 6) out << "  " << (each.address.length ? targetIs(each.address) + " " : "") << "return\n";
    out << "  drop\n}\n";

    out << "chain ip6_" << suffix << " {\n"
        << "  icmpv6 type { nd-router-advert, nd-redirect } drop\n"
        << "  udp sport 547 drop\n"
        << "  ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } return\n"
        << "  ip6 saddr :: drop\n"
        << "  icmpv6 type nd-neighbor-advert jump nd_" << suffix << "\n";
    for (const auto& each : allowed)
        if (each.address.version() == 6)
            out << "  ether saddr " << each.mac << (each.address.length ? " ip6 saddr " + each.address.text() : "") << " return\n";
    out << "  drop\n}\n";

    // Only the three protocols that have been looked at get through; tagged frames would hide theirs.
    out << "chain guard_" << suffix << " {\n"
        << "  ether saddr != " << macSet << " drop\n"
        << "  meta mark set " << (number << 16) << "\n"
        << "  ether type arp goto arp_" << suffix << "\n"
        << "  ether type ip goto ip4_" << suffix << "\n"
        << "  ether type ip6 goto ip6_" << suffix << "\n"
        << "  drop\n}\n";
    out << "chain to_" << suffix << " { meta mark set meta mark and 0xffff0000 or " << number << "; }\n";
    return out.str();
}

std::string guardTable(const std::vector<const PlannedPort*>& ports, Numbers& numbers) {
    std::string chains;
    Texts from, to;
    for (const auto* port : ports) {
        const int number = numbers.of("port", port->id.text);
        chains += guardChains(*port, number);
        from.push_back(quoted(tapNameOf(port->id)) + " : jump guard_" + std::to_string(number));
        to.push_back(quoted(tapNameOf(port->id)) + " : jump to_" + std::to_string(number));
    }
    // A chain that a map names must be there before the map is.
    return chains + collection("map", "senders", "ifname : verdict", from) + collection("map", "receivers", "ifname : verdict", to) +
           "chain prerouting { type filter hook prerouting priority -300; policy accept; iifname vmap @senders; }\n"
           "chain forward { type filter hook forward priority -200; policy accept; oifname vmap @receivers; }\n";
}

/// One rule of a security group as a match for nft. Numbers throughout: whatever the API accepts, this loads.
std::string matchOf(const PlannedRule& rule) {
    const bool six = rule.ethertype == EtherType::IPv6;
    const bool ingress = rule.direction == RuleDirection::Ingress;
    std::string out = six ? "meta nfproto ipv6" : "meta nfproto ipv4";
    const std::string side = std::string(six ? " ip6 " : " ip ") + (ingress ? "saddr " : "daddr ");
    if (rule.remoteGroup) {
        std::string name = rule.remoteGroup->text;
        std::replace(name.begin(), name.end(), '-', '_');
        out += side + (six ? "@members6_" : "@members4_") + name;
    } else if (const auto prefix = Prefix::parseLoosely(rule.remotePrefix); prefix && prefix->length > 0) {
        out += side + prefix->text();
    }
    if (!rule.protocol) return out;

    constexpr int icmp = 1, icmp6 = 58;
    const int protocol = six && *rule.protocol == icmp ? icmp6 : *rule.protocol;
    out += " meta l4proto " + std::to_string(protocol);
    if (protocol == icmp || protocol == icmp6) {
        // Type and code in one: nft stumbles over two raw matches side by side.
        if (rule.portRangeMin && rule.portRangeMax)
            out += " @th,0,16 " + std::to_string(*rule.portRangeMin << 8 | *rule.portRangeMax);
        else if (rule.portRangeMin)
            out += " @th,0,8 " + std::to_string(*rule.portRangeMin);
    } else if (rule.portRangeMin || rule.portRangeMax) {
        const int least = rule.portRangeMin.value_or(0), most = rule.portRangeMax.value_or(least);
        if (least == most)
            out += " th dport " + std::to_string(least);
        else if (least > 0 || most < 65535)
            out += " th dport " + std::to_string(least) + "-" + std::to_string(most);
    }
    return out;
}

std::string chainSuffix(const SecurityGroupId& group) {
    std::string name = group.text;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

/// Addresses of everybody in a group, in both families.
std::string memberSets(const NetworkPlan& plan) {
    std::set<SecurityGroupId> asked;
    for (const auto& group : plan.securityGroups)
        for (const auto& rule : group.rules)
            if (rule.remoteGroup) asked.insert(*rule.remoteGroup);
    std::map<SecurityGroupId, std::set<Prefix>> members;
    for (const auto& port : plan.ports)
        for (const auto& group : port.securityGroups)
            if (asked.contains(group))
                for (const auto& each : allowedOf(port)) members[group].insert(each.address);
    std::string out;
    for (const auto& group : asked) {
        Texts four, six;
        for (const auto& prefix : members[group])
            for (auto& block : blocks(prefix)) (prefix.version() == 4 ? four : six).push_back(block);
        out += collection("set", "members4_" + chainSuffix(group), "ipv4_addr", four, "flags interval; auto-merge; ");
        out += collection("set", "members6_" + chainSuffix(group), "ipv6_addr", six, "flags interval; auto-merge; ");
    }
    return out;
}

std::string groupChains(const NetworkPlan& plan) {
    std::string out;
    for (const auto& group : plan.securityGroups) {
        for (const auto direction : {RuleDirection::Ingress, RuleDirection::Egress}) {
            out += std::string("chain ") + (direction == RuleDirection::Ingress ? "in_" : "out_") + chainSuffix(group.id) + " {\n";
            for (const auto& rule : group.rules)
                if (rule.direction == direction) out += "  " + matchOf(rule) + " accept\n";
            out += "}\n";
        }
    }
    return out;
}

std::string portChains(const PlannedPort& port, int number, const std::map<SecurityGroupId, const PlannedSecurityGroup*>& groups) {
    // A port whose groups all are stateless is judged packet by packet.
    bool stateful = port.securityGroups.empty();
    Texts in, outgoing;
    for (const auto& id : port.securityGroups) {
        const auto found = groups.find(id);
        if (found == groups.end()) continue; // its rules are unknown, so nothing of it is allowed
        stateful = stateful || found->second->stateful;
        in.push_back("  jump in_" + chainSuffix(id) + "\n");
        outgoing.push_back("  jump out_" + chainSuffix(id) + "\n");
    }
    const std::string known = stateful ? "  ct state invalid drop\n  ct state established,related accept\n" : "";
    const auto suffix = std::to_string(number);
    return "chain sends_" + suffix + " {\n" + known +
           "  meta nfproto ipv4 udp sport 68 udp dport 67 accept\n  meta nfproto ipv6 udp sport 546 udp dport 547 accept\n" +
           joined(outgoing, "") + "  drop\n}\n" + "chain gets_" + suffix + " {\n" + known +
           "  meta nfproto ipv4 udp sport 67 udp dport 68 accept\n  meta nfproto ipv6 udp sport 547 udp dport 546 accept\n" +
           joined(in, "") + "  drop\n}\n";
}

std::string filterTable(const NetworkPlan& plan, const std::vector<const PlannedPort*>& ports, bool nat, Numbers& numbers) {
    std::map<SecurityGroupId, const PlannedSecurityGroup*> groups;
    for (const auto& group : plan.securityGroups) groups[group.id] = &group;
    std::set<NetworkId> open; // networks on which the host itself has an address
    Texts bridges, isolated, bridged, zones;
    for (const auto& network : plan.networks) {
        const auto bridge = quoted(bridgeOf(network.id));
        bridges.push_back(bridge);
        bridged.push_back(bridge + " . " + bridge);
        if (network.external && nat) {
            open.insert(network.id);
        } else {
            isolated.push_back(bridge);
            zones.push_back(bridge + " : " + std::to_string(numbers.of("network", network.id.text)));
        }
    }

    std::string out = memberSets(plan) + groupChains(plan);
    Texts senders, receivers, routed4, routed6;
    for (const auto* port : ports) {
        const int number = numbers.of("port", port->id.text);
        out += portChains(*port, number, groups);
        senders.push_back(std::to_string(number << 16) + " : goto sends_" + std::to_string(number));
        receivers.push_back(std::to_string(number) + " : goto gets_" + std::to_string(number));
        if (!open.contains(port->network)) continue;
        for (const auto& fixed : port->fixedIps)
            if (const auto address = Address::parse(fixed.address))
                (address->version == 4 ? routed4 : routed6)
                    .push_back(quoted(bridgeOf(port->network)) + " . " + address->text() + " : goto gets_" + std::to_string(number));
    }
    out += collection("set", "bridges", "ifname", bridges);
    out += collection("set", "isolated", "ifname", isolated);
    out += collection("set", "bridged", "ifname . ifname", bridged);
    out += collection("map", "senders", "mark : verdict", senders);
    out += collection("map", "receivers", "mark : verdict", receivers);
    out += collection("map", "routed4", "ifname . ipv4_addr : verdict", routed4);
    out += collection("map", "routed6", "ifname . ipv6_addr : verdict", routed6);

    // Neighbour discovery must not wait for a rule, or no other IPv6 packet ever finds its way.
    const std::string neighbours = "  icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, nd-router-solicit, "
                                   "nd-router-advert, nd-neighbor-solicit, "
                                   "nd-neighbor-advert, mld2-listener-report } accept\n";
    out += "chain zones { type filter hook prerouting priority -310; policy accept;\n";
    if (!zones.empty()) out += "  ct zone set iifname map { " + joined(zones) + " }\n";
    out += "}\n";
    out += "chain sending { type filter hook forward priority 0; policy accept;\n"
           // The host forwards for external networks only. It is no way out of the others.
           "  iifname @isolated iifname . oifname != @bridged drop\n"
           "  oifname @isolated iifname . oifname != @bridged drop\n"
           "  iifname != @bridges accept\n" +
           neighbours + "  meta mark and 0xffff0000 vmap @senders\n}\n";
    out += "chain receiving { type filter hook forward priority 1; policy accept;\n"
           "  oifname != @bridges accept\n" +
           neighbours +
           "  iifname . oifname @bridged meta mark and 0x0000ffff vmap @receivers\n"
           "  oifname . ip daddr vmap @routed4\n"
           "  oifname . ip6 daddr vmap @routed6\n}\n";
    out += "chain to_host { type filter hook input priority 0; policy accept;\n"
           "  iifname @isolated drop\n"
           "  iifname != @bridges accept\n" +
           neighbours + "  meta mark and 0xffff0000 vmap @senders\n}\n";
    out += "chain from_host { type filter hook output priority 0; policy accept;\n"
           "  oifname != @bridges accept\n" +
           neighbours +
           "  oifname . ip daddr vmap @routed4\n"
           "  oifname . ip6 daddr vmap @routed6\n}\n";
    return out;
}

std::string hostTable(const NetworkPlan& plan) {
    Texts bridges;
    for (const auto& network : plan.networks) bridges.push_back(quoted(bridgeOf(network.id)));
    std::string out = collection("set", "bridges", "ifname", bridges);
    // Frames that only cross a bridge come by here as well; they stay as they are.
    out += "chain postrouting { type nat hook postrouting priority srcnat; policy accept;\n";
    for (const auto& network : plan.networks) {
        if (!network.external) continue;
        for (const auto& subnet : network.subnets)
            if (const auto prefix = Prefix::parse(subnet.cidr); prefix && prefix->version() == 4 && !subnet.gateway.empty())
                out += "  ip saddr " + prefix->text() + " ip daddr != " + prefix->text() + " oifname != @bridges masquerade\n";
    }
    return out + "}\n";
}

}

std::string hostRules(const NetworkPlan& plan, bool nat, Numbers& numbers) {
    std::vector<const PlannedPort*> ports;
    for (const auto& port : plan.ports)
        if (guarded(port)) ports.push_back(&port);
    std::string out = replaceTable("bridge stratolet_guard", guardTable(ports, numbers));
    out += replaceTable("inet stratolet_filter", filterTable(plan, ports, nat, numbers));
    out += replaceTable("ip stratolet_host", nat ? hostTable(plan) : "");
    return out;
}

std::string routerRules(const PlannedRouter& router, std::uint16_t metadataPort) {
    Texts inward, outward;
    for (const auto& each : router.floatingIps) {
        inward.push_back(each.floating + " : " + each.fixed);
        outward.push_back(each.fixed + " : " + each.floating);
    }
    std::string gatewayAddress;
    if (router.gateway)
        for (const auto& fixed : router.gateway->addresses)
            if (const auto address = Address::parse(fixed.address); address && address->version == 4 && gatewayAddress.empty())
                gatewayAddress = fixed.address;
    Texts inside;
    for (const auto& each : router.interfaces) inside.push_back(quoted(routerInterfaceOf(each.port)));

    std::string out = collection("map", "inward", "ipv4_addr : ipv4_addr", inward) +
                      collection("map", "outward", "ipv4_addr : ipv4_addr", outward) + collection("set", "inside", "ifname", inside);
    out += "chain prerouting { type nat hook prerouting priority dstnat; policy accept;\n";
    out +=
        "  iifname @inside ip daddr " + std::string(metadataAddress) + " tcp dport 80 redirect to :" + std::to_string(metadataPort) + "\n";
    out += "  dnat to ip daddr map @inward\n}\n";
    out += "chain output { type nat hook output priority -100; policy accept;\n  dnat to ip daddr map @inward\n}\n";
    // Nobody reaches the metadata listeners but through the address that guests know.
    out += "chain input { type filter hook input priority 0; policy accept;\n  tcp dport " + std::to_string(metadataPort) +
           " ct status and dnat == 0 drop\n}\n";
    out += "chain postrouting { type nat hook postrouting priority srcnat; policy accept;\n";
    if (!gatewayAddress.empty()) {
        const auto gateway = quoted(gatewayInterfaceOf(router.gateway->port));
        out += "  oifname " + gateway + " snat to ip saddr map @outward\n";
        // From inside to a floating IP that leads inside again: the answer must come back through here.
        out += "  iifname @inside oifname @inside ct status dnat snat to ip saddr map @outward\n";
        out += "  iifname @inside oifname @inside ct status dnat snat to " + gatewayAddress + "\n";
        if (router.snat) out += "  iifname @inside oifname " + gateway + " snat to " + gatewayAddress + "\n";
    }
    out += "}\n";
    return replaceTable("ip stratolet_router", out);
}

}
