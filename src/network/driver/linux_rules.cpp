#include "network/driver/linux_rules.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "network/driver/linux_limits.hpp"
#include "network/driver/linux_names.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using Texts = std::vector<std::string>;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string hexadecimal(std::uint64_t number) {
    std::array<char, 20> out{};
    std::snprintf(out.data(), out.size(), "%llx", static_cast<unsigned long long>(number));
    return out.data();
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
        if (const auto address = Prefix::parseLoosely(pair.address))
            allowed.insert({pair.mac.empty() ? port.mac : pair.mac, *address});
    return allowed;
}

std::set<std::string> macsOf(const PlannedPort& port) {
    std::set<std::string> macs{port.mac};
    for (const auto& pair : port.allowedPairs)
        if (!pair.mac.empty()) macs.insert(pair.mac);
    return macs;
}

bool guarded(const PlannedPort& port) { return port.tapped && port.portSecurity; }

/// A sender's number as the mark of its packets has it, a receiver's as their priority has it.
std::string senderMark(int number) { return "0x" + hexadecimal(static_cast<std::uint64_t>(number) << 16); }
std::string receiverClass(int number) { return "0:" + hexadecimal(static_cast<std::uint64_t>(number)); }

/// An IPv6 address as 128 bits that nft has no name for: the target of a neighbour's advertisement.
std::string bitsOf(const Address& address) { return "0x" + sortable(address); }

