#include <catch2/catch.hpp>

#include "network/l3/external.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

const std::string net = "/network/v2.0/";

std::string blockOutside(TestAppliance& cloud) {
    const auto subnets = cloud.admin().gets(net + "subnets?name=public-subnet").json().array("subnets").items();
    REQUIRE(subnets.size() == 1);
    return subnets[0].text("cidr");
}

/// As if the cloud began on a host that has such routes.
std::string blockBesides(TestAppliance& cloud, std::vector<std::string> routes) {
    const auto admin = cloud.admin();
    const auto there = admin.gets(net + "networks?router:external=true").json().array("networks").items();
    REQUIRE(there.size() == 1);
    REQUIRE(admin.deletes(net + "networks/" + there[0].text("id")).status == 204);
    cloud.hostReaches(std::move(routes));
    cloud.restart();
    return blockOutside(cloud);
}

}

TEST_CASE("The external network takes a block that its host has no route to; one that is configured is taken as it is",
          "[network][external]") {
    TestAppliance cloud;
    CHECK(blockOutside(cloud) == "172.24.4.0/24");
    CHECK(blockBesides(cloud, {"172.16.0.0/12"}) == "10.224.4.0/24");
    CHECK(blockBesides(cloud, {"172.24.4.128/25", "10.0.0.0/8", "fd00::/8"}) == "192.168.224.0/24");
    TestAppliance configured({{"network", "external_cidr", "172.24.4.0/25"}});
    CHECK(blockBesides(configured, {"172.24.0.0/16"}) == "172.24.4.0/25");
}

TEST_CASE(
    "A route that the host has got to the external network's block is found, a default route or one beside it isn't",
    "[network][external]") {
    TestAppliance cloud;
    const auto findings = [&](std::vector<std::string> routes) {
        cloud.network().reaches(std::move(routes));
        return network::externalCollisions(cloud.appliance().store().reader(), cloud.network());
    };
    CHECK(findings({}).empty());
    CHECK(findings({"172.24.5.0/24", "192.168.1.0/24"}).empty());
    const auto found = findings({"192.168.1.0/24", "172.24.4.64/26"});
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains("172.24.4.0/24") && Contains("172.24.4.64/26"));
}

TEST_CASE("Without a block that is free there is no external network, and the cloud starts all the same",
          "[network][external]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto there = admin.gets(net + "networks?router:external=true").json().array("networks").items();
    REQUIRE(admin.deletes(net + "networks/" + there.at(0).text("id")).status == 204);
    cloud.hostReaches({"172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16", "198.18.0.0/15"});
    cloud.restart();
    CHECK(cloud.admin().gets(net + "networks?router:external=true").json().array("networks").size() == 0);
}
