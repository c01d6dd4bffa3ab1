#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "block/support.hpp"
#include "image/unit/hostile_images.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

/// As compute's own change does it: nobody but compute can let go of it.
void takenByAServer(TestAppliance& cloud, const std::string& volume) {
    cloud.appliance().store().write([&](store::Transaction& tx) {
        tx.execute("INSERT INTO volume_attachments VALUES (?, ?, ?, 'host', '/dev/vdb', 'rw', 'attached', 1, 1, 2, "
                   "NULL, NULL)",
                   "77777777-0000-4000-8000-000000000000", volume, "88888888-0000-4000-8000-000000000000");
        tx.execute("UPDATE volumes SET status = 'in-use' WHERE id = ?", volume);
    });
}

}

TEST_CASE("A volume is made, shown, renamed and deleted", "[block][volume]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice, R"(,"metadata":{"k":"v"})");
    const auto shown = shows(alice, volume);
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("bootable") == "false");
    CHECK(shown.text("volume_type") == "__DEFAULT__");
    CHECK(shown.object("metadata").text("k") == "v");
    CHECK(shown.text("os-vol-tenant-attr:tenant_id") == alice.project);
    CHECK_FALSE(shown.has("os-vol-host-attr:host"));
    CHECK(std::filesystem::file_size(fileOf(cloud, volume)) == 1U << 30);

    const auto renamed = alice.puts(volumesPath + "/" + volume, R"({"volume":{"name":"other","description":""}})");
    CHECK(renamed.status == 200);
    CHECK(renamed.json().object("volume").text("name") == "other");

    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 404);
    CHECK(filesIn(cloud) == 0);
    CHECK(cloud.announced("block.volume.deleted") == 1);
}

TEST_CASE("What can't be a volume is refused with the field's name", "[block][volume]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto refusal = [&](const std::string& volume, std::string_view part) {
        const auto answer = alice.posts(volumesPath, R"({"volume":{)" + volume + "}}");
        INFO(volume);
        CHECK(answer.status == 400);
        CHECK(answer.json().object("badRequest").integer("code") == 400);
        CHECK(messageOf(answer, "badRequest").find(part) != std::string::npos);
    };
    for (const auto* size : {"0", "-1", "\"\"", "\"#$%\"", "1.5", "null", "true", "99999999999"})
        refusal("\"size\":" + std::string(size), "size");
    refusal("", "size");
    refusal(R"("size":1,"name":7)", "name");
    refusal(R"("size":1,"name":")" + std::string(256, 'x') + "\"", "name");
    refusal(R"("size":1,"metadata":{"a":1})", "metadata");
    refusal(R"("size":1,"metadata":{"":"x"})", "metadata");
    refusal(R"("size":1,"availability_zone":"moon")", "moon");
    refusal(R"("size":1,"imageRef":"x")", "image");
    refusal(R"("size":1,"imageRef":"00000000-0000-4000-8000-000000000000")", "image");
    refusal(R"("size":1,"multiattach":"perhaps")", "multiattach");
    for (const auto* other : {R"("snapshot_id":"x")", R"("source_volid":"x")", R"("volume_type":"x")"})
        CHECK(alice.posts(volumesPath, R"({"volume":{"size":1,)" + std::string(other) + "}}").status == 404);
    const auto volume = makes(cloud, alice);
    refusal(R"("size":1,"source_volid":")" + volume + R"(","imageRef":"x")", "only one of");
    CHECK(alice.posts(volumesPath, "{").status == 400);
    CHECK(alice.posts(volumesPath, "{}").status == 400);
    CHECK(
        alice.posts(volumesPath, R"({"volume":{"size":1,"colour":"red"}})", {{"OpenStack-API-Version", "volume 3.53"}})
            .status == 400);
    cloud.settle();
    CHECK(filesIn(cloud) == 1);
}

