#include <sys/stat.h>

#include "block/support.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string hostOf(TestAppliance& cloud, const std::string& volume) {
    return shows(cloud.admin(), volume).text("os-vol-host-attr:host");
}

Json imageOf(const Member& who, const std::string& image) { return who.gets("/image/v2/images/" + image).json(); }

/// As long as it lives, nobody else may do anything with a file that is made.
class Strict {
public:
    ~Strict() { ::umask(before_); }

private:
    mode_t before_ = ::umask(077);
};

/// A type of this back end.
std::string typeOf(TestAppliance& cloud, const std::string& backend) {
    const auto admin = cloud.admin();
    const auto made = admin.posts("/volume/v3/{project}/types", R"({"volume_type":{"name":")" + backend +
                                                                    R"(","extra_specs":{"volume_backend_name":")" +
                                                                    backend + "\"}}}");
    REQUIRE(made.status == 200);
    return made.json().object("volume_type").text("id");
}

}

TEST_CASE("A volume goes back to its newest snapshot, and to no other", "[block][revert]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto older = snaps(cloud, alice, volume);
    writes(cloud, volume, "then");
    const auto newer = snaps(cloud, alice, volume);
    writes(cloud, volume, "now!");
    const auto reverts = [&](const std::string& snapshot, int minor = 40) {
        return acts(alice, volume, R"({"revert":{"snapshot_id":")" + snapshot + "\"}}", {since(minor)}).status;
    };
    CHECK(reverts(newer, 39) == 404);
    CHECK(reverts(older) == 400);
    CHECK(reverts(newer) == 202);
    CHECK(alice.deletes(snapshotsPath + "/" + newer).status == 400); // it is being read
    cloud.settle();
    CHECK(bytesOf(cloud, volume, 4) == "then");
    CHECK(statusOf(alice, volume) == "available");
    CHECK(alice.gets(snapshotsPath + "/" + newer).json().object("snapshot").text("status") == "available");
    REQUIRE(acts(alice, volume, R"({"os-extend":{"new_size":2}})").status == 202);
    cloud.settle();
    CHECK(reverts(newer) == 400); // of another size
    REQUIRE(acts(alice, volume, R"({"os-reserve":{}})").status == 202);
    snaps(cloud, alice, makes(cloud, alice));
    CHECK(reverts(newer) == 400);
}

TEST_CASE("A volume becomes an image with its bytes, in the format that is wanted", "[block][upload]") {
    const Strict umask; // as the program runs
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = uploads(alice, "raw", "bytes of the guest", R"(,"os_distro":"debian")");
    const auto volume = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    const auto format = GENERATE(as<std::string>(), "qcow2", "vmdk", "vdi", "vhd"); // raw: Tempest has time for 1 GiB
    const auto answer =
        acts(alice, volume,
             R"({"os-volume_upload_image":{"image_name":"copy","disk_format":")" + format + R"(","protected":true}})",
             {since(1)});
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    const auto told = answer.json().object("os-volume_upload_image");
    CHECK(told.text("status") == "uploading");
    CHECK(told.text("visibility") == "private");
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "available");
    const auto made = imageOf(alice, told.text("image_id"));
    CHECK(made.text("status") == "active");
    CHECK(made.text("name") == "copy");
    CHECK(made.text("disk_format") == format);
    CHECK(made.boolean("protected", false));
    CHECK(made.text("os_distro") == "debian"); // what was said of the image that the volume was made from
    CHECK_FALSE(made.has("image_id"));
    if (format == "qcow2") CHECK(made.integer("virtual_size") == std::int64_t{1} << 30);
    CHECK(std::filesystem::is_empty(cloud.folder() / "volume-uploads"));
    CHECK(filesIn(cloud) == 1);
    if (format != "qcow2") return;
    const auto again = makes(cloud, alice, R"(,"imageRef":")" + told.text("image_id") + "\"");
    CHECK(bytesOf(cloud, again, 18) == "bytes of the guest");
}

