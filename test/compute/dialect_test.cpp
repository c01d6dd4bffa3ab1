#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("Versions are discovered without a token", "[compute][version]") {
    TestAppliance appliance;
    const auto all = appliance.asks(http::Method::Get, "/compute/", "");
    REQUIRE(all.status == 200);
    const auto versions = all.json().array("versions").items();
    CHECK(versions.at(0).text("id") == "v2.0");
    CHECK(versions.at(1).text("version") == "2.101");
    CHECK(versions.at(1).array("links").items().front().text("href") == "http://cloud.test/compute/v2.1/");
    CHECK(appliance.asks(http::Method::Get, "/compute/v2.1/", "").json().object("version").text("id") == "v2.1");
    CHECK(appliance.asks(http::Method::Get, "/compute/v2/", "").json().object("version").text("id") == "v2.0");
}

TEST_CASE("A microversion is negotiated by either header, and named in every answer", "[compute][version]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const auto asked = [&](HeaderList headers) { return alice.gets("/compute/v2.1/flavors", headers); };
    CHECK(asked({}).headers["OpenStack-API-Version"] == "compute 2.1");
    const auto generic = asked({{"OpenStack-API-Version", "volume 3.1, compute 2.79"}});
    CHECK(generic.headers["OpenStack-API-Version"] == "compute 2.79");
    CHECK(generic.headers["X-OpenStack-Nova-API-Version"] == "2.79");
    CHECK(generic.headers["Vary"] == "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
    CHECK(asked({{"X-OpenStack-Nova-API-Version", "2.10"}}).headers["OpenStack-API-Version"] == "compute 2.10");
    CHECK(asked({{"OpenStack-API-Version", "compute latest"}}).headers["OpenStack-API-Version"] == "compute 2.101");
    const auto beyond = asked({{"OpenStack-API-Version", "compute 2.102"}});
    CHECK(beyond.status == 406);
    CHECK(faultOf(beyond, "computeFault") ==
          "Version 2.102 is not supported by the API. Minimum is 2.1 and maximum is 2.101.");
    CHECK(asked({{"OpenStack-API-Version", "compute three"}}).status == 400);
    CHECK(appliance.asks(http::Method::Get, "/compute/v2.1/servers", "").status == 401);
}

TEST_CASE("What isn't built isn't there", "[compute]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    CHECK(alice.gets("/compute/v2.1/nothing").status == 404);
    CHECK(alice.asks(http::Method::Patch, "/compute/v2.1/servers", "{}").status == 404);
    CHECK(alice.puts("/compute/v2.1/flavors/1", R"({"flavor":{"description":"x"}})").status == 404); // from 2.55
    CHECK(alice.posts("/compute/v2.1/servers", "no json").status == 400);
    CHECK(alice.posts("/compute/v2.1/servers", "[]").status == 400);
}

TEST_CASE("The host is for administrators to see", "[compute][host]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    CHECK(alice.gets("/compute/v2.1/os-hypervisors").status == 403);
    CHECK(alice.gets("/compute/v2.1/os-services").status == 403);
    CHECK(alice.gets("/compute/v2.1/os-availability-zone")
              .json()
              .array("availabilityZoneInfo")
              .items()
              .front()
              .text("zoneName") == "nova");
    CHECK(alice.gets("/compute/v2.1/os-availability-zone/detail").status == 403);
    CHECK(admin.gets("/compute/v2.1/os-availability-zone/detail").status == 200);
    CHECK(admin.gets("/compute/v2.1/os-hypervisors/1").json().object("hypervisor").integer("vcpus") == 4096);
    CHECK(
        admin.gets("/compute/v2.1/os-hypervisors/statistics").json().object("hypervisor_statistics").integer("count") ==
        1);
    const auto newer = admin.gets("/compute/v2.1/os-hypervisors/detail", {{"OpenStack-API-Version", "compute 2.88"}})
                           .json()
                           .array("hypervisors")
                           .items();
    CHECK_FALSE(newer.at(0).has("vcpus"));
    CHECK(newer.at(0).text("id").size() == 36);
    CHECK(admin.gets("/compute/v2.1/os-services").json().array("services").items().front().text("state") == "up");

    const auto host =
        admin.gets("/compute/v2.1/os-hypervisors/1").json().object("hypervisor").text("hypervisor_hostname");
    const auto uptime = admin.gets("/compute/v2.1/os-hypervisors/1/uptime");
    CHECK(uptime.json().object("hypervisor").text("uptime").find(" up ") != std::string::npos);
    CHECK(uptime.json().object("hypervisor").text("hypervisor_hostname") == host);
    CHECK(admin.gets("/compute/v2.1/os-hypervisors/2/uptime").status == 404);
    CHECK(alice.gets("/compute/v2.1/os-hypervisors/1/uptime").status == 403);
    const auto part = host.substr(0, 3);
    for (const auto* verb : {"/search", "/servers"}) {
        CHECK(admin.gets("/compute/v2.1/os-hypervisors/" + part + verb).json().array("hypervisors").size() == 1);
        CHECK(admin.gets("/compute/v2.1/os-hypervisors/no-such-host" + std::string(verb)).status == 404);
        CHECK(alice.gets("/compute/v2.1/os-hypervisors/" + part + verb).status == 403);
        CHECK(admin.gets("/compute/v2.1/os-hypervisors/" + part + verb, {{"OpenStack-API-Version", "compute 2.53"}})
                  .status == 404);
    }
}

TEST_CASE("What compute no longer has is gone, and says so", "[compute][dialect]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    for (const auto* path :
         {"/os-agents", "/os-cells/7", "/os-fping", "/os-cloudpipe", "/os-fixed-ips/10.0.0.1", "/servers/7/consoles"}) {
        INFO(path);
        for (const auto* version : {"2.1", "2.101"}) {
            const auto answer = alice.gets("/compute/v2.1" + std::string(path),
                                           {{"OpenStack-API-Version", "compute " + std::string(version)}});
            CHECK(answer.status == 410);
            CHECK(answer.json().object("computeFault").integer("code") == 410);
        }
    }
}

