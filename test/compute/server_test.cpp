#include <catch2/catch.hpp>

#include <chrono>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Matchers::Contains;

TEST_CASE("A server is built, shown and deleted", "[compute][server]") {
    Cloud cloud;
    const auto answer = cloud.asksForServer(cloud.alice, "web");
    REQUIRE(answer.status == 202);
    const auto made = answer.json().object("server");
    CHECK(made.text("adminPass").size() == 12);
    CHECK(answer.headers["Location"] == "http://cloud.test/compute/v2.1/servers/" + made.text("id"));
    const std::string id = made.text("id");
    cloud.appliance.settle();

    const auto server = cloud.shows(cloud.alice, id);
    CHECK(server.text("status") == "ACTIVE");
    CHECK(server.integer("OS-EXT-STS:power_state") == 1);
    CHECK(server.find("OS-EXT-STS:task_state")->isNull());
    CHECK(server.object("flavor").text("original_name") == "m1.tiny");
    CHECK(server.object("image").text("id") == cloud.image);
    CHECK(server.text("OS-EXT-SRV-ATTR:hostname") == "web");
    CHECK_FALSE(server.has("OS-EXT-SRV-ATTR:host")); // for administrators only
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{id}) == PowerState::Running);
    CHECK(std::filesystem::exists(cloud.appliance.folder() / "instances" / (id + "_disk")));
    CHECK(cloud.appliance.announced("compute.server.planned") == 1);

    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    const auto one = "/compute/v2.1/servers/" + id;
    CHECK(cloud.alice.gets(one).status == 404);
    CHECK(cloud.alice.deletes(one).status == 404); // though its row is kept for a while
    for (const auto* action : {R"({"os-start":null})", R"({"os-stop":null})", R"({"reboot":{"type":"HARD"}})",
                               R"({"os-getConsoleOutput":{}})", R"({"lock":null})"})
        CHECK(cloud.alice.posts(one + "/action", action).status == 404);
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK_FALSE(std::filesystem::exists(cloud.appliance.folder() / "instances" / (id + "_disk")));
    CHECK(cloud.appliance.announced("compute.server.deleted") == 1);
}

TEST_CASE("What a server shows depends on the version that was asked for", "[compute][server][version]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto old = cloud.shows(cloud.alice, id, "2.1"), fresh = cloud.shows(cloud.alice, id, "2.93");
    for (const char* later : {"locked", "description", "tags", "trusted_image_certificates", "server_groups",
                              "locked_reason", "OS-EXT-SRV-ATTR:hostname"}) {
        CAPTURE(later);
        CHECK_FALSE(old.has(later));
        CHECK(fresh.has(later));
    }
    CHECK(old.object("flavor").text("id") == "1");
    CHECK_FALSE(fresh.object("flavor").has("id"));
    const auto root = cloud.shows(cloud.appliance.admin(), id, "2.3");
    CHECK(root.text("OS-EXT-SRV-ATTR:instance_name").starts_with("instance-"));
    CHECK(root.text("OS-EXT-SRV-ATTR:root_device_name") == "/dev/vda");
}

TEST_CASE(
    "The newest versions show the zone, the image's properties and the hints that were given, and take a whole name",
    "[compute][server][version]") {
    Cloud cloud;
    const auto made = cloud.alice.posts(
        "/compute/v2.1/servers",
        R"({"server":{"name":"web","flavorRef":"1","networks":"none","availability_zone":"nova","hostname":"web.example.org","imageRef":")" +
            cloud.image + R"("},"os:scheduler_hints":{"note":"kept as it came"}})",
        {{"OpenStack-API-Version", "compute 2.94"}});
    INFO(made.body);
    REQUIRE(made.status == 202);
    cloud.appliance.settle();
    const auto id = made.json().object("server").text("id");
    const auto at = [&](const char* version) { return cloud.shows(cloud.alice, id, version); };
    CHECK(at("2.94").text("OS-EXT-SRV-ATTR:hostname") == "web.example.org");
    CHECK_FALSE(at("2.95").has("pinned_availability_zone"));
    CHECK(at("2.96").text("pinned_availability_zone") == "nova");
    CHECK_FALSE(at("2.97").object("image").has("properties"));
    CHECK(at("2.98").object("image").object("properties").isObject());
    CHECK_FALSE(at("2.99").has("scheduler_hints"));
    CHECK(at("2.100").object("scheduler_hints").text("note") == "kept as it came");
    const auto listed = cloud.alice.gets("/compute/v2.1/servers/detail", {{"OpenStack-API-Version", "compute 2.100"}});
    CHECK(listed.json().array("servers").items()[0].object("scheduler_hints").size() == 1);
    const auto older = cloud.asksForServer(cloud.alice, "two", R"(,"hostname":"two.example.org")"); // 2.93
    CHECK(older.status == 400);
}

