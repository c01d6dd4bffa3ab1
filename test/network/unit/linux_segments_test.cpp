#include <catch2/catch.hpp>

#include <fstream>
#include <stratolet/error.hpp>

#include "network/driver/linux.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_netlink.hpp"
#include "network/unit/linux_plans.hpp"
#include "network/unit/linux_world.hpp"
#include "platform/os/netns.hpp"
#include "platform/os/process.hpp"

// What joins the networks of one host to others: physical networks, VLANs, VXLAN, and the trunks of guests.

using namespace stratolet;
using namespace stratolet::network;
using namespace stratolet::network::test;

namespace {

/// A host in a network namespace of its own, named as the host; empty: that of this thread. One cloud on one machine
/// would take the other's things for strangers of its own, so each is a cloud.
class Machine {
public:
    Machine(const LinuxWorld& world, std::string place, LinuxNetworkOptions options) : place_(std::move(place)) {
        options.folder = world.folder() / ("host" + place_);
        options.cloud = "cloud" + place_;
        options.lookEvery = std::chrono::hours(1);
        inside([&] { driver_ = linuxNetworkDriver(std::move(options)); });
    }
    ~Machine() {
        try {
            applies({});
        } catch (const std::exception& problem) {
            UNSCOPED_INFO(problem.what());
        }
    }

    template <class Do> void inside(Do work) { place_.empty() ? work() : netns::inside(place_, work); }

    std::vector<NetworkProblem> applies(const NetworkPlan& plan) {
        std::vector<NetworkProblem> problems;
        inside([&] { problems = driver_->apply(plan); });
        return problems;
    }
    std::unique_ptr<Guest> guest(int number) {
        std::unique_ptr<Guest> made;
        inside([&] {
            made = std::make_unique<Guest>("guest" + std::to_string(number), tapNameOf(port(number)), mac(number));
        });
        return made;
    }
    std::optional<Link> link(const std::string& name) {
        std::optional<Link> found;
        inside([&] { found = Netlink().find(name); });
        return found;
    }

private:
    std::string place_;
    std::unique_ptr<NetworkDriver> driver_;
};

/// A wire from this host's device `name` to the device "far" of another namespace, with addresses.
void wire(const std::string& name, const std::string& place, const std::string& near, const std::string& far) {
    netns::ensure(place);
    Netlink here;
    here.addVeth(name, "far", netns::open(place), "02:00:00:00:00:02", 1500);
    const int index = here.find(name).value().index;
    here.change(index, {.up = true});
    if (!near.empty()) here.addAddress(index, near);
    netns::inside(place, [&] {
        Netlink there;
        const int other = there.find("far").value().index;
        there.change(1, {.up = true});
        there.change(other, {.up = true});
        if (!far.empty()) there.addAddress(other, far);
    });
}

bool pingsWith(const Guest& from, const std::string& address, int bytes) {
    return process::run({.argv = {"busybox", "ping", "-c", "2", "-W", "1", "-s", std::to_string(bytes), address},
                         .netns = from.name()})
        .succeeded();
}

void setMtu(const Guest& guest, int mtu) {
    netns::inside(guest.name(), [&] {
        Netlink netlink;
        netlink.change(netlink.find("eth0").value().index, {.mtu = mtu});
    });
}

}

