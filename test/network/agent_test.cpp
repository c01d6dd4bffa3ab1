#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "compute/cloud.hpp"
#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

/// The agents by their kinds.
std::map<std::string, Json> agentsOf(const Member& admin) {
    std::map<std::string, Json> found;
    const auto answer = admin.gets(v2 + "agents");
    INFO(answer.body);
    for (const auto& each : answer.json().array("agents").items()) found.emplace(each.text("agent_type"), each);
    return found;
}

}

TEST_CASE("There is one agent of each kind, and it lives as long as the host follows the plan", "[network][agent]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    cloud.settle();
    const auto agents = agentsOf(admin);
    REQUIRE(agents.size() == 4);
    const std::map<std::string, std::string> binaries{{"Linux bridge agent", "neutron-linuxbridge-agent"},
                                                      {"DHCP agent", "neutron-dhcp-agent"},
                                                      {"L3 agent", "neutron-l3-agent"},
                                                      {"Metadata agent", "neutron-metadata-agent"}};
    for (const auto& [kind, agent] : agents) {
        INFO(kind);
        CHECK(agent.text("binary") == binaries.at(kind));
        CHECK(agent.at("alive").boolean());
        CHECK(agent.at("admin_state_up").boolean());
        CHECK(agent.at("resources_synced").isNull());
        CHECK(agent.at("description").isNull());
        CHECK(agent.at("configurations").isObject());
        CHECK(agent.text("heartbeat_timestamp") >= agent.text("started_at"));
        CHECK(agent.text("started_at").size() == std::string("2017-09-12 19:40:38").size());
        CHECK(made(admin.gets(v2 + "agents/" + agent.text("id")), "agent", 200).text("agent_type") == kind);
        CHECK(refusal(alice.gets(v2 + "agents/" + agent.text("id"))) == "404 AgentNotFound");
    }
    CHECK(agents.at("L3 agent").text("availability_zone") == "nova");
    CHECK(agents.at("Metadata agent").at("availability_zone").isNull());
    CHECK(idsIn(alice.gets(v2 + "agents"), "agents").empty());

    const auto found = [&](const std::string& query) { return idsIn(admin.gets(v2 + "agents?" + query), "agents"); };
    CHECK(found("agent_type=DHCP%20agent") == std::set{agents.at("DHCP agent").text("id")});
    CHECK(found("binary=neutron-l3-agent") == std::set{agents.at("L3 agent").text("id")});
    CHECK(found("topic=N/A").size() == 2);
    CHECK(found("availability_zone=nova").size() == 2);
    CHECK(found("host=elsewhere").empty());
    CHECK(found("alive=true").size() == 4);
    CHECK(found("alive=false").empty());
    CHECK(admin.gets(v2 + "agents?colour=red").status == 400);

    cloud.passes(std::chrono::seconds(100)); // nobody has looked after the host meanwhile
    for (const auto& [kind, agent] : agentsOf(admin)) CHECK_FALSE(agent.at("alive").boolean());
    CHECK(found("alive=true").empty());
    CHECK(found("alive=false").size() == 4);
    creates(alice, "network"); // which makes it follow
    cloud.settle();
    CHECK(found("alive=true").size() == 4);
}

