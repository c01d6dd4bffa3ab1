#include <catch2/catch.hpp>

#include <functional>
#include <map>

#include "compute/cloud.hpp"
#include "network/network_plan.hpp"
#include "platform/cloud/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";

std::string inQuotes(const std::string& text) { return "\"" + text + "\""; }

/// The id of what an answer of this status made.
std::string made(const Answer& answer, const std::string& noun, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(noun).text("id");
}

struct Wired {
    Wired() = default;
    explicit Wired(const std::vector<TestOption>& options) : cloud(options) {}

    Cloud cloud;
    const Member& alice = cloud.alice;
    std::string outside =
        alice.gets(v2 + "networks?router:external=true").json().array("networks").items().at(0).text("id");

    std::string network(const std::string& cidr) {
        const auto id = made(alice.posts(v2 + "networks", R"({"network":{"name":"n"}})"), "network");
        subnet(id, cidr);
        return id;
    }
    std::string subnet(const std::string& on, const std::string& cidr) {
        return made(alice.posts(v2 + "subnets", R"({"subnet":{"network_id":)" + inQuotes(on) +
                                                    R"(,"ip_version":4,"cidr":)" + inQuotes(cidr) + "}}"),
                    "subnet");
    }
    Answer asksServer(const std::string& on) {
        return alice.posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":)" +
                                                        inQuotes(cloud.image) + R"(,"networks":[{"uuid":)" +
                                                        inQuotes(on) + "}]}}");
    }
    std::string boots(const std::string& on) {
        const auto id = made(asksServer(on), "server", 202);
        cloud.appliance.settle();
        return id;
    }
    std::string portOf(const std::string& server) {
        return alice.gets(v2 + "ports?device_id=" + server).json().array("ports").items().at(0).text("id");
    }
    std::string status(const std::string& noun, const std::string& id) {
        return alice.gets(v2 + noun + "s/" + id).json().object(noun).text("status");
    }
    NetworkPlan readAnew() {
        return cloud.appliance.appliance().store().read([](store::Reader& db) {
            return network::networkPlan(db, {.host = hostName(), .dnsDomain = "openstacklocal"});
        });
    }
};

}

