#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/unit/linux_plans.hpp"
#include "network/unit/linux_world.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

// Firewalls of the host's owner, with the rules that they make: what guests say passes, or it is said what lets it
// pass; and their rules are as they were.

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

using Words = std::vector<std::string>;

std::string outputOf(Words argv, const std::string& input = "", const std::string& place = "") {
    return process::run({.argv = std::move(argv), .input = input, .netns = place}).expectSuccess().out;
}
void ip(std::initializer_list<std::string> words, const std::string& place = "") {
    Words argv{"ip"};
    argv.insert(argv.end(), words.begin(), words.end());
    outputOf(std::move(argv), "", place);
}

/// Docker, release 28, with one published port; `older`: up to 26, its chain for others' rules ends with a return.
std::string docker(bool older) {
    return std::string("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n") +
           ":DOCKER-BRIDGE - [0:0]\n:DOCKER-CT - [0:0]\n:DOCKER-FORWARD - [0:0]\n:DOCKER-ISOLATION-STAGE-1 - [0:0]\n"
           ":DOCKER-ISOLATION-STAGE-2 - [0:0]\n:DOCKER-USER - [0:0]\n"
           "-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n"
           "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\n"
           "-A DOCKER ! -i docker0 -o docker0 -j DROP\n-A DOCKER-BRIDGE -o docker0 -j DOCKER\n"
           "-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
           "-A DOCKER-FORWARD -j DOCKER-CT\n-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1\n"
           "-A DOCKER-FORWARD -j DOCKER-BRIDGE\n-A DOCKER-FORWARD -i docker0 -j ACCEPT\n"
           "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2\n"
           "-A DOCKER-ISOLATION-STAGE-1 -j RETURN\n-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n"
           "-A DOCKER-ISOLATION-STAGE-2 -j RETURN\n" +
           (older ? "-A DOCKER-USER -s 198.51.100.0/24 -j DROP\n-A DOCKER-USER -j RETURN\n" : "") +
           "COMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT "
           "[0:0]\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
           "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n"
           "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"
           "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n";
}

/// libvirt's network "default".
const std::string libvirt =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:LIBVIRT_FWI - [0:0]\n:LIBVIRT_FWO - "
    "[0:0]\n:LIBVIRT_FWX - [0:0]\n:LIBVIRT_INP - [0:0]\n:LIBVIRT_OUT - [0:0]\n-A INPUT -j LIBVIRT_INP\n-A FORWARD -j "
    "LIBVIRT_FWX\n-A FORWARD -j LIBVIRT_FWI\n-A FORWARD -j LIBVIRT_FWO\n-A OUTPUT -j LIBVIRT_OUT\n"
    "-A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable\n"
    "-A LIBVIRT_FWO -s 192.168.122.0/24 -i virbr0 -j ACCEPT\n"
    "-A LIBVIRT_FWO -i virbr0 -j REJECT --reject-with icmp-port-unreachable\n"
    "-A LIBVIRT_FWX -i virbr0 -o virbr0 -j ACCEPT\n"
    "-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 53 -j ACCEPT\n"
    "-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 67 -j ACCEPT\n"
    "-A LIBVIRT_OUT -o virbr0 -p udp -m udp --dport 68 -j ACCEPT\nCOMMIT\n";

/// ufw, enabled with what it comes with, and ssh allowed.
const std::string ufw =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-before-input - [0:0]\n"
    ":ufw-user-input - [0:0]\n:ufw-before-forward - [0:0]\n:ufw-after-forward - [0:0]\n:ufw-reject-forward - [0:0]\n"
    ":ufw-user-forward - [0:0]\n-A INPUT -j ufw-before-input\n-A FORWARD -j ufw-before-forward\n"
    "-A FORWARD -j ufw-after-forward\n-A FORWARD -j ufw-reject-forward\n-A ufw-before-input -i lo -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A ufw-before-input -j ufw-user-input\n"
    "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
    "-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-forward -p icmp -m icmp --icmp-type 3 -j ACCEPT\n-A ufw-before-forward -j "
    "ufw-user-forward\nCOMMIT\n";
/// What "ufw route allow in on brq+" and "… out on brq+" add.
const std::string ufwTold =
    "*filter\n-A ufw-user-forward -i brq+ -j ACCEPT\n-A ufw-user-forward -o brq+ -j ACCEPT\nCOMMIT\n";

