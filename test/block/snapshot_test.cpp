#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "block/support.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("A snapshot is taken, shown, renamed and deleted, and keeps the bytes of that moment", "[block][snapshot]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    writes(cloud, volume, "old bytes");
    const auto answer = alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume +
                                                       R"(","name":"moment","metadata":{"k":"v"}}})");
    REQUIRE(answer.status == 202);
    CHECK(answer.json().object("snapshot").text("status") == "creating");
    cloud.settle();
    const auto id = answer.json().object("snapshot").text("id"), path = snapshotsPath + "/" + id;
    const auto shown = alice.gets(path).json().object("snapshot");
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("volume_id") == volume);
    CHECK(shown.integer("size") == 1);
    CHECK(shown.object("metadata").text("k") == "v");
    CHECK(shown.text("os-extended-snapshot-attributes:progress") == "100%");
    CHECK(shown.text("os-extended-snapshot-attributes:project_id") == alice.project);
    CHECK_FALSE(shown.has("group_snapshot_id"));
    const auto newest = alice.gets(path, {since(65)}).json().object("snapshot");
    CHECK(newest.at("group_snapshot_id").isNull());
    CHECK(newest.text("user_id") == alice.user);
    CHECK(newest.boolean("consumes_quota", false));

    CHECK(alice.puts(path, R"({"snapshot":{"name":"other"}})").json().object("snapshot").text("name") == "other");
    CHECK(alice.puts(path, R"({"snapshot":{}})").status == 400);
    CHECK(alice.posts(path + "/metadata", R"({"metadata":{"z":"9"}})").json().object("metadata").size() == 2);
    CHECK(alice.deletes(path + "/metadata/k").status == 200);
    CHECK(alice.gets(path + "/metadata").json().object("metadata").names() == std::vector<std::string>{"z"});

    writes(cloud, volume, "new bytes");
    const auto copy = makes(cloud, alice, R"(,"snapshot_id":")" + id + "\"");
    CHECK(bytesOf(cloud, copy, 9) == "old bytes");
    CHECK(shows(alice, copy).text("snapshot_id") == id);

    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400); // it has a snapshot
    CHECK(alice.deletes(path).status == 202);
    cloud.settle();
    CHECK(alice.gets(path).status == 404);
    CHECK(bytesOf(cloud, copy, 9) == "old bytes"); // what was made from it keeps its bytes
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(filesIn(cloud) == 1);
}

TEST_CASE("A project sees its own snapshots only, and a reader changes none", "[block][snapshot][policy]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"),
               rita = cloud.colleague(alice, "rita", "reader");
    const auto volume = makes(cloud, alice);
    const auto snapshot = snaps(cloud, alice, volume);
    const auto path = snapshotsPath + "/" + snapshot;
    for (const auto& suffix : {"", "/metadata"}) CHECK(bob.gets(path + suffix).status == 404);
    CHECK(bob.deletes(path).status == 404);
    CHECK(bob.posts(path + "/action", R"({"os-update_snapshot_status":{"status":"error"}})").status == 404);
    CHECK(bob.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"}}").status == 404);
    CHECK(bob.posts(volumesPath, R"({"volume":{"size":1,"snapshot_id":")" + snapshot + "\"}}").status == 404);
    CHECK(bob.gets(snapshotsPath + "?all_tenants=1").json().array("snapshots").size() == 0);
    CHECK(bob.gets(snapshotsPath + "?marker=" + snapshot).status == 404);
    CHECK(alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":null}})").status == 404);
    CHECK(alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":"x"}})").status == 400);
    CHECK(rita.gets(path).status == 200);
    CHECK(rita.deletes(path).status == 403);
    CHECK(rita.puts(path, R"({"snapshot":{"name":"x"}})").status == 403);
    CHECK(rita.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"}}").status == 403);
    for (const auto* action :
         {R"({"os-reset_status":{"status":"error"}})", R"({"os-force_delete":{}})", R"({"os-unmanage":{}})"})
        CHECK(alice.posts(path + "/action", action).status == 403);
    CHECK(cloud.admin().gets(snapshotsPath + "?all_tenants=1").json().array("snapshots").size() == 1);
}

TEST_CASE("A volume in use is snapshot where the caller says so, and since 3.66 without a word",
          "[block][snapshot][live]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    REQUIRE(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    const auto wants = [&](const std::string& more, int minor) {
        return alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"" + more + "}}", {since(minor)})
            .status;
    };
    CHECK(wants("", 65) == 400);
    CHECK(wants(R"(,"force":false)", 65) == 400);
    CHECK(wants(R"(,"force":true)", 65) == 202);
    CHECK(wants("", 66) == 202);
    CHECK(wants(R"(,"force":"True")", 66) == 202);
    CHECK(wants(R"(,"force":false)", 66) == 400);
    CHECK(wants(R"(,"force":"perhaps")", 66) == 400);
    CHECK(wants(R"(,"colour":"red")", 3) == 400);
    cloud.settle();
    CHECK(alice.gets(snapshotsPath + "?status=available").json().array("snapshots").size() == 3);
}

