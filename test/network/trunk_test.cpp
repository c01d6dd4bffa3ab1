#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "compute/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";

Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().at(name);
}

std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

std::string networkOf(const Member& who, const std::string& cidr, const std::string& more = "") {
    const auto id = made(who.posts(v2 + "networks", R"({"network":{"name":"n")" + more + "}}"), "network").text("id");
    made(
        who.posts(v2 + "subnets", R"({"subnet":{"ip_version":4,"network_id":")" + id + R"(","cidr":")" + cidr + "\"}}"),
        "subnet");
    return id;
}

std::string port(const Member& who, const std::string& on) {
    return made(who.posts(v2 + "ports", R"({"port":{"network_id":")" + on + "\"}}"), "port").text("id");
}

/// {"port_id":…,"segmentation_type":"vlan","segmentation_id":…}
std::string subport(const std::string& id, int number) {
    return R"({"port_id":")" + id + R"(","segmentation_type":"vlan","segmentation_id":)" + std::to_string(number) + "}";
}

Answer asksTrunk(const Member& who, const std::string& parent, const std::string& more = "") {
    return who.posts(v2 + "trunks", R"({"trunk":{"name":"t","port_id":")" + parent + '"' + more + "}}");
}

std::string subports(const std::string& items) { return R"({"sub_ports":[)" + items + "]}"; }

}

TEST_CASE("A trunk carries sub-ports under VLAN ids of its own, and gives them back", "[network][trunk]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto on = networkOf(alice, "10.1.0.0/24");
    const auto parent = port(alice, on), one = port(alice, on), two = port(alice, on);
    const auto trunk = made(asksTrunk(alice, parent, R"(,"sub_ports":[)" + subport(one, 100) + "]"), "trunk");
    const auto path = v2 + "trunks/" + trunk.text("id");
    CHECK(trunk.text("status") == "DOWN");
    CHECK(trunk.text("port_id") == parent);
    CHECK(trunk.at("admin_state_up").boolean());
    REQUIRE(trunk.array("sub_ports").size() == 1);
    CHECK(trunk.array("sub_ports").items()[0].integer("segmentation_id") == 100);
    CHECK(made(alice.gets(v2 + "ports/" + one), "port", 200).text("device_owner") == "trunk:subport");
    CHECK(refusal(bob.gets(path)) == "404 TrunkNotFound");
    CHECK(made(alice.gets(v2 + "trunks?port_id=" + parent), "trunks", 200).size() == 1);
    CHECK(made(bob.gets(v2 + "trunks"), "trunks", 200).size() == 0);

    const auto more = alice.puts(path + "/add_subports", subports(subport(two, 200)));
    INFO(more.body);
    REQUIRE(more.status == 200);
    CHECK(more.json().array("sub_ports").size() == 2);
    CHECK(more.json().integer("revision_number") == 2);
    const auto listed = alice.gets(path + "/get_subports");
    REQUIRE(listed.status == 200);
    CHECK(listed.json().array("sub_ports").size() == 2);
    const auto details = made(alice.gets(v2 + "ports/" + parent), "port", 200).object("trunk_details");
    CHECK(details.text("trunk_id") == trunk.text("id"));
    REQUIRE(details.array("sub_ports").size() == 2);
    CHECK(details.array("sub_ports").items()[0].text("mac_address") ==
          made(alice.gets(v2 + "ports/" + one), "port", 200).text("mac_address"));
    CHECK_FALSE(made(alice.gets(v2 + "ports/" + one), "port", 200).has("trunk_details"));

    REQUIRE(alice.puts(path + "/remove_subports", subports(R"({"port_id":")" + one + "\"}")).status == 200);
    CHECK(made(alice.gets(v2 + "ports/" + one), "port", 200).text("device_owner").empty());
    CHECK(refusal(alice.puts(path + "/remove_subports", subports(R"({"port_id":")" + one + "\"}"))) ==
          "404 SubPortNotFound");
    CHECK(made(alice.puts(path, R"({"trunk":{"name":"other","description":"d"}})"), "trunk", 200).text("name") ==
          "other");
    CHECK(alice.deletes(path).status == 204);
    CHECK(made(alice.gets(v2 + "ports/" + two), "port", 200).text("device_owner").empty());
    CHECK(alice.deletes(v2 + "ports/" + parent).status == 204);
}

