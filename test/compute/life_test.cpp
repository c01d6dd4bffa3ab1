#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("Servers keep running across a restart of the appliance", "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{id}) == PowerState::Running);
    CHECK(cloud.appliance.hypervisor().calls("ensureRunning") == 0); // nobody touched it
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("Servers that should run are started again after the machine was", "[compute][life]") {
    Cloud cloud;
    const auto runs = cloud.boots(cloud.alice, "runs"), stopped = cloud.boots(cloud.alice, "stopped");
    cloud.acts(cloud.alice, stopped, R"({"os-stop":null})");
    cloud.appliance.settle();
    cloud.appliance.hypervisor().loseHost();
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{runs}) == PowerState::Running);
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{stopped}) == PowerState::Shutdown);
    CHECK(cloud.status(cloud.alice, runs) == "ACTIVE");
    CHECK(cloud.status(cloud.alice, stopped) == "SHUTOFF");
}

TEST_CASE("A guest that powered itself off is shown as such", "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().powerOffFromInside(ServerId{id});
    cloud.appliance.restart(); // the reconciler looks at once
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
    CHECK(cloud.shows(cloud.alice, id).integer("OS-EXT-STS:power_state") == 4);
}

TEST_CASE("A guest that powers itself off is SHUTOFF at once, without a look at all of them", "[compute][life]") {
    Cloud cloud({{"compute", "sync_interval", "3600"}});
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().powerOffFromInside(ServerId{id});
    for (int tries = 0; tries < 400 && cloud.status(cloud.alice, id) != "SHUTOFF"; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
    cloud.does(cloud.alice, id, R"({"os-start":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("Servers stay off after the machine was, where that is configured", "[compute][life]") {
    Cloud cloud({{"compute", "resume_guests_state_on_host_boot", "false"}});
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().loseHost();
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
    cloud.does(cloud.alice, id, R"({"os-start":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("A guest that the hypervisor has lost is made again", "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().ensureGone(ServerId{id});
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{id}) == PowerState::Running);
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK_THAT(cloud.appliance.asks(http::Method::Get, "/metrics", "").body,
               Catch::Contains("stratolet_mended_total{what=\"guest\"} 1\n"));
}

TEST_CASE("A server that an earlier version made starts from the disk it has, and takes it along when it goes",
          "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.acts(cloud.alice, id, R"({"os-stop":null})");
    cloud.appliance.settle();
    const auto instances = cloud.appliance.folder() / "instances";
    std::filesystem::create_directory(instances / id);
    std::filesystem::rename(instances / (id + "_disk"), instances / id / "disk"); // its name until then
    cloud.appliance.restart();
    cloud.acts(cloud.alice, id, R"({"os-start":null})");
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(std::filesystem::exists(instances / id / "disk"));
    CHECK_FALSE(std::filesystem::exists(instances / (id + "_disk")));
    cloud.alice.deletes("/compute/v2.1/servers/" + id);
    cloud.appliance.settle();
    CHECK_FALSE(std::filesystem::exists(instances / id));
}

TEST_CASE("A server whose disk is lost does not start on an empty one: it is in error", "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.acts(cloud.alice, id, R"({"os-stop":null})");
    cloud.appliance.settle();
    std::filesystem::remove(cloud.appliance.folder() / "instances" / (id + "_disk"));
    cloud.acts(cloud.alice, id, R"({"os-start":null})");
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ERROR");
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{id}) == PowerState::Shutdown);
}

TEST_CASE("A guest of ours whose server was deleted is removed, one that no server ever stood for is kept",
          "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    GuestSpec stray;
    stray.server.text = "00000000-0000-4000-8000-000000000000";
    cloud.appliance.hypervisor().ensureDefined(stray);
    cloud.alice.deletes("/compute/v2.1/servers/" + id);
    cloud.appliance.settle();
    GuestSpec again;
    again.server.text = id;
    cloud.appliance.hypervisor().ensureDefined(again);
    cloud.appliance.restart();
    CHECK(cloud.appliance.hypervisor().guests() == std::vector<ServerId>{stray.server});
}

TEST_CASE("A base copy stays while a server uses it", "[compute][life]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto bases = cloud.appliance.folder() / "instances" / "_base";
    const auto count = [&] {
        return std::distance(std::filesystem::directory_iterator(bases), std::filesystem::directory_iterator());
    };
    cloud.appliance.restart();
    CHECK(count() == 1);
    cloud.alice.deletes("/compute/v2.1/servers/" + id);
    cloud.appliance.settle();
    cloud.appliance.restart();
    CHECK(count() == 0);
}