TEST_CASE("Snapshots and what they hold are counted exactly", "[block][snapshot][quota]") {
    const bool free = GENERATE(false, true);
    TestAppliance cloud({{"block", "no_snapshot_gb_quota", free ? "true" : "false"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto quotas = "/volume/v3/" + admin.project + "/os-quota-sets/" + alice.project;
    REQUIRE(admin.puts(quotas, R"({"quota_set":{"snapshots":2,"gigabytes":3}})").status == 200);
    const auto volume = makes(cloud, alice);
    snaps(cloud, alice, volume);
    const auto second = snaps(cloud, alice, volume);
    const auto refused = alice.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"}}");
    CHECK(refused.status == 413);
    CHECK(messageOf(refused, "overLimit").find("snapshots") != std::string::npos);
    const auto usage = admin.gets(quotas + "?usage=true").json().object("quota_set");
    CHECK(usage.object("snapshots").integer("in_use") == 2);
    CHECK(usage.object("gigabytes").integer("in_use") == (free ? 1 : 3));
    CHECK(alice.posts(volumesPath, R"({"volume":{"size":1}})").status == (free ? 202 : 413));
    CHECK(alice.deletes(snapshotsPath + "/" + second).status == 202);
    cloud.settle();
    const auto limits = alice.gets("/volume/v3/{project}/limits").json().object("limits").object("absolute");
    CHECK(limits.integer("totalSnapshotsUsed") == 1);
    CHECK(limits.integer("totalGigabytesUsed") == 2);
}

TEST_CASE("A volume goes with its snapshots where that is said, and not before they may", "[block][snapshot]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    const auto snapshot = snaps(cloud, alice, volume);
    snaps(cloud, alice, volume);
    const auto path = volumesPath + "/" + volume;
    const auto refused = alice.deletes(path);
    CHECK(refused.status == 400);
    CHECK(messageOf(refused, "badRequest").find("has snapshots") != std::string::npos);
    CHECK(admin.posts(path + "/action", R"({"os-force_delete":{}})").status == 400);
    const auto act = "/volume/v3/{project}/snapshots/" + snapshot + "/action";
    REQUIRE(admin.posts(act, R"({"os-reset_status":{"status":"creating"}})").status == 202);
    CHECK(alice.deletes(path + "?cascade=true").status == 400);
    REQUIRE(admin.posts(act, R"({"os-reset_status":{"status":"error"}})").status == 202);
    CHECK(alice.deletes(path + "?cascade=true").status == 202);
    cloud.settle();
    CHECK(alice.gets(path).status == 404);
    CHECK(alice.gets(snapshotsPath).json().array("snapshots").size() == 0);
    CHECK(filesIn(cloud) == 0);
}

TEST_CASE("An administrator sets a snapshot's status; who makes one moves it along its way", "[block][snapshot]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto snapshot = snaps(cloud, alice, makes(cloud, alice));
    const auto path = snapshotsPath + "/" + snapshot;
    const auto status = [&] { return alice.gets(path).json().object("snapshot").text("status"); };
    CHECK(alice.posts(path + "/action", R"({"os-update_snapshot_status":{"status":"error"}})").status == 400);
    CHECK(admin.posts(path + "/action", R"({"os-reset_status":{"status":"flying"}})").status == 400);
    CHECK(admin.posts(path + "/action", R"({"os-reset_status":{"status":"creating"}})").status == 202);
    CHECK(alice.deletes(path).status == 400);
    CHECK(alice.posts(path + "/action", R"({"os-update_snapshot_status":{"status":"deleting"}})").status == 400);
    CHECK(
        alice.posts(path + "/action", R"({"os-update_snapshot_status":{"status":"error","progress":"80%"}})").status ==
        202);
    CHECK(status() == "error");
    CHECK(alice.gets(path).json().object("snapshot").text("os-extended-snapshot-attributes:progress") == "80%");
    REQUIRE(admin.posts(path + "/action", R"({"os-reset_status":{"status":"error_deleting"}})").status == 202);
    CHECK(alice.deletes(path).status == 400);
    REQUIRE(admin.posts(path + "/action", R"({"os-reset_status":{"status":"deleting"}})").status == 202); // by nobody
    CHECK(admin.posts(path + "/action", R"({"os-force_delete":{}})").status == 202);
    cloud.settle();
    CHECK(alice.gets(path).status == 404);
    CHECK(alice.posts(path + "/action", R"({"os-fly":{}})").status == 400);
}

TEST_CASE("A list of snapshots is filtered, sorted and cut into pages", "[block][snapshot]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice), other = makes(cloud, alice);
    for (const auto* name : {"b", "a", "c"})
        snaps(cloud, alice, volume, R"(,"name":")" + std::string(name) + R"(","metadata":{"k":")" + name + "\"}");
    snaps(cloud, alice, other, R"(,"name":"d")");
    std::vector<std::string> names;
    std::string next = snapshotsPath + "/detail?limit=3&sort=name:asc";
    for (int pages = 0; !next.empty() && pages < 10; ++pages) {
        const auto page = alice.gets(next).json();
        for (const auto& each : page.array("snapshots").items()) names.push_back(each.text("name"));
        next.clear();
        if (const auto links = page.find("snapshots_links"))
            next = links->items().front().text("href").substr(std::string("http://cloud.test").size());
    }
    CHECK(names == std::vector<std::string>{"a", "b", "c", "d"});
    const auto count = [&](const std::string& query, int minor = 65) {
        const auto answer = alice.gets(snapshotsPath + "?" + query, {since(minor)});
        INFO(query << " -> " << answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("snapshots").size();
    };
    CHECK(count("name=a") == 1);
    CHECK(count("name~=a") == 1);
    CHECK(count("volume_id=" + volume) == 3);
    CHECK(count("status=available") == 4);
    CHECK(count("metadata=%7B%27k%27%3A%27b%27%7D") == 1);
    CHECK(count("metadata=%7B%27k%27%3A%27b%27%7D", 21) == 4); // not known yet
    CHECK(count("consumes_quota=false") == 0);
    CHECK(count("availability_zone=nova") == 4);
    CHECK(count("offset=3&limit=10") == 1);
    CHECK(count("created_at=lt:2001-01-01T00:00:00") == 0);
    CHECK(alice.gets(snapshotsPath + "?colour=red", {since(31)}).status == 400);
    CHECK(alice.gets(snapshotsPath + "?colour=red").status == 200);
    CHECK(alice.gets(snapshotsPath + "?with_count=true&limit=1", {since(45)}).json().integer("count") == 4);
    CHECK_FALSE(alice.gets(snapshotsPath + "?with_count=true&limit=1", {since(44)}).json().has("count"));
}

TEST_CASE("The filters that lists take are told", "[block][filters]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/resource_filters";
    CHECK(alice.gets(path, {since(32)}).status == 404);
    const auto all = alice.gets(path, {since(33)}).json().array("resource_filters").items();
    REQUIRE(all.size() >= 2);
    for (const auto& each : all) {
        const auto noun = each.text("resource");
        if (noun != "volume" && noun != "snapshot") continue;
        for (const auto& filter : each.array("filters").items()) {
            const std::string value = filter.text().starts_with("created_at") || filter.text().starts_with("updated_at")
                                          ? "lt:2001-01-01T00:00:00"
                                      : filter.text().ends_with("metadata") ? "%7B%27k%27%3A%27v%27%7D"
                                      : filter.text() == "size"             ? "7"
                                                                            : "false";
            INFO(noun << "?" << filter.text());
            CHECK(alice.gets("/volume/v3/{project}/" + noun + "s?" + filter.text() + "=" + value, {since(70)}).status ==
                  200);
        }
    }
    CHECK(alice.gets(path + "?resource=snapshot", {since(33)}).json().array("resource_filters").size() == 1);
}

TEST_CASE("Data of snapshots that were deleted goes, and what nobody knows is kept", "[block][snapshot][crash]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto kept = snaps(cloud, alice, volume), deleted = snaps(cloud, alice, volume);
    const auto file = [&](const std::string& id) { return cloud.folder() / "volumes" / ("snapshot-" + id); };
    REQUIRE(alice.deletes(snapshotsPath + "/" + deleted).status == 202);
    cloud.settle();
    const std::string unknown = "99999999-0000-4000-8000-000000000000";
    for (const auto& each : {deleted, unknown}) std::ofstream(file(each)) << "orphan";
    cloud.restart();
    CHECK_FALSE(std::filesystem::exists(file(deleted)));
    CHECK(std::filesystem::exists(file(unknown)));
    CHECK(makes(cloud, alice, R"(,"snapshot_id":")" + kept + "\"") != "");
    CHECK(alice.gets(snapshotsPath + "/" + kept).json().object("snapshot").text("status") == "available");
}

TEST_CASE("What is made from a snapshot has the image metadata that its volume had when it was taken",
          "[block][snapshot][image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = uploads(alice, "raw", std::string(1 << 20, 'm'), R"(,"os_distro":"debian")");
    const auto volume = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    const auto snapshot = snaps(cloud, alice, volume);
    REQUIRE(acts(alice, volume, R"({"os-set_image_metadata":{"metadata":{"os_distro":"fedora","more":"x"}}})").status ==
            200);
    const auto made =
        shows(alice, makes(cloud, alice, R"(,"snapshot_id":")" + snapshot + "\"")).object("volume_image_metadata");
    CHECK(made.text("os_distro") == "debian");
    CHECK_FALSE(made.has("more"));
    CHECK(made.text("image_id") == image);
    CHECK(shows(alice, makes(cloud, alice, R"(,"source_volid":")" + volume + "\""))
              .object("volume_image_metadata")
              .text("os_distro") == "fedora");
}