TEST_CASE("A volume in use becomes an image where that is forced; what can't be one is refused", "[block][upload]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    const auto wants = [&](const Member& who, const std::string& more, int minor = 1) {
        return acts(who, volume, R"({"os-volume_upload_image":{"image_name":"copy")" + more + "}}", {since(minor)})
            .status;
    };
    CHECK(wants(bob, "") == 404);
    CHECK(wants(alice, R"(,"disk_format":"floppy")") == 400);
    CHECK(wants(alice, R"(,"container_format":"bag")") == 400);
    CHECK(wants(alice, R"(,"visibility":"public")") == 403);
    CHECK(wants(alice, R"(,"visibility":"private")", 0) == 400); // not known yet
    REQUIRE(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    CHECK(wants(alice, "") == 400);
    CHECK(wants(alice, R"(,"force":true,"disk_format":"qcow2")") == 202);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(filesIn(cloud) == 1); // the moment's snapshot is gone
    const auto images = alice.gets("/image/v2/images").json().array("images").items();
    REQUIRE(images.size() == 1);
    CHECK(images[0].text("status") == "active");
}

TEST_CASE("A volume that can't be read is as before, and there is no image of it", "[block][upload]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    std::filesystem::remove(fileOf(cloud, volume));
    REQUIRE(acts(alice, volume, R"({"os-volume_upload_image":{"image_name":"copy"}})").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "available");
    CHECK(alice.gets("/image/v2/images").json().array("images").size() == 0);
}

TEST_CASE("A volume is filled anew from another image", "[block][reimage]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    writes(cloud, volume, "what a guest has left");
    const auto image = uploads(alice, "raw", "fresh", R"(,"os_distro":"debian")");
    const auto wants = [&](const std::string& which, int minor = 68, const std::string& more = "") {
        return acts(alice, volume, R"({"os-reimage":{"image_id":")" + which + "\"" + more + "}}", {since(minor)})
            .status;
    };
    CHECK(wants(image, 67) == 404);
    CHECK(wants(uploads(bob, "raw", "x")) == 400);
    CHECK(wants(uploads(alice, "raw", "x", R"(,"min_disk":2)")) == 400);
    CHECK(wants(image) == 202);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "available");
    CHECK(bytesOf(cloud, volume, 8) == std::string("fresh\0\0\0", 8));
    CHECK(shows(alice, volume).text("bootable") == "true");
    CHECK(shows(alice, volume).object("volume_image_metadata").text("os_distro") == "debian");
    const auto reserves =
        R"({"attachment":{"volume_uuid":")" + volume + R"(","instance_uuid":"88888888-0000-4000-8000-000000000000"}})";
    REQUIRE(alice.posts("/volume/v3/{project}/attachments", reserves, {since(27)}).status == 200);
    CHECK(wants(image) == 400);
    CHECK(wants(image, 68, R"(,"reimage_reserved":true)") == 202);
    cloud.settle();
    CHECK(statusOf(alice, volume) == "reserved");
}

