#include <catch2/catch.hpp>

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

std::string aNetwork(const Member& who, const std::string& more = "") {
    const auto id = made(who.posts(v2 + "networks", R"({"network":{"name":"n")" + more + "}}"), "network").text("id");
    made(who.posts(v2 + "subnets", R"({"subnet":{"ip_version":4,"cidr":"10.1.0.0/24","network_id":")" + id + "\"}}"),
         "subnet");
    return id;
}

Answer asksPort(const Member& who, const std::string& on, const std::string& more) {
    return who.posts(v2 + "ports", R"({"port":{"network_id":")" + on + '"' + more + "}}");
}

Answer changes(const Member& who, const std::string& port, const std::string& body) {
    return who.puts(v2 + "ports/" + port, R"({"port":{)" + body + "}}");
}

}

TEST_CASE("A port has a name in the DNS of its network, its server's where nobody gave it one", "[network][dns]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto on = aNetwork(alice, R"(,"dns_domain":"example.org.")");
    const auto port = made(asksPort(alice, on, R"(,"dns_name":"db")"), "port");
    const auto one = port.array("dns_assignment").items().at(0);
    CHECK(one.text("hostname") == "db");
    CHECK(one.text("fqdn") == "db.example.org.");
    CHECK(one.text("ip_address") == port.array("fixed_ips").items().at(0).text("ip_address"));
    const auto id = port.text("id");
    CHECK(made(alice.gets(v2 + "ports?dns_name=db"), "ports", 200).size() == 1);
    CHECK(made(changes(alice, id, R"("dns_domain":"other.org")"), "port", 200)
              .array("dns_assignment")
              .items()
              .at(0)
              .text("fqdn") == "db.other.org.");
    CHECK(refusal(changes(alice, id, R"("dns_name":"a.b")")) == "400 HTTPBadRequest");
    CHECK(refusal(changes(alice, id, R"("dns_domain":"-")")) == "400 HTTPBadRequest");
    CHECK(refusal(alice.puts(v2 + "networks/" + on, R"({"network":{"dns_domain":"a b"}})")) == "400 HTTPBadRequest");

    const auto plain = made(asksPort(alice, on, ""), "port");
    CHECK(plain.text("dns_name").empty());
    CHECK(plain.array("dns_assignment").items().at(0).text("hostname").starts_with("host-10-1-0-"));
    REQUIRE(alice
                .posts("/compute/v2.1/servers", R"({"server":{"name":"web","flavorRef":"1","imageRef":")" +
                                                    cloud.image + R"(","networks":[{"port":")" + plain.text("id") +
                                                    R"("},{"port":")" + id + "\"}]}}")
                .status == 202);
    cloud.appliance.settle();
    CHECK(made(alice.gets(v2 + "ports/" + plain.text("id")), "port", 200).text("dns_name") == "web");
    CHECK(made(alice.gets(v2 + "ports/" + id), "port", 200).text("dns_name") == "db");
    const auto plan = cloud.appliance.network().plan();
    for (const auto& each : plan.networks)
        if (each.id.text == on) CHECK(each.domain == "example.org");
}

TEST_CASE("DHCP tells a port what is its alone, one option of each name and IP version", "[network][dhcp]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto on = aNetwork(alice);
    const std::string three = R"(,"extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"1300"},{"opt_name":"tftp-server",)"
                              R"("opt_value":"10.1.0.9"},{"opt_name":"dns-server","opt_value":"[fd00::1]",)"
                              R"("ip_version":6}])";
    const auto port = made(asksPort(alice, on, three), "port");
    REQUIRE(port.array("extra_dhcp_opts").size() == 3);
    CHECK(port.array("extra_dhcp_opts").items()[0].integer("ip_version") == 4);
    const auto id = port.text("id");
    const auto changed = made(changes(alice, id,
                                      R"("extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"1200"},)"
                                      R"({"opt_name":"tftp-server","opt_value":null}])"),
                              "port", 200)
                             .array("extra_dhcp_opts")
                             .items();
    REQUIRE(changed.size() == 2);
    CHECK(changed[0].text("opt_value") == "1200");
    for (const auto* wrong :
         {R"("x")", R"([{"opt_name":"mtu"}])", R"([{"opt_name":"m t u","opt_value":"1"}])",
          R"([{"opt_name":"mtu","opt_value":"1\nscript"}])", R"([{"opt_name":"mtu","opt_value":"1","ip_version":5}])",
          R"([{"opt_name":"mtu","opt_value":"1","colour":5}])"})
        CHECK(refusal(changes(alice, id, std::string(R"("extra_dhcp_opts":)") + wrong)) == "400 HTTPBadRequest");

    REQUIRE(alice
                .posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":")" + cloud.image +
                                                    R"(","networks":[{"port":")" + id + "\"}]}}")
                .status == 202);
    cloud.appliance.settle();
    const auto plan = cloud.appliance.network().plan();
    REQUIRE(plan.ports.size() == 1);
    CHECK(plan.ports[0].dhcpOptions ==
          std::vector<PlannedDhcpOption>{{"mtu", "1200", 4}, {"dns-server", "[fd00::1]", 6}});
}

TEST_CASE("What others say of a port is kept with it", "[network][port]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto on = aNetwork(alice);
    const auto port =
        made(asksPort(alice, on, R"(,"numa_affinity_policy":"required","propagate_uplink_status":true)"), "port");
    CHECK(port.text("numa_affinity_policy") == "required");
    CHECK(port.at("propagate_uplink_status").boolean());
    CHECK(port.at("data_plane_status").isNull());
    const auto id = port.text("id");
    CHECK(refusal(changes(alice, id, R"("data_plane_status":"DOWN")")) == "403 PolicyNotAuthorized");
    CHECK(made(changes(admin, id, R"("data_plane_status":"DOWN")"), "port", 200).text("data_plane_status") == "DOWN");
    CHECK(refusal(changes(admin, id, R"("data_plane_status":"UP")")) == "400 HTTPBadRequest");
    CHECK(made(changes(admin, id, R"("data_plane_status":null)"), "port", 200).at("data_plane_status").isNull());
    CHECK(refusal(changes(alice, id, R"("numa_affinity_policy":"much")")) == "400 HTTPBadRequest");
    CHECK(made(changes(alice, id, R"("numa_affinity_policy":null)"), "port", 200).at("numa_affinity_policy").isNull());
}

TEST_CASE("A new MAC address is made where the old one is given back", "[network][port]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto on = aNetwork(admin);
    const auto port = made(asksPort(admin, on, ""), "port");
    const auto fresh = made(changes(admin, port.text("id"), R"("mac_address":null)"), "port", 200).text("mac_address");
    CHECK(fresh.starts_with("fa:16:3e:"));
    CHECK(fresh != port.text("mac_address"));
}