TEST_CASE("The plan that is kept up is the plan that is read anew, whatever happens", "[network][wiring]") {
    Wired world;
    const auto& alice = world.alice;
    const auto admin = world.cloud.appliance.admin();
    const auto follows = [&](const std::string& what) {
        world.cloud.appliance.settle();
        INFO(what);
        CHECK(world.cloud.appliance.network().plan() == world.readAnew());
    };
    const auto changes = [&](const std::string& what, const Answer& answer, int status) {
        INFO(what << ": " << answer.body);
        REQUIRE(answer.status == status);
        follows(what);
        return answer;
    };
    const auto first = world.network("10.1.0.0/24"), second = world.network("10.2.0.0/24");
    const auto one = world.boots(first), two = world.boots(second);
    follows("servers");
    const auto router = made(changes("router", alice.posts(v2 + "routers", R"({"router":{}})"), 201), "router");
    const auto at = [&](const std::string& action, const std::string& on) {
        const auto subnet =
            alice.gets(v2 + "subnets?network_id=" + on).json().array("subnets").items().at(0).text("id");
        return alice.puts(v2 + "routers/" + router + "/" + action, R"({"subnet_id":)" + inQuotes(subnet) + "}");
    };
    changes("interface", at("add_router_interface", first), 200);
    changes("another", at("add_router_interface", second), 200);
    const auto changeRouter = [&](const std::string& what) {
        changes(what, alice.puts(v2 + "routers/" + router, R"({"router":{)" + what + "}}"), 200);
    };
    changeRouter(R"("external_gateway_info":{"network_id":)" + inQuotes(world.outside) + "}");
    const auto floating =
        changes("floating IP",
                alice.posts(v2 + "floatingips", R"({"floatingip":{"floating_network_id":)" + inQuotes(world.outside) +
                                                    R"(,"port_id":)" + inQuotes(world.portOf(one)) + "}}"),
                201)
            .json()
            .object("floatingip")
            .text("id");
    CHECK(world.readAnew().routers.at(0).floatingIps.size() == 1);
    const auto moveTo = [&](const std::string& port) {
        changes("floating IP moved to " + port,
                alice.puts(v2 + "floatingips/" + floating, R"({"floatingip":{"port_id":)" + port + "}}"), 200);
    };
    moveTo(inQuotes(world.portOf(two)));
    moveTo("null");
    moveTo(inQuotes(world.portOf(one)));
    changeRouter(R"("routes":[{"destination":"10.9.0.0/16","nexthop":"10.1.0.9"}])");
    changeRouter(R"("admin_state_up":false)");
    changeRouter(R"("admin_state_up":true)");
    changeRouter(R"("routes":null)");

    const auto group =
        made(changes("group", alice.posts(v2 + "security-groups", R"({"security_group":{"name":"a"}})"), 201),
             "security_group");
    const auto other =
        made(changes("group", alice.posts(v2 + "security-groups", R"({"security_group":{"name":"b"}})"), 201),
             "security_group");
    const auto rule = made(changes("rule",
                                   alice.posts(v2 + "security-group-rules",
                                               R"({"security_group_rule":{"direction":"ingress","security_group_id":)" +
                                                   inQuotes(group) + R"(,"remote_group_id":)" + inQuotes(other) + "}}"),
                                   201),
                           "security_group_rule");
    const auto changePort = [&](const std::string& server, const std::string& what, const Member& who) {
        changes(what, who.puts(v2 + "ports/" + world.portOf(server), R"({"port":{)" + what + "}}"), 200);
    };
    changePort(one, R"("security_groups":[)" + inQuotes(group) + "]", alice);
    const auto addresses =
        made(changes("address group",
                     alice.posts(v2 + "address-groups", R"({"address_group":{"addresses":["192.0.2.0/24"]}})"), 201),
             "address_group");
    changes("rule that names addresses",
            alice.posts(v2 + "security-group-rules",
                        R"({"security_group_rule":{"direction":"ingress","security_group_id":)" + inQuotes(group) +
                            R"(,"remote_address_group_id":)" + inQuotes(addresses) + "}}"),
            201);
    const auto change = [&](const std::string& action) {
        changes(action,
                alice.puts(v2 + "address-groups/" + addresses + "/" + action, R"({"addresses":["198.51.100.7/32"]})"),
                200);
    };
    const auto named = [&] {
        std::vector<std::string> all;
        for (const auto& each : world.readAnew().securityGroups)
            for (const auto& line : each.rules)
                if (line.remoteAddresses) all = *line.remoteAddresses;
        return all;
    };
    change("add_addresses");
    CHECK(named() == std::vector<std::string>{"192.0.2.0/24", "198.51.100.7/32"});
    change("remove_addresses");
    CHECK(named() == std::vector<std::string>{"192.0.2.0/24"});
    changes("a group that a rule names is deleted", alice.deletes(v2 + "security-groups/" + other), 204);
    CHECK(alice.gets(v2 + "security-group-rules/" + rule).status == 404);
    changePort(one, R"("allowed_address_pairs":[{"ip_address":"10.1.0.99"}])", alice);
    changePort(one, R"("admin_state_up":false)", alice);
    changePort(one, R"("fixed_ips":[{"ip_address":"10.1.0.77"}])", alice);
    CHECK(world.readAnew().routers.at(0).floatingIps.empty()); // it led to the address before
    moveTo(inQuotes(world.portOf(one)));

    const auto changeNetwork = [&](const std::string& what, const Member& who) {
        changes(what, who.puts(v2 + "networks/" + first, R"({"network":{)" + what + "}}"), 200);
    };
    changeNetwork(R"("admin_state_up":false)", alice);
    changeNetwork(R"("admin_state_up":true)", alice);
    changeNetwork(R"("mtu":1400)", alice);
    changeNetwork(R"("router:external":true)", admin);
    changeNetwork(R"("router:external":false)", admin);
    const auto more = world.subnet(first, "10.3.0.0/24");
    follows("subnet");
    changes("DHCP off", alice.puts(v2 + "subnets/" + more, R"({"subnet":{"enable_dhcp":false}})"), 200);
    changes("subnet gone", alice.deletes(v2 + "subnets/" + more), 204);

    changes("server gone", alice.deletes("/compute/v2.1/servers/" + one), 204);
    changes("interface gone", at("remove_router_interface", first), 200);
    changes("network gone", alice.deletes(v2 + "networks/" + first), 204);
    changes("gateway port's address",
            admin.puts(v2 + "ports/" + world.readAnew().routers.at(0).gateway->port.text,
                       R"({"port":{"fixed_ips":[{"ip_address":"172.24.4.200"}]}})"),
            200);
    changes("floating IP gone", alice.deletes(v2 + "floatingips/" + floating), 204);
    changes("server gone", alice.deletes("/compute/v2.1/servers/" + two), 204);
    changes("interface gone", at("remove_router_interface", second), 200);
    changes("router gone", alice.deletes(v2 + "routers/" + router), 204);
    CHECK(world.readAnew().ports.empty());
    world.cloud.appliance.restart();
    follows("restart");
}