TEST_CASE("What can be in no trunk is refused by name", "[network][trunk]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto on = networkOf(alice, "10.1.0.0/24");
    const auto small = networkOf(alice, "10.2.0.0/24", R"(,"mtu":1400)");
    const auto parent = port(alice, on), one = port(alice, on), two = port(alice, on), other = port(alice, small);
    const auto trunk =
        made(asksTrunk(alice, parent, R"(,"sub_ports":[)" + subport(one, 100) + "]"), "trunk").text("id");
    const auto path = v2 + "trunks/" + trunk;
    const auto adds = [&](const std::string& items) { return alice.puts(path + "/add_subports", subports(items)); };

    CHECK(refusal(asksTrunk(alice, parent)) == "409 PortInUseAsTrunkParent");
    CHECK(refusal(asksTrunk(alice, one)) == "409 PortInUseAsSubPort");
    CHECK(refusal(asksTrunk(alice, "11111111-1111-4111-8111-111111111111")) == "404 PortNotFound");
    CHECK(refusal(asksTrunk(bob, two)) == "404 PortNotFound");
    CHECK(refusal(alice.posts(v2 + "trunks", R"({"trunk":{}})")) == "400 HTTPBadRequest");
    CHECK(refusal(adds(subport(two, 100))) == "409 DuplicateSubPort");
    CHECK(refusal(adds(subport(two, 0))) == "400 InvalidInput");
    CHECK(refusal(adds(subport(two, 4095))) == "400 InvalidInput");
    CHECK(refusal(adds(R"({"port_id":")" + two + "\"}")) == "400 InvalidInput");
    CHECK(refusal(adds(R"({"port_id":")" + two + R"(","segmentation_type":"vxlan","segmentation_id":5})")) ==
          "400 InvalidInput");
    CHECK(refusal(adds(R"({"port_id":")" + two + R"(","segmentation_type":"inherit"})")) == "400 InvalidInput");
    CHECK(refusal(adds(subport(one, 101))) == "409 PortInUseAsSubPort");
    CHECK(refusal(adds(subport(parent, 101))) == "409 TrunkPortInUse");
    CHECK(refusal(adds(subport(two, 101) + "," + subport(two, 102))) == "400 InvalidInput");
    CHECK(refusal(alice.puts(path + "/add_subports", R"({"sub_ports":7})")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.puts(path + "/add_subports", "{}")) == "400 HTTPBadRequest");
    CHECK(refusal(bob.puts(path + "/add_subports", subports(subport(two, 101)))) == "404 TrunkNotFound");
    CHECK(refusal(alice.deletes(v2 + "ports/" + parent)) == "409 PortInUseAsTrunkParent");
    CHECK(refusal(alice.deletes(v2 + "ports/" + one)) == "409 PortInUseAsSubPort");
    CHECK(made(alice.gets(path), "trunk", 200).array("sub_ports").size() == 1);

    // The owner of a network sees the ports of others on it, and leaves them alone.
    const auto admin = cloud.admin();
    made(admin.puts(v2 + "networks/" + on, R"({"network":{"shared":true}})"), "network", 200);
    const auto his = port(bob, on);
    CHECK(refusal(adds(subport(his, 101))) == "403 PolicyNotAuthorized");
    CHECK(refusal(asksTrunk(alice, his)) == "403 PolicyNotAuthorized");

    // A sub-port's packets must fit through its parent.
    const auto narrow = made(asksTrunk(alice, other), "trunk").text("id");
    CHECK(refusal(alice.puts(v2 + "trunks/" + narrow + "/add_subports", subports(subport(two, 5)))) ==
          "409 SubPortMtuGreaterThanTrunkPortMtu");

    made(alice.puts(path, R"({"trunk":{"admin_state_up":false}})"), "trunk", 200);
    CHECK(refusal(adds(subport(two, 101))) == "409 TrunkDisabled");
    CHECK(refusal(alice.puts(path + "/remove_subports", subports(R"({"port_id":")" + one + "\"}"))) ==
          "409 TrunkDisabled");

    made(admin.puts(v2 + "quotas/" + alice.project, R"({"quota":{"trunk":2}})"), "quota", 200);
    CHECK(refusal(asksTrunk(alice, two)) == "409 OverQuota");
}

TEST_CASE("A server with a trunk's parent port has its sub-ports too, as long as it has that port",
          "[network][trunk]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto on = networkOf(alice, "10.1.0.0/24"), inner = networkOf(alice, "10.2.0.0/24");
    const auto parent = port(alice, on), one = port(alice, inner), two = port(alice, inner);
    const auto trunk =
        made(asksTrunk(alice, parent, R"(,"sub_ports":[)" + subport(one, 100) + "]"), "trunk").text("id");
    const auto planned = [&](const std::string& id) -> std::optional<PlannedPort> {
        for (const auto& each : cloud.appliance.network().plan().ports)
            if (each.id.text == id) return each;
        return std::nullopt;
    };
    const auto status = [&](const std::string& noun, const std::string& id) {
        return made(alice.gets(v2 + noun + "s/" + id), noun, 200).text("status");
    };
    cloud.appliance.settle();
    CHECK_FALSE(planned(one));
    const auto server =
        made(alice.posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":")" +
                                                      cloud.image + R"(","networks":[{"port":")" + parent + "\"}]}}"),
             "server", 202)
            .text("id");
    cloud.appliance.settle();
    REQUIRE(planned(one));
    CHECK(planned(one)->trunk.text == parent);
    CHECK(planned(one)->vlan == 100);
    CHECK(planned(one)->tapped);
    CHECK(status("port", one) == "ACTIVE");
    CHECK(status("trunk", trunk) == "ACTIVE");

    REQUIRE(alice.puts(v2 + "trunks/" + trunk + "/add_subports", subports(subport(two, 200))).status == 200);
    cloud.appliance.settle();
    CHECK(planned(two)->vlan == 200);
    CHECK(status("port", two) == "ACTIVE");

    made(alice.puts(v2 + "trunks/" + trunk, R"({"trunk":{"admin_state_up":false}})"), "trunk", 200);
    cloud.appliance.settle();
    CHECK_FALSE(planned(two));
    CHECK(status("port", two) == "DOWN");
    made(alice.puts(v2 + "trunks/" + trunk, R"({"trunk":{"admin_state_up":true}})"), "trunk", 200);
    cloud.appliance.settle();
    CHECK(planned(two));

    cloud.appliance.network().failsWith({{NetworkProblem::Of::Port, two, "no VLAN devices here"}});
    cloud.appliance.network().changedByOthers();
    cloud.appliance.settle();
    made(alice.puts(v2 + "ports/" + two, R"({"port":{"name":"x"}})"), "port", 200); // whatever: it is looked at again
    cloud.appliance.settle();
    CHECK(status("trunk", trunk) == "DEGRADED");
    cloud.appliance.network().failsWith({});

    REQUIRE(alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK_FALSE(planned(one));
    CHECK(status("port", one) == "DOWN");
    CHECK(status("trunk", trunk) == "DOWN");
    CHECK(alice.deletes(v2 + "trunks/" + trunk).status == 204);
}
