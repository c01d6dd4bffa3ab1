#include <catch2/catch.hpp>

#include <thread>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const std::string v2 = "/compute/v2.1/";

/// An administrator's cloud of three hosts, each with room for one server of the flavor "vast".
struct Moving {
    TestAppliance appliance{{{"compute", "simulated_hosts", "3"}}};
    Member admin = appliance.admin();
    std::string image = Cloud::upload(admin);

    Moving() {
        REQUIRE(
            admin.puts(v2 + "os-quota-sets/" + admin.project, R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1}})")
                .status == 200);
        REQUIRE(
            admin.posts(v2 + "flavors", R"({"flavor":{"id":"vast","name":"vast","vcpus":1,"ram":16000000,"disk":1}})")
                .status == 200);
    }

    std::string made(const std::string& host, const std::string& disks) {
        const auto answer = admin.posts(v2 + "servers",
                                        R"({"server":{"name":"s","flavorRef":"vast","networks":"none","host":")" +
                                            host + "\"," + disks + "}}",
                                        {{"OpenStack-API-Version", "compute 2.93"}});
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        appliance.settle();
        const auto id = answer.json().object("server").text("id");
        REQUIRE(status(id) == "ACTIVE");
        return id;
    }
    std::string fromVolume(const std::string& host, const std::string& more = "") {
        return made(host, R"("block_device_mapping_v2":[{"boot_index":0,"uuid":")" + image +
                              R"(","source_type":"image","destination_type":"volume","volume_size":1}])" + more);
    }
    std::string fromImage(const std::string& host) { return made(host, R"("imageRef":")" + image + "\""); }

    Json shows(const std::string& id) const { return admin.gets(v2 + "servers/" + id).json().object("server"); }
    std::string status(const std::string& id) const { return shows(id).text("status"); }
    std::string host(const std::string& id) const { return shows(id).text("OS-EXT-SRV-ATTR:host"); }
    Answer acts(const std::string& id, const std::string& action, const std::string& version = "2.56") {
        return admin.posts(v2 + "servers/" + id + "/action", action, {{"OpenStack-API-Version", "compute " + version}});
    }
    std::string refused(const std::string& id, const std::string& action) {
        const auto answer = acts(id, action);
        CHECK(answer.status == 400);
        return faultOf(answer, "badRequest");
    }
    Json newestMigration() {
        return admin.gets(v2 + "os-migrations", {{"OpenStack-API-Version", "compute 2.59"}})
            .json()
            .array("migrations")
            .items()
            .at(0);
    }
    std::int64_t ramOn(const std::string& name) {
        for (const auto& each : admin.gets(v2 + "os-hypervisors/detail", {{"OpenStack-API-Version", "compute 2.53"}})
                                    .json()
                                    .array("hypervisors")
                                    .items())
            if (each.object("service").text("host") == name) return each.integer("memory_mb_used");
        return -1;
    }
    void goesDown(const std::string& name, bool down = true) {
        REQUIRE(admin
                    .puts(v2 + "os-services/force-down",
                          R"({"binary":"nova-compute","host":")" + name + R"(","forced_down":)" +
                              (down ? "true" : "false") + "}",
                          {{"OpenStack-API-Version", "compute 2.11"}})
                    .status == 200);
    }
};

}