TEST_CASE("A vxlan network is one link over two hosts, each with its own plan and nothing of ours between them",
          "[network][linux][vxlan]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("under", "there", "192.0.2.1/24", "192.0.2.2/24");
    Machine a(world, "", {.tunnelAddress = "192.0.2.1"}), b(world, "there", {.tunnelAddress = "192.0.2.2"});
    const auto network = networkOn(1, "10.1.0", {"vxlan", "", 77}, 1450);
    const auto elsewhere = [](PlannedPort port, const std::string& tunnel) {
        port.tapped = false;
        port.tunnel = tunnel;
        return port;
    };
    const auto one = portOn(1, 1, "10.1.0.11"), two = portOn(2, 1, "10.1.0.12");
    NetworkPlan atA, atB;
    atA.networks = atB.networks = {network};
    atA.securityGroups = atB.securityGroups = {everything(1)};
    atA.ports = {one, elsewhere(two, "192.0.2.2")};
    atB.ports = {elsewhere(one, "192.0.2.1"), two};
    atA.networks[0].subnets[0].dhcp = true; // served on A only, for both
    atA.networks[0].dhcp = PlannedDhcp{port(9), mac(9), {{subnet(1), "10.1.0.2"}}};
    atB.networks[0].remotes = {{port(9), mac(9), {{subnet(1), "10.1.0.2"}}, "192.0.2.1"}};
    CHECK(toldOf(a.applies(atA)) == "");
    CHECK(toldOf(b.applies(atB)) == "");
    CHECK(a.link("vxlan-77")->master == a.link(bridgeOf(networkId(1)))->index);
    CHECK(a.link("vxlan-77")->mtu == 1450);
    auto first = a.guest(1), second = b.guest(2);
    setMtu(*first, 1450);
    setMtu(*second, 1450);

    const auto script = world.folder() / "lease";
    std::ofstream(script) << "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $mtu\"\nexit 0\n";
    std::filesystem::permissions(script, std::filesystem::perms(0755));
    const auto lease = process::run({.argv = {"busybox", "udhcpc", "-f", "-n", "-q", "-t", "12", "-T", "1", "-i",
                                              "eth0", "-O", "mtu", "-s", script.string()},
                                     .netns = second->name()})
                           .out;
    CHECK(lease == "10.1.0.12 1450\n");

    first->has("10.1.0.11/24");
    second->has("10.1.0.12/24");
    CHECK(first->pings("10.1.0.12"));
    CHECK(second->pings("10.1.0.11"));
    CHECK(pingsWith(*first, "10.1.0.12", 1450 - 28)); // as much as the network says, in one packet of the wire
    CHECK(second->received(bytesOf("0806 0001 0800 0604 0001 fa163e000001")) == 0); // A's host has answered

    SECTION("who moves to another host is followed, and who is gone is sent nothing") {
        const auto three = portOn(3, 1, "10.1.0.13");
        atA.ports.push_back(elsewhere(three, "192.0.2.2"));
        atB.ports.push_back(three);
        CHECK(toldOf(b.applies(atB)) == "");
        CHECK(toldOf(a.applies(atA)) == "");
        auto third = b.guest(3);
        third->has("10.1.0.13/24");
        CHECK(first->pings("10.1.0.13"));
        atA.ports = {one};
        CHECK(toldOf(a.applies(atA)) == "");
        CHECK_FALSE(pingsIn(first->name(), "10.1.0.13", 1));
        CHECK_FALSE(pingsIn(first->name(), "10.1.0.12", 1));
    }
    SECTION("addresses that are nobody's own are asked for") {
        atA.ports[1].allowedPairs = atB.ports[1].allowedPairs = {{mac(2), "10.1.0.99"}};
        CHECK(toldOf(a.applies(atA)) == "");
        CHECK(toldOf(b.applies(atB)) == "");
        second->has("10.1.0.99/24");
        CHECK(first->pings("10.1.0.99"));
    }
    SECTION("what is taken away by hand is made again, and goes with its network") {
        Netlink().remove(a.link("vxlan-77")->index);
        linuxNetworkDriver({.folder = world.folder() / "host", .cloud = "cloud", .tunnelAddress = "192.0.2.1"})
            ->apply(atA);
        CHECK(first->pings("10.1.0.12"));
        atA = {};
        CHECK(toldOf(a.applies(atA)) == "");
        CHECK_FALSE(a.link("vxlan-77"));
    }
}