TEST_CASE("An administrator describes an agent, and one that is removed comes back with its next beat",
          "[network][agent]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto one = v2 + "agents/" + agentsOf(admin).at("DHCP agent").text("id");
    CHECK(made(admin.puts(one, R"({"agent":{"description":"mine"}})"), "agent", 200).text("description") == "mine");
    CHECK(made(admin.puts(one, R"({"agent":{"description":null}})"), "agent", 200).at("description").isNull());
    CHECK(refusal(admin.puts(one, R"({"agent":{"host":"x"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(admin.puts(one, R"({"agent":{"admin_state_up":"maybe"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.puts(one, R"({"agent":{"description":"x"}})")) == "404 AgentNotFound");
    CHECK(refusal(alice.deletes(one)) == "404 AgentNotFound");
    CHECK(admin.posts(v2 + "agents", R"({"agent":{}})").status == 405);

    CHECK(admin.deletes(one).status == 204);
    CHECK(refusal(admin.gets(one)) == "404 AgentNotFound");
    cloud.settle();
    CHECK(agentsOf(admin).size() == 4);
    CHECK(v2 + "agents/" + agentsOf(admin).at("DHCP agent").text("id") != one);
}

TEST_CASE("A network has DHCP where an agent serves it, and none where it was taken away", "[network][agent]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto& alice = cloud.alice;
    const auto net = networkWith(alice, "10.1.0.0/24"), bare = creates(alice, "network");
    const auto agents = agentsOf(admin);
    const auto agent = v2 + "agents/" + agents.at("DHCP agent").text("id"), its = agent + "/dhcp-networks";
    const auto hosts = [&](const std::string& id) {
        return idsIn(admin.gets(v2 + "networks/" + id + "/dhcp-agents"), "agents");
    };
    const auto zones = [&](const std::string& id) {
        return made(alice.gets(v2 + "networks/" + id), "network", 200).array("availability_zones").size();
    };
    CHECK(idsIn(admin.gets(its), "networks").contains(net));
    CHECK_FALSE(idsIn(admin.gets(its), "networks").contains(bare)); // there is nothing to serve
    CHECK(hosts(net) == std::set{agents.at("DHCP agent").text("id")});
    CHECK(hosts(bare).empty());
    CHECK(zones(net) == 1);
    CHECK(zones(bare) == 0);

    const auto server =
        made(alice.posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":)" +
                                                      inQuotes(cloud.image) + R"(,"networks":[{"uuid":)" +
                                                      inQuotes(net) + "}]}}"),
             "server", 202);
    const auto isServed = [&] {
        cloud.appliance.settle();
        for (const auto& each : cloud.appliance.network().plan().networks)
            if (each.id.text == net) return each.dhcp.has_value();
        return false;
    };
    CHECK(isServed());
    const auto body = [](const std::string& id) { return R"({"network_id":)" + inQuotes(id) + "}"; };
    CHECK(refusal(admin.posts(its, body(net))) == "409 NetworkHostedByDHCPAgent");
    CHECK(admin.deletes(its + "/" + net).status == 204);
    CHECK_FALSE(isServed());
    CHECK(hosts(net).empty());
    CHECK(zones(net) == 0);
    CHECK_FALSE(idsIn(admin.gets(its), "networks").contains(net));
    CHECK(refusal(admin.deletes(its + "/" + net)) == "409 NetworkNotHostedByDhcpAgent");
    const auto given = admin.posts(its, body(net));
    CHECK(given.status == 201);
    CHECK(given.body == "null");
    CHECK(isServed());
    CHECK(admin.posts(its, body(bare)).status == 201);
    CHECK(hosts(bare).size() == 1);
    CHECK(alice.deletes(v2 + "networks/" + bare).status == 204);

    CHECK(refusal(admin.posts(its, body("nothing"))) == "404 NetworkNotFound");
    CHECK(refusal(admin.posts(its, "{}")) == "400 HTTPBadRequest");
    const auto bridge = v2 + "agents/" + agents.at("Linux bridge agent").text("id") + "/dhcp-networks";
    CHECK(refusal(admin.posts(bridge, body(net))) == "404 InvalidDHCPAgent");
    CHECK(idsIn(admin.gets(bridge), "networks").empty());
    CHECK(refusal(alice.gets(its)) == "404 AgentNotFound");
    CHECK(refusal(alice.gets(v2 + "networks/" + net + "/dhcp-agents")) == "403 PolicyNotAuthorized");

    const auto sets = [&](const std::string& up) {
        made(admin.puts(agent, R"({"agent":{"admin_state_up":)" + up + "}}"), "agent", 200);
    };
    sets("false");
    CHECK_FALSE(isServed());
    CHECK(refusal(admin.posts(its, body(net))) == "404 InvalidDHCPAgent");
    sets("true");
    CHECK(isServed());
}

TEST_CASE("A router routes where an agent serves it, and not where it was taken away", "[network][agent][router]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto net = networkWith(alice, "10.1.0.0/24");
    const auto router =
        made(alice.posts(v2 + "routers", R"({"router":{"availability_zone_hints":["nova"]}})"), "router");
    const auto id = router.text("id");
    CHECK(router.array("availability_zone_hints").size() == 1);
    CHECK(router.array("availability_zones").size() == 0);
    const auto agents = agentsOf(admin);
    const auto agent = v2 + "agents/" + agents.at("L3 agent").text("id"), its = agent + "/l3-routers";
    const auto hosts = [&] { return idsIn(admin.gets(v2 + "routers/" + id + "/l3-agents"), "agents"); };
    CHECK(hosts().empty());
    const auto subnet = alice.gets(v2 + "subnets?network_id=" + net).json().array("subnets").items().at(0).text("id");
    REQUIRE(alice.puts(v2 + "routers/" + id + "/add_router_interface", R"({"subnet_id":)" + inQuotes(subnet) + "}")
                .status == 200);
    const auto routes = [&] {
        cloud.settle();
        return cloud.network().plan().routers.size() == 1;
    };
    CHECK(routes());
    CHECK(hosts() == std::set{agents.at("L3 agent").text("id")});
    CHECK(made(alice.gets(v2 + "routers/" + id), "router", 200).array("availability_zones").size() == 1);
    CHECK(idsIn(admin.gets(its), "routers") == std::set{id});
    CHECK(admin.deletes(its + "/" + id).status == 204);
    CHECK_FALSE(routes());
    CHECK(hosts().empty());
    CHECK(refusal(admin.deletes(its + "/" + id)) == "409 RouterNotHostedByL3Agent");
    const auto body = R"({"router_id":)" + inQuotes(id) + "}";
    CHECK(admin.posts(its, body).status == 201);
    CHECK(admin.posts(its, body).status == 201); // to whom has it already
    CHECK(routes());
    CHECK(refusal(admin.posts(its, R"({"router_id":"nothing"})")) == "404 RouterNotFound");
    CHECK(refusal(admin.posts(v2 + "agents/" + agents.at("DHCP agent").text("id") + "/l3-routers", body)) ==
          "404 InvalidL3Agent");
    made(admin.puts(agent, R"({"agent":{"admin_state_up":false}})"), "agent", 200);
    CHECK_FALSE(routes());
    CHECK(refusal(admin.gets(v2 + "routers/nothing/l3-agents")) == "404 RouterNotFound");
    CHECK(refusal(alice.posts(its, body)) == "404 AgentNotFound");
}

TEST_CASE("The availability zones are those of the agents", "[network][agent][zone]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto zones = [&](const std::string& query) {
        const auto answer = alice.gets(v2 + "availability_zones" + query);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        std::set<std::string> found;
        for (const auto& each : answer.json().array("availability_zones").items())
            found.insert(each.text("resource") + " " + each.text("name") + " " + each.text("state"));
        return found;
    };
    CHECK(zones("") == std::set<std::string>{"network nova available", "router nova available"});
    made(
        admin.puts(v2 + "agents/" + agentsOf(admin).at("L3 agent").text("id"), R"({"agent":{"admin_state_up":false}})"),
        "agent", 200);
    CHECK(zones("") == std::set<std::string>{"network nova available", "router nova unavailable"});
    CHECK(zones("?resource=router") == std::set<std::string>{"router nova unavailable"});
    CHECK(zones("?state=available&name=nova") == std::set<std::string>{"network nova available"});
    CHECK(zones("?name=east").empty());
    CHECK(alice.gets(v2 + "availability_zones?colour=red").status == 400);

    const auto wants = [&](const std::string& noun, const std::string& hints) {
        return alice.posts(v2 + noun + "s", "{\"" + noun + R"(":{"availability_zone_hints":)" + hints + "}}");
    };
    for (const auto* noun : {"network", "router"}) {
        INFO(noun);
        const auto thing = made(wants(noun, R"(["nova"])"), noun);
        CHECK(made(alice.gets(v2 + noun + "s/" + thing.text("id")), noun, 200)
                  .array("availability_zone_hints")
                  .items()
                  .at(0)
                  .text() == "nova");
        CHECK(made(wants(noun, "[]"), noun).array("availability_zone_hints").size() == 0);
        CHECK(refusal(wants(noun, R"(["east"])")) == "404 AvailabilityZoneNotFound");
        CHECK(refusal(wants(noun, "\"nova\"")) == "400 HTTPBadRequest");
        CHECK(refusal(wants(noun, "[7]")) == "400 HTTPBadRequest");
    }
}