TEST_CASE("A server whose disks are volumes goes to another host, and stays there or comes back", "[compute][moving]") {
    Moving cloud;
    const auto id = cloud.fromVolume("sandbox", R"(,"config_drive":true)");
    const auto idle = cloud.ramOn("sandbox-3");
    CHECK_THAT(cloud.refused(id, R"({"migrate":{"host":"sandbox"}})"), Contains("to current host"));
    CHECK_THAT(cloud.refused(id, R"({"migrate":{"host":"nobody"}})"), Contains("could not be found"));
    for (const bool confirmed : {false, true}) {
        REQUIRE(cloud.acts(id, R"({"migrate":{"host":"sandbox-2"}})").status == 202);
        cloud.appliance.settle();
        CHECK(cloud.status(id) == "VERIFY_RESIZE");
        CHECK(cloud.host(id) == "sandbox-2");
        CHECK(cloud.appliance.hypervisor().guests().empty());
        CHECK(cloud.appliance.hypervisor("sandbox-2").guests().size() == 1);
        CHECK(cloud.newestMigration().text("status") == "finished");
        CHECK(cloud.newestMigration().text("migration_type") == "migration");
        for (const char* both : {"sandbox", "sandbox-2"}) CHECK(cloud.ramOn(both) == idle + 16000000); // it may go back
        REQUIRE(cloud.acts(id, confirmed ? R"({"confirmResize":null})" : R"({"revertResize":null})").status ==
                (confirmed ? 204 : 202));
        cloud.appliance.settle();
        const std::string now = confirmed ? "sandbox-2" : "sandbox", left = confirmed ? "sandbox" : "sandbox-2";
        CHECK(cloud.status(id) == "ACTIVE");
        CHECK(cloud.host(id) == now);
        CHECK(cloud.newestMigration().text("status") == (confirmed ? "confirmed" : "reverted"));
        CHECK(cloud.ramOn(now) == idle + 16000000);
        CHECK(cloud.ramOn(left) == idle);
    }
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK(cloud.admin.deletes(v2 + "servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.ramOn("sandbox-2") == idle);
}

TEST_CASE("Two servers that move cannot both have the last place", "[compute][moving]") {
    Moving cloud;
    const auto first = cloud.fromVolume("sandbox"), second = cloud.fromVolume("sandbox-2");
    const auto idle = cloud.ramOn("sandbox-3");
    cloud.appliance.hypervisor("sandbox-3").slowOn("ensureRunning", 500ms);
    REQUIRE(cloud.acts(first, R"({"migrate":null})").status == 202);
    CHECK(cloud.ramOn("sandbox-3") == idle + 16000000); // before it is there
    CHECK_THAT(cloud.refused(second, R"({"migrate":null})"), Contains("lack memory") || Contains("lacks memory"));
    CHECK_THAT(cloud.refused(second, R"({"migrate":{"host":"sandbox-3"}})"), Contains("No valid host was found."));
    cloud.appliance.settle();
    CHECK(cloud.host(first) == "sandbox-3");
    CHECK(cloud.host(second) == "sandbox-2");
    CHECK_THAT(cloud.refused(second, R"({"migrate":{"host":"sandbox"}})"), Contains("No valid host")); // it may go back
    REQUIRE(cloud.acts(first, R"({"confirmResize":null})").status == 204);
    cloud.appliance.settle();
    CHECK(cloud.acts(second, R"({"migrate":{"host":"sandbox"}})").status == 202);
    cloud.appliance.settle();
    CHECK(cloud.host(second) == "sandbox");
}

TEST_CASE("A move that fails is undone: the server runs where it was, and nothing is held elsewhere",
          "[compute][moving]") {
    Moving cloud;
    const auto id = cloud.fromVolume("sandbox");
    const auto idle = cloud.ramOn("sandbox-2");
    cloud.appliance.hypervisor("sandbox-2").failOn("ensureRunning", 3, Failure::Broken);
    REQUIRE(cloud.acts(id, R"({"migrate":{"host":"sandbox-2"}})").status == 202);
    cloud.appliance.settle();
    CHECK(cloud.status(id) == "ACTIVE");
    CHECK(cloud.host(id) == "sandbox");
    CHECK(cloud.ramOn("sandbox-2") == idle);
    CHECK(cloud.newestMigration().text("status") == "error");
    CHECK(cloud.appliance.hypervisor().guests().size() == 1);
    CHECK(cloud.appliance.hypervisor("sandbox-2").guests().empty());
}

TEST_CASE("What no driver carries to another host is refused: disks of its own, and a guest that runs on",
          "[compute][moving]") {
    Moving cloud;
    const auto own = cloud.fromImage("sandbox"), volume = cloud.fromVolume("sandbox-2");
    CHECK_THAT(cloud.refused(own, R"({"migrate":null})"), Contains("No other host can have the server's disks"));
    CHECK_THAT(cloud.refused(volume, R"({"os-migrateLive":{"host":"sandbox-3","block_migration":"auto"}})"),
               Contains("No valid host was found."));
}

TEST_CASE("A server whose host is down is made anew on another, and its host, once it is back, lets go of it",
          "[compute][moving]") {
    Moving cloud;
    const auto id = cloud.fromImage("sandbox-2");
    CHECK_THAT(cloud.refused(id, R"({"evacuate":{"host":"sandbox-3"}})"), Contains("is still in use"));
    cloud.goesDown("sandbox-2");
    CHECK_THAT(cloud.refused(id, R"({"evacuate":{"host":"sandbox-2"}})"), Contains("can't be the same"));
    const auto taker = cloud.fromVolume("sandbox-3");
    CHECK_THAT(cloud.refused(id, R"({"evacuate":{"host":"sandbox-3"}})"), Contains("No valid host was found."));
    const auto answer = cloud.acts(id, R"({"evacuate":{"onSharedStorage":false,"adminPass":"pw"}})", "2.1");
    CHECK(answer.status == 200);
    CHECK(answer.json().text("adminPass") == "pw");
    cloud.appliance.settle();
    CHECK(cloud.status(id) == "ACTIVE");
    CHECK(cloud.host(id) == "sandbox");
    CHECK(cloud.newestMigration().text("status") == "done");
    CHECK(cloud.newestMigration().text("migration_type") == "evacuation");
    CHECK(cloud.appliance.hypervisor("sandbox-2").guests().size() == 1); // it can't be told
    cloud.goesDown("sandbox-2", false);
    cloud.appliance.restart(); // the reconciler looks at once
    cloud.admin = cloud.appliance.admin();
    CHECK(cloud.appliance.hypervisor("sandbox-2").guests().empty());
    CHECK(cloud.appliance.hypervisor().guests().size() == 1);
}
