#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("Diagnostics are what the hypervisor has counted, in old names and in new ones", "[compute][diagnostics]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = cloud.boots(cloud.alice, "one");
    const std::string path = "/compute/v2.1/servers/" + id + "/diagnostics";
    CHECK(cloud.alice.gets(path).status == 403);
    const auto old = admin.gets(path);
    INFO(old.body);
    REQUIRE(old.status == 200);
    CHECK(old.json().integer("cpu0_time") == 1000000000);
    CHECK(old.json().integer("vda_read") == 512);
    CHECK(old.json().integer("vda_errors") == -1);
    CHECK(old.json().has("memory"));
    const auto shaped = admin.gets(path, {{"OpenStack-API-Version", "compute 2.48"}}).json();
    CHECK(shaped.text("state") == "running");
    CHECK(shaped.integer("num_cpus") == 1);
    CHECK(shaped.integer("num_disks") == 1);
    CHECK(shaped.integer("uptime") >= 0);
    CHECK(shaped.array("cpu_details").items().at(0).integer("time") == 1000000000);
    CHECK(shaped.array("disk_details").items().at(0).integer("read_bytes") == 512);
    CHECK(shaped.array("disk_details").items().at(0).at("errors_count").isNull());
    CHECK(shaped.object("memory_details").has("maximum"));
    REQUIRE(cloud.acts(cloud.alice, id, R"({"os-stop":null})").status == 202);
    cloud.appliance.settle();
    CHECK(admin.gets(path).status == 409); // nothing is counted of what doesn't run
    CHECK(admin.gets("/compute/v2.1/servers/none/diagnostics").status == 404);
}
