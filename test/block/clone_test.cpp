#include "block/support.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("A volume made from another has its bytes, its size and what is said of it", "[block][clone]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto image = uploads(alice, "raw", "bytes of the guest", R"(,"os_distro":"debian")");
    const auto source = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    writes(cloud, source, "other");
    const auto clone = makes(cloud, alice, R"(,"source_volid":")" + source + "\"");
    CHECK(bytesOf(cloud, clone, 18) == "other of the guest");
    CHECK(shows(alice, clone).text("source_volid") == source);
    CHECK(shows(alice, clone).text("bootable") == "true");
    CHECK(shows(alice, clone).object("volume_image_metadata").text("os_distro") == "debian");

    const auto wants = [&](const Member& who, const std::string& body) {
        return who.posts(volumesPath, R"({"volume":{)" + body + R"("source_volid":")" + source + "\"}}");
    };
    CHECK(wants(bob, "").status == 404);
    const auto larger = wants(alice, R"("size":2,)");
    CHECK(larger.status == 202);
    CHECK(wants(alice, "").json().object("volume").integer("size") == 1);
    cloud.settle();
    CHECK(diskOf(cloud, larger.json().object("volume").text("id"))->size() == std::int64_t{2} << 30);
    const auto grown = larger.json().object("volume").text("id");
    const auto small = alice.posts(volumesPath, R"({"volume":{"size":1,"source_volid":")" + grown + "\"}}");
    CHECK(small.status == 400);
    CHECK(messageOf(small, "badRequest").find("smaller than") != std::string::npos);
    CHECK(alice.deletes(volumesPath + "/" + source).status == 202); // a clone needs it no more
    cloud.settle();
    CHECK(bytesOf(cloud, clone, 5) == "other");
}

TEST_CASE("A volume in use is a source as well; one that is neither available nor in use is none", "[block][clone]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto source = makes(cloud, alice);
    REQUIRE(acts(alice, source, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    const auto body = R"({"volume":{"source_volid":")" + source + "\"}}";
    CHECK(alice.posts(volumesPath, body).status == 202);
    REQUIRE(admin.posts(volumesPath + "/" + source + "/action", R"({"os-reset_status":{"status":"error"}})").status ==
            202);
    CHECK(alice.posts(volumesPath, body).status == 400);
    cloud.settle();
}

TEST_CASE("A deleted volume is kept for a while where that is configured, and an administrator brings it back",
          "[block][bin]") {
    TestAppliance cloud({{"block", "delete_retention", "3600"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice), forced = makes(cloud, alice);
    writes(cloud, volume, "kept");
    const auto snapshot = snaps(cloud, alice, volume);
    const auto path = volumesPath + "/" + volume;
    CHECK(alice.deletes(path + "?cascade=true").status == 202);
    cloud.settle();
    CHECK(alice.gets(path).status == 404);
    CHECK(alice.gets(snapshotsPath + "/" + snapshot).status == 404);
    CHECK(alice.gets(volumesPath).json().array("volumes").size() == 1);
    CHECK(alice.gets("/volume/v3/{project}/limits")
              .json()
              .object("limits")
              .object("absolute")
              .integer("totalVolumesUsed") == 2); // it takes its place
    CHECK(alice.posts(path + "/action", R"({"os-undelete":null})").status == 404);
    CHECK(admin.gets(path).json().object("volume").text("status") == "deleted");
    CHECK(admin.posts(path + "/action", R"({"os-reset_status":{"status":"available"}})").status == 400);
    CHECK(admin.posts(path + "/action", R"({"os-extend":{"new_size":2}})").status == 400);
    CHECK(admin.posts(path + "/action", R"({"os-undelete":null})").status == 202);
    CHECK(statusOf(alice, volume) == "available");
    CHECK(bytesOf(cloud, volume, 4) == "kept");
    CHECK(admin.posts(path + "/action", R"({"os-undelete":null})").status == 400);

    // By force it is gone at once; and what has been there for long enough goes by itself.
    CHECK(admin.posts(volumesPath + "/" + forced + "/action", R"({"os-force_delete":{}})").status == 202);
    cloud.settle();
    CHECK(filesIn(cloud) == 1);
    REQUIRE(alice.deletes(path).status == 202);
    cloud.appliance().store().write(
        [](store::Transaction& tx) { tx.execute("UPDATE volumes SET deleted = 1 WHERE deleted IS NOT NULL"); });
    cloud.restart();
    cloud.settle();
    CHECK(filesIn(cloud) == 0);
    CHECK(admin.gets(path).status == 404);
}