TEST_CASE("What can't be wired shows where it is, and fails whose it is", "[network][wiring]") {
    Wired world;
    const auto good = world.network("10.1.0.0/24"), bad = world.network("10.2.0.0/24");
    const auto router = made(world.alice.posts(v2 + "routers", R"({"router":{}})"), "router");
    auto& driver = world.cloud.appliance.network();
    using Of = NetworkProblem::Of;
    driver.failsWith({{Of::Network, bad, "no bridge"}, {Of::Router, router, "no way"}});
    const auto before = world.boots(good);
    CHECK(world.cloud.status(world.alice, before) == "ACTIVE");
    CHECK(world.status("port", world.portOf(before)) == "ACTIVE");
    CHECK(world.status("network", good) == "ACTIVE");
    CHECK(world.status("network", bad) == "ERROR");
    CHECK(world.status("router", router) == "ERROR");
    const auto failed = world.alice.gets(v2 + "networks?status=ERROR").json().array("networks").items();
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].text("id") == bad);
    CHECK(world.cloud.status(world.alice, world.boots(bad)) == "ACTIVE"); // its port is wired

    // A guest that must be started again is no hindrance to starting it.
    const auto port = world.portOf(before);
    driver.failsWith({{Of::Port, port, "cut off", false}});
    driver.changedByOthers();
    for (int tries = 0; tries < 100 && world.status("port", port) != "DOWN"; ++tries) usleep(50'000);
    CHECK(world.status("port", port) == "DOWN");
    auto& hypervisor = world.cloud.appliance.hypervisor();
    for (int tries = 0; tries < 100 && hypervisor.calls("ensureNicAttached") == 0; ++tries) usleep(50'000);
    world.cloud.appliance.settle();
    CHECK(hypervisor.calls("nicUnplugged") == 1); // it was given its interface anew
    CHECK(hypervisor.calls("ensureNicAttached") == 1);
    CHECK(world.status("network", bad) == "ACTIVE");
    CHECK(world.cloud.acts(world.alice, before, R"({"reboot":{"type":"HARD"}})").status == 202);
    world.cloud.appliance.settle();
    CHECK(world.cloud.status(world.alice, before) == "ACTIVE");
    driver.failsWith({});
    driver.changedByOthers();
    for (int tries = 0; tries < 100 && world.status("port", port) != "ACTIVE"; ++tries) usleep(50'000);
    CHECK(world.status("port", port) == "ACTIVE");

    // A port that has no device fails its own server.
    const auto ownPort =
        made(world.alice.posts(v2 + "ports", R"({"port":{"network_id":)" + inQuotes(good) + "}}"), "port");
    driver.failsWith({{Of::Port, ownPort, "no device", true}});
    const auto server =
        made(world.alice.posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":)" +
                                                            inQuotes(world.cloud.image) + R"(,"networks":[{"port":)" +
                                                            inQuotes(ownPort) + "}]}}"),
             "server", 202);
    const auto other = world.boots(good);
    CHECK(world.cloud.status(world.alice, other) == "ACTIVE");
    for (int tries = 0; tries < 200 && world.cloud.status(world.alice, server) != "ERROR"; ++tries) usleep(50'000);
    CHECK(world.cloud.status(world.alice, server) == "ERROR");
}

TEST_CASE("A plan has taps for the ports that are bound to its host only, and still knows the others",
          "[network][wiring]") {
    Wired world;
    const auto on = world.network("10.1.0.0/24");
    const auto here = world.portOf(world.boots(on)), there = world.portOf(world.boots(on));
    const auto admin = world.cloud.appliance.admin();
    const auto moved = admin.puts(v2 + "ports/" + there, R"({"port":{"binding:host_id":"another"}})");
    INFO(moved.body);
    REQUIRE(moved.status == 200);
    world.cloud.appliance.settle();
    const auto tapped = [&](const NetworkPlan& plan) {
        std::map<std::string, bool> taps;
        for (const auto& each : plan.ports) taps[each.id.text] = each.tapped;
        return taps;
    };
    CHECK(tapped(world.readAnew()) == std::map<std::string, bool>{{here, true}, {there, false}});
    CHECK(tapped(world.cloud.appliance.network().plan()) == tapped(world.readAnew())); // the one that is kept up, too
    const auto elsewhere = world.cloud.appliance.appliance().store().read(
        [](store::Reader& db) { return network::networkPlan(db, {.host = "another", .dnsDomain = "openstacklocal"}); });
    CHECK(tapped(elsewhere) == std::map<std::string, bool>{{here, false}, {there, true}});
}

TEST_CASE("A log is in the plan of the ports that it is about, and of no others", "[network][wiring][logging]") {
    Wired world;
    const auto& alice = world.alice;
    const auto admin = world.cloud.appliance.admin();
    const auto on = world.network("10.1.0.0/24");
    const auto one = world.portOf(world.boots(on)), two = world.portOf(world.boots(on));
    const auto group =
        made(alice.posts(v2 + "security-groups", R"({"security_group":{"name":"a"}})"), "security_group");
    const auto standard =
        alice.gets(v2 + "ports/" + one).json().object("port").array("security_groups").items()[0].text();
    const auto answered = [&](const Answer& answer, int status) {
        INFO(answer.body);
        REQUIRE(answer.status == status);
        world.cloud.appliance.settle();
        CHECK(world.cloud.appliance.network().plan() == world.readAnew());
        return answer;
    };
    const auto putsInto = [&](const std::string& port, const std::string& groups) {
        answered(alice.puts(v2 + "ports/" + port, R"({"port":{"security_groups":[)" + groups + "]}}"), 200);
    };
    const auto logs = [&](const std::string& what) {
        return made(
            answered(admin.posts(v2 + "log/logs", R"({"log":{"resource_type":"security_group",)" + what + "}}"), 201),
            "log");
    };
    const auto logged = [&] { // which ports are, by which logs
        std::map<std::string, std::vector<PlannedLog>> all;
        for (const auto& each : world.readAnew().ports)
            if (!each.logs.empty()) all[each.id.text] = each.logs;
        return all;
    };
    using Logged = std::map<std::string, std::vector<PlannedLog>>;
    putsInto(one, inQuotes(group) + "," + inQuotes(standard));
    CHECK(logged().empty());

    const auto log = logs(R"("event":"DROP","resource_id":)" + inQuotes(group));
    const PlannedLog drops{{log}, false, true, SecurityGroupId{group}};
    CHECK(logged() == Logged{{one, {drops}}});
    putsInto(two, inQuotes(group));
    CHECK(logged() == Logged{{one, {drops}}, {two, {drops}}});
    putsInto(one, inQuotes(standard));
    CHECK(logged() == Logged{{two, {drops}}});
    const auto change = [&](const std::string& body) {
        answered(admin.puts(v2 + "log/logs/" + log, R"({"log":{)" + body + "}}"), 200);
    };
    change(R"("enabled":false)");
    CHECK(logged().empty());
    change(R"("enabled":true)");
    CHECK(logged() == Logged{{two, {drops}}});
    answered(admin.deletes(v2 + "log/logs/" + log), 204);
    CHECK(logged().empty());

    const auto target =
        logs(R"("event":"ACCEPT","target_id":)" + inQuotes(two) + R"(,"resource_id":)" + inQuotes(group));
    CHECK(logged() == Logged{{two, {{{target}, true, false, SecurityGroupId{group}}}}});
    answered(admin.deletes(v2 + "log/logs/" + target), 204);
    const auto all = logs(R"("project_id":)" + inQuotes(alice.project));
    CHECK(logged() == Logged{{one, {{{all}}}}, {two, {{{all}}}}});
    CHECK(world.readAnew().ports.at(0).project.text == alice.project);
    putsInto(one, "");
    answered(alice.puts(v2 + "ports/" + one, R"({"port":{"port_security_enabled":false}})"), 200);
    CHECK(logged() == Logged{{two, {{{all}}}}}); // nothing judges the other's packets
    answered(admin.deletes(v2 + "log/logs/" + all), 204);
    CHECK(logged().empty());
    logs(R"("event":"DROP")"); // of a project without ports
    CHECK(logged().empty());
}

TEST_CASE("Each of several hosts has a plan of its own, with its own DHCP server on a network that both serve",
          "[network][wiring][dhcp]") {
    const std::vector<TestOption> two{{"network", "dhcp_agents_per_network", "2"},
                                      {"network", "tenant_network_types", "vxlan"},
                                      {"network", "tunnel_address", "192.0.2.1"}};
    Wired world(two);
    const auto admin = world.cloud.appliance.admin();
    const auto planOf = [&](const std::string& host) {
        return world.cloud.appliance.appliance().store().read(
            [&](store::Reader& db) { return network::networkPlan(db, {.host = host, .dnsDomain = "openstacklocal"}); });
    };
    const auto serversOf = [&](const std::string& on) {
        std::map<std::string, std::string> devices; // by host
        for (const auto& each :
             admin.gets(v2 + "ports?device_owner=network:dhcp&network_id=" + on).json().array("ports").items())
            devices[each.text("binding:host_id")] = each.text("device_id");
        return devices;
    };
    const auto on = world.network("10.1.0.0/24"); // while there is one host
    CHECK(serversOf(on).size() == 1);
    world.cloud.appliance.appliance().store().write([](store::Transaction& tx) {
        tx.execute("INSERT INTO network_hosts VALUES ('compute-2.example.org', '192.0.2.2', '[]')");
        tx.execute("INSERT INTO network_hosts VALUES ('storage-3', '', '[]')"); // which no tunnel leads to
    });
    world.cloud.appliance.restart();
    world.cloud.appliance.settle();
    const auto servers = serversOf(on);
    REQUIRE(servers.size() == 2);
    // uuid5(NAMESPACE_DNS, "compute-2")
    CHECK(servers.at("compute-2.example.org") == "dhcp9811decb-80f0-5552-99d1-1d2f6f5bea9a-" + on);

    const auto here = world.portOf(world.boots(on)), there = world.portOf(world.boots(on));
    const auto moved = admin.puts(v2 + "ports/" + there, R"({"port":{"binding:host_id":"compute-2.example.org"}})");
    REQUIRE(moved.status == 200);
    world.cloud.appliance.settle();
    const auto mine = planOf(hostName()), theirs = planOf("compute-2.example.org"), third = planOf("storage-3");
    const auto only = [&](const NetworkPlan& plan) {
        for (const auto& each : plan.networks)
            if (each.id.text == on) return each;
        FAIL("the network is not in the plan");
        return PlannedNetwork();
    };
    CHECK(world.cloud.appliance.network().plan() == mine);
    const auto one = only(mine), other = only(theirs);
    REQUIRE(one.dhcp);
    REQUIRE(other.dhcp);
    CHECK(one.dhcp->port != other.dhcp->port);
    CHECK(one.dhcp->mac != other.dhcp->mac);
    REQUIRE(one.dhcp->addresses.size() == 1);
    REQUIRE(other.dhcp->addresses.size() == 1);
    CHECK(one.dhcp->addresses[0].address != other.dhcp->addresses[0].address);
    REQUIRE(one.remotes.size() == 1);
    CHECK(one.remotes[0].id == other.dhcp->port);
    CHECK(one.remotes[0].tunnel == "192.0.2.2");
    REQUIRE(other.remotes.size() == 1);
    CHECK(other.remotes[0].id == one.dhcp->port);
    CHECK(other.remotes[0].tunnel == "192.0.2.1");
    CHECK_FALSE(only(third).dhcp);
    CHECK(one.segments == other.segments);
    // Both know all guests, each with a tap for its own and the way to the others.
    for (const auto* plan : {&mine, &theirs}) {
        REQUIRE(plan->ports.size() == 2);
        for (const auto& each : plan->ports) {
            CHECK(each.tapped == (plan == &mine ? each.id.text == here : each.id.text == there));
            CHECK(each.tunnel == (each.tapped ? "" : plan == &mine ? "192.0.2.2" : "192.0.2.1"));
            CHECK(each.fixedIps.size() == 1);
        }
    }
    CHECK(theirs.securityGroups == mine.securityGroups);
    CHECK(theirs.routers.empty());

    // A host that is gone serves nothing, nor is anything kept for it.
    world.cloud.appliance.appliance().store().write(
        [](store::Transaction& tx) { tx.execute("DELETE FROM network_hosts WHERE name <> ?", hostName()); });
    world.cloud.appliance.restart();
    CHECK(serversOf(on) == std::map<std::string, std::string>{{hostName(), servers.at(hostName())}});
    const auto local = planOf(hostName());
    CHECK(only(local).dhcp == one.dhcp);
}