TEST_CASE("A volume moves to another back end with its bytes, and leaves nothing behind", "[block][migrate]") {
    TestAppliance cloud({{"block", "backends", "file, fast"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    auto volume = makes(cloud, alice);
    auto host = hostOf(cloud, volume);
    if (!host.ends_with("@file#file")) { // where there was more room
        REQUIRE(alice.deletes(volumesPath + "/" + volume).status == 202);
        volume = makes(cloud, alice, R"(,"volume_type":")" + typeOf(cloud, "file") + "\"");
        host = hostOf(cloud, volume);
    }
    REQUIRE(host.ends_with("@file#file"));
    writes(cloud, volume, "moving bytes");
    const auto there = host.substr(0, host.find('@')) + "@fast#fast";
    const auto migrates = [&](const std::string& to, const std::string& more = "") {
        return acts(admin, volume, R"({"os-migrate_volume":{"host":")" + to + "\"" + more + "}}").status;
    };
    CHECK(acts(alice, volume, R"({"os-migrate_volume":{"host":")" + there + "\"}}").status == 403);
    CHECK(migrates("nowhere@none#none") == 400);
    CHECK(migrates(host) == 400);
    const auto snapshot = snaps(cloud, alice, volume);
    CHECK(migrates(there) == 400);
    REQUIRE(alice.deletes(snapshotsPath + "/" + snapshot).status == 202);
    cloud.settle();
    CHECK(migrates(there, R"(,"lock_volume":true)") == 202);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    cloud.settle();
    CHECK(hostOf(cloud, volume) == there);
    CHECK(shows(alice, volume).text("migration_status") == "success");
    CHECK(shows(admin, volume).text("os-vol-mig-status-attr:migstat") == "success");
    CHECK(statusOf(alice, volume) == "available");
    CHECK(filesIn(cloud) == 0);
    std::string bytes(12, '?');
    std::ifstream(cloud.folder() / "volumes-fast" / ("volume-" + volume), std::ios::binary).read(bytes.data(), 12);
    CHECK(bytes == "moving bytes");
    CHECK(migrates(host) == 202); // and back
    cloud.settle();
    CHECK(bytesOf(cloud, volume, 12) == "moving bytes");
    cloud.restart();
    CHECK(bytesOf(cloud, volume, 12) == "moving bytes");
    CHECK(acts(admin, volume, R"({"os-migrate_volume_completion":{"new_volume":")" + makes(cloud, admin) + "\"}}")
              .status == 400);
}

TEST_CASE("A volume's type changes where it is, or takes the volume with it where that is allowed", "[block][retype]") {
    TestAppliance cloud({{"block", "backends", "file, fast"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto file = typeOf(cloud, "file"), fast = typeOf(cloud, "fast");
    const auto volume = makes(cloud, alice, R"(,"volume_type":")" + file + "\"");
    writes(cloud, volume, "bytes");
    const auto retypes = [&](const std::string& type, const std::string& policy) {
        return acts(alice, volume,
                    R"({"os-retype":{"new_type":")" + type + R"(","migration_policy":")" + policy + "\"}}")
            .status;
    };
    CHECK(retypes("nothing", "never") == 404);
    CHECK(retypes(fast, "sometimes") == 400);
    CHECK(retypes(file, "never") == 400); // it is of that type
    CHECK(retypes("__DEFAULT__", "never") == 202);
    cloud.settle();
    CHECK(shows(alice, volume).text("volume_type") == "__DEFAULT__");
    CHECK(retypes("fast", "never") == 202); // said later that nothing comes of it
    cloud.settle();
    CHECK(shows(alice, volume).text("volume_type") == "__DEFAULT__");
    CHECK(statusOf(alice, volume) == "available");
    CHECK(alice.gets("/volume/v3/{project}/messages?resource_uuid=" + volume, {since(5)})
              .json()
              .array("messages")
              .size() == 1);
    CHECK(retypes("fast", "on-demand") == 202);
    CHECK(statusOf(alice, volume) == "retyping");
    cloud.settle();
    CHECK(shows(alice, volume).text("volume_type") == "fast");
    CHECK(statusOf(alice, volume) == "available");
    CHECK(hostOf(cloud, volume).ends_with("@fast#fast"));
    CHECK(filesIn(cloud) == 0);
    std::string bytes(5, '?');
    std::ifstream(cloud.folder() / "volumes-fast" / ("volume-" + volume), std::ios::binary).read(bytes.data(), 5);
    CHECK(bytes == "bytes");
}

TEST_CASE("An administrator lets a volume go and takes it over again", "[block][manage]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    writes(cloud, volume, "kept");
    const auto host = hostOf(cloud, volume);
    const std::string path = "/volume/v3/{project}/manageable_volumes", asked = "?host=" + http::percentEncoded(host);
    CHECK(admin.gets(path + asked).status == 404); // not in 3.0
    CHECK(alice.gets(path + asked, {since(8)}).status == 403);
    CHECK(admin.gets(path, {since(8)}).status == 400);
    const auto managed = admin.gets(path + "/detail" + asked, {since(8)}).json().array("manageable-volumes").items();
    REQUIRE(managed.size() == 1);
    CHECK(managed[0].text("cinder_id") == volume);
    CHECK_FALSE(managed[0].boolean("safe_to_manage", true));

    const auto takes = [&](const std::string& reference) {
        return admin.posts(path,
                           R"({"volume":{"host":")" + host + R"(","ref":{"source-name":")" + reference +
                               R"("},"name":"again","bootable":true}})",
                           {since(8)});
    };
    CHECK(takes("volume-" + volume).status == 400); // it has a master
    CHECK(acts(alice, volume, R"({"os-unmanage":{}})").status == 403);
    CHECK(acts(admin, volume, R"({"os-unmanage":{}})").status == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    const auto released = cloud.folder() / "volumes" / "released";
    CHECK_FALSE(std::filesystem::is_empty(released));
    cloud.restart();
    CHECK_FALSE(std::filesystem::is_empty(released)); // nobody's now, and kept
    const auto free = admin.gets("/volume/v3/{project}/os-volume-manage" + asked).json().array("manageable-volumes");
    CHECK(free.items().at(0).boolean("safe_to_manage", false));
    CHECK(free.items().at(0).integer("size") == 1);
    CHECK(takes("../passwd").status == 400);
    const auto answer = takes("volume-" + volume);
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    cloud.settle();
    const auto id = answer.json().object("volume").text("id");
    CHECK(statusOf(admin, id) == "available");
    CHECK(shows(admin, id).text("bootable") == "true");
    CHECK(bytesOf(cloud, id, 4) == "kept");
    CHECK(filesIn(cloud) == 1);
}

