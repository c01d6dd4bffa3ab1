#include <catch2/catch.hpp>

#include <set>

#include "compute/cloud.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string v2 = "/network/v2.0/";

const std::vector<TestOption> datacentre{{"network", "tenant_network_types", "vlan,vxlan"},
                                         {"network", "physical_networks", "physnet1:eth1,physnet2:eth2"},
                                         {"network", "vlan_ranges", "physnet1:100:102"},
                                         {"network", "vni_ranges", "7:8"},
                                         {"network", "tunnel_address", "192.0.2.1"}};

Json made(const Answer& answer, std::string_view name, int status = 201) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().at(name);
}

/// "409 VlanIdInUse"
std::string refusal(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status >= 400);
    return std::to_string(answer.status) + " " + answer.json().object("NeutronError").text("type");
}

std::string messageOf(const Answer& answer) { return answer.json().object("NeutronError").text("message"); }

Answer asksNetwork(const Member& who, const std::string& provider) {
    return who.posts(v2 + "networks", R"({"network":{"name":"n")" + provider + "}}");
}

/// ,"provider:network_type":"vlan","provider:physical_network":…
std::string provider(const std::string& type, const std::string& physical = "", int number = 0) {
    std::string out = R"(,"provider:network_type":")" + type + '"';
    if (!physical.empty()) out += R"(,"provider:physical_network":")" + physical + '"';
    if (number != 0) out += R"(,"provider:segmentation_id":)" + std::to_string(number);
    return out;
}

std::string subnetBody(const std::string& on, const std::string& cidr, const std::string& more = "") {
    return R"({"subnet":{"ip_version":4,"network_id":")" + on + R"(","cidr":")" + cidr + '"' + more + "}}";
}

std::string segmentId(const std::string& id) { return R"(,"segment_id":")" + id + '"'; }

}

TEST_CASE("A tenant's network gets the first type that has a number left, and gives it back", "[network][segment]") {
    TestAppliance cloud(datacentre);
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    std::set<std::string> seen;
    std::vector<std::string> ids;
    for (int count = 0; count < 5; ++count) {
        ids.push_back(made(asksNetwork(alice, ""), "network").text("id"));
        const auto shown = made(admin.gets(v2 + "networks/" + ids.back()), "network", 200);
        seen.insert(shown.text("provider:network_type") + " " +
                    std::to_string(shown.integer("provider:segmentation_id")) + " " +
                    std::to_string(shown.integer("mtu")));
    }
    CHECK(seen ==
          std::set<std::string>{"vlan 100 1500", "vlan 101 1500", "vlan 102 1500", "vxlan 7 1450", "vxlan 8 1450"});
    CHECK(refusal(asksNetwork(alice, "")) == "503 NoNetworkAvailable");
    REQUIRE(alice.deletes(v2 + "networks/" + ids[3]).status == 204);
    CHECK(made(asksNetwork(alice, ""), "network").integer("mtu") == 1450);
    CHECK_FALSE(made(alice.gets(v2 + "networks/" + ids[0]), "network", 200).has("provider:segmentation_id"));
    CHECK(refusal(asksNetwork(alice, provider("vxlan"))) == "403 PolicyNotAuthorized");
}

