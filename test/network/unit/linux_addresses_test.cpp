#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "network/address.hpp"
#include "network/driver/linux.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/unit/linux_plans.hpp"
#include "network/unit/linux_world.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"

// How guests come by addresses of IPv6, what DHCP and DNS tell of single ports, and what routers keep apart.

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

using Bytes = std::vector<unsigned char>;

struct OneHost {
    LinuxWorld world;
    std::unique_ptr<NetworkDriver> driver =
        linuxNetworkDriver({.folder = world.folder(), .lookEvery = std::chrono::hours(1)});
    ~OneHost() { driver->apply({}); }

    std::string applies(const NetworkPlan& plan) { return toldOf(driver->apply(plan)); }
    std::unique_ptr<Guest> guest(int number) {
        return std::make_unique<Guest>("guest" + std::to_string(number), driver->tapOf(port(number)), mac(number));
    }
    std::string pidOf(const std::string& key) const {
        std::ifstream in(world.folder() / "dhcp" / key / "pid");
        std::string pid;
        in >> pid;
        return pid;
    }
};

/// Network 1 with fd00:1::/64 in this mode, a router on it, and a guest.
NetworkPlan sixWith(const std::string& mode, const std::string& address) {
    NetworkPlan plan;
    auto network = networkOn(1, "10.1.0", {"local", "", 0}, 1450);
    PlannedSubnet six{subnet(1), "fd00:1::/64", "fd00:1::1", true, {"fd00:1::53"}, {}};
    six.raMode = six.addressMode = mode;
    network.domain = "openstacklocal";
    network.subnets = {six};
    network.dhcp = PlannedDhcp{port(9), mac(9), {{subnet(1), "fd00:1::2"}}};
    plan.networks = {network};
    plan.ports = {portOn(1, 1, address)};
    plan.securityGroups = {everything(1)};
    PlannedRouter router;
    router.id = {uuid(4, 1)};
    router.interfaces = {{port(8), networkId(1), mac(8), {{subnet(1), "fd00:1::1"}}}};
    plan.routers = {router};
    return plan;
}