TEST_CASE("An administrator lets a snapshot go and takes it over again", "[block][manage][snapshot]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto volume = makes(cloud, admin);
    const auto snapshot = snaps(cloud, admin, volume);
    const auto takes = [&] {
        return admin.posts("/volume/v3/{project}/manageable_snapshots",
                           R"({"snapshot":{"volume_id":")" + volume + R"(","ref":{"source-name":"snapshot-)" +
                               snapshot + R"("},"name":"again"}})",
                           {since(8)});
    };
    CHECK(takes().status == 400);
    REQUIRE(admin.posts(snapshotsPath + "/" + snapshot + "/action", R"({"os-unmanage":{}})").status == 202);
    cloud.settle();
    CHECK(admin.gets(snapshotsPath + "/" + snapshot).status == 404);
    const auto found = admin.gets("/volume/v3/{project}/os-snapshot-manage/detail?host=" +
                                  http::percentEncoded(hostOf(cloud, volume)));
    REQUIRE(found.json().array("manageable-snapshots").size() == 1);
    CHECK(found.json().array("manageable-snapshots").items()[0].boolean("safe_to_manage", false));
    const auto answer = takes();
    REQUIRE(answer.status == 202);
    cloud.settle();
    const auto id = answer.json().object("snapshot").text("id");
    CHECK(admin.gets(snapshotsPath + "/" + id).json().object("snapshot").text("status") == "available");
    CHECK(filesIn(cloud) == 2);
}

TEST_CASE("Nobody but block storage itself completes what it extends", "[block]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    const auto completes = [&](const Member& who, int minor) {
        return acts(who, volume, R"({"os-extend_volume_completion":{"error":false}})", {since(minor)}).status;
    };
    CHECK(completes(admin, 70) == 404);
    CHECK(completes(alice, 71) == 403);
    CHECK(completes(admin, 71) == 400);
}
