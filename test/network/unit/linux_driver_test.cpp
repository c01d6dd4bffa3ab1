#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include <stratolet/error.hpp>

#include "network/address.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/unit/linux_world.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

#define NEEDS_ROOT()                                                                                                                       \
    if (const auto why = LinuxWorld::reason(); !why.empty()) {                                                                             \
        WARN("skipped: " << why);                                                                                                          \
        return;                                                                                                                            \
    }

std::string uuid(int kind, int number) {
    char text[40];
    std::snprintf(text, sizeof text, "%04x%04x-0000-4000-8000-%012x", kind, number, number);
    return text;
}

NetworkId networkId(int number) { return {uuid(1, number)}; }
SubnetId subnet(int number) { return {uuid(2, number)}; }
PortId port(int number) { return {uuid(3, number)}; }
RouterId router(int number) { return {uuid(4, number)}; }
SecurityGroupId group(int number) { return {uuid(5, number)}; }

std::string mac(int number) {
    char text[20];
    std::snprintf(text, sizeof text, "fa:16:3e:00:%02x:%02x", number / 256, number % 256);
    return text;
}

PlannedNetwork tenantNetwork(int number, const std::string& net, bool dhcp = false) {
    PlannedNetwork out{.id = networkId(number), .mtu = 1450, .external = false, .domain = "openstacklocal", .subnets = {}, .dhcp = {}};
    out.subnets.push_back({subnet(number), net + ".0/24", net + ".1", dhcp, {"9.9.9.9"}, {{"192.168.99.0/24", net + ".9"}}});
    if (dhcp) out.dhcp = PlannedDhcp{port(900 + number), mac(900 + number), {{subnet(number), net + ".2"}}};
    return out;
}

PlannedPort guestPort(int number, int on, const std::string& address, std::vector<SecurityGroupId> groups = {}) {
    return {.id = port(number),
            .network = networkId(on),
            .mac = mac(number),
            .hostname = "guest" + std::to_string(number),
            .fixedIps = {{subnet(on), address}},
            .allowedPairs = {},
            .securityGroups = std::move(groups),
            .portSecurity = true,
            .adminUp = true,
            .tapped = true};
}

PlannedRule rule(int number, RuleDirection direction, EtherType type = EtherType::IPv4) {
    PlannedRule out;
    out.id = {uuid(6, number)};
    out.direction = direction;
    out.ethertype = type;
    return out;
}

/// A group from which everything may go out, and nothing come in.
PlannedSecurityGroup outgoing(int number) {
    return {
        group(number), true, {rule(number * 100, RuleDirection::Egress), rule(number * 100 + 1, RuleDirection::Egress, EtherType::IPv6)}};
}

/// One where everything may go in, too.
PlannedSecurityGroup everything(int number) {
    auto out = outgoing(number);
    out.rules.push_back(rule(number * 100 + 2, RuleDirection::Ingress));
    out.rules.push_back(rule(number * 100 + 3, RuleDirection::Ingress, EtherType::IPv6));
    return out;
}

PlannedNetwork externalNetwork(int number, const std::string& net) {
    auto out = tenantNetwork(number, net);
    out.external = true;
    out.mtu = 1500;
    return out;
}

struct Host {
    LinuxWorld world;
    std::unique_ptr<NetworkDriver> driver = linuxNetworkDriver({.folder = world.folder()});

    ~Host() {
        try {
            driver->apply({}); // DHCP servers are processes: they would outlive us
        } catch (const std::exception& problem) {
            UNSCOPED_INFO(problem.what());
        }
    }
    Guest guest(int number) { return Guest("guest" + std::to_string(number), driver->tapOf(port(number)), mac(number)); }
};

/// Two guests in one network, both open.
NetworkPlan twoGuests() {
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0")};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(1)}), guestPort(2, 1, "10.1.0.12", {group(1)})};
    plan.securityGroups = {everything(1)};
    return plan;
}

}