TEST_CASE("An administrator says what a network is made of, as far as the host can do it", "[network][segment]") {
    TestAppliance cloud(datacentre);
    const auto admin = cloud.admin();
    const auto vlan = made(asksNetwork(admin, provider("vlan", "physnet2", 9)), "network");
    CHECK(vlan.text("provider:physical_network") == "physnet2");
    CHECK(vlan.integer("provider:segmentation_id") == 9);
    CHECK(refusal(asksNetwork(admin, provider("vlan", "physnet2", 9))) == "409 VlanIdInUse");
    CHECK(made(asksNetwork(admin, provider("vlan", "physnet1", 9)), "network").integer("mtu") == 1500);
    CHECK(made(asksNetwork(admin, provider("vlan")), "network").text("provider:physical_network") == "physnet1");
    const auto flat = made(asksNetwork(admin, provider("flat", "physnet2")), "network");
    CHECK(flat.at("provider:segmentation_id").isNull());
    CHECK(refusal(asksNetwork(admin, provider("flat", "physnet2"))) == "409 FlatNetworkInUse");
    made(asksNetwork(admin, provider("vxlan", "", 4711)), "network");
    CHECK(refusal(asksNetwork(admin, provider("vxlan", "", 4711))) == "409 TunnelIdInUse");
    made(asksNetwork(admin, provider("local")), "network");
    made(asksNetwork(admin, provider("local")), "network");

    for (const auto& wrong : {provider("flat"), provider("flat", "physnet9"), provider("flat", "physnet1", 4),
                              provider("vlan", "", 4), provider("vlan", "physnet1", 4095),
                              provider("vxlan", "physnet1"), provider("vxlan", "", 16777216), provider("local", "", 4),
                              provider("carrier-pigeon"), std::string(R"(,"provider:physical_network":"physnet1")")})
        CHECK(refusal(asksNetwork(admin, wrong)) == "400 InvalidInput");
    const auto geneve = asksNetwork(admin, provider("geneve"));
    CHECK(refusal(geneve) == "400 InvalidInput");
    CHECK(messageOf(geneve).find("linuxbridge does not realise networks of type geneve; it does local, flat, vlan, "
                                 "vxlan. geneve needs one of: openvswitch, ovn.") != std::string::npos);

    const auto found = [&](const std::string& query) {
        return made(admin.gets(v2 + "networks?" + query), "networks", 200).size();
    };
    CHECK(found("provider:network_type=vlan") == 3);
    CHECK(found("provider:physical_network=physnet2&provider:network_type=flat") == 1);
    CHECK(found("provider:segmentation_id=4711") == 1);

    const auto one = v2 + "networks/" + vlan.text("id");
    CHECK(made(admin.puts(one, R"({"network":{"provider:segmentation_id":10}})"), "network", 200)
              .integer("provider:segmentation_id") == 10);
    made(asksNetwork(admin, provider("vlan", "physnet2", 9)), "network");
    CHECK(refusal(admin.puts(one, R"({"network":{"provider:segmentation_id":9}})")) == "409 VlanIdInUse");
    CHECK(refusal(admin.puts(one, R"({"network":{"provider:network_type":"flat"}})")) == "400 InvalidInput");
    CHECK(refusal(admin.puts(one, R"({"network":{"mtu":1501}})")) == "400 InvalidInput");
}

TEST_CASE("The host hears which segments a network is made of", "[network][segment]") {
    Cloud cloud(datacentre);
    const auto admin = cloud.appliance.admin();
    const auto id =
        made(asksNetwork(admin, provider("vlan", "physnet2", 9) + R"(,"router:external":true)"), "network").text("id");
    cloud.appliance.settle();
    const auto plan = cloud.appliance.network().plan();
    const auto found =
        std::find_if(plan.networks.begin(), plan.networks.end(), [&](const auto& each) { return each.id.text == id; });
    REQUIRE(found != plan.networks.end());
    CHECK(found->segments == std::vector<PlannedSegment>{{"vlan", "physnet2", 9}});
}

TEST_CASE("A network of several segments shows them in place of one", "[network][segment]") {
    TestAppliance cloud(datacentre);
    const auto admin = cloud.admin();
    const std::string two = R"(,"segments":[{"provider:network_type":"vlan","provider:physical_network":"physnet2",)"
                            R"("provider:segmentation_id":20},{"provider:network_type":"vxlan"}])";
    const auto network = made(asksNetwork(admin, two), "network");
    CHECK_FALSE(network.has("provider:network_type"));
    CHECK(network.integer("mtu") == 1450);
    const auto segments = network.array("segments").items();
    REQUIRE(segments.size() == 2);
    CHECK(segments[0].integer("provider:segmentation_id") == 20);
    CHECK(segments[1].text("provider:network_type") == "vxlan");
    CHECK(refusal(asksNetwork(admin, two + provider("local"))) == "400 SegmentsSetInConjunctionWithProviders");
    CHECK(refusal(asksNetwork(admin, R"(,"segments":[{"provider:network_type":"flat","provider:physical_network":)"
                                     R"("physnet1"},{"provider:network_type":"flat","provider:physical_network":)"
                                     R"("physnet1"}])")) == "400 SegmentsContainDuplicateEntry");
    CHECK(refusal(asksNetwork(admin, R"(,"segments":[{"provider:network_type":7}])")) == "400 HTTPBadRequest");
    CHECK(refusal(asksNetwork(admin, R"(,"segments":"all")")) == "400 HTTPBadRequest");
    CHECK(refusal(asksNetwork(cloud.member("alice"), two)) == "403 PolicyNotAuthorized");
}