TEST_CASE("A volume made from an image has its bytes and says so", "[block][volume][image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto image = uploads(alice, "raw", "bytes of the guest", R"(,"os_distro":"debian","min_ram":64)");
    const auto volume = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    const auto shown = shows(alice, volume);
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("bootable") == "true");
    CHECK(shown.object("volume_image_metadata").text("image_id") == image);
    CHECK(shown.object("volume_image_metadata").text("os_distro") == "debian");
    CHECK(shown.object("volume_image_metadata").text("min_ram") == "64");
    CHECK(bytesOf(cloud, volume, 19) == std::string("bytes of the guest\0", 19));

    const auto refuses = [&](const Member& who, const std::string& from) {
        return who.posts(volumesPath, R"({"volume":{"size":1,"imageRef":")" + from + "\"}}").status == 400;
    };
    CHECK(refuses(bob, image)); // not bob's to see
    CHECK(refuses(alice, uploads(alice, "raw", "x", R"(,"min_disk":2)")));
    CHECK(refuses(alice, uploads(alice, "vmdk", Vmdk{}.bytes())));
    CHECK(refuses(alice, uploads(alice, "qcow2", Qcow2{.virtualBytes = std::uint64_t{2} << 30}.bytes())));
    alice.posts("/image/v2/images/" + image + "/actions/deactivate", "");
    CHECK(refuses(alice, image));
    cloud.settle();
    CHECK(filesIn(cloud) == 1);
}

TEST_CASE("S7: an image whose data has been changed behind our back makes no volume",
          "[block][volume][image][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = uploads(alice, "raw", "good bytes");
    std::ofstream(cloud.folder() / "images" / image) << "evil bytes";
    const auto volume = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    CHECK(statusOf(alice, volume) == "error");
    CHECK(filesIn(cloud) == 0);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
}

TEST_CASE("S2: an image that has become qcow2 is not read as one", "[block][volume][image][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = uploads(alice, "raw", std::string(Qcow2{}.bytes().size(), 'x'));
    std::ofstream(cloud.folder() / "images" / image, std::ios::binary) << Qcow2{.backingFile = "/etc/passwd"}.bytes();
    const auto volume = makes(cloud, alice, R"(,"imageRef":")" + image + "\"");
    CHECK(statusOf(alice, volume) == "error");
}