TEST_CASE("Quotas are shown to their project, and set by administrators", "[compute][quota]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    const std::string mine = "/compute/v2.1/os-quota-sets/" + alice.project;
    CHECK(alice.gets(mine).json().object("quota_set").integer("instances") == 10);
    CHECK(alice.gets(mine).json().object("quota_set").has("floating_ips"));
    CHECK_FALSE(
        alice.gets(mine, {{"OpenStack-API-Version", "compute 2.57"}}).json().object("quota_set").has("injected_files"));
    CHECK(alice.gets("/compute/v2.1/os-quota-sets/" + admin.project).status == 403);
    CHECK(alice.puts(mine, R"({"quota_set":{"cores":99}})").status == 403);
    CHECK(admin.puts(mine, R"({"quota_set":{"cores":99}})").json().object("quota_set").integer("cores") == 99);
    CHECK(admin.puts(mine, R"({"quota_set":{"fixed_ips":9}})").json().object("quota_set").integer("fixed_ips") == 9);
    CHECK(alice.gets(mine).json().object("quota_set").integer("fixed_ips") == 9);
    CHECK(admin.puts(mine, R"({"quota_set":{"fixed_ips":9}})", {{"OpenStack-API-Version", "compute 2.36"}}).status ==
          400);
    CHECK(admin.puts(mine, R"({"quota_set":{"ponies":1}})").status == 400);
    CHECK(alice.gets(mine + "/detail").json().object("quota_set").object("cores").integer("limit") == 99);
    CHECK(alice.gets(mine + "/defaults").json().object("quota_set").integer("cores") == 20);
    CHECK(admin.deletes(mine).status == 202);
    CHECK(alice.gets(mine).json().object("quota_set").integer("cores") == 20);
    CHECK(admin.gets("/compute/v2.1/os-quota-sets/none").status == 400);
}

TEST_CASE("A version of the API is shown by its name", "[compute][dialect]") {
    TestAppliance appliance;
    const auto ask = [&](const char* path) { return appliance.asks(http::Method::Get, path, ""); };
    const auto current = ask("/compute/v2.1/versions/v2.1");
    REQUIRE(current.status == 200);
    CHECK(current.json().object("version").text("id") == "v2.1");
    CHECK(current.json().object("version").text("status") == "CURRENT");
    CHECK(ask("/compute/v2.1/versions/v2.0").json().object("version").text("status") == "SUPPORTED");
    CHECK(ask("/compute/v2.1/versions/v3").status == 404);
    CHECK(ask("/compute/v2.1/").json().object("version").text("id") == "v2.1");
    CHECK(ask("/compute/v2.1/0123456789abcdef0123456789abcdef/").json().object("version").text("id") == "v2.1");
    CHECK(ask("/compute/v2.1/ponies").status == 404);
}