TEST_CASE("Segments are an administrator's to list, add, name and remove", "[network][segment]") {
    TestAppliance cloud(datacentre);
    const auto admin = cloud.admin();
    const auto alice = cloud.member("alice");
    const auto network = made(asksNetwork(admin, provider("vlan", "physnet1", 50)), "network").text("id");
    const auto all = made(admin.gets(v2 + "segments?network_id=" + network), "segments", 200).items();
    REQUIRE(all.size() == 1);
    CHECK(all[0].text("network_type") == "vlan");
    CHECK(all[0].text("physical_network") == "physnet1");
    CHECK(all[0].integer("segmentation_id") == 50);
    CHECK(all[0].at("name").isNull());
    CHECK(all[0].integer("revision_number") == 1);
    CHECK(made(alice.gets(v2 + "segments"), "segments", 200).size() == 0);
    CHECK(refusal(alice.gets(v2 + "segments/" + all[0].text("id"))) == "404 SegmentNotFound");

    const auto body = R"({"segment":{"network_id":")" + network + R"(","network_type":"vlan",)" +
                      R"("physical_network":"physnet2","segmentation_id":51,"name":"east"}})";
    CHECK(refusal(alice.posts(v2 + "segments", body)) == "403 PolicyNotAuthorized");
    const auto added = made(admin.posts(v2 + "segments", body), "segment").text("id");
    CHECK(refusal(admin.posts(v2 + "segments", body)) == "409 VlanIdInUse");
    CHECK(refusal(admin.posts(v2 + "segments", R"({"segment":{"network_id":")" + network + "\"}}")) ==
          "400 HTTPBadRequest");
    CHECK(made(admin.gets(v2 + "segments?name=east"), "segments", 200).size() == 1);
    const auto renamed = made(admin.puts(v2 + "segments/" + added, R"({"segment":{"name":"west"}})"), "segment", 200);
    CHECK(renamed.text("name") == "west");
    CHECK(renamed.integer("revision_number") == 2);
    CHECK(refusal(admin.puts(v2 + "segments/" + added, R"({"segment":{"segmentation_id":3}})")) ==
          "400 HTTPBadRequest");
    CHECK(made(admin.gets(v2 + "networks/" + network), "network", 200).array("segments").size() == 2);

    made(admin.posts(v2 + "subnets", subnetBody(network, "10.1.0.0/24", segmentId(added))), "subnet");
    CHECK(refusal(admin.deletes(v2 + "segments/" + added)) == "409 SegmentInUse");
    CHECK(admin.deletes(v2 + "segments/" + all[0].text("id")).status == 204);
    CHECK(refusal(admin.deletes(v2 + "segments/" + all[0].text("id"))) == "404 SegmentNotFound");
}