TEST_CASE("A project sees its own volumes only", "[block][volume][policy]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    CHECK(bob.gets(volumesPath + "/" + volume).status == 404);
    CHECK(bob.deletes(volumesPath + "/" + volume).status == 404);
    CHECK(bob.puts(volumesPath + "/" + volume, R"({"volume":{"name":"x"}})").status == 404);
    CHECK(acts(bob, volume, R"({"os-reserve":{}})").status == 404);
    CHECK(bob.gets(volumesPath).json().array("volumes").size() == 0);
    CHECK(bob.gets(volumesPath + "?all_tenants=1").json().array("volumes").size() == 0);
    CHECK(bob.gets("/volume/v3/" + alice.project + "/volumes").status == 400); // a project that isn't the token's
    const auto admin = cloud.admin();
    CHECK(admin.gets(volumesPath).json().array("volumes").size() == 0);
    CHECK(admin.gets(volumesPath + "?all_tenants=1").json().array("volumes").size() == 1);
    CHECK(admin.gets(volumesPath + "/" + volume)
              .json()
              .object("volume")
              .text("os-vol-host-attr:host")
              .find("@file#file") != std::string::npos);
    const auto rita = cloud.colleague(alice, "rita", "reader");
    CHECK(rita.gets(volumesPath + "/" + volume).status == 200);
    CHECK(rita.deletes(volumesPath + "/" + volume).status == 403);
    CHECK(rita.posts(volumesPath, R"({"volume":{"size":1}})").status == 403);
    CHECK(acts(rita, volume, R"({"os-set_bootable":{"bootable":true}})").status == 403);
    CHECK(acts(alice, volume, R"({"os-reset_status":{"status":"error"}})").status == 403);
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("Volumes and gigabytes are counted exactly", "[block][quota]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto quotas = "/volume/v3/" + admin.project + "/os-quota-sets/" + alice.project;
    CHECK(admin.puts(quotas, R"({"quota_set":{"volumes":2,"gigabytes":5}})").status == 200);
    const auto first = makes(cloud, alice);
    makes(cloud, alice);
    const auto refused = alice.posts(volumesPath, R"({"volume":{"size":1}})");
    CHECK(refused.status == 413);
    CHECK(refused.headers["Retry-After"] == "0");
    CHECK(messageOf(refused, "overLimit").find("volumes") != std::string::npos);
    CHECK(acts(alice, first, R"({"os-extend":{"new_size":5}})").status == 413);
    CHECK(acts(alice, first, R"({"os-extend":{"new_size":4}})").status == 202);
    cloud.settle();
    CHECK(shows(alice, first).integer("size") == 4);
    CHECK(std::filesystem::file_size(fileOf(cloud, first)) == 4ULL << 30);
    const auto usage = admin.gets(quotas + "?usage=true").json().object("quota_set");
    CHECK(usage.object("volumes").integer("in_use") == 2);
    CHECK(usage.object("gigabytes").integer("in_use") == 5);
    CHECK(alice.deletes(volumesPath + "/" + first).status == 202);
    cloud.settle();
    const auto limits = alice.gets("/volume/v3/{project}/limits").json().object("limits").object("absolute");
    CHECK(limits.integer("totalVolumesUsed") == 1);
    CHECK(limits.integer("totalGigabytesUsed") == 1);
    CHECK(limits.integer("maxTotalVolumes") == 2);
    CHECK(alice.puts("/volume/v3/{project}/os-quota-sets/" + alice.project, R"({"quota_set":{"volumes":99}})").status ==
          403);
    CHECK(admin.puts(quotas, R"({"quota_set":{"colour":1}})").status == 400);
    CHECK(admin.deletes(quotas).status == 200);
    CHECK(admin.gets(quotas).json().object("quota_set").integer("volumes") == 10);
}

TEST_CASE("A volume in use cannot be deleted, nor taken from the server that has it",
          "[block][attachment][security]") { // S9
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    takenByAServer(cloud, volume);
    const auto refused = alice.deletes(volumesPath + "/" + volume);
    CHECK(refused.status == 400);
    CHECK(messageOf(refused, "badRequest").find("attached") != std::string::npos);
    for (const auto* action : {R"({"os-detach":{}})", R"({"os-begin_detaching":{}})", R"({"os-roll_detaching":{}})"})
        CHECK(acts(alice, volume, action).status == 409);
    CHECK(alice
              .deletes("/volume/v3/{project}/attachments/77777777-0000-4000-8000-000000000000",
                       {{"OpenStack-API-Version", "volume 3.27"}})
              .status == 409);
    const auto byAdmin = [&](std::string action) {
        return admin.posts(volumesPath + "/" + volume + "/action", std::move(action)).status;
    };
    CHECK(byAdmin(R"({"os-force_delete":{}})") == 400);
    CHECK(byAdmin(R"({"os-force_detach":{}})") == 409);
    CHECK(byAdmin(R"({"os-reset_status":{"status":"available"}})") == 202);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400); // whatever the status says
    CHECK(acts(alice, volume, R"({"os-reserve":{}})").status == 400);
    CHECK(std::filesystem::exists(fileOf(cloud, volume)));
    CHECK(cloud.announced("block.volume.deleted") == 0);
    const auto attachment = shows(alice, volume).array("attachments").items().at(0);
    CHECK(attachment.text("server_id") == "88888888-0000-4000-8000-000000000000");
    CHECK(attachment.text("device") == "/dev/vdb");
    CHECK(attachment.at("host_name").isNull());
}