TEST_CASE("Since 2.101 a volume is attached without a word", "[compute][attachment][version]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web"), volume = cloud.createsVolume(cloud.alice);
    const auto answer = cloud.alice.posts("/compute/v2.1/servers/" + id + "/os-volume_attachments",
                                          R"({"volumeAttachment":{"volumeId":")" + volume + R"("}})",
                                          {{"OpenStack-API-Version", "compute 2.101"}});
    CHECK(answer.status == 202);
    CHECK(answer.body.empty());
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
}

TEST_CASE("A server that cannot be is refused before anything is made", "[compute][server]") {
    Cloud cloud;
    struct Example {
        const char *more, *says;
    };
    const auto example = GENERATE(
        values<Example>({{R"(,"flavorRef":"none")", "twice"},
                         {R"(,"key_name":"absent")", "Invalid key_name provided."},
                         {R"(,"availability_zone":"mars")", "The requested availability zone is not available"},
                         {R"(,"min_count":3,"max_count":2)", "min_count must be <= max_count"},
                         {R"(,"user_data":"no base64!")", "user_data"},
                         {R"(,"metadata":{"key":7})", "metadata"},
                         {R"(,"accessIPv6":"bb:gg")", "accessIPv6"},
                         {R"(,"config_drive":"perhaps")", "config_drive"},
                         {R"(,"personality":[])", "personality"},
                         {R"(,"colour":"red")", "colour"},
                         {R"(,"tags":["a/b"])", "tags"}}));
    CAPTURE(example.more);
    const auto answer = cloud.asksForServer(cloud.alice, "web", example.more);
    CHECK(answer.status == 400);
    if (std::string_view(example.says) != "twice") CHECK_THAT(faultOf(answer, "badRequest"), Contains(example.says));
    CHECK(cloud.alice.gets("/compute/v2.1/servers").json().array("servers").size() == 0);
    CHECK(cloud.appliance.announced("compute.server.planned") == 0);
}

TEST_CASE("Names, flavors and images of new servers are checked", "[compute][server]") {
    Cloud cloud;
    const auto asks = [&](const std::string& name, const std::string& flavor, const std::string& image,
                          const std::string& networks = R"("none")") {
        return cloud.alice.posts("/compute/v2.1/servers",
                                 R"({"server":{"name":)" + name + R"(,"flavorRef":)" + flavor + R"(,"imageRef":)" +
                                     image + R"(,"networks":)" + networks + "}}",
                                 {{"X-OpenStack-Nova-API-Version", "2.37"}});
    };
    const std::string image = "\"" + cloud.image + "\"";
    CHECK(asks("\"\"", "\"1\"", image).status == 400);
    CHECK(asks("12345", "\"1\"", image).status == 400);
    CHECK(asks("\" a\"", "\"1\"", image).status == 400);
    CHECK(asks("\"" + std::string(256, 'a') + "\"", "\"1\"", image).status == 400);
    CHECK(asks("\"a\"", "\"-1\"", image).status == 400);
    CHECK(asks("\"a\"", "null", image).status == 400);
    CHECK(asks("\"a\"", "\"1\"", "\"-1\"").status == 400);
    CHECK(asks("\"a\"", "\"1\"", R"("00000000-0000-4000-8000-000000000000")").status == 400);
    CHECK(asks("\"a\"", "\"1\"", image, R"([{"uuid":"a-b-c-d-e-f-g-h-i-j"}])").status == 400);
    CHECK(asks("\"a\"", "\"1\"", image, R"([{"uuid":"00000000-0000-4000-8000-000000000000"}])").status == 400);
    CHECK(asks("\"a\"", "\"1\"", image, "[]").status == 400);
    CHECK(asks("\"a\"", "\"1\"", image).status == 202);
}