TEST_CASE("On a routed network a port has addresses of the segment that its host is on", "[network][segment]") {
    Cloud cloud(datacentre);
    const auto admin = cloud.appliance.admin();
    const std::string two =
        R"(,"shared":true,"segments":[{"provider:network_type":"vlan","provider:physical_network":"physnet1",)"
        R"("provider:segmentation_id":20},{"provider:network_type":"vlan","provider:physical_network":"physnet2"}])";
    CHECK(refusal(asksNetwork(admin, two)) == "503 NoNetworkAvailable"); // physnet2 has no range
    const auto network =
        made(asksNetwork(admin, R"(,"shared":true)" + provider("vlan", "physnet1", 20)), "network").text("id");
    const auto here = made(admin.gets(v2 + "segments?network_id=" + network), "segments", 200).items().at(0).text("id");
    const auto other = made(asksNetwork(admin, provider("vlan", "physnet2", 30)), "network").text("id");
    const auto elsewhere =
        made(admin.gets(v2 + "segments?network_id=" + other), "segments", 200).items().at(0).text("id");
    CHECK(made(admin.gets(v2 + "networks/" + network), "network", 200).at("l2_adjacency").boolean());
    CHECK(refusal(admin.posts(v2 + "subnets", subnetBody(network, "10.1.0.0/24", segmentId(elsewhere)))) ==
          "400 NetworkIdsDontMatch");
    const auto nowhere = segmentId("11111111-1111-4111-8111-111111111111");
    CHECK(refusal(admin.posts(v2 + "subnets", subnetBody(network, "10.1.0.0/24", nowhere))) == "404 SegmentNotFound");
    const auto subnet = made(admin.posts(v2 + "subnets", subnetBody(network, "10.1.0.0/24")), "subnet").text("id");
    const auto bound =
        made(admin.puts(v2 + "subnets/" + subnet, R"({"subnet":{"segment_id":")" + here + "\"}}"), "subnet", 200);
    CHECK(bound.text("segment_id") == here);
    CHECK(refusal(admin.puts(v2 + "subnets/" + subnet, R"({"subnet":{"segment_id":null}})")) ==
          "400 SubnetSegmentAssociationChangeNotAllowed");
    CHECK(refusal(admin.posts(v2 + "subnets", subnetBody(network, "10.2.0.0/24"))) ==
          "400 SubnetsNotAllAssociatedWithSegments");
    CHECK_FALSE(made(admin.gets(v2 + "networks/" + network), "network", 200).at("l2_adjacency").boolean());
    CHECK_FALSE(made(cloud.alice.gets(v2 + "subnets/" + subnet), "subnet", 200).has("segment_id"));

    const auto port = made(cloud.alice.posts(v2 + "ports", R"({"port":{"network_id":")" + network + "\"}}"), "port");
    CHECK(port.text("ip_allocation") == "deferred");
    CHECK(port.array("fixed_ips").size() == 0);
    const auto server = cloud.alice.posts("/compute/v2.1/servers",
                                          R"({"server":{"name":"s","flavorRef":"1","imageRef":")" + cloud.image +
                                              R"(","networks":[{"port":")" + port.text("id") + "\"}]}}");
    REQUIRE(server.status == 202);
    cloud.appliance.settle();
    const auto placed = made(cloud.alice.gets(v2 + "ports/" + port.text("id")), "port", 200);
    CHECK(placed.text("ip_allocation") == "immediate");
    CHECK(placed.array("fixed_ips").size() == 1);
    CHECK(placed.text("status") == "ACTIVE");
    CHECK(refusal(admin.posts(v2 + "ports", R"({"port":{"binding:host_id":"nowhere","network_id":")" + network +
                                                "\"}}")) == "409 HostNotConnectedToAnySegment");
}

TEST_CASE("A port is bound to a second host, and moves there when that binding is activated", "[network][binding]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto nova = cloud.appliance.colleague(alice, "nova", "service");
    const auto network = made(asksNetwork(alice, ""), "network").text("id");
    made(alice.posts(v2 + "subnets", subnetBody(network, "10.1.0.0/24")), "subnet");
    const auto idle =
        made(alice.posts(v2 + "ports", R"({"port":{"network_id":")" + network + "\"}}"), "port").text("id");
    const auto there = R"({"binding":{"host":"there","profile":{"migrating_to":"there"}}})";
    CHECK(refusal(nova.posts(v2 + "ports/" + idle + "/bindings", there)) == "400 BadRequest");

    REQUIRE(alice
                .posts("/compute/v2.1/servers", R"({"server":{"name":"s","flavorRef":"1","imageRef":")" + cloud.image +
                                                    R"(","networks":[{"port":")" + idle + "\"}]}}")
                .status == 202);
    cloud.appliance.settle();
    const auto path = v2 + "ports/" + idle + "/bindings";
    CHECK(refusal(alice.gets(path)) == "403 PolicyNotAuthorized");
    CHECK(refusal(alice.posts(path, there)) == "403 PolicyNotAuthorized");
    const auto admin = cloud.appliance.admin();
    const auto before = made(admin.gets(path), "bindings", 200).items();
    REQUIRE(before.size() == 1);
    const auto here = before[0].text("host");
    CHECK(before[0].text("status") == "ACTIVE");

    const auto added = made(nova.posts(path, there), "binding");
    CHECK(added.text("status") == "INACTIVE");
    CHECK(added.text("vif_type") == "bridge");
    CHECK(added.object("profile").text("migrating_to") == "there");
    CHECK(refusal(nova.posts(path, there)) == "409 PortBindingAlreadyExists");
    CHECK(refusal(nova.posts(path, R"({"binding":{}})")) == "400 HTTPBadRequest");
    CHECK(refusal(nova.posts(path, R"({"binding":{"host":"x","colour":1}})")) == "400 HTTPBadRequest");
    CHECK(made(admin.gets(path + "?host=there"), "bindings", 200).size() == 1);
    CHECK(made(admin.gets(v2 + "ports/" + idle), "port", 200).text("binding:host_id") == here);

    CHECK(refusal(nova.puts(path + "/" + here + "/activate", "")) == "409 PortBindingAlreadyActive");
    CHECK(refusal(nova.puts(path + "/nowhere/activate", "")) == "404 PortBindingNotFound");
    CHECK(made(nova.puts(path + "/there/activate", ""), "binding", 200).text("status") == "ACTIVE");
    CHECK(made(admin.gets(v2 + "ports/" + idle), "port", 200).text("binding:host_id") == "there");
    std::map<std::string, std::string> states;
    for (const auto& each : made(admin.gets(path), "bindings", 200).items())
        states[each.text("host")] = each.text("status");
    CHECK(states == std::map<std::string, std::string>{{here, "INACTIVE"}, {"there", "ACTIVE"}});
    CHECK(nova.deletes(path + "/" + here).status == 204);
    CHECK(refusal(nova.deletes(path + "/" + here)) == "404 PortBindingNotFound");
    CHECK(made(admin.gets(path), "bindings", 200).size() == 1);
}

