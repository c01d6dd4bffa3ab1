#include <catch2/catch.hpp>

#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

const std::vector<TestOption> datacentre{{"network", "tenant_network_types", "vlan"},
                                         {"network", "physical_networks", "physnet1:eth1"},
                                         {"network", "vlan_ranges", "physnet1:100:101"},
                                         {"network", "vni_ranges", "7:2000000"},
                                         {"network", "tunnel_address", "192.0.2.1"}};
const std::string ranges = v2 + "network_segment_ranges";

Answer asks(const Member& who, const std::string& body) {
    return who.posts(ranges, R"({"network_segment_range":{)" + body + "}}");
}

std::string vlans(int least, int most, const std::string& more = "") {
    return R"("network_type":"vlan","physical_network":"physnet1","minimum":)" + std::to_string(least) +
           R"(,"maximum":)" + std::to_string(most) + more;
}

std::int64_t numberOf(const Member& root, const std::string& network) {
    return made(root.gets(v2 + "networks/" + network), "network", 200).integer("provider:segmentation_id");
}

}

TEST_CASE("Ranges of segments are the configuration's, and an administrator's beside them",
          "[network][segment_range]") {
    TestAppliance cloud(datacentre);
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    CHECK(alice.gets(ranges).json().array("network_segment_ranges").size() == 0);
    CHECK(refusal(asks(alice, vlans(1, 2))) == "403 PolicyNotAuthorized");
    const auto standard = root.gets(ranges + "?sort_key=network_type").json().array("network_segment_ranges").items();
    REQUIRE(standard.size() == 2);
    const auto& vlan = standard[0];
    CHECK(vlan.text("network_type") == "vlan");
    CHECK(vlan.text("physical_network") == "physnet1");
    CHECK(vlan.integer("minimum") == 100);
    CHECK(vlan.integer("maximum") == 101);
    CHECK(vlan.at("default").boolean());
    CHECK(vlan.at("shared").boolean());
    CHECK(vlan.at("project_id").isNull());
    CHECK(vlan.at("used").dump() == "{}");
    CHECK(vlan.at("available").dump() == "[100,101]");
    CHECK(standard[1].at("physical_network").isNull());
    CHECK(standard[1].array("available").size() == 1000); // of two millions
    const auto one = ranges + "/" + vlan.text("id");
    CHECK(refusal(alice.gets(one)) == "404 NetworkSegmentRangeNotFound");
    CHECK(refusal(root.deletes(one)) == "400 NetworkSegmentRangeDefaultReadOnly");
    CHECK(refusal(root.puts(one, R"({"network_segment_range":{"name":"x"}})")) ==
          "400 NetworkSegmentRangeDefaultReadOnly");

    CHECK(refusal(asks(root, R"("network_type":"vlan","minimum":1,"maximum":2)")) == "400 BadRequest");
    CHECK(refusal(asks(root, R"("network_type":"flat","minimum":1,"maximum":2)")) == "400 HTTPBadRequest");
    CHECK(refusal(asks(root, R"("network_type":"gre","minimum":1,"maximum":2)")) ==
          "400 NetworkSegmentRangeNetTypeNotSupported");
    CHECK(refusal(asks(root, R"("network_type":"vxlan","maximum":2)")) == "400 HTTPBadRequest");
    CHECK(refusal(asks(root, R"("network_type":"vxlan","minimum":2,"maximum":1)")) == "400 NetworkTunnelRangeError");
    CHECK(refusal(asks(root, vlans(4000, 4095))) == "400 NetworkVlanRangeError");
    CHECK(refusal(asks(root, R"("network_type":"vlan","physical_network":"no","minimum":1,"maximum":2)")) ==
          "400 InvalidInput");
    const auto range =
        made(asks(root, vlans(200, 201, R"(,"name":"hers","shared":false,"project_id":)" + inQuotes(alice.project))),
             "network_segment_range");
    const auto its = ranges + "/" + range.text("id");
    CHECK(range.text("project_id") == alice.project);
    CHECK_FALSE(range.at("default").boolean());
    CHECK(refusal(asks(root, vlans(201, 300))) == "409 NetworkSegmentRangeOverlaps");
    made(asks(root, R"("network_type":"vxlan","minimum":200,"maximum":201)"), "network_segment_range");

    // Her own numbers come first, then those of all; others never get hers.
    std::set<std::int64_t> hers, his;
    for (int each = 0; each < 3; ++each) hers.insert(numberOf(root, creates(alice, "network")));
    CHECK(std::set<std::int64_t>{200, 201} == std::set<std::int64_t>(hers.lower_bound(200), hers.end()));
    CHECK(*hers.begin() < 102);
    const auto bob = cloud.member("bob");
    his.insert(numberOf(root, creates(bob, "network")));
    CHECK(*his.begin() < 102);
    CHECK(refusal(bob.posts(v2 + "networks", R"({"network":{}})")) == "503 NoNetworkAvailable");

    const auto used = made(root.gets(its), "network_segment_range", 200);
    CHECK(used.object("used").text("200") == alice.project);
    CHECK(used.array("available").size() == 0);
    const auto change = [&](const std::string& body) {
        return root.puts(its, R"({"network_segment_range":{)" + body + "}}");
    };
    CHECK(refusal(root.deletes(its)) == "409 NetworkSegmentRangeReferencedByProject");
    CHECK(refusal(change(R"("minimum":201)")) == "409 NetworkSegmentRangeReferencedByProject");
    CHECK(refusal(change(R"("maximum":199)")).starts_with("40"));
    CHECK(refusal(change(R"("shared":true)")) == "400 HTTPBadRequest");
    CHECK(made(change(R"("minimum":190,"maximum":210)"), "network_segment_range", 200).integer("minimum") == 190);
    for (const auto& each : idsIn(alice.gets(v2 + "networks?project_id=" + alice.project), "networks"))
        CHECK(alice.deletes(v2 + "networks/" + each).status == 204);
    CHECK(root.deletes(its).status == 204);
    CHECK(refusal(root.gets(its)) == "404 NetworkSegmentRangeNotFound");

    cloud.restart();
    CHECK(root.gets(ranges + "?default=true").json().array("network_segment_ranges").items().at(0).text("id") ==
          vlan.text("id"));
}