/// firewalld, release 1.3, with the zones that it comes with.
const std::string firewalld = R"(table inet firewalld {
    chain mangle_PREROUTING { type filter hook prerouting priority -140; policy accept; }
    chain filter_INPUT {
        type filter hook input priority 10; policy accept;
        ct state { established, related } accept
        iifname "lo" accept
        jump filter_INPUT_ZONES
        reject with icmpx admin-prohibited
    }
    chain filter_FORWARD {
        type filter hook forward priority 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        jump filter_FORWARD_ZONES
        ct state { invalid } drop
        reject with icmpx admin-prohibited
    }
    chain filter_INPUT_ZONES { goto filter_IN_public; }
    chain filter_FORWARD_ZONES { goto filter_FWD_public; }
    chain filter_IN_public { tcp dport 22 ct state { new, untracked } accept; meta l4proto { icmp, ipv6-icmp } accept; }
    chain filter_FWD_public { iifname "eth0" oifname "eth0" accept; }
}
)";
/// What its zone "trusted" does with an interface brq+.
const std::string firewalldTold = R"(table inet firewalld {
    chain filter_FWD_trusted { accept; }
}
insert rule inet firewalld filter_FORWARD_ZONES iifname "brq*" goto filter_FWD_trusted
)";

/// All rules but those of tables of ours, as text, without what they counted.
std::string rulesOfOthers() {
    std::string all;
    for (const auto& table : nft::tables()) {
        if (table.find(" stratolet_") != std::string::npos) continue;
        const auto space = table.find(' ');
        all += outputOf({"nft", "-s", "list", "table", table.substr(0, space), table.substr(space + 1)});
    }
    return all;
}

std::string without(const std::string& text, const std::string& part) {
    std::string left;
    for (const auto& line : split(text, '\n'))
        if (line.find(part) == std::string_view::npos) left += std::string(line) + "\n";
    left.pop_back();
    return left;
}

/// Two guests of a network behind a router; the network outside is one pair away, in the namespace "lan".
struct Bed {
    Host host;
    NetworkPlan plan;

    explicit Bed(LinuxNetworkOptions options = {.lookEvery = std::chrono::seconds(0)}) : host(std::move(options)) {
        netns::ensure("lan");
        ip({"link", "set", "lo", "up"});
        ip({"link", "add", "eth0", "type", "veth", "peer", "name", "lan0", "netns", "lan"});
        ip({"link", "set", "eth0", "up"});
        ip({"addr", "add", "192.168.9.7/24", "dev", "eth0"});
        ip({"addr", "add", "192.168.9.1/24", "dev", "lan0"}, "lan");
        ip({"link", "set", "lan0", "up"}, "lan");
        ip({"route", "add", "172.31.0.0/24", "via", "192.168.9.7"}, "lan");
        plan = twoGuests();
        plan.networks.push_back(externalNetwork(3, "172.31.0"));
        plan.routers.push_back(
            {.id = router(1),
             .gateway = PlannedInterface{port(301), networkId(3), mac(301), {{subnet(3), "172.31.0.10"}}},
             .interfaces = {{port(101), networkId(1), mac(101), {{subnet(1), "10.1.0.1"}}}},
             .floatingIps = {{{uuid(7, 1)}, "172.31.0.20", "10.1.0.11"}},
             .routes = {}});
    }

    std::string told() { return toldOf(host.driver->apply(plan)); }
    std::string found() { return toldOf(host.driver->findings(plan)); }
};

}