TEST_CASE("Reserving, attaching and detaching by hand follow the states", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    CHECK(acts(alice, volume, R"({"os-reserve":{}})").status == 202);
    CHECK(statusOf(alice, volume) == "attaching");
    CHECK(acts(alice, volume, R"({"os-reserve":{}})").status == 400);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    CHECK(acts(alice, volume, R"({"os-unreserve":{}})").status == 202);
    CHECK(acts(alice, volume, R"({"os-unreserve":{}})").status == 400);
    CHECK(acts(alice, volume, R"({"os-detach":{}})").status == 202); // there is nothing to detach
    CHECK(acts(alice, volume, R"({"os-attach":{"mountpoint":"/dev/vdc"}})").status == 400);
    CHECK(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(acts(alice, volume, R"({"os-begin_detaching":{}})").status == 202);
    CHECK(statusOf(alice, volume) == "detaching");
    CHECK(acts(alice, volume, R"({"os-roll_detaching":{}})").status == 202);
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(acts(alice, volume, R"({"os-detach":{}})").status == 202);
    CHECK(statusOf(alice, volume) == "available");
    CHECK(acts(alice, volume, R"({"os-fly":{}})").status == 400);
    CHECK(messageOf(acts(alice, volume, R"({"os-fly":{}})"), "badRequest") == "There is no such action: os-fly");
    CHECK(acts(alice, volume, R"({})").status == 400);
}

TEST_CASE("An administrator detaches by force what a host has, whatever the status says", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    const auto byAdmin = [&](std::string action) {
        return admin.posts(volumesPath + "/" + volume + "/action", std::move(action)).status;
    };
    CHECK(byAdmin(R"({"os-force_detach":{}})") == 400); // nobody has it
    REQUIRE(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 202);
    const auto attachment = shows(alice, volume).array("attachments").items().at(0).text("attachment_id");
    REQUIRE(byAdmin(R"({"os-reset_status":{"status":"error"}})") == 202);
    CHECK(acts(alice, volume, R"({"os-force_detach":{}})").status == 403);
    CHECK(byAdmin(R"({"os-force_detach":{"attachment_id":"77777777-0000-4000-8000-000000000000"}})") == 404);
    CHECK(statusOf(alice, volume) == "error");
    CHECK(byAdmin(R"({"os-force_detach":{"attachment_id":")" + attachment + R"(","connector":null}})") == 202);
    CHECK(statusOf(alice, volume) == "available");
    CHECK(shows(alice, volume).array("attachments").size() == 0);
}

TEST_CASE("A read-only volume says so, and whoever gets it may only read", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    CHECK_FALSE(shows(alice, volume).object("metadata").find("readonly"));
    CHECK(acts(alice, volume, R"({"os-update_readonly_flag":{}})").status == 400);
    CHECK(acts(alice, volume, R"({"os-update_readonly_flag":{"readonly":"perhaps"}})").status == 400);
    CHECK(acts(alice, volume, R"({"os-update_readonly_flag":{"readonly":true}})").status == 202);
    CHECK(shows(alice, volume).object("metadata").text("readonly") == "True");
    CHECK(alice.gets(volumesPath + "/" + volume + "/metadata").json().object("metadata").size() ==
          0); // it is no metadata of the user's

    CHECK(acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc"}})").status == 400);
    CHECK(
        acts(alice, volume, R"({"os-attach":{"host_name":"elsewhere","mountpoint":"/dev/vdc","mode":"ro"}})").status ==
        202);
    CHECK(acts(alice, volume, R"({"os-update_readonly_flag":{"readonly":false}})").status == 400); // somebody has it
    CHECK(acts(alice, volume, R"({"os-detach":{}})").status == 202);
    CHECK(acts(alice, volume, R"({"os-update_readonly_flag":{"readonly":false}})").status == 202);
    CHECK(shows(alice, volume).object("metadata").text("readonly") == "False");
}

