#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "network/driver/linux_entries.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/driver/linux_nft.hpp"
#include "network/driver/linux_outside.hpp"
#include "network/driver/linux_settings.hpp"
#include "network/unit/linux_plans.hpp"
#include "network/unit/linux_world.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

// The owner's interface that is lent to a bridge. The host is this thread's network namespace, its network is one pair
// away in the namespace "lan", which is the gateway as well.

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

/// What a test dies of in the middle of a step: no failure that anybody would mend.
struct Killed {};

using Words = std::vector<std::string>;

std::string outputOf(Words argv, const std::string& place = "") {
    return process::run({.argv = std::move(argv), .netns = place}).expectSuccess().out;
}
void ip(std::initializer_list<std::string> words, const std::string& place = "") {
    Words argv{"ip"};
    argv.insert(argv.end(), words.begin(), words.end());
    outputOf(std::move(argv), place);
}

/// All addresses and routes of the host, in no order, but what the kernel gives each device itself.
std::set<std::string> stateOfHost() {
    std::set<std::string> all;
    for (const auto& text :
         {outputOf({"ip", "-o", "addr", "show", "scope", "global"}), outputOf({"ip", "route", "show", "table", "main"}),
          outputOf({"ip", "route", "show", "table", "all"}), outputOf({"ip", "-6", "route", "show", "table", "main"})})
        for (const auto& line : split(text, '\n'))
            if (line.find("fe80::") == std::string_view::npos && line.find("multicast") == std::string_view::npos &&
                line.find(" table local ") == std::string_view::npos)
                all.emplace(line);
    return all;
}

std::string addressesOf(const std::string& device) {
    std::string all;
    Netlink netlink;
    Entries entries;
    if (const auto link = netlink.find(device))
        for (const auto& each : entries.addresses(link->index)) all += textOf(each) + " ";
    return all;
}

Fd listensHere(const std::string& address, int port) {
    Fd socket(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a socket")));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), "bind");
    check(::listen(socket.get(), 8), "listen");
    return socket;
}

/// A host with an eth0 in a network of both versions.
struct Home {
    LinuxWorld world;

    Home() {
        netns::ensure("lan");
        ip({"link", "add", "eth0", "address", "52:54:00:00:00:07", "type", "veth", "peer", "name", "lan0", "netns",
            "lan"});
        ip({"link", "set", "lo", "up"});
        ip({"addr", "add", "192.168.9.1/24", "dev", "lan0"}, "lan");
        ip({"addr", "add", "fd00:9::1/64", "dev", "lan0", "nodad"}, "lan");
        ip({"link", "set", "lan0", "up"}, "lan");
        ip({"link", "set", "eth0", "up"});
        ip({"addr", "add", "192.168.9.7/24", "dev", "eth0", "brd", "+"});
        ip({"addr", "add", "192.168.9.8/24", "dev", "eth0", "label", "eth0:1"});
        ip({"addr", "add", "10.9.0.7/16", "dev", "eth0", "metric", "200"});
        ip({"addr", "add", "fd00:9::7/64", "dev", "eth0", "nodad"});
        ip({"route", "add", "default", "via", "192.168.9.1", "metric", "100", "src", "192.168.9.8"});
        ip({"route", "add", "default", "via", "10.9.0.1", "metric", "300"});
        ip({"route", "add", "10.50.0.0/16", "via", "192.168.9.9", "mtu", "1400"});
        ip({"route", "add", "10.60.0.0/16", "dev", "eth0", "table", "60"});
        ip({"route", "add", "10.70.0.0/16", "nexthop", "via", "192.168.9.9", "nexthop", "via", "192.168.9.10"});
        ip({"-6", "route", "add", "default", "via", "fd00:9::1", "metric", "512"});
    }

    OutsideOptions options(const std::string& device = "eth0") const {
        OutsideOptions options;
        options.device = device;
        options.folder = world.folder();
        options.patience = std::chrono::milliseconds(1500);
        return options;
    }
};

/// Who has a connection from the network to the host.
struct Session {
    Fd listening = listensHere("192.168.9.7", 2222);
    Stream stream{"lan", "192.168.9.1", listening, "192.168.9.7", 2222};
    bool lives() { return stream.lives(3000) && stream.answers(3000); }
};

bool isReached() { return pingsIn("lan", "192.168.9.7", 20) && pingsIn("lan", "fd00:9::7", 20); }

const Words forth{"note", "bridge", "addresses", "port", "routes", "clear", "gateways", "done"};
const Words home{"note back", "addresses back", "routes back", "port back", "bridge back", "forget"};

std::string refusalOf(const OutsideOptions& options) {
    try {
        Outside(options).examine();
    } catch (const Error& problem) {
        CHECK(problem.failure() == Failure::Invalid);
        return problem.what();
    }
    return {};
}

}