TEST_CASE("An image boots on a flavor without a disk only for administrators", "[compute][server][policy]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    REQUIRE(admin.posts("/compute/v2.1/flavors", R"({"flavor":{"id":"9","name":"bare","vcpus":1,"ram":64,"disk":0}})")
                .status == 200);
    const auto body = [&](const std::string& image) {
        return R"({"server":{"name":"a","flavorRef":"9","networks":"none","imageRef":")" + image + "\"}}";
    };
    const HeaderList version{{"OpenStack-API-Version", "compute 2.93"}};
    const auto refused = cloud.alice.posts("/compute/v2.1/servers", body(cloud.image), version);
    CHECK(refused.status == 403);
    CHECK(faultOf(refused, "forbidden") == "Only volume-backed instances are allowed for flavors with zero disk.");
    CHECK(admin.posts("/compute/v2.1/servers", body(Cloud::upload(admin)), version).status == 202);
}

TEST_CASE("A server stops, starts and reboots, and says so", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");

    CHECK(cloud.acts(cloud.alice, id, R"({"os-start":null})").status == 409);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-stop":null})").status == 202);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-stop":null})").status != 202);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
    CHECK(cloud.appliance.hypervisor().powerState(ServerId{id}) == PowerState::Shutdown);
    CHECK(cloud.acts(cloud.alice, id, R"({"reboot":{"type":"SOFT"}})").status == 409);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-start":null})").status == 202);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    for (const char* type : {"SOFT", "hard"}) {
        CHECK(cloud.acts(cloud.alice, id, std::string(R"({"reboot":{"type":")") + type + "\"}}").status == 202);
        cloud.appliance.settle();
        CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    }
    CHECK(cloud.appliance.hypervisor().console(ServerId{id}, -1).find("boot 4") != std::string::npos);

    CHECK(cloud.acts(cloud.alice, id, R"({"reboot":{"type":"sideways"}})").status == 400);
    CHECK(faultOf(cloud.acts(cloud.alice, id, R"({"os-dance":null})"), "badRequest") ==
          "There is no such action: os-dance");
    CHECK(cloud.acts(cloud.alice, "00000000-0000-4000-8000-000000000000", R"({"os-stop":null})").status == 404);

    const auto actions = cloud.alice.gets("/compute/v2.1/servers/" + id + "/os-instance-actions")
                             .json()
                             .array("instanceActions")
                             .items();
    REQUIRE(actions.size() == 5);
    CHECK(actions.front().text("action") == "reboot");
    CHECK(actions.back().text("action") == "create");
    const auto one =
        cloud.alice.gets("/compute/v2.1/servers/" + id + "/os-instance-actions/" + actions.back().text("request_id"),
                         {{"OpenStack-API-Version", "compute 2.51"}});
    CHECK(one.json().object("instanceAction").array("events").items().front().text("result") == "Success");
}

TEST_CASE("A soft reboot that the guest does not answer becomes a hard one", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().beDeaf(true);
    CHECK(cloud.acts(cloud.alice, id, R"({"reboot":{"type":"SOFT"}})").status == 202);
    cloud.isCalled("pressPowerButton", 1);
    cloud.appliance.passes(std::chrono::seconds(61)); // its owner's patience
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(cloud.appliance.hypervisor().calls("pressPowerButton") == 1);
    CHECK(cloud.appliance.hypervisor().calls("ensureOff") == 1);
}

TEST_CASE("Fifty guests that ignore the power button are stopped in the time of one, and hold up nobody meanwhile",
          "[compute][server][load]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    REQUIRE(
        cloud.appliance.admin()
            .puts("/compute/v2.1/os-quota-sets/" + cloud.alice.project, R"({"quota_set":{"instances":50,"cores":50}})")
            .status == 200);
    REQUIRE(cloud.asksForServer(cloud.alice, "deaf", R"(,"min_count":50,"max_count":50)").status == 202);
    cloud.appliance.settle();
    cloud.appliance.hypervisor().beDeaf(true);
    const auto listed = [&](const std::string& status) {
        return cloud.alice.gets("/compute/v2.1/servers?status=" + status).json().array("servers").items();
    };
    for (const auto& server : listed("ACTIVE"))
        REQUIRE(cloud.acts(cloud.alice, server.text("id"), R"({"os-stop":null})").status == 202);
    const auto body =
        R"({"server":{"name":"mine","flavorRef":"1","networks":"none","imageRef":")" + Cloud::upload(bob) + "\"}}";
    const auto mine = bob.posts("/compute/v2.1/servers", body, {{"OpenStack-API-Version", "compute 2.93"}})
                          .json()
                          .object("server")
                          .text("id");
    for (int tries = 0; tries < 400 && cloud.status(bob, mine) != "ACTIVE"; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(cloud.status(bob, mine) == "ACTIVE");
    CHECK(listed("ACTIVE").size() == 50);
    cloud.isCalled("pressPowerButton", 50);

    cloud.appliance.passes(std::chrono::seconds(61));
    const auto began = std::chrono::steady_clock::now();
    cloud.appliance.settle();
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    CHECK(listed("SHUTOFF").size() == 50);
    CHECK(cloud.appliance.hypervisor().calls("ensureOff") == 50);
}