/// The guest's own address of fd00:1::/64 within that time; empty where it has none.
std::string addressWithin(const Guest& guest, int tenths) {
    std::string found;
    for (int each = 0; each < tenths && found.empty(); ++each) {
        netns::inside(guest.name(), [&] {
            for (const auto& one : Netlink().addresses())
                if (one.text.starts_with("fd00:1:")) found = one.text;
        });
        if (found.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return found;
}

bool pings6(const Guest& guest, const std::string& address) {
    for (int tries = 0; tries < 5; ++tries)
        if (process::run({.argv = {"busybox", "ping6", "-c", "1", "-W", "1", address}, .netns = guest.name()})
                .succeeded())
            return true;
    return false;
}

bool holds(const Bytes& all, const Bytes& part) {
    return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
}

Bytes bytesOfAddress(const std::string& text) {
    Bytes out(16);
    inet_pton(AF_INET6, text.c_str(), out.data());
    return out;
}

/// A DHCPv6 client (RFC 8415) in the guest: sends a message of that type with its options, and gives back the answer.
Bytes asksDhcp6(const Guest& guest, int number, unsigned char type, const Bytes& more) {
    Bytes answer;
    netns::inside(guest.name(), [&] {
        const Fd socket(static_cast<int>(check(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket")));
        sockaddr_in6 own{};
        own.sin6_family = AF_INET6;
        own.sin6_port = htons(546);
        check(bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), "be a client");
        sockaddr_in6 all = own;
        all.sin6_port = htons(547);
        all.sin6_scope_id = if_nametoindex("eth0");
        inet_pton(AF_INET6, "ff02::1:2", &all.sin6_addr);
        Bytes message{
            type, 1, 2, 3, 0, 1, 0, 10, 0, 3, 0, 1, 0xfa, 0x16, 0x3e, 0, 0, static_cast<unsigned char>(number),
            0,    8, 0, 2, 0, 0, 0, 6,  0, 2, 0, 23};
        message.insert(message.end(), more.begin(), more.end());
        for (int tries = 0; tries < 20 && answer.empty(); ++tries) { // until it has its link's address
            sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&all),
                   sizeof all);
            pollfd ready{socket.get(), POLLIN, 0};
            if (poll(&ready, 1, 500) != 1) continue;
            answer.resize(2000);
            const auto length = recv(socket.get(), answer.data(), answer.size(), 0);
            answer.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
        }
    });
    return answer;
}

/// An option of a DHCPv6 message, whole; empty where it isn't there.
Bytes optionOf(const Bytes& message, int wanted) {
    for (std::size_t at = 4; at + 4 <= message.size();) {
        const std::size_t length = 4 + message[at + 2] * 256u + message[at + 3];
        if (message[at] * 256 + message[at + 1] == wanted && at + length <= message.size())
            return {message.begin() + static_cast<std::ptrdiff_t>(at),
                    message.begin() + static_cast<std::ptrdiff_t>(at + length)};
        at += length;
    }
    return {};
}

const Bytes anyAddress{0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}; ///< IA_NA

}

TEST_CASE("A guest forms its address from what its router announces", "[network][linux][ipv6]") {
    NEEDS_ROOT();
    OneHost host;
    auto plan = sixWith("slaac", "fd00:1::f816:3eff:fe00:1");
    CHECK(host.applies(plan) == "");
    auto guest = host.guest(1);
    CHECK(addressWithin(*guest, 100) == "fd00:1::f816:3eff:fe00:1/64");
    CHECK(pings6(*guest, "fd00:1::1"));
    const auto routes = process::run({.argv = {"ip", "-6", "route", "show", "default"}, .netns = guest->name()}).out;
    CHECK(routes.find("via fe80::f816:3eff:fe00:8") != std::string::npos);
    CHECK(process::run({.argv = {"cat", "/proc/sys/net/ipv6/conf/eth0/mtu"}, .netns = guest->name()}).out == "1450\n");

    plan.networks[0].subnets[0].raMode = ""; // nobody is told any more
    CHECK(host.applies(plan) == "");
    CHECK(host.pidOf(plan.routers[0].id.text).empty());
}

TEST_CASE("A guest is given its address by DHCPv6, and asks for it because its router says so",
          "[network][linux][ipv6]") {
    NEEDS_ROOT();
    OneHost host;
    auto plan = sixWith("dhcpv6-stateful", "fd00:1::77");
    CHECK(host.applies(plan) == "");
    auto guest = host.guest(1);
    const auto offered = asksDhcp6(*guest, 1, 1, anyAddress);
    REQUIRE_FALSE(offered.empty());
    CHECK(offered[0] == 2); // advertise
    CHECK(holds(optionOf(offered, 3), bytesOfAddress("fd00:1::77")));
    auto wanted = optionOf(offered, 2); // that server's
    wanted.insert(wanted.end(), anyAddress.begin(), anyAddress.end());
    const auto given = asksDhcp6(*guest, 1, 3, wanted);
    REQUIRE_FALSE(given.empty());
    CHECK(given[0] == 7); // reply
    CHECK(holds(optionOf(given, 3), bytesOfAddress("fd00:1::77")));
    CHECK(holds(optionOf(given, 23), bytesOfAddress("fd00:1::53")));
    CHECK(addressWithin(*guest, 10).empty()); // it forms none itself
    guest->has("fd00:1::77/64");
    CHECK(pings6(*guest, "fd00:1::1"));

    const auto before = host.pidOf(networkId(1).text);
    plan.ports.push_back(portOn(2, 1, "fd00:1::78"));
    CHECK(host.applies(plan) == "");
    auto second = host.guest(2);
    CHECK(holds(optionOf(asksDhcp6(*second, 2, 1, anyAddress), 3), bytesOfAddress("fd00:1::78")));
    CHECK(host.pidOf(networkId(1).text) == before);
}

TEST_CASE("A guest forms its address and asks DHCPv6 for all else", "[network][linux][ipv6]") {
    NEEDS_ROOT();
    OneHost host;
    CHECK(host.applies(sixWith("dhcpv6-stateless", "fd00:1::f816:3eff:fe00:1")) == "");
    auto guest = host.guest(1);
    CHECK(addressWithin(*guest, 100) == "fd00:1::f816:3eff:fe00:1/64");
    const auto told = asksDhcp6(*guest, 1, 11, {});
    REQUIRE_FALSE(told.empty());
    CHECK(told[0] == 7);
    CHECK(holds(optionOf(told, 23), bytesOfAddress("fd00:1::53")));
    CHECK_FALSE(holds(optionOf(asksDhcp6(*guest, 1, 1, anyAddress), 3),
                      bytesOfAddress("fd00:1::f816:3eff:fe00:1"))); // nobody gives that one out
}

TEST_CASE("A port is told what is its alone, and found by its name", "[network][linux][dhcp]") {
    NEEDS_ROOT();
    OneHost host;
    NetworkPlan plan;
    auto network = networkOn(1, "10.1.0", {"local", "", 0}, 1450);
    network.domain = "example.org";
    network.subnets[0].dhcp = true;
    network.dhcp = PlannedDhcp{port(9), mac(9), {{subnet(1), "10.1.0.2"}}};
    plan.networks = {network};
    plan.ports = {portOn(1, 1, "10.1.0.11"), portOn(2, 1, "10.1.0.12")};
    plan.ports[0].dhcpOptions = {{"mtu", "1300", 4}};
    plan.ports[1].hostname = "db";
    plan.securityGroups = {everything(1)};
    CHECK(host.applies(plan) == "");
    auto one = host.guest(1), two = host.guest(2);
    const auto script = host.world.folder() / "lease";
    std::ofstream(script) << "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $mtu $hostname\"\nexit 0\n";
    std::filesystem::permissions(script, std::filesystem::perms(0755));
    const auto ask = [&](const Guest& guest) {
        return process::run({.argv = {"busybox", "udhcpc", "-f", "-n", "-q", "-t", "12", "-T", "1", "-i", "eth0", "-O",
                                      "mtu", "-O", "hostname", "-s", script.string()},
                             .netns = guest.name()})
            .out;
    };
    const auto finds = [&](const std::string& name) {
        return process::run({.argv = {"busybox", "nslookup", name, "10.1.0.2"}, .netns = one->name()}).out;
    };
    CHECK(ask(*one) == "10.1.0.11 1300 host-10-1-0-11\n");
    CHECK(ask(*two) == "10.1.0.12 1450 db\n");
    one->has("10.1.0.11/24");
    CHECK(finds("db.example.org").find("10.1.0.12") != std::string::npos);
    CHECK(finds("host-10-1-0-11.example.org").find("10.1.0.11") != std::string::npos);

    plan.ports[0].dhcpOptions = {};
    plan.ports[1].hostname = "store";
    CHECK(host.applies(plan) == "");
    CHECK(ask(*one) == "10.1.0.11 1450 host-10-1-0-11\n");
    CHECK(finds("store.example.org").find("10.1.0.12") != std::string::npos);
    CHECK(finds("db.example.org").find("10.1.0.12") == std::string::npos);

    const auto now = host.pidOf(networkId(1).text);
    plan.ports[1].hostname = "shop"; // of a server that has read of nobody's own options
    CHECK(host.applies(plan) == "");
    CHECK(finds("shop.example.org").find("10.1.0.12") != std::string::npos);
    CHECK(host.pidOf(networkId(1).text) == now);

    plan.ports[0].dhcpOptions = {{"mtu", "1300\ndhcp-script=/bin/sh", 4}};
    CHECK(host.applies(plan).find("has a DHCP option that is none") != std::string::npos);
}

TEST_CASE("A router joins what is of one address scope, and keeps what is of others apart",
          "[network][linux][router][address_scope]") {
    NEEDS_ROOT();
    OneHost host;
    NetworkPlan plan;
    PlannedRouter router;
    router.id = {uuid(4, 1)};
    for (const int number : {1, 2, 3}) {
        const auto net = "10." + std::to_string(number) + ".0";
        auto network = networkOn(number, net, {"local", "", 0});
        network.subnets[0].gateway = net + ".1";
        network.subnets[0].scope = uuid(7, number == 3 ? 2 : 1);
        plan.networks.push_back(network);
        plan.ports.push_back(portOn(number, number, net + ".11"));
        router.interfaces.push_back(
            {port(80 + number), networkId(number), mac(80 + number), {{subnet(number), net + ".1"}}});
    }
    plan.routers = {router};
    plan.securityGroups = {everything(1)};
    CHECK(host.applies(plan) == "");
    auto one = host.guest(1), two = host.guest(2), three = host.guest(3);
    one->has("10.1.0.11/24", "10.1.0.1");
    two->has("10.2.0.11/24", "10.2.0.1");
    three->has("10.3.0.11/24", "10.3.0.1");
    CHECK(one->pings("10.2.0.11"));
    CHECK_FALSE(pingsIn(one->name(), "10.3.0.11", 2));
    CHECK_FALSE(pingsIn(three->name(), "10.2.0.11", 2));
    for (auto& each : plan.networks) each.subnets[0].scope = "";
    CHECK(host.applies(plan) == "");
    CHECK(one->pings("10.3.0.11"));
}