TEST_CASE("An interface is lent: its addresses and routes are the bridge's, a connection goes on, and all comes back",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    const auto before = stateOfHost();
    Session connection;
    REQUIRE(connection.lives());

    Outside outside(there.options());
    REQUIRE(outside.networks().size() == 2);
    CHECK(outside.networks().front() ==
          OutsideNetwork{"192.168.9.0/24", {"192.168.9.7", "192.168.9.8"}, "192.168.9.1", 1500});
    outside.examine();
    outside.join();

    CHECK(connection.lives());
    CHECK(isReached());
    CHECK(addressesOf("eth0").empty());
    CHECK(addressesOf("br-ex").find("192.168.9.7/24") == 0);
    CHECK(addressesOf("br-ex").find("fd00:9::7/64") != std::string::npos);
    CHECK(Netlink().find("br-ex")->mac == "52:54:00:00:00:07");
    const auto routes = outputOf({"ip", "route"});
    CHECK(routes.find("default via 192.168.9.1 dev br-ex src 192.168.9.8 metric 100") != std::string::npos);
    CHECK(routes.find("default via 10.9.0.1 dev br-ex metric 300") != std::string::npos);
    CHECK(routes.find("10.50.0.0/16 via 192.168.9.9 dev br-ex mtu 1400") != std::string::npos);
    CHECK(routes.find("192.168.9.0/24 dev br-ex") != std::string::npos);
    CHECK(routes.find("eth0") == std::string::npos);
    CHECK(outputOf({"ip", "-6", "route"}).find("default via fd00:9::1 dev br-ex metric 512") != std::string::npos);
    CHECK(outside.findings().empty());
    CHECK(outside.networks().front().gateway == "192.168.9.1");

    SECTION("another process finds it so, and does nothing") {
        Outside again(there.options());
        const auto now = stateOfHost();
        again.join();
        CHECK(stateOfHost() == now);
        CHECK(again.findings().empty());
    }
    SECTION("where it is wanted no more, all is as it was") {
        Outside(there.options("")).join();
        CHECK(stateOfHost() == before);
        CHECK_FALSE(Netlink().find("br-ex"));
        CHECK(connection.lives());
        CHECK(isReached());
        CHECK(Outside(there.options("")).findings().empty());
    }
    SECTION("where another is wanted, this one is given back") {
        ip({"link", "add", "eth1", "type", "veth", "peer", "name", "far1"});
        ip({"link", "set", "eth1", "up"});
        ip({"addr", "add", "192.168.77.2/24", "dev", "eth1"});
        Outside(there.options("eth1")).join();
        CHECK(addressesOf("eth0").find("192.168.9.7/24") == 0);
        CHECK(addressesOf("br-ex").find("192.168.77.2/24") == 0);
        CHECK(isReached());
        Outside(there.options("")).join();
        CHECK(outputOf({"ip", "route"}).find("br-ex") == std::string::npos);
    }
}

TEST_CASE("An interface is lent, and whatever step the process dies in, its next one finishes it",
          "[network][system]") {
    NEEDS_ROOT();
    const auto step = GENERATE(from_range(forth));
    const bool after = GENERATE(false, true);
    CAPTURE(step, after);
    Home there;
    const auto before = stateOfHost();
    Session connection;
    auto options = there.options();
    options.atStep = [&](std::string_view at, bool then) {
        if (at == step && then == after) throw Killed{};
    };
    CHECK_THROWS_AS(Outside(options).join(), Killed);

    const bool onward = GENERATE(true, false);
    CAPTURE(onward);
    if (onward) {
        Outside outside(there.options());
        outside.join();
        CHECK(outside.findings().empty());
        CHECK(addressesOf("eth0").empty());
        CHECK(outputOf({"ip", "route"}).find("eth0") == std::string::npos);
    } else {
        Outside(there.options("")).join();
        CHECK(stateOfHost() == before);
        CHECK_FALSE(Netlink().find("br-ex"));
    }
    CHECK(connection.lives());
    CHECK(isReached());
}