TEST_CASE("A server that is deleted while its image is copied stops being made at once", "[compute][server]") {
    Cloud cloud;
    cloud.appliance.hypervisor().slowOn("ensureBase", std::chrono::minutes(10));
    const auto id = cloud.asksForServer(cloud.alice, "huge").json().object("server").text("id");
    for (int tries = 0;
         tries < 400 &&
         !cloud.appliance.appliance().store().reader().query("SELECT 1 FROM jobs WHERE state = 'running'").any();
         ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle(); // long before ten minutes are over
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
    CHECK(cloud.appliance.hypervisor().guests().empty());
}

TEST_CASE("A hypervisor that is away is waited for, and a server that was deleted meanwhile never ends in error",
          "[compute][server]") {
    Cloud cloud;
    cloud.appliance.hypervisor().failOn("ensureDefined", 5, Failure::Busy); // more often than a step is tried
    const auto id = cloud.asksForServer(cloud.alice, "patient").json().object("server").text("id");
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    cloud.appliance.hypervisor().failOn("ensureGone", 5, Failure::Broken);
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
}

TEST_CASE("A server that the host cannot start is in error, and its owner does not learn what the host said",
          "[compute][server]") {
    Cloud cloud;
    cloud.appliance.hypervisor().failOn("ensureRunning", 100, Failure::Broken);
    const auto id = cloud.boots(cloud.alice, "web");
    const auto server = cloud.shows(cloud.alice, id);
    CHECK(server.text("status") == "ERROR");
    CHECK(server.object("fault").integer("code") == 500);
    CHECK(server.object("fault").text("message") == "Failed to build the server.");
    CHECK_FALSE(server.object("fault").has("details"));
    CHECK_THAT(cloud.shows(cloud.appliance.admin(), id).object("fault").text("details"), Contains("ensureRunning"));
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
}

TEST_CASE("Nobody sees or touches another project's server", "[compute][server][policy]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto mallory = cloud.appliance.member("mallory");
    CHECK(mallory.gets("/compute/v2.1/servers/" + id).status == 404);
    CHECK(mallory.deletes("/compute/v2.1/servers/" + id).status == 404);
    CHECK(cloud.acts(mallory, id, R"({"os-stop":null})").status == 404);
    CHECK(mallory.gets("/compute/v2.1/servers").json().array("servers").size() == 0);
    CHECK(mallory.gets("/compute/v2.1/servers?all_tenants=1").status == 403);
    CHECK(mallory.gets("/compute/v2.1/servers?project_id=" + cloud.alice.project).json().array("servers").size() == 0);
    const auto admin = cloud.appliance.admin();
    CHECK(admin.gets("/compute/v2.1/servers?all_tenants=1").json().array("servers").size() == 1);
    const std::string of = "tenant_id=" + cloud.alice.project, ofOthers = "tenant_id=" + admin.project;
    CHECK(admin.gets("/compute/v2.1/servers?all_tenants&" + of).json().array("servers").size() == 1);
    CHECK(admin.gets("/compute/v2.1/servers?all_tenants&" + ofOthers).json().array("servers").size() == 0);
    CHECK(admin.gets("/compute/v2.1/servers?" + of).json().array("servers").size() ==
          0); // only the administrator's own project
    const auto reader = cloud.appliance.colleague(cloud.alice, "rita", "reader");
    CHECK(reader.gets("/compute/v2.1/servers/" + id).status == 200);
    CHECK(reader.deletes("/compute/v2.1/servers/" + id).status == 403);
    CHECK(mallory.gets("/compute/v2.1/" + cloud.alice.project + "/servers").status == 400);
    CHECK(cloud.alice.gets("/compute/v2.1/{project}/servers").status == 200);
}

TEST_CASE("A locked server is left alone", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    CHECK(cloud.acts(cloud.alice, id, R"({"lock":null})").status == 202);
    CHECK(faultOf(cloud.acts(cloud.alice, id, R"({"os-stop":null})"), "conflictingRequest") ==
          "Instance " + id + " is locked");
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 409);
    CHECK(cloud.acts(cloud.alice, id, R"({"unlock":null})").status == 202);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-stop":null})").status == 202);
    CHECK(cloud.acts(cloud.appliance.admin(), id, R"({"lock":null})").status == 202);
    CHECK(cloud.acts(cloud.alice, id, R"({"unlock":null})").status == 403);
}

