#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("What a disabled back end has stays, and nothing more goes there", "[block][service][scheduler]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/os-services", volumes = "/volume/v3/{project}/volumes";
    const auto service = [&] {
        return root.gets(path + "?binary=cinder-volume").json().array("services").items().at(0);
    };
    CHECK(service().text("status") == "enabled");
    const auto host = service().text("host");
    const std::string named = R"("binary":"cinder-volume","host":")" + host + "\"";
    CHECK(alice.puts(path + "/disable", "{" + named + "}").status == 403);
    CHECK(root.puts(path + "/disable", R"({"binary":"cinder-volume","host":"nowhere"})").status == 404);
    CHECK(root.puts(path + "/disable", R"({"binary":"cinder-volume"})").status == 400);
    CHECK(root.puts(path + "/disable-log-reason", "{" + named + "}").status == 400);
    const auto disabled = root.puts(path + "/disable-log-reason", "{" + named + R"(,"disabled_reason":"full"})");
    CHECK(disabled.status == 200);
    CHECK(disabled.json().text("status") == "disabled");
    CHECK(service().text("disabled_reason") == "full");
    const auto made = alice.posts(volumes, R"({"volume":{"size":1}})");
    CHECK(made.status == 202);
    cloud.settle();
    CHECK(alice.gets(volumes + "/" + made.json().object("volume").text("id")).json().object("volume").text("status") ==
          "error");
    cloud.restart();
    CHECK(service().text("status") == "disabled");
    CHECK(root.puts(path + "/enable", "{" + named + "}").json().text("status") == "enabled");
    CHECK(service().at("disabled_reason").isNull());
    const auto again = alice.posts(volumes, R"({"volume":{"size":1}})");
    cloud.settle();
    CHECK(alice.gets(volumes + "/" + again.json().object("volume").text("id")).json().object("volume").text("status") ==
          "available");
}

TEST_CASE("Pools tell what they have and can, by name and by type", "[block][service][scheduler]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};
    const std::string path = "/volume/v3/{project}/scheduler-stats/get_pools";
    REQUIRE(root.posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":"quick","extra_specs":{"volume_backend_name":"fast"}}})")
                .status == 200);
    const auto all = root.gets(path + "?detail=true", newest).json().array("pools").items();
    REQUIRE(all.size() == 2);
    const auto can = all[0].object("capabilities");
    CHECK(can.at("total_capacity_gb").isNumber());
    CHECK(can.integer("reserved_percentage") == 0);
    CHECK(can.integer("total_volumes") == 0);
    CHECK(can.boolean("thin_provisioning_support", false));
    const auto quick = root.gets(path + "?volume_type=quick", newest).json().array("pools").items();
    REQUIRE(quick.size() == 1);
    CHECK(quick[0].text("name") == all[0].text("name"));
    CHECK_FALSE(quick[0].has("capabilities"));
    CHECK(root.gets(path + "?name=nothing", newest).json().array("pools").size() == 0);
    CHECK(root.gets(path + "?colour=red", newest).status == 400);
    CHECK(alice.gets(path, newest).status == 403);

    const auto host = all[0].text("name").substr(0, all[0].text("name").find('#'));
    const auto capabilities = root.gets("/volume/v3/{project}/capabilities/" + host);
    CHECK(capabilities.status == 200);
    CHECK(capabilities.json().text("volume_backend_name") == "fast");
    CHECK(capabilities.json().object("properties").has("multiattach"));
    CHECK(root.gets("/volume/v3/{project}/capabilities/nowhere").status == 404);
    CHECK(alice.gets("/volume/v3/{project}/capabilities/" + host).status == 403);
}