TEST_CASE("An interface is given back, and whatever step the process dies in, its next one finishes it",
          "[network][system]") {
    NEEDS_ROOT();
    const auto step = GENERATE(from_range(home));
    const bool after = GENERATE(false, true);
    CAPTURE(step, after);
    Home there;
    const auto before = stateOfHost();
    Session connection;
    Outside(there.options()).join();
    auto options = there.options("");
    options.atStep = [&](std::string_view at, bool then) {
        if (at == step && then == after) throw Killed{};
    };
    CHECK_THROWS_AS(Outside(options).join(), Killed);

    const bool backward = GENERATE(true, false);
    CAPTURE(backward);
    if (backward) {
        Outside(there.options("")).join();
        CHECK(stateOfHost() == before);
        CHECK_FALSE(Netlink().find("br-ex"));
    } else {
        Outside outside(there.options());
        outside.join();
        CHECK(outside.findings().empty());
        CHECK(addressesOf("eth0").empty());
    }
    CHECK(connection.lives());
    CHECK(isReached());
}

TEST_CASE("Where the gateway doesn't answer at the bridge any more, the interface has all back, and it is said once",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    const auto before = stateOfHost();
    Session connection;
    std::string told;
    auto options = there.options();
    options.notice = [&](std::string_view line) { told += std::string(line) + "\n"; };
    // An access point that lets nothing through once the bridge is there; it dies of it, or not.
    const bool dies = GENERATE(false, true);
    options.atStep = [&](std::string_view at, bool after) {
        if (at == "clear" && after)
            outputOf({"nft", "add table netdev wall; add chain netdev wall in { type filter hook ingress device eth0 "
                             "priority 0; policy drop; }"});
        if (dies && at == "gateways" && after) throw Killed{};
    };
    Outside outside(options);
    if (dies) {
        CHECK_THROWS_AS(outside.join(), Killed);
        Outside next(there.options());
        CHECK_THROWS_AS(next.join(), Error);
    } else {
        std::string why;
        try {
            outside.join();
        } catch (const Error& problem) {
            CHECK(problem.failure() == Failure::Broken);
            why = problem.what();
        }
        CHECK(why.find("external_network = bridge:eth0: the gateway 192.168.9.1, fd00:9::1 does not answer at br-ex") ==
              0);
        CHECK(told.find("has its addresses and routes back") != std::string::npos);
        outside.follow(); // no other try
    }
    outputOf({"nft", "delete", "table", "netdev", "wall"});
    CHECK(stateOfHost() == before);
    CHECK_FALSE(Netlink().find("br-ex"));
    CHECK(connection.lives());
    CHECK(isReached());
}

TEST_CASE("A lease is not lost on the bridge, and ends on the interface again when that is given back",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    ip({"addr", "change", "192.168.9.7/24", "dev", "eth0", "valid_lft", "8990", "preferred_lft", "8000"});
    Outside(there.options()).join();
    CHECK(outputOf({"ip", "-o", "addr", "show", "dev", "br-ex", "to", "192.168.9.7"}).find("valid_lft forever") !=
          std::string::npos);
    Outside(there.options("")).join();
    const auto back = outputOf({"ip", "-o", "addr", "show", "dev", "eth0", "to", "192.168.9.7"});
    CHECK(back.find("forever") == std::string::npos);
    CHECK(back.find("valid_lft 89") != std::string::npos);
}

