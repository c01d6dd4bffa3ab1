#include "block/support.hpp"
#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

/// A volume that a server of alice's has.
std::string attached(Cloud& cloud, const std::string& server) {
    const auto volume = cloud.createsVolume(cloud.alice);
    REQUIRE(cloud.alice
                .posts("/compute/v2.1/servers/" + server + "/os-volume_attachments",
                       R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}")
                .status == 200);
    cloud.appliance.settle();
    REQUIRE(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    return volume;
}

}

TEST_CASE("A volume that a server has is snapshot, copied, uploaded and let go, and stays the server's",
          "[block][live][snapshot]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto server = cloud.boots(alice, "guest"), volume = attached(cloud, server);
    const auto snapshot = snaps(cloud.appliance, alice, volume, R"(,"force":true)");
    const auto status = [&](const std::string& id) {
        return alice.gets(snapshotsPath + "/" + id).json().object("snapshot").text("status");
    };
    CHECK(status(snapshot) == "available");
    CHECK(cloud.volumeStatus(alice, volume) == "in-use");
    const auto copy = alice.posts(volumesPath, R"({"volume":{"snapshot_id":")" + snapshot + "\"}}"),
               clone = alice.posts(volumesPath, R"({"volume":{"source_volid":")" + volume + "\"}}");
    REQUIRE(copy.status == 202);
    REQUIRE(clone.status == 202);
    cloud.appliance.settle();
    for (const auto& each : {copy, clone})
        CHECK(cloud.volumeStatus(alice, each.json().object("volume").text("id")) == "available");
    REQUIRE(
        acts(alice, volume, R"({"os-volume_upload_image":{"image_name":"copy","force":true,"disk_format":"qcow2"}})")
            .status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(alice, volume) == "in-use");
    CHECK(acts(alice, volume, R"({"revert":{"snapshot_id":")" + snapshot + "\"}}", {since(40)}).status == 409);
    REQUIRE(alice.deletes(snapshotsPath + "/" + snapshot).status == 202);
    cloud.appliance.settle();
    CHECK(alice.gets(snapshotsPath + "/" + snapshot).status == 404);
    REQUIRE(alice.deletes("/compute/v2.1/servers/" + server + "/os-volume_attachments/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(alice, volume) == "available");
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
}