TEST_CASE("Beside Docker, guests pass by one rule in the chain that it keeps for others, behind those of the owner; "
          "all else of it is "
          "as it was",
          "[network][system]") {
    NEEDS_ROOT();
    const bool older = GENERATE(false, true);
    CAPTURE(older);
    Bed bed;
    outputOf({"iptables-restore"}, docker(older));
    const auto before = rulesOfOthers();
    CHECK(bed.told() == "");
    CHECK(bed.found() == "");
    CHECK(rulesOfOthers() != before);
    CHECK(without(rulesOfOthers(), "stratolet: guests") == before);
    const auto listed = outputOf({"iptables", "-S", "DOCKER-USER"});
    const std::string ours =
        "-A DOCKER-USER -m mark --mark 0x1000/0x1000 -m comment --comment \"stratolet: guests\" -j ACCEPT\n";
    CHECK(listed ==
          "-N DOCKER-USER\n" +
              (older ? "-A DOCKER-USER -s 198.51.100.0/24 -j DROP\n" + ours + "-A DOCKER-USER -j RETURN\n" : ours));

    auto one = bed.host.guest(1), two = bed.host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    CHECK(one.pings("10.1.0.12"));        // frames on one bridge
    CHECK(two.pings("192.168.9.1"));      // out, translated by the host
    CHECK(pingsIn("lan", "172.31.0.20")); // in, by a floating IP
    ip({"link", "add", "other0", "type", "veth", "peer", "name", "other1", "netns", "lan"});
    ip({"link", "set", "other0", "up"});
    ip({"addr", "add", "192.168.10.7/24", "dev", "other0"});
    ip({"link", "set", "other1", "up"}, "lan");
    ip({"addr", "add", "192.168.10.1/24", "dev", "other1"}, "lan");
    netns::ensure("far"); // who has nothing to do with guests is dropped as before
    ip({"link", "add", "far0", "type", "veth", "peer", "name", "far1", "netns", "far"});
    ip({"link", "set", "far0", "up"});
    ip({"addr", "add", "192.168.11.7/24", "dev", "far0"});
    ip({"link", "set", "far1", "up"}, "far");
    ip({"addr", "add", "192.168.11.1/24", "dev", "far1"}, "far");
    ip({"route", "add", "default", "via", "192.168.11.7"}, "far");
    ip({"route", "add", "192.168.11.0/24", "via", "192.168.9.7"}, "lan");
    CHECK_FALSE(pingsIn("far", "192.168.9.1", 1));

    outputOf({"iptables", "-F", "DOCKER-USER"}); // somebody begins anew
    CHECK(bed.found().find("Docker's firewall has not the one rule of ours") != std::string::npos);
    CHECK(bed.told() == "");
    CHECK(outputOf({"iptables", "-S", "DOCKER-USER"}) == "-N DOCKER-USER\n" + ours);
    CHECK(bed.told() == "");
    CHECK(outputOf({"iptables", "-S", "DOCKER-USER"}) == "-N DOCKER-USER\n" + ours);
    CHECK(one.pings("10.1.0.12"));

    bed.host.driver->apply({});
    CHECK(outputOf({"iptables", "-S", "DOCKER-USER"}) == "-N DOCKER-USER\n");
}