TEST_CASE("The attachments API reserves, completes and releases", "[block][attachment]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    const std::string path = "/volume/v3/{project}/attachments";
    const auto body =
        R"({"attachment":{"volume_uuid":")" + volume + R"(","instance_uuid":"88888888-0000-4000-8000-000000000000"}})";
    CHECK(alice.posts(path, body).status == 404); // not in 3.0
    const auto made = alice.posts(path, body, {{"OpenStack-API-Version", "volume 3.44"}});
    CHECK(made.status == 200);
    const auto id = made.json().object("attachment").text("id");
    CHECK(statusOf(alice, volume) == "reserved");
    CHECK(alice.posts(path, body, {{"OpenStack-API-Version", "volume 3.44"}}).status == 400);
    CHECK(bob.gets(path + "/" + id, {{"OpenStack-API-Version", "volume 3.44"}}).status == 404);
    CHECK(alice.posts(path + "/" + id + "/action", R"({"os-complete":{}})", {{"OpenStack-API-Version", "volume 3.27"}})
              .status == 404);
    CHECK(alice.posts(path + "/" + id + "/action", R"({"os-complete":{}})", {{"OpenStack-API-Version", "volume 3.44"}})
              .status == 204);
    CHECK(statusOf(alice, volume) == "in-use");
    CHECK(alice.gets(path, {{"OpenStack-API-Version", "volume 3.27"}}).json().array("attachments").size() == 1);
    CHECK(alice.deletes(path + "/" + id, {{"OpenStack-API-Version", "volume 3.44"}}).status == 200);
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("Metadata is added, replaced and taken away item by item", "[block][metadata]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto path = volumesPath + "/" + makes(cloud, alice) + "/metadata";
    CHECK(alice.posts(path, R"({"metadata":{"a":"1","b":"2"}})").json().object("metadata").size() == 2);
    CHECK(alice.puts(path + "/b", R"({"meta":{"b":"3"}})").json().object("meta").text("b") == "3");
    CHECK(alice.puts(path + "/b", R"({"meta":{"c":"3"}})").status == 400);
    CHECK(alice.gets(path + "/b").json().object("meta").text("b") == "3");
    CHECK(alice.deletes(path + "/a").status == 200);
    CHECK(alice.deletes(path + "/a").status == 404);
    CHECK(alice.gets(path + "/a").status == 404);
    CHECK(alice.puts(path, R"({"metadata":{"z":"9"}})").json().object("metadata").names() ==
          std::vector<std::string>{"z"});
    CHECK(alice.posts(path, R"({"metadata":{"x":1}})").status == 400);
}

TEST_CASE("A listing is filtered, sorted and cut into pages that lose nothing", "[block][volume]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    for (const auto* name : {"b", "a", "c"})
        REQUIRE(alice
                    .posts(volumesPath, R"({"volume":{"size":1,"name":")" + std::string(name) +
                                            R"(","metadata":{"k":")" + name + R"("}}})")
                    .status == 202);
    cloud.settle();
    std::vector<std::string> names;
    std::string next = volumesPath + "/detail?limit=2&sort=name:asc";
    for (int pages = 0; !next.empty() && pages < 10; ++pages) {
        const auto page = alice.gets(next);
        REQUIRE(page.status == 200);
        for (const auto& each : page.json().array("volumes").items()) names.push_back(each.text("name"));
        next.clear();
        if (const auto links = page.json().find("volumes_links"))
            next = links->items().front().text("href").substr(std::string("http://cloud.test").size());
    }
    CHECK(names == std::vector<std::string>{"a", "b", "c"});
    const auto count = [&](const std::string& query) {
        return alice.gets(volumesPath + query).json().array("volumes").size();
    };
    CHECK(count("?name=a") == 1);
    CHECK(count("?status=available") == 3);
    CHECK(count("?status=null") == 0);
    CHECK(count("?metadata=%7B%27k%27%3A%20%27b%27%7D") == 1); // {'k': 'b'}
    CHECK(count("?colour=red") == 3);
    CHECK(count("?offset=1&limit=10") == 2);
    CHECK(alice.gets(volumesPath + "?colour=red", {{"OpenStack-API-Version", "volume 3.31"}}).status == 400);
    CHECK(alice.gets(volumesPath + "?limit=-1").status == 400);
    CHECK(alice.gets(volumesPath + "?sort_key=colour").status == 400);
    CHECK(alice.gets(volumesPath + "?metadata=oops").status == 400);
    CHECK(alice.gets(volumesPath + "?marker=nothing").status == 404);
    CHECK(alice.gets(volumesPath + "?with_count=true&limit=1", {{"OpenStack-API-Version", "volume 3.45"}})
              .json()
              .integer("count") == 3);
    const auto summary = alice.gets(volumesPath + "/summary", {{"OpenStack-API-Version", "volume 3.36"}})
                             .json()
                             .object("volume-summary");
    CHECK(summary.integer("total_count") == 3);
    CHECK(summary.integer("total_size") == 3);
    CHECK(summary.object("metadata").array("k").size() == 3);
    CHECK(alice.gets(volumesPath + "/summary").status == 404);
}