TEST_CASE("A network that two hosts serve answers its guests' DHCP on either, as long as one is there",
          "[network][linux][vxlan][dhcp]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("under", "there", "192.0.2.1/24", "192.0.2.2/24");
    Machine a(world, "", {.tunnelAddress = "192.0.2.1"}), b(world, "there", {.tunnelAddress = "192.0.2.2"});
    // Namespaces have names which these two hosts share, so each knows the network by an id of its own.
    const auto planOn = [](int id, int here, const std::string& other) {
        auto network = networkOn(id, "10.1.0", {"vxlan", "", 77}, 1450);
        network.subnets[0].dhcp = true;
        network.dhcp = PlannedDhcp{port(7 + here), mac(7 + here), {{subnet(id), "10.1.0." + std::to_string(1 + here)}}};
        network.remotes = {
            {port(10 - here), mac(10 - here), {{subnet(id), "10.1.0." + std::to_string(4 - here)}}, other}};
        NetworkPlan plan;
        plan.networks = {network};
        plan.securityGroups = {everything(1)};
        plan.ports = {portOn(1, id, "10.1.0.11"), portOn(2, id, "10.1.0.12")};
        auto& away = plan.ports[here == 1 ? 1 : 0];
        away.tapped = false;
        away.tunnel = other;
        return plan;
    };
    auto atA = planOn(1, 1, "192.0.2.2"), atB = planOn(2, 2, "192.0.2.1");
    CHECK(toldOf(a.applies(atA)) == "");
    CHECK(toldOf(b.applies(atB)) == "");
    auto first = a.guest(1), second = b.guest(2);
    const auto script = world.folder() / "lease";
    std::ofstream(script) << "#!/bin/sh\n[ \"$1\" = bound ] && echo \"$ip $serverid\"\nexit 0\n";
    std::filesystem::permissions(script, std::filesystem::perms(0755));
    const auto lease = [&](const Guest& guest) {
        return process::run({.argv = {"busybox", "udhcpc", "-f", "-n", "-q", "-t", "12", "-T", "1", "-i", "eth0", "-s",
                                      script.string()},
                             .netns = guest.name()})
            .out;
    };
    const auto is = [](const std::string& got, const std::string& address) {
        return got == address + " 10.1.0.2\n" || got == address + " 10.1.0.3\n";
    };
    CHECK(is(lease(*first), "10.1.0.11"));
    CHECK(is(lease(*second), "10.1.0.12"));
    // One server is taken away: the other has the same addresses for all.
    atA.networks[0].dhcp.reset();
    atB.networks[0].remotes.clear();
    CHECK(toldOf(a.applies(atA)) == "");
    CHECK(toldOf(b.applies(atB)) == "");
    CHECK(lease(*first) == "10.1.0.11 10.1.0.3\n");
    CHECK(lease(*second) == "10.1.0.12 10.1.0.3\n");
}

TEST_CASE("A flat network is the physical one, whose device is given back", "[network][linux]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("eth9", "outside", "", "10.5.0.1/24");
    Machine host(world, "", {.physical = {{"physnet1", "eth9"}}});
    NetworkPlan plan;
    plan.networks = {networkOn(1, "10.5.0", {"flat", "physnet1", 0})};
    plan.ports = {portOn(1, 1, "10.5.0.11")};
    plan.securityGroups = {everything(1)};
    CHECK(toldOf(host.applies(plan)) == "");
    auto guest = host.guest(1);
    guest->has("10.5.0.11/24");
    CHECK(guest->pings("10.5.0.1"));
    CHECK(pingsIn("outside", "10.5.0.11"));

    SECTION("with the network it goes, and is the host's again") {
        CHECK(toldOf(host.applies({})) == "");
        REQUIRE(host.link("eth9"));
        CHECK(host.link("eth9")->master == 0);
        CHECK(host.link("eth9")->alias.empty());
    }
    SECTION("a physical network that this host is not on is told of, and the guests reach each other all the same") {
        plan.networks[0].segments = {{"flat", "physnet2", 0}};
        CHECK(toldOf(host.applies(plan)).find("is on physical network physnet2, which this host is not on") !=
              std::string::npos);
        CHECK(host.link("eth9")->master == 0);
        plan.networks[0].segments = {{"flat", "physnet2", 0}, {"flat", "physnet1", 0}};
        CHECK(toldOf(host.applies(plan)) == "");
        CHECK(guest->pings("10.5.0.1"));
    }
}

TEST_CASE("A device that has the host's addresses is put on no bridge", "[network][linux][security]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("eth9", "outside", "10.5.0.9/24", "10.5.0.1/24");
    Machine host(world, "", {.physical = {{"physnet1", "eth9"}}});
    NetworkPlan plan;
    plan.networks = {networkOn(1, "10.5.0", {"flat", "physnet1", 0})};
    plan.ports = {portOn(1, 1, "10.5.0.11")};
    plan.securityGroups = {everything(1)};
    CHECK(toldOf(host.applies(plan)).find("eth9 has the host's address 10.5.0.9/24") != std::string::npos);
    CHECK(host.link("eth9")->master == 0);
    Netlink().removeAddress(host.link("eth9")->index, "10.5.0.9/24");
    plan.networks[0].mtu = 1400;
    CHECK(toldOf(host.applies(plan)) == "");
    CHECK(host.link("eth9")->master != 0);
}