TEST_CASE("Two guests of a network reach each other, and nothing remains when the network goes", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    host.driver->apply(twoGuests());
    {
        auto one = host.guest(1), two = host.guest(2);
        one.has("10.1.0.11/24");
        two.has("10.1.0.12/24");
        CHECK(one.pings("10.1.0.12"));
    }
    host.driver->apply({});
    for (const auto& link : Netlink().links()) CHECK(link.name == "lo");
    CHECK(nft::tables().empty());
}

TEST_CASE("A security group lets in what its rules say, and answers to what went out", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoGuests();
    plan.securityGroups = {everything(1), outgoing(2)};
    plan.ports[1].securityGroups = {group(2)};
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    const auto listening = listensIn(two.name(), "10.1.0.12", 80);
    const auto other = listensIn(two.name(), "10.1.0.12", 81);

    CHECK(two.pings("10.1.0.11"));
    CHECK_FALSE(one.pings("10.1.0.12"));
    CHECK_FALSE(connectsIn(one.name(), "10.1.0.12", 80));

    auto web = rule(250, RuleDirection::Ingress);
    web.protocol = 6;
    web.portRangeMin = web.portRangeMax = 80;
    SECTION("by prefix") { web.remotePrefix = "10.1.0.8/29"; }
    SECTION("by group") { web.remoteGroup = group(1); }
    plan.securityGroups[1].rules.push_back(web);
    host.driver->apply(plan);
    CHECK(connectsIn(one.name(), "10.1.0.12", 80));
    CHECK_FALSE(connectsIn(one.name(), "10.1.0.12", 81));

    plan.securityGroups[1].rules.pop_back();
    host.driver->apply(plan);
    CHECK_FALSE(connectsIn(one.name(), "10.1.0.12", 80));
}

TEST_CASE("A guest without rules neither sends nor gets", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoGuests();
    plan.ports[0].securityGroups = {};
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    CHECK_FALSE(one.pings("10.1.0.12"));
    CHECK_FALSE(two.pings("10.1.0.11"));
    plan.ports[0].portSecurity = false;
    host.driver->apply(plan);
    CHECK(one.pings("10.1.0.12"));
}