TEST_CASE("Servers are counted against the quota, all or as many as fit", "[compute][server][quota]") {
    Cloud cloud;
    const auto limited = cloud.appliance.admin().puts("/compute/v2.1/os-quota-sets/" + cloud.alice.project,
                                                      R"({"quota_set":{"instances":3}})");
    REQUIRE(limited.status == 200);
    CHECK(cloud.asksForServer(cloud.alice, "many", R"(,"min_count":4)").status == 403);
    CHECK(cloud.asksForServer(cloud.alice, "many", R"(,"min_count":1,"max_count":5)").status == 202);
    CHECK(cloud.alice.gets("/compute/v2.1/servers").json().array("servers").size() == 3);
    CHECK(cloud.asksForServer(cloud.alice, "one").status == 403);
    cloud.appliance.settle();
    const auto used = cloud.alice.gets("/compute/v2.1/limits").json().object("limits").object("absolute");
    CHECK(used.integer("totalInstancesUsed") == 3);
    CHECK(used.integer("totalRAMUsed") == 3 * 512);
    for (const auto& server : cloud.alice.gets("/compute/v2.1/servers").json().array("servers").items())
        CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + server.text("id")).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/compute/v2.1/limits")
              .json()
              .object("limits")
              .object("absolute")
              .integer("totalInstancesUsed") == 0);
}

TEST_CASE("Lists are filtered, sorted and paged", "[compute][server][list]") {
    Cloud cloud;
    const auto web = cloud.boots(cloud.alice, "web-1"), db = cloud.boots(cloud.alice, "db-1");
    cloud.acts(cloud.alice, db, R"({"os-stop":null})");
    cloud.appliance.settle();
    const auto names = [&](const std::string& query, const std::string& version = "2.1") {
        std::string all;
        const auto answer =
            cloud.alice.gets("/compute/v2.1/servers?" + query, {{"OpenStack-API-Version", "compute " + version}});
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& server : answer.json().array("servers").items()) all += server.text("name") + " ";
        return all;
    };
    const auto status = [&](const std::string& query, const std::string& version = "2.1") {
        return cloud.alice.gets("/compute/v2.1/servers?" + query, {{"OpenStack-API-Version", "compute " + version}})
            .status;
    };
    CHECK(names("") == "db-1 web-1 ");
    CHECK(names("sort_key=display_name&sort_dir=desc") == "web-1 db-1 ");
    CHECK(names("name=^web") == "web-1 ");
    CHECK(names("name=(a*)*b$") == "");
    CHECK(names("status=active") == "web-1 ");
    CHECK(names("status=SHUTOFF") == "db-1 ");
    CHECK(names("status=SHUTOFF&status=ACTIVE") == "db-1 web-1 ");
    CHECK(names("status=baloney") == "");
    CHECK(names("flavor=1") == "db-1 web-1 ");
    CHECK(names("flavor=2") == "");
    CHECK(names("image=" + cloud.image) == "db-1 web-1 ");
    CHECK(names("image=nothing") == "");
    CHECK(names("changes-since=2051-01-01T12:34:00Z") == "");
    CHECK(names("limit=1") == "db-1 ");
    CHECK(names("limit=1&marker=" + db) == "web-1 ");
    CHECK(names("limit=100") == "db-1 web-1 ");
    CHECK(status("changes-since=2011/01/01") == 400);
    CHECK(status("limit=-1") == 400);
    CHECK(status("limit=x") == 400);
    CHECK(status("marker=none") == 400);
    CHECK(status("sort_key=user_data") == 400);
    CHECK(status("status=baloney", "2.38") == 400);
    CHECK(status("status=deleted") == 403);
    CHECK(names("colour=red") == "db-1 web-1 ");
    CHECK(status("colour=red", "2.75") == 400);
    CHECK(status("name=[") == 400);
    CHECK(
        cloud.alice.gets("/compute/v2.1/servers?limit=1").json().array("servers_links").items().front().text("href") ==
        "http://cloud.test/compute/v2.1/servers?limit=1&marker=" + db);

    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + web).status == 204);
    cloud.appliance.settle();
    CHECK(names("") == "db-1 ");
    CHECK(names("changes-since=2020-01-01T00:00:00Z") == "db-1 web-1 ");
}