TEST_CASE("Who takes Docker's firewall up after us is seen, and guests pass within seconds", "[network][system]") {
    NEEDS_ROOT();
    Bed bed({.lookEvery = std::chrono::hours(1)});
    CHECK(bed.told() == "");
    std::atomic<bool> changed = false;
    bed.host.driver->watch([&] { changed = true; });
    outputOf({"iptables-restore"}, docker(false));
    for (int tries = 0; tries < 80 && !changed; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(changed);
    CHECK(bed.told() == "");
    auto one = bed.host.guest(1), two = bed.host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    CHECK(one.pings("10.1.0.12"));
    CHECK(one.pings("192.168.9.1"));
}

TEST_CASE("Where the rule in Docker's chain is not wanted, nothing of Docker's is touched, and it is said what lets "
          "guests pass",
          "[network][system]") {
    NEEDS_ROOT();
    Bed bed({.dockerUserRule = false, .lookEvery = std::chrono::seconds(0)});
    outputOf({"iptables-restore"}, docker(false));
    const auto before = rulesOfOthers();
    const auto told = bed.told();
    CHECK(told.find("(ip filter FORWARD)") != std::string::npos);
    CHECK(told.find("set docker_user_rule = true in [network] of stratolet.conf") != std::string::npos);
    CHECK(rulesOfOthers() == before);
}

TEST_CASE("Beside libvirt's default network guests pass, and its rules stay", "[network][system]") {
    NEEDS_ROOT();
    Bed bed;
    outputOf({"iptables-restore"}, libvirt);
    const auto before = rulesOfOthers();
    CHECK(bed.told() == "");
    auto one = bed.host.guest(1), two = bed.host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    CHECK(one.pings("10.1.0.12"));
    CHECK(two.pings("192.168.9.1"));
    CHECK(pingsIn("lan", "172.31.0.20"));
    CHECK(rulesOfOthers() == before);
    bed.host.driver->apply({});
    CHECK(rulesOfOthers() == before);
}

TEST_CASE("Beside ufw and firewalld nothing is touched; it is said by which command guests pass, and then they do",
          "[network][system]") {
    NEEDS_ROOT();
    const bool fire = GENERATE(false, true);
    CAPTURE(fire);
    Bed bed;
    fire ? nft::load(firewalld) : void(outputOf({"iptables-restore"}, ufw));
    const auto before = rulesOfOthers();
    const auto told = bed.told();
    CHECK(told.find(fire ? "(inet firewalld filter_FORWARD)" : "(ip filter FORWARD)") != std::string::npos);
    CHECK(told.find(fire ? "guests aren't reached: firewall-cmd --permanent --zone=trusted --add-interface=brq+ && "
                           "firewall-cmd --reload"
                         : "guests aren't reached: ufw route allow in on brq+ && ufw route allow out on brq+") !=
          std::string::npos);
    CHECK(bed.found() == told);
    auto one = bed.host.guest(1), two = bed.host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    CHECK_FALSE(one.pings("10.1.0.12"));
    CHECK(rulesOfOthers() == before);

    fire ? nft::load(firewalldTold) : void(outputOf({"iptables-restore", "--noflush"}, ufwTold));
    const auto after = rulesOfOthers();
    CHECK(bed.told() == "");
    CHECK(one.pings("10.1.0.12"));
    CHECK(two.pings("192.168.9.1"));
    CHECK(rulesOfOthers() == after);
}

TEST_CASE("Beside what iptables-legacy keeps from nftables, it is said by which command guests pass, and then they do",
          "[network][system]") {
    NEEDS_ROOT();
    const bool isDocker = GENERATE(true, false);
    CAPTURE(isDocker);
    Bed bed;
    const auto kept = [] { return outputOf({"iptables-legacy", "-S"}) + outputOf({"ip6tables-legacy", "-S"}); };
    const auto isKept = [](const char* file) {
        std::ifstream names(file);
        return !std::string(std::istreambuf_iterator<char>(names), {}).empty();
    };
    CHECK(bed.told() == "");
    CHECK_FALSE(isKept("/proc/thread-self/net/ip_tables_names")); // who looks makes nothing
    CHECK_FALSE(isKept("/proc/thread-self/net/ip6_tables_names"));
    isDocker ? outputOf({"iptables-legacy-restore"}, docker(true))
             : outputOf({"iptables-legacy", "-A", "FORWARD", "-j", "REJECT"});
    CHECK(bed.told().find("(ip filter-legacy FORWARD)") != std::string::npos);
    outputOf({"ip6tables-legacy", "-P", "FORWARD", "DROP"});
    const auto before = kept();
    const auto told = bed.told();
    CHECK(told.find("(ip filter-legacy FORWARD, ip6 filter-legacy FORWARD)") != std::string::npos);
    const std::string at = isDocker ? "DOCKER-USER" : "FORWARD";
    CHECK(told.find("iptables-legacy -I " + at + " -i brq+ -j ACCEPT && iptables-legacy -I " + at +
                    " -o brq+ -j ACCEPT") != std::string::npos);
    CHECK(told.find("ip6tables-legacy -I FORWARD -i brq+ -j ACCEPT") != std::string::npos);
    CHECK(bed.found() == told);
    auto one = bed.host.guest(1), two = bed.host.guest(2);
    one.has("10.1.0.11/24", "10.1.0.1");
    two.has("10.1.0.12/24", "10.1.0.1");
    CHECK_FALSE(one.pings("10.1.0.12"));
    CHECK(kept() == before);

    for (const auto* way : {"-i", "-o"}) {
        outputOf({"iptables-legacy", "-I", at, way, "brq+", "-j", "ACCEPT"});
        outputOf({"ip6tables-legacy", "-I", "FORWARD", way, "brq+", "-j", "ACCEPT"});
    }
    CHECK(bed.told() == "");
    CHECK(one.pings("10.1.0.12"));
    CHECK(two.pings("192.168.9.1"));
}

TEST_CASE("Rules of iptables-legacy that let through what is forwarded are no matter", "[network][system]") {
    NEEDS_ROOT();
    Bed bed;
    outputOf({"iptables-legacy-restore"}, libvirt);
    CHECK(bed.told() == "");
    outputOf({"iptables-legacy", "-A", "FORWARD", "-p", "tcp", "-j", "REJECT"}); // not everything
    CHECK(bed.told() == "");
}
