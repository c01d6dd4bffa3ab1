#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

Answer asksTopology(const Member& who, const std::string& project, const std::string& query = "") {
    return who.gets(v2 + "auto-allocated-topology/" + project + query);
}

std::string defaultPool(const Member& admin) {
    return creates(admin, "subnetpool",
                   R"("name":"p","prefixes":["10.50.0.0/16"],"default_prefixlen":26,"is_default":true,"shared":true)");
}

}

TEST_CASE("A project gets a network that leads outside without making one", "[network][topology]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    CHECK(refusal(asksTopology(alice, alice.project)) == "409 AutoAllocationFailure"); // there is no default pool
    CHECK(refusal(asksTopology(alice, alice.project, "?fields=dry-run")) == "409 AutoAllocationFailure");
    CHECK(idsIn(alice.gets(v2 + "networks?router:external=false"), "networks").empty());
    defaultPool(admin);
    CHECK(made(asksTopology(alice, alice.project, "?fields=dry-run"), "auto_allocated_topology", 200).text("id") ==
          "dry-run=pass");
    CHECK(idsIn(alice.gets(v2 + "networks?router:external=false"), "networks").empty());

    const auto topology = made(asksTopology(alice, alice.project), "auto_allocated_topology", 200);
    const auto id = topology.text("id");
    CHECK(topology.text("tenant_id") == alice.project);
    const auto network = made(alice.gets(v2 + "networks/" + id), "network", 200);
    CHECK(network.text("name") == "auto_allocated_network");
    CHECK(network.text("project_id") == alice.project);
    CHECK(network.array("subnets").size() == 1);
    const auto router = alice.gets(v2 + "routers").json().array("routers").items();
    REQUIRE(router.size() == 1);
    CHECK(router[0].object("external_gateway_info").text("network_id") == publicNetwork(alice));
    CHECK(idsIn(alice.gets(v2 + "ports?network_id=" + id + "&device_owner=network:router_interface"), "ports").size() ==
          1);
    CHECK(made(asksTopology(alice, alice.project), "auto_allocated_topology", 200).text("id") ==
          id); // and no second one
    CHECK(made(asksTopology(alice, "None"), "auto_allocated_topology", 200).text("id") == id);
    CHECK(refusal(asksTopology(alice, alice.project, "?fields=colour")) == "400 BadRequest");
    CHECK(refusal(asksTopology(bob, alice.project)) == "403 PolicyNotAuthorized");
    CHECK(made(asksTopology(bob, bob.project), "auto_allocated_topology", 200).text("id") != id);

    const auto path = v2 + "auto-allocated-topology/" + alice.project;
    CHECK(refusal(bob.deletes(path)) == "403 PolicyNotAuthorized");
    const auto port = creates(alice, "port", R"("network_id":)" + inQuotes(id));
    CHECK(refusal(alice.deletes(path)) == "409 NetworkInUse");
    CHECK(alice.gets(v2 + "routers").json().array("routers").size() == 1); // all or nothing
    CHECK(alice.deletes(v2 + "ports/" + port).status == 204);
    CHECK(alice.deletes(path).status == 204);
    CHECK(idsIn(alice.gets(v2 + "networks?router:external=false"), "networks").empty());
    CHECK(alice.gets(v2 + "routers").json().array("routers").size() == 0);
    CHECK(refusal(alice.deletes(path)) == "404 AutoAllocatedTopologyNotFound");
}

TEST_CASE("Who only reads gets no network made, and quotas hold for one that is", "[network][topology][security]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto reader = cloud.colleague(alice, "rita", "reader");
    defaultPool(admin);
    CHECK(refusal(asksTopology(reader, alice.project)) == "403 PolicyNotAuthorized");
    REQUIRE(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"router":0}})").status == 200);
    CHECK(refusal(asksTopology(alice, alice.project)) == "409 OverQuota");
    CHECK(idsIn(alice.gets(v2 + "networks?router:external=false"), "networks").empty()); // nothing is left of it
    REQUIRE(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"router":1}})").status == 200);
    const auto id = made(asksTopology(alice, alice.project), "auto_allocated_topology", 200).text("id");
    CHECK(made(asksTopology(reader, alice.project), "auto_allocated_topology", 200).text("id") == id);
}

TEST_CASE("A server in a project without a network gets one where that is asked for", "[network][topology]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto& alice = cloud.alice;
    const auto asks = [&] {
        return alice.posts("/compute/v2.1/servers",
                           R"({"server":{"name":"s","flavorRef":"1","networks":"auto","imageRef":)" +
                               inQuotes(cloud.image) + "}}",
                           {{"OpenStack-API-Version", "compute 2.37"}});
    };
    const auto boots = [&] {
        const auto id = made(asks(), "server", 202).text("id");
        cloud.appliance.settle();
        return alice.gets(v2 + "ports?device_id=" + id).json().array("ports").items();
    };
    const auto refused = [&] {
        const auto answer = asks();
        INFO(answer.body);
        CHECK(answer.status == 400);
        CHECK(answer.json().object("badRequest").text("message") ==
              "Unable to automatically allocate a network for project " + alice.project);
        CHECK(alice.gets("/compute/v2.1/servers").json().array("servers").size() == 0);
    };
    refused(); // there is no pool to make one from
    defaultPool(admin);
    const auto outside = publicNetwork(admin);
    const auto setsDefault = [&](const std::string& value) {
        made(admin.puts(v2 + "networks/" + outside, R"({"network":{"is_default":)" + value + "}}"), "network", 200);
    };
    setsDefault("false");
    refused(); // nor a way outside
    setsDefault("true");
    const auto ports = boots();
    REQUIRE(ports.size() == 1);
    const auto network = ports[0].text("network_id");
    CHECK(made(alice.gets(v2 + "networks/" + network), "network", 200).text("name") == "auto_allocated_network");
    CHECK(boots().at(0).text("network_id") == network);
}

TEST_CASE("There is one default external network", "[network][topology]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto outside = publicNetwork(admin);
    CHECK(made(admin.gets(v2 + "networks/" + outside), "network", 200).at("is_default").boolean());
    const auto other = creates(admin, "network", R"("router:external":true)");
    const auto sets = [&](const std::string& id, const std::string& value) {
        return admin.puts(v2 + "networks/" + id, R"({"network":{"is_default":)" + value + "}}");
    };
    CHECK(refusal(sets(other, "true")) == "409 DefaultExternalNetworkExists");
    CHECK(refusal(admin.posts(v2 + "networks", R"({"network":{"router:external":true,"is_default":true}})")) ==
          "409 DefaultExternalNetworkExists");
    CHECK(sets(outside, "true").status == 200);
    CHECK(sets(outside, "false").status == 200);
    CHECK(sets(other, "true").status == 200);
}