TEST_CASE("Administrators filter by what only they see, and what nobody has finds nothing", "[block][volume]") { // S37
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto volume = makes(cloud, admin);
    const auto shown = shows(admin, volume);
    const auto type = admin.gets("/volume/v3/{project}/types/default").json().object("volume_type").text("id");
    const auto count = [&](const std::string& query) {
        const auto answer = admin.gets(volumesPath + "?" + query);
        INFO(query << " -> " << answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("volumes").size();
    };
    for (const auto& [filter, hit, miss] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {"host", http::percentEncoded(shown.text("os-vol-host-attr:host")), "elsewhere"},
             {"volume_type_id", type, volume},
             {"attach_status", "detached", "attached"},
             {"multiattach", "false", "true"},
             {"created_at", shown.text("created_at"), "2001-01-01T00:00:00"}}) {
        INFO(filter);
        CHECK(count(filter + "=" + hit) == 1);
        CHECK(count(filter + "=" + miss) == 0);
    }
    CHECK(count("cluster_name=none") == 0);
    const auto alice = cloud.member("alice");
    makes(cloud, alice);
    CHECK(alice.gets(volumesPath + "?host=elsewhere").json().array("volumes").size() ==
          1); // not hers to ask: passed over
    for (const auto* key : {"host", "availability_zone"})
        CHECK(admin.gets(volumesPath + "?sort_key=" + key + "&limit=1&marker=" + volume).status == 200);
}

TEST_CASE("A volume is made from an image by its name, where only one has it", "[block][volume][image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto image = uploads(alice, "raw", std::string(1024, 'x'));
    const auto wants = [&](const Member& who, const std::string& reference) {
        return who.posts(volumesPath, R"({"volume":{"size":1,"imageRef":")" + reference + "\"}}");
    };
    CHECK(wants(bob, "guest").status == 400); // alice's own
    CHECK(wants(alice, "guest").status == 202);
    CHECK(wants(alice, "http://cloud.test/image/v2/images/" + image).status == 202);
    uploads(alice, "raw", std::string(1024, 'y'));
    CHECK(wants(alice, "guest").status == 409);
    cloud.settle();
}

TEST_CASE("Microversions are negotiated and told", "[block][dialect]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice);
    const auto at = [&](const std::string& version) {
        return alice.gets(volumesPath + "/" + volume, {{"OpenStack-API-Version", "volume " + version}});
    };
    CHECK(at("3.13").headers["OpenStack-API-Version"] == "volume 3.13");
    CHECK(at("latest").headers["OpenStack-API-Version"] == "volume 3.71");
    CHECK(at("3.13").headers["Vary"] == "OpenStack-API-Version");
    CHECK(at("3.99").status == 406);
    CHECK(at("3.99").json().has("computeFault"));
    CHECK(at("bad").status == 400);
    CHECK_FALSE(shows(alice, volume).has("group_id"));
    CHECK(at("3.13").json().object("volume").has("group_id"));
    CHECK_FALSE(at("3.47").json().object("volume").has("shared_targets"));
    CHECK(at("3.65").json().object("volume").boolean("consumes_quota", false));
    CHECK(alice.gets("/volume/v3/volumes/" + volume).status == 404);
    CHECK(alice.gets("/volume/v3/volumes/" + volume, {{"OpenStack-API-Version", "volume 3.67"}}).status == 200);
    CHECK(alice.gets("/volume/v3/{project}/nothing").status == 404);
    CHECK(alice.gets(volumesPath + "/").status == 404);
    const auto base = at("3.0");
    CHECK(base.headers["x-compute-request-id"] == base.headers["x-openstack-request-id"]);
    CHECK(base.headers["x-compute-request-id"].starts_with("req-"));
    CHECK(cloud.asks(http::Method::Get, "/volume/", "").status == 300);
    CHECK(cloud.asks(http::Method::Get, "/volume/v3/", "").json().array("versions").items().front().text("version") ==
          "3.71");
    CHECK(cloud.asks(http::Method::Get, "/volume/v3/x/volumes", "").status == 401);
}