TEST_CASE("What routers announce goes on at the bridge: the address that came of it, its end and its renewal, and the "
          "way out",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    ip({"-6", "addr", "flush", "dev", "eth0", "scope", "global"});
    ip({"-6", "route", "flush", "table", "main", "proto", "boot"});
    ip({"addr", "add", "fd00:a::1/64", "dev", "lan0", "nodad"}, "lan"); // only such prefixes are announced
    const auto pid = there.world.folder() / "announcer";
    outputOf({"dnsmasq", "--port=0", "--conf-file=/dev/null", "--interface=lan0", "--bind-interfaces", "--enable-ra",
              "--dhcp-range=fd00:a::,ra-only,64,7200", "--ra-param=lan0,5,1800", "--log-facility=/dev/null",
              "--leasefile-ro", "--user=root", "--pid-file=" + pid.string()},
             "lan");
    const auto within = [](auto right) {
        for (int tries = 0; tries < 400 && !right(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return right();
    };
    const auto has = [&](const std::string& device) {
        return addressesOf(device).find("fd00:a::5054:ff:fe00:7/64") != std::string::npos &&
               outputOf({"ip", "-6", "route"}).find("default via fe80::") != std::string::npos;
    };
    CHECK(within([&] { return has("eth0"); }));
    Outside outside(there.options());
    outside.join();
    CHECK(has("br-ex"));
    // It ends there as well, and each announcement, seconds after the one before, gives it its whole life again.
    const auto isRenewed = [&](const std::string& device) {
        const auto life = [&] {
            const auto line = outputOf({"ip", "-o", "addr", "show", "dev", device, "to", "fd00:a::/64"});
            const auto at = line.find("valid_lft ");
            return at == std::string::npos ? std::nullopt : wholeNumberIn(split(line.substr(at + 10), 's').front());
        };
        auto least = life();
        return least && *least <= 7200 && within([&] {
                   const auto now = life();
                   const bool renewed = now && *now > *least;
                   least = now && *now < *least ? now : least;
                   return renewed;
               });
    };
    CHECK(isRenewed("br-ex"));
    CHECK(outputOf({"ip", "-6", "route"}).find("eth0") == std::string::npos);
    CHECK(outside.findings().empty());
    Outside(there.options("")).join();
    CHECK(has("eth0"));
    CHECK(isRenewed("eth0"));
    std::ifstream file(pid);
    int announcer = 0;
    if (file >> announcer; announcer > 1) ::kill(announcer, SIGTERM);
}

TEST_CASE("What a DHCP client puts on a lent interface goes to the bridge, and is said; a bridge that was removed is "
          "made again",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    Session connection;
    std::string told;
    auto options = there.options();
    options.notice = [&](std::string_view line) { told += std::string(line) + "\n"; };
    Outside outside(options);
    outside.join();

    ip({"addr", "add", "192.168.9.7/24", "dev", "eth0"}); // as dhclient-script does when it renews
    ip({"addr", "add", "192.168.9.17/24", "dev", "eth0"});
    ip({"route", "replace", "default", "via", "192.168.9.1", "dev", "eth0"});
    REQUIRE(outside.findings().size() == 2);
    CHECK(outside.findings().front().find("address 192.168.9.7/24 is on eth0, which is lent to br-ex") == 0);
    outside.follow();
    CHECK(outside.findings().empty());
    CHECK(told.find("192.168.9.17/24 is on eth0") != std::string::npos);
    CHECK(addressesOf("eth0").empty());
    CHECK(addressesOf("br-ex").find("192.168.9.17/24") != std::string::npos);
    CHECK(outputOf({"ip", "route"}).find("default via 192.168.9.1 dev br-ex") != std::string::npos);
    CHECK(outputOf({"ip", "route"}).find("eth0") == std::string::npos);
    CHECK(connection.lives());

    ip({"link", "del", "br-ex"});
    CHECK(outside.findings().front() == "there is no bridge br-ex that is up");
    outside.follow();
    CHECK(outside.findings().empty());
    CHECK(connection.lives());
    CHECK(isReached());

    ip({"link", "set", "eth0", "nomaster"});
    outside.follow();
    CHECK(outside.findings().empty());
    CHECK(connection.lives());
}

TEST_CASE("An interface that can't be lent is refused by the name of the option, and nothing is touched",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    const auto before = stateOfHost();
    const auto says = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    says(refusalOf(there.options("eth9")),
         "external_network = bridge:eth9: this host has no such interface; it has eth0");
    says(refusalOf(there.options("lo")), "no Ethernet interface");

    auto wireless = there.options();
    wireless.classes = there.world.folder() / "class";
    std::filesystem::create_directories(wireless.classes / "eth0" / "phy80211");
    says(refusalOf(wireless), "it is wireless, and access points let no other MACs through");

    ip({"link", "add", "br0", "type", "bridge"});
    ip({"link", "add", "eth1", "type", "veth", "peer", "name", "far1"});
    ip({"link", "set", "eth1", "master", "br0"});
    says(refusalOf(there.options("eth1")), "it is a part of br0; say bridge:br0");
    CHECK(refusalOf(there.options("br0")).empty());
    CHECK(Outside(there.options("br0")).bridge() == "br0");

    ip({"link", "add", "br-ex", "type", "bridge"});
    says(refusalOf(there.options()), "a bridge br-ex already, which isn't stratolet's; bridge:br-ex uses it as it is");
    ip({"link", "del", "br-ex"});

    for (const auto* rules :
         {"iifname \"eth0\" tcp dport 22 accept", "iif eth0 accept", "iifname { \"eth0\", \"eth5\" } accept",
          "iifname . tcp dport { \"eth0\" . 22 } accept"}) {
        CAPTURE(rules);
        outputOf({"nft", std::string("add table inet own; add chain inet own input { type filter hook input priority "
                                     "0; policy drop; }; add rule inet own input ") +
                             rules});
        says(refusalOf(there.options()), "rules of the table \"inet own\" name this interface");
        outputOf({"nft", "add", "rule", "inet", "own", "input", "iifname", "\"br-ex\"", "accept"});
        CHECK(refusalOf(there.options()).empty());
        outputOf({"nft", "delete", "table", "inet", "own"});
    }
    outputOf({"nft", "add table inet own; add chain inet own input { type filter hook input priority 0; }; add rule "
                     "inet own input iifname \"veth0\" accept"});
    CHECK(refusalOf(there.options()).empty()); // the end of that name is no name
    outputOf({"nft", "delete", "table", "inet", "own"});
    outputOf({"iptables-legacy", "-A", "INPUT", "-i", "eth0", "-j", "ACCEPT"});
    says(refusalOf(there.options()), "rules of the table \"ip filter-legacy\" name this interface");
    outputOf({"iptables-legacy", "-A", "INPUT", "-i", "br-ex", "-j", "ACCEPT"});
    CHECK(refusalOf(there.options()).empty());

    ip({"link", "del", "eth1"});
    ip({"link", "del", "br0"});
    CHECK(stateOfHost() == before);
}

TEST_CASE("A host without an address lends nothing, and does as soon as it has one", "[network][system]") {
    NEEDS_ROOT();
    Home there;
    ip({"addr", "flush", "dev", "eth0"});
    Outside outside(there.options());
    outside.join();
    CHECK_FALSE(Netlink().find("br-ex"));
    ip({"addr", "add", "192.168.9.7/24", "dev", "eth0"});
    outside.join();
    CHECK(addressesOf("br-ex").find("192.168.9.7/24") == 0);
}

namespace {

/// A router of a network with one guest, whose gateway is on the network outside; its floating IP leads to the guest.
NetworkPlan planOutside() {
    NetworkPlan plan;
    auto outside = externalNetwork(3, "192.168.9");
    outside.segments = {{"flat", "public", 0}};
    plan.networks = {tenantNetwork(1, "10.1.0"), outside};
    plan.ports = {guestPort(1, 1, "10.1.0.11", {group(1)})};
    plan.securityGroups = {everything(1)};
    plan.routers.push_back(
        {.id = router(1),
         .gateway = PlannedInterface{port(301), networkId(3), mac(301), {{subnet(3), "192.168.9.200"}}},
         .interfaces = {{port(101), networkId(1), mac(101), {{subnet(1), "10.1.0.1"}}}},
         .floatingIps = {{{uuid(7, 1)}, "192.168.9.201", "10.1.0.11"}},
         .routes = {}});
    return plan;
}

}

TEST_CASE("A floating IP of the network outside leads to a guest, over a lent interface or a bridge of the owner's; of "
          "the host it "
          "reaches what guests may",
          "[network][system]") {
    NEEDS_ROOT();
    const bool own = GENERATE(false, true);
    CAPTURE(own);
    Home there;
    if (own) { // the owner has moved it all himself
        ip({"link", "add", "br0", "type", "bridge"});
        ip({"link", "set", "br0", "up"});
        ip({"addr", "flush", "dev", "eth0"});
        ip({"link", "set", "eth0", "master", "br0"});
        ip({"addr", "add", "192.168.9.7/24", "dev", "br0"});
        ip({"route", "add", "default", "via", "192.168.9.1"});
    }
    const auto before = stateOfHost();
    const auto mac = own ? Netlink().find("br0")->mac : "";
    const auto device = own ? std::string("br0") : std::string("eth0");
    const auto folder = there.world.folder() / "cloud";
    const auto made = [&](const std::string& lent) {
        return linuxNetworkDriver({.folder = folder,
                                   .cloud = "cloud",
                                   .physical = lent.empty() ? std::map<std::string, std::string>()
                                                            : std::map<std::string, std::string>{{"public", lent}},
                                   .nat = false,
                                   .outside = {.device = lent},
                                   .apiPorts = {8780},
                                   .lookEvery = std::chrono::hours(1)});
    };
    auto driver = made(device);
    driver->joinOutside();
    const auto plan = planOutside();
    CHECK(toldOf(driver->apply(plan)) == "");
    Guest guest("guest1", driver->tapOf(port(1)), network::test::mac(1));
    guest.has("10.1.0.11/24", "10.1.0.1");

    CHECK(pingsIn("lan", "192.168.9.201", 20));
    CHECK(pingsIn("guest1", "192.168.9.1", 20));
    CHECK(pingsIn("guest1", "192.168.9.7", 20)); // the host answers pings
    CHECK(outputOf({"busybox", "ping", "-c", "1", "-W", "3", "192.168.9.201"}).find("1 packets received") !=
          std::string::npos);
    const auto ssh = listensHere("0.0.0.0", 22), api = listensHere("0.0.0.0", 8780);
    CHECK(connectsIn("guest1", "192.168.9.7", 8780));
    CHECK_FALSE(connectsIn("guest1", "192.168.9.7", 22)); // guests_reach_host = api
    CHECK(connectsIn("lan", "192.168.9.7", 22));
    CHECK((own ? pingsIn("lan", "192.168.9.7", 20) : isReached()));
    CHECK(toldOf(driver->findings(plan)).empty());

    const auto bridge = own ? std::string("br0") : std::string("br-ex");
    const auto far = farEndOf(bridge);
    CHECK(Netlink().find(far)->master == Netlink().find(bridge)->index);
    if (own) CHECK(Netlink().find("br0")->mac == mac);
    ip({"link", "set", far, "nomaster"});
    CHECK(toldOf(driver->findings(plan)).find("has no device " + far + " on " + bridge) != std::string::npos);
    // Docker comes: frames on the bridge outside pass its rules as well.
    nft::load(
        "table ip filter {\nchain DOCKER-USER { }\nchain FORWARD { type filter hook forward priority filter; policy "
        "drop; jump DOCKER-USER; }\n}\n");
    CHECK_FALSE(pingsIn("lan", "192.168.9.201", 1));
    for (const auto& each : driver->takeMetadataListeners()) const Fd socket(each.socket); // closed
    driver = made(device);
    driver->joinOutside();
    CHECK(toldOf(driver->apply(plan)) == "");
    CHECK(pingsIn("lan", "192.168.9.201", 20));
    CHECK(pingsIn("guest1", "192.168.9.1", 20));

    driver = made("");
    driver->joinOutside();
    driver->apply({});
    CHECK(stateOfHost() == before);
    CHECK_FALSE(Netlink().find(far));
}

TEST_CASE("After a move that failed, networks outside have no way and say so, until another try succeeds",
          "[network][system]") {
    NEEDS_ROOT();
    Home there;
    std::string told;
    OutsideOptions outside{.device = "eth0", .patience = std::chrono::milliseconds(1500)};
    outside.atStep = [&](std::string_view at, bool after) {
        if (at == "clear" && after && told.empty())
            outputOf({"nft", "add table netdev wall; add chain netdev wall in { type filter hook ingress device eth0 "
                             "priority 0; policy drop; }"});
    };
    const auto driver = linuxNetworkDriver({.folder = there.world.folder() / "cloud",
                                            .cloud = "cloud",
                                            .physical = {{"public", "eth0"}},
                                            .nat = false,
                                            .outside = outside,
                                            .lookEvery = std::chrono::hours(1)});
    const auto plan = planOutside();
    const auto problemOfNetwork = [&](const std::vector<NetworkProblem>& all) {
        return std::any_of(all.begin(), all.end(), [](const auto& each) {
            return each.of == NetworkProblem::Of::Network && each.id == networkId(3).text;
        });
    };
    try {
        driver->joinOutside();
    } catch (const Error& problem) {
        told = problem.what();
    }
    CHECK(told.find("there is no way outside until it succeeds") != std::string::npos);
    auto problems = driver->apply(plan);
    INFO(toldOf(problems));
    CHECK(problemOfNetwork(problems));
    CHECK(toldOf(problems).find(told) != std::string::npos); // the host's own
    outputOf({"nft", "delete", "table", "netdev", "wall"});

    driver->joinOutside();
    CHECK(toldOf(driver->apply(plan)) == "");
    Guest guest("guest1", driver->tapOf(port(1)), network::test::mac(1));
    guest.has("10.1.0.11/24", "10.1.0.1");
    CHECK(pingsIn("guest1", "192.168.9.1", 20));
    driver->apply({});
}
