#include <catch2/catch.hpp>

#include <chrono>

#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

namespace {

const std::vector<TestOption> lendsEth0{{"network", "external_network", "bridge:eth0"},
                                        {"network", "external_pool", "192.168.1.200-192.168.1.219"}};
const OutsideNetwork lan{"192.168.1.0/24", {"192.168.1.7"}, "192.168.1.1", 1500};

/// The reconciler has looked after `time`.
void passes(TestAppliance& cloud, std::chrono::seconds time) {
    cloud.passes(time);
    creates(cloud.admin(), "network");
    cloud.settle();
}

std::size_t waysOutside(TestAppliance& cloud) {
    return idsIn(cloud.admin().gets(v2 + "networks?router:external=true"), "networks").size();
}

}

TEST_CASE("A host that could not be joined to the network outside is tried again, after longer and longer",
          "[network][external]") {
    TestAppliance cloud(lendsEth0);
    auto& host = cloud.network();
    host.isOn({lan});
    host.failsToJoin("the gateway does not answer");
    passes(cloud, std::chrono::seconds(61));
    const auto tries = host.joins();
    CHECK(waysOutside(cloud) == 0);
    passes(cloud, std::chrono::seconds(50));
    CHECK(host.joins() == tries);
    passes(cloud, std::chrono::seconds(11));
    CHECK(host.joins() == tries + 1);
    passes(cloud, std::chrono::seconds(61));
    CHECK(host.joins() == tries + 1);
    passes(cloud, std::chrono::minutes(3));
    CHECK(host.joins() == tries + 2);
    CHECK(waysOutside(cloud) == 0);

    host.failsToJoin("");
    passes(cloud, std::chrono::minutes(5));
    CHECK(host.joins() == tries + 2);
    passes(cloud, std::chrono::minutes(11));
    CHECK(host.joins() == tries + 3);
    CHECK(waysOutside(cloud) == 1);
    passes(cloud, std::chrono::hours(48));
    CHECK(host.joins() == tries + 3);
    CHECK(waysOutside(cloud) == 1);
}

TEST_CASE("A host that has no address yet on the network that it lends is looked at again each minute, and makes the "
          "network once it has one",
          "[network][external]") {
    TestAppliance cloud(lendsEth0);
    CHECK(waysOutside(cloud) == 0);
    passes(cloud, std::chrono::seconds(61));
    CHECK(waysOutside(cloud) == 0);
    cloud.network().isOn({lan});
    passes(cloud, std::chrono::seconds(61));
    REQUIRE(waysOutside(cloud) == 1);
    const auto subnet = cloud.admin().gets(v2 + "subnets").json().array("subnets").items().at(0);
    CHECK(subnet.text("cidr") == "192.168.1.0/24");
    CHECK(subnet.text("gateway_ip") == "192.168.1.1");
    CHECK(subnet.array("allocation_pools").items().at(0).text("start") == "192.168.1.200");
}