TEST_CASE("Subnets on different segments of a network have routes to each other", "[network][segment]") {
    Cloud cloud(datacentre);
    const auto admin = cloud.appliance.admin();
    const auto network = made(asksNetwork(admin, provider("vlan", "physnet1", 20)), "network").text("id");
    const auto first = made(admin.gets(v2 + "segments?network_id=" + network), "segments", 200).items()[0].text("id");
    const auto segmentOn = [&](const std::string& physical, int number) {
        return made(admin.posts(v2 + "segments", R"({"segment":{"network_type":"vlan","network_id":")" + network +
                                                     R"(","physical_network":")" + physical +
                                                     R"(","segmentation_id":)" + std::to_string(number) + "}}"),
                    "segment")
            .text("id");
    };
    const auto second = segmentOn("physnet2", 21);
    const auto subnetOn = [&](const std::string& cidr, const std::string& segment, const std::string& more = "") {
        return made(admin.posts(v2 + "subnets", subnetBody(network, cidr, segmentId(segment) + more)), "subnet")
            .text("id");
    };
    const auto routesOf = [&](const std::string& subnet) {
        std::set<std::string> routes;
        for (const auto& each : made(admin.gets(v2 + "subnets/" + subnet), "subnet", 200).array("host_routes").items())
            routes.insert(each.text("destination") + " " + each.text("nexthop"));
        return routes;
    };
    using Routes = std::set<std::string>;
    const auto one = subnetOn("10.1.0.0/24", first);
    CHECK(routesOf(one).empty());
    const auto beside = subnetOn("10.2.0.0/24", first); // on the same segment
    CHECK(routesOf(one).empty());
    const auto two =
        subnetOn("10.3.0.0/24", second, R"(,"host_routes":[{"destination":"192.0.2.0/24","nexthop":"10.3.0.9"}])");
    CHECK(routesOf(two) == Routes{"10.1.0.0/24 10.3.0.1", "10.2.0.0/24 10.3.0.1", "192.0.2.0/24 10.3.0.9"});
    CHECK(routesOf(one) == Routes{"10.3.0.0/24 10.1.0.1"});
    CHECK(routesOf(beside) == Routes{"10.3.0.0/24 10.2.0.1"});
    const auto without = subnetOn("10.4.0.0/24", second, R"(,"gateway_ip":null)");
    CHECK(routesOf(without).empty()); // it has no way there
    CHECK(routesOf(one) == Routes{"10.3.0.0/24 10.1.0.1", "10.4.0.0/24 10.1.0.1"});

    const auto gateway = [&](const std::string& address) {
        made(admin.puts(v2 + "subnets/" + one, R"({"subnet":{"gateway_ip":)" + address + "}}"), "subnet", 200);
    };
    gateway("null");
    CHECK(routesOf(one).empty());
    gateway(R"("10.1.0.1")");
    CHECK(routesOf(one) == Routes{"10.3.0.0/24 10.1.0.1", "10.4.0.0/24 10.1.0.1"});
    CHECK(admin.deletes(v2 + "subnets/" + two).status == 204);
    CHECK(routesOf(one) == Routes{"10.4.0.0/24 10.1.0.1"});
    CHECK(routesOf(beside) == Routes{"10.4.0.0/24 10.2.0.1"});
}