TEST_CASE("Metadata and tags are kept with the server", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web", R"(,"metadata":{"role":"front"},"tags":["blue"])");
    const std::string metadata = "/compute/v2.1/servers/" + id + "/metadata",
                      tags = "/compute/v2.1/servers/" + id + "/tags";
    CHECK(cloud.shows(cloud.alice, id).object("metadata").text("role") == "front");
    CHECK(cloud.alice.posts(metadata, R"({"metadata":{"rack":"7"}})").status == 200);
    CHECK(cloud.alice.gets(metadata).json().object("metadata").size() == 2);
    CHECK(cloud.alice.puts(metadata + "/rack", R"({"meta":{"rack":"8"}})").status == 200);
    CHECK(cloud.alice.puts(metadata + "/rack", R"({"meta":{"role":"8"}})").status == 400);
    CHECK(cloud.alice.gets(metadata + "/rack").json().object("meta").text("rack") == "8");
    CHECK(cloud.alice.deletes(metadata + "/rack").status == 204);
    CHECK(cloud.alice.gets(metadata + "/rack").status == 404);
    CHECK(cloud.alice.puts(metadata, R"({"metadata":{}})").status == 200);
    CHECK(cloud.alice.gets(metadata).json().object("metadata").size() == 0);

    const HeaderList version{{"OpenStack-API-Version", "compute 2.26"}};
    CHECK(cloud.alice.gets(tags).status == 404);
    CHECK(cloud.alice.gets(tags + "/blue", version).status == 204);
    CHECK(cloud.alice.puts(tags + "/green", "", version).status == 201);
    CHECK(cloud.alice.puts(tags + "/green", "", version).status == 204);
    CHECK(cloud.alice.gets("/compute/v2.1/servers?tags=blue,green", version).json().array("servers").size() == 1);
    CHECK(cloud.alice.gets("/compute/v2.1/servers?not-tags-any=blue,red", version).json().array("servers").size() == 0);
    CHECK(cloud.alice.deletes(tags + "/green", version).status == 204);
    CHECK(cloud.alice.deletes(tags + "/green", version).status == 404);
    CHECK(cloud.alice.deletes(tags, version).status == 204);
    CHECK(cloud.alice.gets(tags, version).json().array("tags").size() == 0);
}

TEST_CASE("A server is renamed, and its addresses for access are written in one way", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto changed = cloud.alice.puts("/compute/v2.1/servers/" + id,
                                          R"({"server":{"name":"www","accessIPv6":"0:0:0:0:0:babe:220.12.22.2"}})");
    REQUIRE(changed.status == 200);
    CHECK(changed.json().object("server").text("name") == "www");
    CHECK(changed.json().object("server").text("accessIPv6") == "::babe:dc0c:1602");
    CHECK_FALSE(changed.json().object("server").has("key_name")); // before 2.75
    CHECK(cloud.alice.puts("/compute/v2.1/servers/" + id, R"({"server":{"name":""}})").status == 400);
    CHECK(cloud.alice.puts("/compute/v2.1/servers/" + id, R"({"server":{"status":"ERROR"}})").status == 400);
    CHECK(cloud.alice.puts("/compute/v2.1/servers/none", R"({"server":{"name":"x"}})").status == 404);
}

TEST_CASE("The console is text, whatever the guest wrote", "[compute][server]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto answer = cloud.acts(cloud.alice, id, R"({"os-getConsoleOutput":{"length":2}})");
    CHECK(answer.json().text("output") == "boot 1\nlogin: ");
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getConsoleOutput":{"length":"x"}})").status == 400);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-getConsoleOutput":{}})").status == 200);
}

TEST_CASE("A hundred servers asked for at once all run soon", "[compute][server][load]") {
    Cloud cloud;
    REQUIRE(cloud.appliance.admin()
                .puts("/compute/v2.1/os-quota-sets/" + cloud.alice.project,
                      R"({"quota_set":{"instances":-1,"cores":-1,"ram":-1}})")
                .status == 200);
    const auto begin = std::chrono::steady_clock::now();
    cloud.boots(cloud.alice, "many", R"(,"min_count":100)");
    CHECK(std::chrono::steady_clock::now() - begin <
          std::chrono::seconds(10)); // 3 where the machine has nothing else to do
    CHECK(cloud.alice.gets("/compute/v2.1/servers?status=ACTIVE&limit=1000").json().array("servers").size() == 100);
}