TEST_CASE("Frames under a false name go nowhere", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    host.driver->apply(twoGuests());
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24");
    two.has("10.1.0.12/24");
    REQUIRE(one.pings("10.1.0.12"));

    const std::string to = "fa163e000002", from = "fa163e000001", all = "ffffffffffff", marker = "5354524154";
    const std::string udp = "1234 1235 0010 0000 " + marker + "000000";
    const auto ip4 = [&](const std::string& source, const std::string& rest) {
        auto header = bytesOf("4500 0024 0000 4000 4011 0000 " + source + " 0a01000c");
        unsigned sum = 0;
        for (std::size_t index = 0; index < header.size(); index += 2) sum += static_cast<unsigned>(header[index] << 8 | header[index + 1]);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
        char checksum[5];
        std::snprintf(checksum, sizeof checksum, "%04x", sum);
        return "4500 0024 0000 4000 4011 " + std::string(checksum) + source + " 0a01000c " + rest;
    };
    const auto ip6 = [&](const std::string& source, const std::string& next, const std::string& rest) {
        char length[5];
        std::snprintf(length, sizeof length, "%04x", static_cast<unsigned>(bytesOf(rest).size()));
        return "60000000 " + std::string(length) + next + " ff " + source + " ff02000000000000 0000000000000001 " + rest;
    };
    const std::string linkLocal = "fe80000000000000 f8163efffe000001", foreign = "fe80000000000000 f8163efffe000002";
    const auto arp = [&](const std::string& senderMac, const std::string& sender) {
        return "0001 0800 06 04 0002 " + senderMac + sender + to + "0a01000c" + marker;
    };

    // So that we know the frames arrive at all.
    one.sends(bytesOf(to + from + "0800" + ip4("0a01000b", udp)));
    usleep(100'000);
    REQUIRE(two.received(bytesOf(marker)) == 1);

    const std::vector<std::pair<std::string, std::string>> forged{
        {"another MAC", to + "fa163e0000ff" + "0800" + ip4("0a01000b", udp)},
        {"another address", to + from + "0800" + ip4("0a01000d", udp)},
        {"the receiver's address", to + from + "0800" + ip4("0a01000c", udp)},
        {"ARP for another address", to + from + "0806" + arp(from, "0a010001")},
        {"ARP with another MAC inside", to + from + "0806" + arp("fa163e0000ff", "0a01000b")},
        {"gratuitous ARP", all + from + "0806" + arp(from, "0a010001")},
        {"DHCP server", to + from + "0800" + ip4("0a01000b", "0043 0044 0010 0000 " + marker + "000000")},
        {"router advertisement", "333300000001" + from + "86dd" + ip6(linkLocal, "3a", "8600 0000 4000 0708 00000000 00000000 " + marker)},
        {"redirect", "333300000001" + from + "86dd" + ip6(linkLocal, "3a", "8900 0000 00000000 " + marker)},
        {"advertisement of another neighbour",
         "333300000001" + from + "86dd" + ip6(linkLocal, "3a", "8800 0000 20000000 " + foreign + marker)},
        {"IPv6 under another address", "333300000001" + from + "86dd" + ip6(foreign, "11", "1234 1235 0010 0000 " + marker)},
        {"DHCPv6 server", "333300000001" + from + "86dd" + ip6(linkLocal, "11", "0223 0222 0010 0000 " + marker)},
        {"VLAN", to + from + "8100 0005 0800" + ip4("0a01000b", udp)},
        {"VLAN in VLAN", to + from + "88a8 0005 8100 0006 0800" + ip4("0a01000b", udp)},
        {"a protocol nobody looked at", to + from + "8863" + marker},
    };
    for (const auto& [what, frame] : forged) {
        INFO(what);
        one.sends(bytesOf(frame));
        usleep(20'000);
        CHECK(two.received(bytesOf(marker)) == 1);
    }

    // The guard keeps them away and nothing else: without it, all of them arrive.
    auto open = twoGuests();
    open.ports[0].portSecurity = false;
    open.ports[1].portSecurity = false;
    host.driver->apply(open);
    int arrived = 1;
    for (const auto& [what, frame] : forged) {
        INFO(what);
        one.sends(bytesOf(frame));
        usleep(20'000);
        CHECK(two.received(bytesOf(marker)) == ++arrived);
    }
}

TEST_CASE("A guest gets its address, routes and MTU by DHCP", "[network][linux][dhcp]") {
    NEEDS_ROOT();
    Host host;
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0", true)};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(2)})};
    plan.securityGroups = {outgoing(2)};
    host.driver->apply(plan);
    auto one = host.guest(1);

    const auto script = host.world.folder() / "lease";
    std::ofstream(script)
        << "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $mask $router $dns $mtu $domain $hostname $staticroutes\"\nexit 0\n";
    std::filesystem::permissions(script, std::filesystem::perms(0755));
    const auto ask = [&](const Guest& guest) {
        const auto outcome = process::run({.argv = {"busybox", "udhcpc", "-f", "-n", "-q", "-t", "12", "-T", "1", "-i", "eth0", "-O",
                                                    "staticroutes", "-O", "mtu", "-s", script.string()},
                                           .netns = guest.name()});
        return outcome.out;
    };
    const auto lease = ask(one);
    INFO(lease);
    CHECK(lease.starts_with("10.1.0.11 24 10.1.0.1 9.9.9.9 1450 openstacklocal guest1 "));
    CHECK(lease.find("192.168.99.0/24 10.1.0.9") != std::string::npos);
    CHECK(lease.find("169.254.169.254/32 10.1.0.2") != std::string::npos); // no router, so metadata is where DHCP is
    CHECK(lease.find("0.0.0.0/0 10.1.0.1") != std::string::npos);

    SECTION("the address of one that is gone goes to the next at once") {
        plan.ports = {guestPort(2, 1, "10.1.0.11", {group(2)})};
        host.driver->apply(plan);
        auto two = host.guest(2);
        CHECK(ask(two).starts_with("10.1.0.11 "));
    }
    SECTION("one that is added is served by the same server") {
        const auto pid = [&] {
            std::ifstream in(host.world.folder() / "dhcp" / networkId(1).text / "pid");
            int value = 0;
            in >> value;
            return value;
        };
        const auto before = pid();
        plan.ports.push_back(guestPort(2, 1, "10.1.0.12", {group(2)}));
        host.driver->apply(plan);
        auto two = host.guest(2);
        CHECK(ask(two).starts_with("10.1.0.12 "));
        CHECK(pid() == before);
    }
    SECTION("a server that died is there again") {
        std::ifstream in(host.world.folder() / "dhcp" / networkId(1).text / "pid");
        int pid = 0;
        in >> pid;
        process::end(pid, "--dhcp-hostsdir=" + (host.world.folder() / "dhcp" / networkId(1).text / "hosts").string(),
                     std::chrono::seconds(2));
        host.driver->apply(plan);
        const auto again = ask(one);
        CHECK(again.substr(0, 10) == "10.1.0.11 ");
    }
    SECTION("metadata is listened for where the lease says") {
        auto listeners = host.driver->takeMetadataListeners();
        REQUIRE(listeners.size() == 1);
        CHECK(listeners[0].network == networkId(1));
        const Fd socket(listeners[0].socket);
        one.has("10.1.0.11/24", "10.1.0.2");
        CHECK(connectsIn(one.name(), "169.254.169.254", 80));
        CHECK(host.driver->takeMetadataListeners().empty());
    }
}

TEST_CASE("A router joins networks, the outside and floating IPs", "[network][linux][router]") {
    NEEDS_ROOT();
    Host host;
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0"), tenantNetwork(2, "10.2.0"), externalNetwork(3, "172.31.0")};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(1)}), guestPort(2, 2, "10.2.0.12", {group(1)})};
    plan.securityGroups = {everything(1)};
    PlannedRouter joining;
    joining.id = router(1);
    joining.interfaces = {{port(801), networkId(1), mac(801), {{subnet(1), "10.1.0.1"}}},
                          {port(802), networkId(2), mac(802), {{subnet(2), "10.2.0.1"}}}};
    plan.routers = {joining};
    host.driver->apply(plan);
    auto one = host.guest(1), two = host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.2.0.12/24", "10.2.0.1");
    CHECK(one.pings("10.2.0.12"));
    CHECK_FALSE(one.pings("172.31.0.1"));

    plan.routers[0].gateway = PlannedInterface{port(803), networkId(3), mac(803), {{subnet(3), "172.31.0.50"}}};
    host.driver->apply(plan);
    CHECK(one.pings("172.31.0.1")); // the host, by source NAT

    plan.routers[0].floatingIps = {{{uuid(7, 1)}, "172.31.0.60", "10.1.0.11"}, {{uuid(7, 2)}, "172.31.0.61", "10.2.0.12"}};
    host.driver->apply(plan);
    const auto listening = listensIn(one.name(), "10.1.0.11", 80);
    const auto fromHost = [&](const std::string& address) {
        return process::run({.argv = {"busybox", "ping", "-c", "1", "-W", "1", address}}).succeeded();
    };
    CHECK(fromHost("172.31.0.60"));
    CHECK(connectsIn(two.name(), "172.31.0.60", 80)); // hairpin

    auto listeners = host.driver->takeMetadataListeners();
    REQUIRE(listeners.size() == 2);
    std::vector<Fd> sockets;
    for (const auto& each : listeners) sockets.emplace_back(each.socket);
    CHECK(connectsIn(one.name(), "169.254.169.254", 80));
    CHECK_FALSE(connectsIn(one.name(), "10.1.0.1", 9697)); // only through the address that guests know
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const auto first = listeners[0].network == networkId(1) ? 0u : 1u;
    usleep(50'000);
    const Fd accepted(accept(sockets[first].get(), reinterpret_cast<sockaddr*>(&peer), &size));
    REQUIRE(accepted);
    CHECK(ntohl(peer.sin_addr.s_addr) == 0x0a01000b);
    CHECK(Fd(accept(sockets[1 - first].get(), nullptr, nullptr)).get() == -1);

    plan.routers[0].floatingIps.clear();
    host.driver->apply(plan);
    CHECK_FALSE(fromHost("172.31.0.60"));

    plan.routers.clear();
    host.driver->apply(plan);
    CHECK(host.driver->takeClosedMetadataListeners().size() == 2);
    CHECK_FALSE(netns::exists(routerNamespaceOf(router(1))));
}

TEST_CASE("The host is no member of its guests' networks", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    Netlink netlink;
    netlink.addBridge("owner0", "02:00:00:00:00:02", 1500);
    const int owner = netlink.find("owner0").value().index;
    netlink.change(owner, {.up = true});
    netlink.addAddress(owner, "192.0.2.1/24");
    auto plan = twoGuests();
    plan.networks.push_back(externalNetwork(3, "172.31.0")); // so that the host forwards
    host.driver->apply(plan);
    auto one = host.guest(1);
    one.has("10.1.0.11/24");
    one.has("192.0.2.7/32");
    netns::inside(one.name(), [] { Netlink().addRoute({"192.0.2.0/24", "", Netlink().find("eth0").value().index}); });
    CHECK_FALSE(one.pings("192.0.2.1"));
    host.driver->apply({});
    CHECK(netlink.find("owner0").has_value());
}

TEST_CASE("What vanished comes back, what is not ours stays", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    const auto plan = twoGuests();
    host.driver->apply(plan);
    Netlink netlink;
    const auto bridge = netlink.find(bridgeOf(networkId(1)));
    REQUIRE(bridge);
    const auto tap = netlink.find(tapNameOf(port(1)));
    REQUIRE(tap);
    CHECK(tap->master == bridge->index);
    CHECK(tap->mtu == 1450);

    netlink.remove(tap->index);
    nft::load("delete table bridge stratolet_guard\ntable ip owner { }\n");
    netlink.addBridge("brq-of-owner", "02:00:00:00:00:01", 1500);
    netns::ensure("qrouter-" + router(7).text); // ours by name only
    host.driver->apply(plan);
    CHECK(netlink.find(tapNameOf(port(1))));
    CHECK(nft::tables().contains("bridge stratolet_guard"));

    linuxNetworkDriver({.folder = host.world.folder()})->apply({}); // another process, after a crash
    CHECK_FALSE(netlink.find(bridgeOf(networkId(1))));
    CHECK(netlink.find("brq-of-owner"));
    CHECK(netns::exists("qrouter-" + router(7).text));
    CHECK(nft::tables() == std::set<std::string>{"ip owner"});
}

TEST_CASE("A setting of the host is put back, but not one of before the host started again", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    const auto forwards = [] {
        std::ifstream in("/proc/sys/net/ipv4/ip_forward");
        return std::string(std::istreambuf_iterator<char>(in), {}).substr(0, 1);
    };
    NetworkPlan plan;
    plan.networks = {tenantNetwork(1, "10.1.0"), externalNetwork(3, "172.31.0")};
    PlannedRouter joining;
    joining.id = router(1);
    joining.interfaces = {{port(801), networkId(1), mac(801), {{subnet(1), "10.1.0.1"}}}};
    plan.routers = {joining};
    host.driver->apply(plan);
    CHECK(forwards() == "1");
    host.driver->apply({});
    CHECK(forwards() == "0");

    host.driver->apply(plan);
    std::fstream kept(host.world.folder() / "settings", std::ios::in | std::ios::out);
    kept << 'x'; // the first letter of which start of the kernel it was
    kept.close();
    linuxNetworkDriver({.folder = host.world.folder()})->apply({});
    CHECK(forwards() == "1");
}

TEST_CASE("A wrong value costs itself and nothing else", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    auto plan = twoGuests();
    plan.networks.push_back(tenantNetwork(2, "10.2.0", true));
    plan.networks[1].domain = "evil\n--dhcp-script=/bin/sh";
    plan.ports.push_back(guestPort(3, 1, "10.1.0.13; drop", {}));
    plan.ports.push_back(guestPort(4, 1, "10.1.0.14", {}));
    plan.ports[3].hostname = "a,b\n";
    CHECK_THROWS_AS(host.driver->apply(plan), Error);
    Netlink netlink;
    CHECK(netlink.find(tapNameOf(port(1))));
    CHECK_FALSE(netlink.find(bridgeOf(networkId(2))));
    CHECK_FALSE(netlink.find(tapNameOf(port(3))));
    CHECK_FALSE(netlink.find(tapNameOf(port(4))));
}

TEST_CASE("Whatever rules a group may have, the ruleset loads", "[network][linux][security]") {
    NEEDS_ROOT();
    Host host;
    unsigned state = 12345;
    const auto pick = [&](int least, int most) {
        state = state * 1664525u + 1013904223u;
        return least + static_cast<int>((state >> 8) % static_cast<unsigned>(most - least + 1));
    };
    for (int round = 0; round < 20; ++round) {
        NetworkPlan plan;
        plan.networks = {tenantNetwork(1, "10.1.0")};
        for (int number = 0; number < 10; ++number) {
            PlannedSecurityGroup each{group(number), pick(0, 3) > 0, {}};
            for (int count = 0; count < 50; ++count) {
                auto made = rule(number * 100 + count, pick(0, 1) ? RuleDirection::Ingress : RuleDirection::Egress,
                                 pick(0, 1) ? EtherType::IPv4 : EtherType::IPv6);
                if (pick(0, 4) > 0) {
                    made.protocol =
                        pick(0, 2) ? std::vector<int>{1, 6, 17, 33, 58, 132, 136}[static_cast<std::size_t>(pick(0, 6))] : pick(0, 255);
                    const bool icmp = made.protocol == 1 || made.protocol == 58;
                    const bool known = std::set<int>{1, 6, 17, 33, 58, 132, 136}.contains(*made.protocol);
                    if (known && pick(0, 3) > 0) made.portRangeMin = pick(0, icmp ? 255 : 65535);
                    if (made.portRangeMin && pick(0, 3) > 0) made.portRangeMax = icmp ? pick(0, 255) : pick(*made.portRangeMin, 65535);
                }
                const bool six = made.ethertype == EtherType::IPv6;
                const int remote = pick(0, 3);
                if (remote == 1) made.remoteGroup = group(pick(0, 12));
                if (remote == 2)
                    made.remotePrefix = six ? "2001:db8:" + std::to_string(pick(1, 9)) + "::/" + std::to_string(pick(0, 128))
                                            : std::to_string(pick(1, 223)) + ".1.2.3/" + std::to_string(pick(0, 32));
                each.rules.push_back(made);
            }
            plan.securityGroups.push_back(each);
            auto member = guestPort(number + 1, 1, "10.1.0." + std::to_string(20 + number), {group(number)});
            if (pick(0, 1))
                member.allowedPairs = {{mac(500 + number), "10.0.0.0/" + std::to_string(pick(0, 32))},
                                       {"", "2001:db8::/" + std::to_string(pick(0, 128))},
                                       {"", "10.1.0.20"}};
            plan.ports.push_back(member);
        }
        INFO("round " << round);
        CHECK_NOTHROW(host.driver->apply(plan));
        CHECK(process::run({.argv = {"nft", "list", "ruleset"}}).succeeded()); // and the owner can still look
    }
}

TEST_CASE("Nothing to do is soon done", "[network][linux]") {
    NEEDS_ROOT();
    Host host;
    NetworkPlan plan;
    for (int number = 1; number <= 5; ++number) {
        plan.networks.push_back(tenantNetwork(number, "10." + std::to_string(number) + ".0", true));
        plan.ports.push_back(guestPort(number, number, "10." + std::to_string(number) + ".0.11", {group(1)}));
    }
    plan.securityGroups = {everything(1)};
    host.driver->apply(plan);
    const auto begin = std::chrono::steady_clock::now();
    host.driver->apply(plan);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100));
}