TEST_CASE("The service tells what it has", "[block]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = cloud.admin();
    CHECK(alice.gets("/volume/v3/{project}/os-availability-zone")
              .json()
              .array("availabilityZoneInfo")
              .items()
              .front()
              .text("zoneName") == "nova");
    const auto type = alice.gets("/volume/v3/{project}/types").json().array("volume_types").items().front();
    CHECK(type.text("name") == "__DEFAULT__");
    CHECK(alice.gets("/volume/v3/{project}/types/" + type.text("id")).status == 200);
    CHECK(alice.gets("/volume/v3/{project}/types/default").json().object("volume_type").text("id") == type.text("id"));
    CHECK(alice.gets("/volume/v3/{project}/types/nothing").status == 404);
    CHECK(alice.gets("/volume/v3/{project}/os-services").status == 403);
    CHECK(admin.gets("/volume/v3/{project}/os-services").json().array("services").items().front().text("state") ==
          "up");
    CHECK(admin.gets("/volume/v3/{project}/scheduler-stats/get_pools?detail=true")
              .json()
              .array("pools")
              .items()
              .front()
              .object("capabilities")
              .has("free_capacity_gb"));
    CHECK(alice.gets("/volume/v3/{project}/extensions/os-quota-sets").status == 200);
    const auto hosts = admin.gets("/volume/v3/{project}/os-hosts").json().array("hosts").items();
    CHECK(hosts.size() == 3);
    makes(cloud, alice);
    const auto shares =
        admin.gets("/volume/v3/{project}/os-hosts/" + hosts[1].text("host_name")).json().array("host").items();
    CHECK(shares.size() == 2);
    CHECK(shares[0].object("resource").text("total_volume_gb") == "1");
    CHECK(admin.gets("/volume/v3/{project}/os-hosts/" + hosts[0].text("host_name")).status == 404);
}

TEST_CASE("Files of volumes that were deleted go at the start, volumes keep theirs, and so does what nobody knows",
          "[block][crash]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto volume = makes(cloud, alice), deleted = makes(cloud, alice);
    REQUIRE(alice.deletes(volumesPath + "/" + deleted).status == 202);
    cloud.settle();
    const std::string unknown = "99999999-0000-4000-8000-000000000000";
    for (const auto& each : {deleted, unknown}) std::ofstream(fileOf(cloud, each)) << "orphan";
    cloud.restart();
    CHECK(filesIn(cloud) == 2);
    CHECK(std::filesystem::exists(fileOf(cloud, volume)));
    CHECK(std::filesystem::exists(fileOf(cloud, unknown)));
    CHECK(statusOf(alice, volume) == "available");
}

TEST_CASE("Several back ends by name: each volume is in the one that its host says, whichever is the first later",
          "[block][back-ends]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto hostOf = [&](const std::string& volume) {
        return admin.gets("/volume/v3/" + admin.project + "/volumes/" + volume)
            .json()
            .object("volume")
            .text("os-vol-host-attr:host");
    };
    const std::string quick = R"(,"volume_type":"quick")";
    REQUIRE(admin
                .posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":"quick","extra_specs":{"volume_backend_name":"fast"}}})")
                .status == 200);
    const auto fast = makes(cloud, alice, quick);
    CHECK(hostOf(fast).ends_with("@fast#fast"));
    CHECK_FALSE(shows(alice, fast).has("os-vol-host-attr:host"));
    CHECK(std::filesystem::exists(cloud.folder() / "volumes-fast" / ("volume-" + fast)));
    CHECK(filesIn(cloud) == 0);

    // As if it had been made when "file" was the first.
    const auto slow = makes(cloud, alice, quick);
    cloud.restart([&] {
        std::filesystem::rename(cloud.folder() / "volumes-fast" / ("volume-" + slow), fileOf(cloud, slow));
        store::Store store({.file = cloud.folder() / "stratolet.db"});
        store.write([&](store::Transaction& tx) {
            tx.execute("UPDATE volumes SET host = replace(host, 'fast', 'file') WHERE id = ?", slow);
        });
    });
    CHECK(filesIn(cloud) == 1); // the other back end's reconciler has let it be
    CHECK(acts(alice, slow, R"({"os-extend":{"new_size":2}})").status == 202);
    cloud.settle();
    CHECK(std::filesystem::file_size(fileOf(cloud, slow)) == std::uintmax_t{2} << 30);
    CHECK(statusOf(alice, slow) == "available");

    const auto pools =
        admin.gets("/volume/v3/{project}/scheduler-stats/get_pools?detail=true").json().array("pools").items();
    REQUIRE(pools.size() == 2);
    CHECK(pools[0].text("name").ends_with("@fast#fast"));
    CHECK(pools[1].object("capabilities").text("volume_backend_name") == "file");
    CHECK(pools[1].object("capabilities").has("free_capacity_gb"));
    CHECK(admin.gets("/volume/v3/{project}/os-services?binary=cinder-volume").json().array("services").items().size() ==
          2);
    const auto place = hostOf(slow);
    const auto share =
        admin.gets("/volume/v3/{project}/os-hosts/" + place.substr(0, place.find('#'))).json().array("host").items();
    CHECK(share.at(0).object("resource").text("volume_count") == "1");
    const auto found =
        admin.gets("/volume/v3/{project}/volumes?all_tenants=1&host=" + place.substr(0, place.find('#')) + "%23file");
    REQUIRE(found.json().array("volumes").items().size() == 1);
    CHECK(found.json().array("volumes").items()[0].text("id") == slow);

    CHECK(alice.deletes(volumesPath + "/" + slow).status == 202);
    cloud.settle();
    CHECK(filesIn(cloud) == 0);
    CHECK(std::filesystem::exists(cloud.folder() / "volumes-fast" / ("volume-" + fast)));
}