std::string suffixOf(const SecurityGroupId& group) {
    std::string name = group.text;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

/// "members4_…": addresses of the group's members; "blocks4_…": blocks of their address pairs.
std::string membersOf(const SecurityGroupId& group, int version, bool single) {
    return (single ? "members" : "blocks") + std::to_string(version) + "_" + suffixOf(group);
}

/// One rule of a security group as a match for nft. Numbers throughout: whatever the API accepts, this loads.
/// `members` is what the other side's address must be in, where the rule names a group.
std::string matchOf(const PlannedRule& rule, const std::string& members) {
    const bool six = rule.ethertype == EtherType::IPv6;
    const bool ingress = rule.direction == RuleDirection::Ingress;
    std::string out = six ? "meta nfproto ipv6" : "meta nfproto ipv4";
    const std::string side = std::string(six ? " ip6 " : " ip ") + (ingress ? "saddr " : "daddr ");
    if (rule.remoteGroup) {
        out += side + "@" + members;
    } else if (rule.remoteAddresses) {
        out += side + "{ " + joined(disjoint(*rule.remoteAddresses)) + " }";
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

/// A port floods the log with no more than this, all ports of the host with no more than that: packets in a second.
constexpr int toldOfPort = 100, toldOfPortAtOnce = 25, toldOfHost = 1000;

/// Rules that write a packet down before its verdict; a port that has had enough of that goes a shorter way.
Texts tellingRules(const std::string& map, const std::string& way, const std::string& words,
                   const std::string& verdict) {
    const std::string port =
        way == "in" ? "iifname . oifname @bridged meta mark and 0xffff == 1 meta priority" : "meta mark and 0xffff0000";
    constexpr int bytes = 128; // all headers that are read
    return {port + " vmap @" + map + "_" + way,
            "limit rate " + std::to_string(toldOfHost) + "/second burst " + std::to_string(toldOfHost) +
                " packets log prefix " + quoted(words) + " group " + std::to_string(packetLogGroup) + " snaplen " +
                std::to_string(bytes) + " queue-threshold 16",
            verdict};
}

std::string enoughOf(int number, bool accepted) {
    return std::string("enough_") + (accepted ? "accepted_" : "dropped_") + std::to_string(number);
}

/// In place of "accept" in the chains of a group some of whose ports are logged.
std::string tellingOf(const SecurityGroupId& group, RuleDirection direction) {
    return (direction == RuleDirection::Ingress ? "tell_in_" : "tell_out_") + suffixOf(group);
}
std::string toldChainOf(const SecurityGroupId& group, RuleDirection direction) {
    return (direction == RuleDirection::Ingress ? "told_in_" : "told_out_") + suffixOf(group);
}

/// What a group lets through in one direction, each rule with this verdict.
Texts rulesOf(const std::vector<PlannedRule>& rules, RuleDirection direction, const std::string& verdict) {
    Texts lines;
    for (const auto& rule : rules) {
        if (rule.direction != direction) continue;
        if (rule.remoteAddresses && rule.remoteAddresses->empty()) continue; // nobody is in it
        if (!rule.remoteGroup) {
            lines.push_back(matchOf(rule, "") + " " + verdict);
            continue;
        }
        const int version = rule.ethertype == EtherType::IPv6 ? 6 : 4;
        for (const bool single : {true, false})
            lines.push_back(matchOf(rule, membersOf(*rule.remoteGroup, version, single)) + " " + verdict);
    }
    return lines;
}

constexpr RuleDirection directions[] = {RuleDirection::Ingress, RuleDirection::Egress};

bool isIcmp(int protocol) { return protocol == 1 || protocol == 58; }

/// Whether a rule that names the other side by prefix or not at all allows a connection with it.
bool matches(const PlannedRule& rule, const Connection& connection) {
    const bool six = rule.ethertype == EtherType::IPv6;
    const auto& other = rule.direction == RuleDirection::Ingress ? connection.source : connection.destination;
    if ((other.version == 6) != six) return false;
    if (const auto prefix = Prefix::parseLoosely(rule.remotePrefix); prefix && !prefix->contains(other)) return false;
    const auto isIn = [&](const std::string& block) { return Prefix::parse(block)->contains(other); };
    if (rule.remoteAddresses && std::none_of(rule.remoteAddresses->begin(), rule.remoteAddresses->end(), isIn))
        return false;
    if (!rule.protocol) return true;
    const int protocol = six && *rule.protocol == 1 ? 58 : *rule.protocol;
    if (protocol != connection.protocol) return false;
    const auto least = rule.portRangeMin, most = rule.portRangeMax;
    if (isIcmp(protocol)) return (!least || *least == connection.icmpType) && (!most || *most == connection.icmpCode);
    if (!least && !most) return true;
    return connection.destinationPort >= least.value_or(0) &&
           connection.destinationPort <= most.value_or(least.value_or(0));
}

// Neighbour discovery must not wait for a rule, or no other IPv6 packet ever finds its way.
const std::string neighbours =
    "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, nd-router-solicit, "
    "nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept";

void declareGuard(Ruleset& rules) {
    rules.addTable(std::string(guardTable));
    const auto set = [&](std::string_view name, std::string_view type) {
        rules.declare(guardTable, name, "set", type);
    };
    set("taps", "type ifname;");
    set("outside", "type ifname;");
    rules.declare(guardTable, "inport", "map", "type ifname : mark;");
    rules.declare(guardTable, "outport", "map", "type ifname : classid;");
    set("macs", "type mark . ether_addr;");
    set("sources4", "type mark . ether_addr . ipv4_addr;");
    set("sources6", "type mark . ether_addr . ipv6_addr;");
    set("targets6", "typeof meta mark . @th,64,128;");
    set("wide4", "type mark . ether_addr . ipv4_addr; flags interval;");
    set("wide6", "type mark . ether_addr . ipv6_addr; flags interval;");
    set("wide_targets6", "typeof meta mark . @th,64,128; flags interval;");
    const auto chain = [&](std::string_view name, Texts lines, std::string hook = "") {
        rules.put(guardTable, name, {std::move(hook), std::move(lines)});
    };
    chain("arp_sender", {"meta mark . arp saddr ether != @macs drop",
                         "arp saddr ip 0.0.0.0 return", // a probe for an address that is about to be used
                         "meta mark . arp saddr ether . arp saddr ip @sources4 return",
                         "meta mark . arp saddr ether . arp saddr ip @wide4 return", "drop"});
    chain("ip4_sender",
          {"udp sport 67 drop",
           // Who has no address yet asks everybody for one, and nobody in particular for anything.
           "ether daddr ff:ff:ff:ff:ff:ff ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 return",
           "meta mark . ether saddr . ip saddr @sources4 return", "meta mark . ether saddr . ip saddr @wide4 return",
           "drop"});
    chain("advertiser",
          {"meta mark . @th,64,128 @targets6 return", "meta mark . @th,64,128 @wide_targets6 return", "drop"});
    // Who has no address yet looks whether one is free, and for routers and groups (RFC 4862 5.4, RFC 3810 5.2.13).
    const std::string beforeAddress = "ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, "
                                      "mld-listener-report, mld2-listener-report } return";
    chain("ip6_sender", {"icmpv6 type { nd-router-advert, nd-redirect } drop", "udp sport 547 drop", beforeAddress,
                         "ip6 saddr :: drop", "icmpv6 type nd-neighbor-advert jump advertiser",
                         "meta mark . ether saddr . ip6 saddr @sources6 return",
                         "meta mark . ether saddr . ip6 saddr @wide6 return", "drop"});
    // Only the three protocols that have been looked at get through; tagged frames would hide theirs.
    chain("sender", {"meta mark set iifname map @inport", "meta mark . ether saddr != @macs drop",
                     "ether type arp goto arp_sender", "ether type ip goto ip4_sender",
                     "ether type ip6 goto ip6_sender", "drop"});
    chain("guard_prerouting", {"iifname @taps jump sender", "iifname @outside meta mark set 0x2"},
          "type filter hook prerouting priority -300; policy accept;");
    chain("guard_forward",
          {"oifname @taps meta mark set meta mark and 0xffff0000 or 0x1",
           "oifname @taps meta priority set oifname map @outport", "oifname @outside meta mark set 0x2"},
          "type filter hook forward priority -200; policy accept;");
}

void declareFilter(Ruleset& rules, const HostRulesOptions& options) {
    rules.addTable(std::string(filterTable));
    const auto declare = [&](std::string_view name, std::string_view keyword, std::string_view type) {
        rules.declare(filterTable, name, keyword, type);
    };
    declare("bridges", "set", "type ifname;");
    declare("isolated", "set", "type ifname;");
    declare("bridged", "set", "type ifname . ifname;");
    declare("zones", "map", "typeof iifname : ct zone;");
    declare("senders", "map", "type mark : verdict;");
    declare("receivers", "map", "type classid : verdict;");
    declare("routed4", "map", "type ifname . ipv4_addr : verdict;");
    declare("routed6", "map", "type ifname . ipv6_addr : verdict;");
    for (const auto* verdict : {"accepted", "dropped"}) {
        declare(std::string(verdict) + "_out", "map", "type mark : verdict;");
        declare(std::string(verdict) + "_in", "map", "type classid : verdict;");
    }
    const auto chain = [&](std::string_view name, Texts lines, std::string hook = "") {
        rules.put(filterTable, name, {std::move(hook), std::move(lines)});
    };
    chain("zoned", {"ct zone set iifname map @zones"}, "type filter hook prerouting priority -310; policy accept;");
    chain("sending",
          {// The host forwards for external networks only. It is no way out of the others.
           "iifname @isolated iifname . oifname != @bridged drop",
           "oifname @isolated iifname . oifname != @bridged drop", "iifname != @bridges accept", neighbours,
           "meta mark and 0xffff0000 vmap @senders"},
          "type filter hook forward priority 0; policy accept;");
    chain("receiving",
          {"oifname != @bridges accept", neighbours,
           "iifname . oifname @bridged meta mark and 0x1 == 1 meta priority vmap @receivers",
           "oifname . ip daddr vmap @routed4", "oifname . ip6 daddr vmap @routed6"},
          "type filter hook forward priority 1; policy accept;");

    // Of the host itself, guests and routers see what they are to see, at whichever of its addresses.
    Texts reach{"ct state established,related return", "meta l4proto { 1, 58 } return"};
    if (options.reach == GuestsReach::Api && !options.apiPorts.empty()) {
        Texts ports;
        for (const auto each : options.apiPorts) ports.push_back(std::to_string(each));
        reach.push_back("tcp dport { " + joined(ports) + " } return");
    }
    reach.emplace_back("drop");
    if (options.reach == GuestsReach::All) reach.clear();
    chain("reach", reach);
    chain("to_host",
          {"iifname @isolated drop", "meta mark 0x2 jump reach", "iifname != @bridges accept", neighbours, "jump reach",
           "meta mark and 0xffff0000 vmap @senders"},
          "type filter hook input priority 0; policy accept;");
    chain("from_host",
          {"oifname != @bridges accept", neighbours, "oifname . ip daddr vmap @routed4",
           "oifname . ip6 daddr vmap @routed6"},
          "type filter hook output priority 0; policy accept;");
}

}

HostRules::HostRules(HostRulesOptions options) : options_(std::move(options)) {
    declareGuard(rules_);
    declareFilter(rules_, options_);
    rules_.addTable(std::string(hostTable));
    rules_.declare(hostTable, "host_bridges", "set", "type ifname;");
    writeMasquerades();
}

void HostRules::setOutside(const std::set<std::string>& devices) {
    RuleElements wanted;
    for (const auto& each : devices) wanted.push_back({"outside", quoted(each), ""});
    if (wanted == outside_) return;
    rules_.give(wanted);
    rules_.take(outside_);
    outside_ = std::move(wanted);
}

void HostRules::markGuests(bool wanted) {
    const std::string name = "guests", marks = " meta mark set meta mark or " + std::string(guestMark);
    if (!wanted) return rules_.removeChain(name);
    rules_.put(filterTable, name,
               {"type filter hook forward priority -10; policy accept;",
                {"iifname @bridges" + marks, "oifname @bridges" + marks, "meta mark and 0x2 == 0x2" + marks}});
}

void HostRules::writeMasquerades() {
    // Frames that only cross a bridge come by here as well; they stay as they are.
    RuleChain chain{"type nat hook postrouting priority srcnat; policy accept;", {}};
    for (const auto& [id, network] : networks_)
        for (const auto& each : network.masquerades) chain.rules.push_back(each);
    rules_.put(hostTable, "host_postrouting", std::move(chain));
}

void HostRules::set(const PlannedNetwork& network, int zone) {
    Net net;
    const auto bridge = quoted(bridgeOf(network.id));
    net.open = network.external && options_.nat;
    net.zone = net.open ? 0 : zone;
    net.elements = {{"bridges", bridge, ""}, {"bridged", bridge + " . " + bridge, ""}, {"host_bridges", bridge, ""}};
    if (!net.open) {
        net.elements.push_back({"isolated", bridge, ""});
        net.elements.push_back({"zones", bridge, std::to_string(zone)});
    } else {
        for (const auto& subnet : network.subnets)
            if (const auto prefix = Prefix::parse(subnet.cidr);
                prefix && prefix->version() == 4 && !subnet.gateway.empty())
                net.masquerades.push_back("ip saddr " + prefix->text() + " ip daddr != " + prefix->text() +
                                          " oifname != @host_bridges masquerade");
    }
    rules_.give(net.elements);
    if (const auto before = networks_.find(network.id); before != networks_.end()) rules_.take(before->second.elements);
    networks_[network.id] = std::move(net);
    writeMasquerades();
}

void HostRules::remove(const NetworkId& id) {
    const auto found = networks_.find(id);
    if (found == networks_.end()) return;
    rules_.take(found->second.elements);
    networks_.erase(found);
    writeMasquerades();
}

void HostRules::needMembers(const SecurityGroupId& group, int by) {
    auto& count = members_[group];
    const int before = count;
    count += by;
    for (const int version : {4, 6})
        for (const bool single : {true, false}) {
            const auto name = membersOf(group, version, single);
            const std::string type = version == 4 ? "type ipv4_addr;" : "type ipv6_addr;";
            if (before == 0 && count > 0)
                rules_.declare(filterTable, name, "set", single ? type : type + " flags interval;", single);
            if (count == 0) rules_.drop(name);
        }
    if (count == 0) members_.erase(group);
}

void HostRules::set(const PlannedSecurityGroup& group) {
    const auto before = groups_.find(group.id);
    for (const auto& rule : group.rules)
        if (rule.remoteGroup) needMembers(*rule.remoteGroup, 1);
    for (const auto direction : directions)
        rules_.put(filterTable, (direction == RuleDirection::Ingress ? "in_" : "out_") + suffixOf(group.id),
                   {"", rulesOf(group.rules, direction, "accept")});
    const bool known = before != groups_.end();
    const bool otherwise = !known || before->second.stateful != group.stateful;
    if (known) {
        for (const auto& rule : before->second.rules)
            if (rule.remoteGroup) needMembers(*rule.remoteGroup, -1);
        const auto& rules = group.rules;
        const bool fewer = std::any_of(before->second.rules.begin(), before->second.rules.end(), [&](const auto& each) {
            return std::find(rules.begin(), rules.end(), each) == rules.end();
        });
        if (fewer)
            for (const auto& [id, port] : ports_)
                if (std::find(port.port.securityGroups.begin(), port.port.securityGroups.end(), group.id) !=
                    port.port.securityGroups.end())
                    closed_.ports.insert(id);
    }
    groups_[group.id] = {group.stateful, group.rules};
    if (told_.contains(group.id)) writeTold(group.id);
    if (otherwise) writeProfilesWith(group.id);
}

void HostRules::remove(const SecurityGroupId& id) {
    const auto found = groups_.find(id);
    if (found == groups_.end()) return;
    for (const auto& rule : found->second.rules)
        if (rule.remoteGroup) needMembers(*rule.remoteGroup, -1);
    groups_.erase(found);
    writeProfilesWith(id);
    rules_.removeChain("in_" + suffixOf(id));
    rules_.removeChain("out_" + suffixOf(id));
}

int HostRules::useProfile(const Judged& judged) {
    auto& profile = profiles_[judged];
    if (profile.uses++ > 0) return profile.number;
    int free = 1;
    for (const int number : profileNumbers_) {
        if (number != free) break;
        ++free;
    }
    profileNumbers_.insert(free);
    profile.number = free;
    for (const auto& each : judged.told.accepted) needTold(each, 1);
    if (judged.told.dropped) needRefused(1);
    writeProfile(judged, free);
    return free;
}

void HostRules::leaveProfile(const Judged& judged) {
    const auto found = profiles_.find(judged);
    if (found == profiles_.end() || --found->second.uses > 0) return;
    const auto number = std::to_string(found->second.number);
    rules_.removeChain("sends_" + number);
    rules_.removeChain("gets_" + number);
    profileNumbers_.erase(found->second.number);
    profiles_.erase(found);
    for (const auto& each : judged.told.accepted) needTold(each, -1);
    if (judged.told.dropped) needRefused(-1);
}

void HostRules::needRefused(int by) {
    refused_ += by;
    for (const std::string way : {"in", "out"})
        if (refused_ > 0)
            rules_.put(filterTable, "refused_" + way, {"", tellingRules("dropped", way, "drop " + way, "drop")});
        else
            rules_.removeChain("refused_" + way);
}

void HostRules::needTold(const SecurityGroupId& group, int by) {
    const auto count = told_[group] += by;
    if (count == by && by > 0) writeTold(group);
    if (count > 0) return;
    told_.erase(group);
    for (const auto direction : directions) {
        rules_.removeChain(toldChainOf(group, direction));
        rules_.removeChain(tellingOf(group, direction));
    }
}

void HostRules::writeTold(const SecurityGroupId& group) {
    const auto found = groups_.find(group);
    for (const auto direction : directions) {
        const std::string way = direction == RuleDirection::Ingress ? "in" : "out";
        rules_.put(filterTable, tellingOf(group, direction),
                   {"", tellingRules("accepted", way, "accept " + way + " " + group.text, "accept")});
        rules_.put(filterTable, toldChainOf(group, direction),
                   {"", found == groups_.end()
                            ? Texts{}
                            : rulesOf(found->second.rules, direction, "goto " + tellingOf(group, direction))});
    }
}

void HostRules::writeProfilesWith(const SecurityGroupId& group) {
    for (const auto& [judged, profile] : profiles_)
        if (std::find(judged.groups.begin(), judged.groups.end(), group) != judged.groups.end())
            writeProfile(judged, profile.number);
}

void HostRules::writeProfile(const Judged& judged, int number) {
    // A port whose groups all are stateless is judged packet by packet.
    bool stateful = judged.groups.empty();
    Texts in, outgoing;
    for (const auto& id : judged.groups) {
        const auto found = groups_.find(id);
        if (found == groups_.end()) continue; // its rules are unknown, so nothing of it is allowed
        stateful = stateful || found->second.stateful;
        const bool told = judged.told.accepted.contains(id);
        in.push_back("jump " + (told ? toldChainOf(id, RuleDirection::Ingress) : "in_" + suffixOf(id)));
        outgoing.push_back("jump " + (told ? toldChainOf(id, RuleDirection::Egress) : "out_" + suffixOf(id)));
    }
    const auto write = [&](const std::string& chain, const std::string& way, const std::string& always4,
                           const std::string& always6, const Texts& rules) {
        const auto refuse = judged.told.dropped ? "goto refused_" + way : "drop";
        RuleChain content;
        // What nobody knows begins at its beginning, or a connection that was ended would go on from its other end.
        if (stateful)
            content.rules = {"ct state invalid " + refuse, "ct state established,related accept",
                             "ct state new tcp flags & (fin | syn | rst | ack) != syn " + refuse};
        content.rules.push_back("meta nfproto ipv4 udp " + always4 + " accept");
        content.rules.push_back("meta nfproto ipv6 udp " + always6 + " accept");
        content.rules.insert(content.rules.end(), rules.begin(), rules.end());
        content.rules.push_back(refuse);
        rules_.put(filterTable, chain + std::to_string(number), std::move(content));
    };
    write("sends_", "out", "sport 68 udp dport 67", "sport 546 udp dport 547", outgoing);
    write("gets_", "in", "sport 67 udp dport 68", "sport 547 udp dport 546", in);
}

Told toldOf(const PlannedPort& port) {
    Told told;
    for (const auto& each : port.logs) {
        told.dropped = told.dropped || each.dropped;
        if (!each.accepted) continue;
        if (!each.group)
            told.accepted.insert(port.securityGroups.begin(), port.securityGroups.end());
        else if (std::find(port.securityGroups.begin(), port.securityGroups.end(), *each.group) !=
                 port.securityGroups.end())
            told.accepted.insert(*each.group);
    }
    return told;
}

RuleElements HostRules::elementsOf(const PlannedPort& port, int number, int profile) const {
    RuleElements out;
    const auto tap = quoted(tapNameOf(port.id)), mark = senderMark(number);
    out.push_back({"taps", tap, ""});
    out.push_back({"inport", tap, mark});
    out.push_back({"outport", tap, receiverClass(number)});
    const auto macs = macsOf(port);
    for (const auto& mac : macs) out.push_back({"macs", mark + " . " + mac, ""});

    auto allowed = allowedOf(port);
    std::set<SecurityGroupId> groups(port.securityGroups.begin(), port.securityGroups.end());
    for (const auto& each : allowed)
        for (const auto& group : groups) {
            const bool single = each.address.length == each.address.base.bits();
            out.push_back({membersOf(group, each.address.version(), single),
                           single ? each.address.base.text() : each.address.text(), ""});
        }
    for (const auto& mac : macs) allowed.insert({mac, Prefix{eui64Of(*Prefix::parse("fe80::/64"), mac), 128}});
    std::optional<Allowed> last;
    for (const auto& each : allowed) {
        if (last && last->mac == each.mac && last->address.overlaps(each.address))
            continue; // a block comes before what it holds
        last = each;
        const auto& prefix = each.address;
        const std::string family = prefix.version() == 4 ? "4" : "6";
        const auto from = mark + " . " + each.mac + " . ";
        const bool single = prefix.length == prefix.base.bits();
        out.push_back(
            {single ? "sources" + family : "wide" + family, from + (single ? prefix.base.text() : prefix.text()), ""});
    }
    std::set<Prefix> targets; // under whichever of its MACs
    for (const auto& each : allowed)
        if (each.address.version() == 6) targets.insert(each.address);
    std::optional<Prefix> wider;
    for (const auto& each : targets) {
        if (wider && wider->overlaps(each)) continue;
        wider = each;
        if (each.length == 128)
            out.push_back({"targets6", mark + " . " + bitsOf(each.base), ""});
        else
            out.push_back({"wide_targets6", mark + " . " + bitsOf(each.first()) + "-" + bitsOf(each.last()), ""});
    }

    const auto chains = std::to_string(profile);
    out.push_back({"senders", mark, "goto sends_" + chains});
    out.push_back({"receivers", receiverClass(number), "goto gets_" + chains});
    const auto told = toldOf(port);
    for (const bool accepted : {true, false}) {
        if (accepted ? told.accepted.empty() : !told.dropped) continue;
        const std::string map = accepted ? "accepted" : "dropped", enough = "jump " + enoughOf(number, accepted);
        out.push_back({map + "_out", mark, enough});
        out.push_back({map + "_in", receiverClass(number), enough});
    }
    const auto network = networks_.find(port.network);
    if (network != networks_.end() && network->second.open)
        for (const auto& fixed : port.fixedIps)
            if (const auto address = Address::parse(fixed.address))
                out.push_back({address->version == 4 ? "routed4" : "routed6",
                               quoted(bridgeOf(port.network)) + " . " + address->text(), "goto gets_" + chains});
    return out;
}

void HostRules::set(const PlannedPort& port, int number) {
    if (!guarded(port)) {
        const auto found = ports_.find(port.id);
        if (found == ports_.end()) return;
        // All is allowed from now on, so nothing is closed.
        const auto addresses = found->second.addresses;
        const int zone = found->second.zone;
        remove(port.id);
        closed_.ports.erase(port.id);
        for (const auto& each : addresses) closed_.places.erase({zone, each.base});
        return;
    }
    Groups groups = port.securityGroups;
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    for (const auto& each : groups) needMembers(each, 1);
    const Judged judged{groups, toldOf(port)};
    Guarded fresh{port, judged, number, useProfile(judged), 0, {}, {}};
    fresh.port.securityGroups = groups;
    if (const auto network = networks_.find(port.network); network != networks_.end())
        fresh.zone = network->second.zone;
    fresh.elements = elementsOf(port, number, fresh.profile);
    rules_.give(fresh.elements);
    for (const auto& each : allowedOf(port)) {
        fresh.addresses.insert(each.address);
        for (const auto& group : groups) ++addresses_[group][each.address];
    }
    const auto had = ports_.find(port.id) != ports_.end();
    auto before = had ? std::optional(ports_.at(port.id)) : std::nullopt;
    if (had) {
        const bool already = closed_.ports.contains(port.id);
        const bool fewer = !std::includes(groups.begin(), groups.end(), before->port.securityGroups.begin(),
                                          before->port.securityGroups.end()) ||
                           before->addresses != fresh.addresses;
        remove(port.id);
        if (!fewer && !already) closed_.ports.erase(port.id);
    }
    for (const bool accepted : {true, false})
        if (accepted ? !judged.told.accepted.empty() : judged.told.dropped)
            rules_.put(filterTable, enoughOf(number, accepted),
                       {"",
                        {"limit rate over " + std::to_string(toldOfPort) + "/second burst " +
                         std::to_string(toldOfPortAtOnce) + " packets " + (accepted ? "accept" : "drop")}});
    for (const auto& each : fresh.addresses)
        if (each.length == each.base.bits()) places_.emplace(Place{fresh.zone, each.base}, port.id);
    ports_.insert_or_assign(port.id, std::move(fresh));
}

void HostRules::remove(const PortId& id) {
    const auto found = ports_.find(id);
    if (found == ports_.end()) return;
    auto& gone = found->second;
    rules_.take(gone.elements);
    closed_.ports.insert(id);
    for (const auto& each : gone.addresses) {
        if (each.length == each.base.bits()) {
            closed_.places.insert({gone.zone, each.base});
            const auto [first, last] = places_.equal_range({gone.zone, each.base});
            for (auto place = first; place != last; ++place)
                if (place->second == id) {
                    places_.erase(place);
                    break;
                }
        }
        for (const auto& group : gone.port.securityGroups) {
            auto& members = addresses_[group];
            if (--members[each] > 0) continue;
            members.erase(each);
            if (each.length == each.base.bits()) closed_.addresses.insert(each.base);
            if (members.empty()) addresses_.erase(group);
        }
    }
    leaveProfile(gone.judged);
    for (const bool accepted : {true, false}) rules_.removeChain(enoughOf(gone.number, accepted));
    for (const auto& each : gone.port.securityGroups) needMembers(each, -1);
    ports_.erase(found);
}

void HostRules::reconsider(const PortId& port) { closed_.ports.insert(port); }

bool HostRules::allows(const Guarded& port, RuleDirection direction, const Connection& connection) const {
    const bool egress = direction == RuleDirection::Egress;
    if (connection.protocol == 17) { // DHCP, whatever the rules say
        const int to = connection.destinationPort, from = connection.sourcePort;
        if (egress ? (from == 68 && to == 67) || (from == 546 && to == 547)
                   : (from == 67 && to == 68) || (from == 547 && to == 546))
            return true;
    }
    const auto& other = egress ? connection.destination : connection.source;
    for (const auto& id : port.port.securityGroups) {
        const auto group = groups_.find(id);
        if (group == groups_.end()) continue;
        for (const auto& rule : group->second.rules) {
            if (rule.direction != direction || !matches(rule, connection)) continue;
            if (!rule.remoteGroup) return true;
            const auto members = addresses_.find(*rule.remoteGroup);
            if (members == addresses_.end()) continue;
            if (std::any_of(members->second.begin(), members->second.end(),
                            [&](const auto& each) { return each.first.contains(other); }))
                return true;
        }
    }
    return false;
}

bool HostRules::closes(const Connection& connection) const {
    const bool peerLeft =
        closed_.addresses.contains(connection.source) || closed_.addresses.contains(connection.destination);
    for (const auto direction : {RuleDirection::Egress, RuleDirection::Ingress}) {
        const auto& own = direction == RuleDirection::Egress ? connection.source : connection.destination;
        const Place place{connection.zone, own};
        const auto [first, last] = places_.equal_range(place);
        if (first == last) {
            if (closed_.places.contains(place)) return true; // whose it was is gone
            continue;
        }
        for (auto each = first; each != last; ++each) {
            if (!peerLeft && !closed_.ports.contains(each->second)) continue;
            if (!allows(ports_.at(each->second), direction, connection)) return true;
        }
    }
    return false;
}

std::string firewallCure(const std::string& chain, const std::set<std::string>& chains,
                         const std::vector<std::string>& interfaces) {
    const auto table = chain.substr(0, chain.rfind(' '));
    const auto family = chain.substr(0, chain.find(' '));
    Texts commands;
    const auto insertion = [](const std::string& program, const std::string& at, const std::string& one) {
        const auto insert = program + " -I " + at;
        return insert + " -i " + one + " -j ACCEPT && " + insert + " -o " + one + " -j ACCEPT";
    };
    const auto each = [&](const auto& command) {
        for (const auto& one : interfaces) commands.push_back(command(one));
    };
    if (table.ends_with(" firewalld")) {
        each([](const auto& one) { return "firewall-cmd --permanent --zone=trusted --add-interface=" + one; });
        commands.emplace_back("firewall-cmd --reload");
    } else if (chains.contains(table + " ufw-before-forward") || chains.contains(table + " ufw6-before-forward")) {
        each([](const auto& one) { return "ufw route allow in on " + one + " && ufw route allow out on " + one; });
    } else if (table.ends_with(" filter-legacy")) {
        const std::string program = family == "ip6" ? "ip6tables-legacy" : "iptables-legacy";
        const std::string at = chains.contains(table + " DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
        each([&](const auto& one) { return insertion(program, at, one); });
    } else if (chains.contains(table + " DOCKER-USER")) {
        return "set docker_user_rule = true in [network] of stratolet.conf";
    } else if (table.ends_with(" filter") && chain.ends_with(" FORWARD")) {
        const std::string program = family == "ip6" ? "ip6tables" : "iptables";
        each([&](const auto& one) { return insertion(program, "FORWARD", one); });
    } else {
        each([&](auto one) {
            if (one.ends_with('+')) one.back() = '*';
            return "nft insert rule " + chain + " iifname '\"" + one + "\"' accept && nft insert rule " + chain +
                   " oifname '\"" + one + "\"' accept";
        });
    }
    return joined(commands, " && ");
}

void declareRouterTable(Ruleset& rules) {
    rules.addTable(std::string(routerNatTable));
    rules.declare(routerNatTable, "inward", "map", "type ipv4_addr : ipv4_addr;");
    rules.declare(routerNatTable, "outward", "map", "type ipv4_addr : ipv4_addr;");
    rules.declare(routerNatTable, "forwards", "map",
                  "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;");
    rules.declare(routerNatTable, "inside", "set", "type ifname;");
    rules.declare(routerNatTable, "limits_in", "map", "type ipv4_addr : verdict;");
    rules.declare(routerNatTable, "limits_out", "map", "type ipv4_addr : verdict;");
    rules.addTable(std::string(routerGateTable));
}

void putRouterRules(Ruleset& rules, const RouterRules& wanted) {
    for (const auto& [name, chain] : wanted.chains) rules.put(routerNatTable, name, chain);
    for (const auto& [name, chain] : wanted.gate) rules.put(routerGateTable, name, chain);
}

namespace {

/// How fast what comes to and goes from an address outside may be.
void limitAddress(RouterRules& rules, const std::string& address, const PlannedQos& qos) {
    auto suffix = "_" + address;
    std::replace(suffix.begin(), suffix.end(), '.', '_');
    for (const auto& [map, rate] : {std::pair("limits_in", qos.ingress), {"limits_out", qos.egress}}) {
        auto lines = limitRules(rate);
        if (lines.empty()) continue;
        rules.chains[map + suffix] = {"", std::move(lines)};
        rules.elements.push_back({map, address, "jump " + (map + suffix)});
    }
}

/// Traffic that has come through, as those inside see it: after its destination is translated and before its source is.
void countTraffic(RouterRules& rules, const std::string& gateway, const std::vector<PlannedMeter>& meters) {
    RuleChain all{"type filter hook forward priority 10; policy accept;", {}};
    for (const auto& meter : meters) {
        auto suffix = meter.id.text;
        std::replace(suffix.begin(), suffix.end(), '-', '_');
        const auto chain = "meter_" + suffix, counter = "counter_" + suffix;
        Texts lines;
        for (const bool excluded : {true, false})
            for (const auto& each : meter.rules) {
                if (each.excluded != excluded) continue;
                auto line = (each.ingress ? "iifname " : "oifname ") + gateway;
                for (const auto& [side, prefix] :
                     {std::pair(" ip saddr ", each.source), {" ip daddr ", each.destination}})
                    if (const auto block = Prefix::parse(prefix); block && block->length > 0)
                        line += side + block->text();
                lines.push_back(line + (excluded ? "" : " counter name " + quoted(counter)) + " return");
            }
        rules.chains[chain] = {"", std::move(lines)};
        rules.counters.emplace(counter, meter.id);
        all.rules.push_back("jump " + chain);
    }
    if (!meters.empty()) rules.chains["meters"] = std::move(all);
}

/// What is between two interfaces of different address scopes stays apart (of none counts as one of its own), but what
/// a floating IP leads in; to the gateway it goes translated.
RuleChain scopeChain(const PlannedRouter& router, const std::vector<ScopedInterface>& scopes) {
    RuleChain chain{"type filter hook forward priority 1; policy accept;", {}};
    const bool any = std::any_of(scopes.begin(), scopes.end(),
                                 [](const auto& each) { return !each.scope4.empty() || !each.scope6.empty(); });
    if (!any) return chain;
    chain.rules.emplace_back("ct status dnat accept");
    const auto gateway = router.gateway ? gatewayInterfaceOf(router.gateway->port) : "";
    for (const auto& one : scopes)
        for (const auto& other : scopes) {
            if (one.name == other.name) continue;
            const bool outward = other.name == gateway;
            const std::string between = "iifname " + quoted(one.name) + " oifname " + quoted(other.name);
            if (one.scope4 != other.scope4 && !outward && one.name != gateway)
                chain.rules.push_back(between + " meta nfproto ipv4 drop");
            // IPv6 is not translated: what is of another scope gets neither out nor in.
            if (one.scope6 != other.scope6) chain.rules.push_back(between + " meta nfproto ipv6 drop");
        }
    return chain;
}

}

std::string emptyHelpers() {
    const std::string table(helperTable);
    // Behind conntrack itself, before addresses are translated.
    return "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\nadd chain " + table +
           " helping { type filter hook prerouting priority -150; policy accept; }\n";
}

std::string oneHelper(const PlannedHelper& helper) {
    // As the kernel calls them.
    const std::string type = helper.helper != "h323" ? helper.helper : helper.protocol == 6 ? "Q.931" : "RAS";
    const std::string protocol = helper.protocol == 6 ? "tcp" : "udp";
    auto name = helper.helper + "_" + protocol + "_" + std::to_string(helper.port);
    std::replace(name.begin(), name.end(), '-', '_');
    const std::string table(helperTable);
    return "add ct helper " + table + " " + name + " { type \"" + type + "\" protocol " + protocol + "; }\nadd rule " +
           table + " helping " + protocol + " dport " + std::to_string(helper.port) + " ct helper set \"" + name +
           "\"\n";
}

RouterRules routerRules(const PlannedRouter& router, std::uint16_t metadataPort,
                        const std::vector<ScopedInterface>& scopes) {
    RouterRules out;
    // Addresses are given out by the network's own server; who announces the router would only say that it has none.
    out.gate["gate_input"] = {"type filter hook input priority 0; policy accept;", {"udp dport 547 drop"}};
    out.gate["gate_forward"] = scopeChain(router, scopes);
    for (const auto& each : router.floatingIps) {
        for (const auto& one : each.forwardings)
            for (int port = one.outsideLeast; port <= one.outsideMost; ++port) {
                const int inside = one.insideLeast + (one.insideMost > one.insideLeast ? port - one.outsideLeast : 0);
                out.elements.push_back(
                    {"forwards", each.floating + " . " + std::to_string(one.protocol) + " . " + std::to_string(port),
                     one.fixed + " . " + std::to_string(inside)});
            }
        if (each.fixed.empty()) continue;
        out.elements.push_back({"inward", each.floating, each.fixed});
        out.elements.push_back({"outward", each.fixed, each.floating});
    }
    out.helpers = router.helpers;
    std::string gatewayAddress;
    if (router.gateway)
        for (const auto& fixed : router.gateway->addresses)
            if (const auto address = Address::parse(fixed.address);
                address && address->version == 4 && gatewayAddress.empty())
                gatewayAddress = fixed.address;
    for (const auto& each : router.interfaces)
        out.elements.push_back({"inside", quoted(routerInterfaceOf(each.port)), ""});

    const std::string forwarded = "dnat ip to ip daddr . meta l4proto . th dport map @forwards";
    out.chains["prerouting"] = {"type nat hook prerouting priority dstnat; policy accept;",
                                {"iifname @inside ip daddr " + std::string(metadataAddress) +
                                     " tcp dport 80 redirect to :" + std::to_string(metadataPort),
                                 "dnat to ip daddr map @inward", forwarded}};
    out.chains["output"] = {"type nat hook output priority -100; policy accept;",
                            {"dnat to ip daddr map @inward", forwarded}};
    // Nobody reaches the metadata listeners but through the address that guests know.
    out.chains["input"] = {"type filter hook input priority 0; policy accept;",
                           {"tcp dport " + std::to_string(metadataPort) + " ct status and dnat == 0 drop"}};
    auto& forward = out.chains["forward"] = {"type filter hook forward priority 0; policy accept;", {}};
    auto& postrouting = out.chains["postrouting"] = {"type nat hook postrouting priority srcnat; policy accept;", {}};
    if (gatewayAddress.empty()) return out;
    Texts plain;
    const auto gateway = quoted(gatewayInterfaceOf(router.gateway->port));
    for (const auto& each : router.floatingIps) limitAddress(out, each.floating, each.qos);
    for (const auto& fixed : router.gateway->addresses)
        if (const auto address = Address::parse(fixed.address); address && address->version == 4)
            limitAddress(out, fixed.address, router.gatewayQos);
    countTraffic(out, gateway, router.meters);
    // As the world outside sees them: before they are translated on their way in, and after it on their way out.
    out.chains["limits_prerouting"] = {"type filter hook prerouting priority -150; policy accept;",
                                       {"iifname " + gateway + " ip daddr vmap @limits_in"}};
    out.chains["limits_postrouting"] = {"type filter hook postrouting priority 110; policy accept;",
                                        {"oifname " + gateway + " ip saddr vmap @limits_out"}};
    // Who is behind an address is reached by a floating IP or in answer, not by knowing the way there.
    if (router.snat)
        forward.rules = {"iifname " + gateway + " ct state established,related accept",
                         "iifname " + gateway + " ct status dnat accept", "iifname " + gateway + " drop"};
    // What is of the gateway's own address scope is known there by its own addresses.
    for (const auto& each : scopes) {
        if (each.scope4.empty() || each.name == scopes.back().name || each.scope4 != scopes.back().scope4) continue;
        if (router.snat)
            forward.rules.insert(forward.rules.begin(),
                                 "iifname " + gateway + " oifname " + quoted(each.name) + " accept");
        plain.push_back("iifname " + quoted(each.name) + " oifname " + gateway + " return");
    }
    postrouting.rules = {
        "oifname " + gateway + " snat to ip saddr map @outward",
        // From inside to a floating IP that leads inside again: the answer must come back through here.
        "iifname @inside oifname @inside ct status dnat snat to ip saddr map @outward",
        "iifname @inside oifname @inside ct status dnat snat to " + gatewayAddress};
    postrouting.rules.insert(postrouting.rules.end(), plain.begin(), plain.end());
    if (router.snat) postrouting.rules.push_back("iifname @inside oifname " + gateway + " snat to " + gatewayAddress);
    return out;
}

}