TEST_CASE("VLANs keep networks of one wire apart, and a trunk's sub-ports those of one guest",
          "[network][linux][vlan][.lab]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("eth9", "outside", "", "");
    netns::inside("outside", [] { // the other end has VLAN 100 too
        Netlink netlink;
        netlink.addVlan("far.100", netlink.find("far").value().index, 100);
        const int index = netlink.find("far.100").value().index;
        netlink.change(index, {.up = true});
        netlink.addAddress(index, "10.6.0.1/24");
    });
    Machine host(world, "", {.physical = {{"physnet1", "eth9"}}});
    NetworkPlan plan;
    plan.networks = {networkOn(1, "10.6.0", {"vlan", "physnet1", 100}),
                     networkOn(2, "10.6.0", {"vlan", "physnet1", 101}), networkOn(3, "10.7.0", {"local", "", 0})};
    auto inner = portOn(4, 1, "10.6.0.14");
    inner.trunk = port(3);
    inner.vlan = 30;
    plan.ports = {portOn(1, 1, "10.6.0.11"), portOn(2, 2, "10.6.0.12"), portOn(3, 3, "10.7.0.13"), inner};
    plan.securityGroups = {everything(1)};
    CHECK(toldOf(host.applies(plan)) == "");
    CHECK(host.link("eth9.100")->master == host.link(bridgeOf(networkId(1)))->index);
    CHECK(host.link(tapNameOf(port(4)))->kind == "vlan");
    auto one = host.guest(1), two = host.guest(2), three = host.guest(3);
    one->has("10.6.0.11/24");
    two->has("10.6.0.12/24");
    CHECK(one->pings("10.6.0.1"));
    CHECK_FALSE(pingsIn(two->name(), "10.6.0.1", 2));
    CHECK_FALSE(pingsIn(two->name(), "10.6.0.11", 2));

    const auto tags = [&](int number, const std::string& address) { // within the guest, as it sees its trunk
        netns::inside(three->name(), [&] {
            Netlink netlink;
            const auto name = "eth0." + std::to_string(number);
            netlink.addVlan(name, netlink.find("eth0").value().index, number);
            const int index = netlink.find(name).value().index;
            netlink.change(index, {.mac = mac(4)});
            netlink.change(index, {.up = true});
            netlink.addAddress(index, address);
        });
    };
    three->has("10.7.0.13/24");
    tags(30, "10.6.0.14/24");
    CHECK(pingsIn(three->name(), "10.6.0.11"));
    CHECK(pingsIn(three->name(), "10.6.0.1"));
    CHECK(pingsIn("outside", "10.6.0.14"));

    SECTION("under another tag it reaches nobody") {
        plan.ports[3].vlan = 31;
        CHECK(toldOf(host.applies(plan)) == "");
        CHECK_FALSE(pingsIn(three->name(), "10.6.0.11", 2));
    }
    SECTION("a sub-port that is taken out is gone, its parent stays") {
        plan.ports.pop_back();
        CHECK(toldOf(host.applies(plan)) == "");
        CHECK_FALSE(host.link(tapNameOf(port(4))));
        CHECK(host.link(tapNameOf(port(3))));
        CHECK_FALSE(pingsIn(three->name(), "10.6.0.11", 2));
    }
    SECTION("under an address that isn't its own it says nothing") {
        plan.ports[3].fixedIps = {{subnet(1), "10.6.0.77"}};
        CHECK(toldOf(host.applies(plan)) == "");
        CHECK_FALSE(pingsIn(three->name(), "10.6.0.11", 2));
    }
}

TEST_CASE("Where the kernel has no VLANs, that is told, and costs nobody else anything", "[network][linux][vlan]") {
    NEEDS_ROOT();
    const LinuxWorld world;
    wire("eth9", "outside", "", "");
    bool has = true;
    try {
        Netlink netlink;
        netlink.addVlan("eth9.1", netlink.find("eth9").value().index, 1);
    } catch (const Error& problem) {
        has = false;
        CHECK(std::string(problem.what()).find("this kernel has none (8021q)") != std::string::npos);
    }
    Machine host(world, "", {.physical = {{"physnet1", "eth9"}}});
    NetworkPlan plan;
    plan.networks = {networkOn(1, "10.6.0", {"vlan", "physnet1", 100})};
    auto inner = portOn(4, 1, "10.6.0.14");
    inner.trunk = port(1);
    inner.vlan = 30;
    plan.ports = {portOn(1, 1, "10.6.0.11"), portOn(2, 1, "10.6.0.12"), inner};
    plan.securityGroups = {everything(1)};
    const auto problems = host.applies(plan);
    CHECK(problems.size() == (has ? 0 : 2)); // the network's way out, and the sub-port
    auto one = host.guest(1), two = host.guest(2);
    one->has("10.6.0.11/24");
    two->has("10.6.0.12/24");
    CHECK(one->pings("10.6.0.12"));
}