TEST_CASE("Volumes of a version that knew one back end are in it", "[block][back-ends][migration]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    cloud.appliance().store().write(
        [](store::Transaction& tx) { tx.execute("UPDATE volumes SET host = ''"); }); // as the migration leaves them
    cloud.restart();
    CHECK(admin.gets("/volume/v3/" + admin.project + "/volumes/" + volume)
              .json()
              .object("volume")
              .text("os-vol-host-attr:host")
              .ends_with("@file#file"));
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(filesIn(cloud) == 0);
}

TEST_CASE("A volume that an administrator said was being deleted, by nobody, is deleted by force", "[block][volume]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto volume = makes(cloud, alice);
    const auto byAdmin = [&](std::string action) {
        return admin.posts(volumesPath + "/" + volume + "/action", std::move(action)).status;
    };
    REQUIRE(byAdmin(R"({"os-reset_status":{"status":"deleting"}})") == 202);
    CHECK(byAdmin(R"({"os-force_delete":{}})") == 202);
    cloud.settle();
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    CHECK(filesIn(cloud) == 0);
}

TEST_CASE("Metadata that somebody else has changed meanwhile is not overwritten by who says what they saw",
          "[block][metadata]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto path = volumesPath + "/" + makes(cloud, alice, R"(,"metadata":{"k":"v"})") + "/metadata";
    CHECK_FALSE(alice.gets(path, {since(14)}).headers.has("Etag"));
    const auto tagNow = [&] { return std::string(alice.gets(path, {since(15)}).headers["Etag"]); };
    const auto seen = tagNow();
    REQUIRE_FALSE(seen.empty());
    CHECK(tagNow() == seen);
    const auto replaces = [&](const std::string& value, const std::string& tag, int minor = 15) {
        return alice.puts(path, R"({"metadata":{"k":")" + value + "\"}}", {since(minor), {"If-Match", tag}}).status;
    };
    const auto setsOne = [&](const std::string& value, const std::string& tag) {
        return alice.puts(path + "/k", R"({"meta":{"k":")" + value + "\"}}", {since(15), {"If-Match", tag}}).status;
    };
    const auto valueNow = [&] { return alice.gets(path).json().object("metadata").text("k"); };
    CHECK(replaces("w", seen) == 200);
    CHECK(tagNow() != seen);
    CHECK(replaces("late", seen) == 412);
    CHECK(setsOne("late", seen) == 412);
    CHECK(valueNow() == "w");
    CHECK(setsOne("x", "\"other\", \"" + tagNow() + "\"") == 200);
    CHECK(valueNow() == "x");
    CHECK(replaces("y", "*") == 200);
    CHECK(replaces("z", seen, 14) == 200); // which knew of no tags
    CHECK(valueNow() == "z");
}
