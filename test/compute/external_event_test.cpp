#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string events = "/compute/v2.1/os-server-external-events";

Answer tells(const Member& who, const std::string& list, const char* version = "compute 2.93") {
    return who.posts(events, "{\"events\":[" + list + "]}", {{"OpenStack-API-Version", version}});
}

std::string event(const std::string& name, const std::string& server, const std::string& more = "") {
    return R"({"name":")" + name + R"(","server_uuid":")" + server + "\"" + more + "}";
}

}

TEST_CASE("What others tell of servers is answered event by event", "[compute][event]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = cloud.boots(cloud.alice, "one");
    const std::string nobody = "00000000-0000-4000-8000-00000000abcd";
    CHECK(tells(cloud.alice, event("network-changed", id)).status == 403);
    const auto one = tells(admin, event("network-vif-plugged", id, R"(,"tag":"port","status":"completed")"));
    INFO(one.body);
    CHECK(one.status == 200);
    const auto said = one.json().array("events").items().at(0);
    CHECK(said.integer("code") == 200);
    CHECK(said.text("status") == "completed");
    CHECK(said.text("tag") == "port");
    const auto some = tells(admin, event("network-changed", id) + "," + event("network-changed", nobody) + "," +
                                       event("volume-extended", id));
    CHECK(some.status == 207);
    const auto list = some.json().array("events").items();
    REQUIRE(list.size() == 3);
    CHECK(list[0].integer("code") == 200);
    CHECK(list[1].integer("code") == 404);
    CHECK(list[1].text("status") == "failed");
    CHECK(list[2].integer("code") == 400); // of which volume isn't said
    CHECK(tells(admin, event("volume-extended", id, R"(,"tag":"v")"), "compute 2.50").status == 400);
    CHECK(tells(admin, event("power-update", id, R"(,"tag":"POWER_OFF")"), "compute 2.75").status == 400);
    CHECK(tells(admin, event("accelerator-request-bound", id, R"(,"tag":"a")"), "compute 2.81").status == 400);
    CHECK(tells(admin, event("volume-reimaged", id), "compute 2.92").status == 400);
    CHECK(tells(admin, event("volume-reimaged", id), "compute 2.93").status == 200);
    CHECK(tells(admin, event("ponies", id)).status == 400);
    CHECK(tells(admin, event("network-changed", "x")).status == 400);
    CHECK(tells(admin, event("network-changed", id, R"(,"status":"perhaps")")).status == 400);
    CHECK(tells(admin, event("network-changed", id, R"(,"a":"b")")).status == 400);
    CHECK(tells(admin, "").status == 400);
}

TEST_CASE("A guest hears of a volume's new size where the volume is its own", "[compute][event]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = cloud.boots(cloud.alice, "one");
    const auto volume = cloud.createsVolume(cloud.alice), other = cloud.createsVolume(cloud.alice);
    REQUIRE(cloud.alice
                .posts("/compute/v2.1/servers/" + id + "/os-volume_attachments",
                       R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}")
                .status == 200);
    cloud.appliance.settle();
    CHECK(tells(admin, event("volume-extended", id, R"(,"tag":")" + other + "\"")).status == 200);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().calls("ensureDiskSize") == 0);
    CHECK(tells(admin, event("volume-extended", id, R"(,"tag":")" + volume + "\"")).status == 200);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().calls("ensureDiskSize") == 1);
}

TEST_CASE("That a guest's power has changed is looked at, not believed", "[compute][event]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = cloud.boots(cloud.alice, "one");
    CHECK(tells(admin, event("power-update", id, R"(,"tag":"POWER_OFF")")).status == 200);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    cloud.appliance.hypervisor().powerOffFromInside(ServerId{id});
    CHECK(tells(admin, event("power-update", id, R"(,"tag":"POWER_OFF")")).status == 200);
    for (int tries = 0; tries < 400 && cloud.status(cloud.alice, id) != "SHUTOFF"; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
}

TEST_CASE("A snapshot that compute should assist with is refused: block storage needs no help", "[compute][event]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const std::string path = "/compute/v2.1/os-assisted-volume-snapshots";
    const auto asks = [&](const std::string& type) {
        return R"({"snapshot":{"volume_id":"v","create_info":{"snapshot_id":"s","type":")" + type +
               R"(","new_file":"f","id":"i"}}})";
    };
    CHECK(cloud.alice.posts(path, asks("qcow2")).status == 403);
    const auto refused = admin.posts(path, asks("qcow2"));
    CHECK(refused.status == 400);
    CHECK_THAT(faultOf(refused, "badRequest"), Catch::Contains("Invalid volume: v"));
    CHECK(admin.posts(path, asks("raw")).status == 400);
    CHECK(admin.deletes(path + "/s").status == 400);
    CHECK(admin.deletes(path + "/s?delete_info=%7B%22volume_id%22:%22v%22%7D").status == 400);
    CHECK(admin.deletes(path + "/s?delete_info=x").status == 400);
    CHECK(cloud.alice.deletes(path + "/s").status == 403);
}
