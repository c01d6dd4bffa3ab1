#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "block/support.hpp"
#include "platform/log/log.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("What a disabled back end has stays, and nothing more goes there", "[block][service][scheduler]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/os-services", volumes = "/volume/v3/{project}/volumes";
    const auto service = [&] {
        return root.gets(path + "?binary=cinder-volume").json().array("services").items().at(0);
    };
    CHECK(service().text("status") == "enabled");
    const auto host = service().text("host");
    const std::string named = R"("binary":"cinder-volume","host":")" + host + "\"";
    CHECK(alice.puts(path + "/disable", "{" + named + "}").status == 403);
    CHECK(root.puts(path + "/disable", R"({"binary":"cinder-volume","host":"nowhere"})").status == 404);
    CHECK(root.puts(path + "/disable", R"({"binary":"cinder-volume"})").status == 400);
    CHECK(root.puts(path + "/disable-log-reason", "{" + named + "}").status == 400);
    const auto disabled = root.puts(path + "/disable-log-reason", "{" + named + R"(,"disabled_reason":"full"})");
    CHECK(disabled.status == 200);
    CHECK(disabled.json().text("status") == "disabled");
    CHECK(service().text("disabled_reason") == "full");
    const auto made = alice.posts(volumes, R"({"volume":{"size":1}})");
    CHECK(made.status == 202);
    cloud.settle();
    CHECK(alice.gets(volumes + "/" + made.json().object("volume").text("id")).json().object("volume").text("status") ==
          "error");
    cloud.restart();
    CHECK(service().text("status") == "disabled");
    CHECK(root.puts(path + "/enable", "{" + named + "}").json().text("status") == "enabled");
    CHECK(service().at("disabled_reason").isNull());
    const auto again = alice.posts(volumes, R"({"volume":{"size":1}})");
    cloud.settle();
    CHECK(alice.gets(volumes + "/" + again.json().object("volume").text("id")).json().object("volume").text("status") ==
          "available");
}

TEST_CASE("Pools tell what they have and can, by name and by type", "[block][service][scheduler]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};
    const std::string path = "/volume/v3/{project}/scheduler-stats/get_pools";
    REQUIRE(root.posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":"quick","extra_specs":{"volume_backend_name":"fast"}}})")
                .status == 200);
    const auto all = root.gets(path + "?detail=true", newest).json().array("pools").items();
    REQUIRE(all.size() == 2);
    const auto can = all[0].object("capabilities");
    CHECK(can.at("total_capacity_gb").isNumber());
    CHECK(can.integer("reserved_percentage") == 0);
    CHECK(can.integer("total_volumes") == 0);
    CHECK(can.boolean("thin_provisioning_support", false));
    const auto quick = root.gets(path + "?volume_type=quick", newest).json().array("pools").items();
    REQUIRE(quick.size() == 1);
    CHECK(quick[0].text("name") == all[0].text("name"));
    CHECK_FALSE(quick[0].has("capabilities"));
    CHECK(root.gets(path + "?name=nothing", newest).json().array("pools").size() == 0);
    CHECK(root.gets(path + "?colour=red", newest).status == 400);
    CHECK(alice.gets(path, newest).status == 403);

    const auto host = all[0].text("name").substr(0, all[0].text("name").find('#'));
    const auto capabilities = root.gets("/volume/v3/{project}/capabilities/" + host);
    CHECK(capabilities.status == 200);
    CHECK(capabilities.json().text("volume_backend_name") == "fast");
    CHECK(capabilities.json().object("properties").has("multiattach"));
    CHECK(root.gets("/volume/v3/{project}/capabilities/nowhere").status == 404);
    CHECK(alice.gets("/volume/v3/{project}/capabilities/" + host).status == 403);
}

TEST_CASE("The log's level is told and set by binary, server and prefix", "[block][service][log]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/os-services";
    const auto gets = [&](const std::string& body) {
        const auto answer = root.puts(path + "/get-log", body, {since(32)});
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("log_levels").items();
    };
    const auto sets = [&](const std::string& body) { return root.puts(path + "/set-log", body, {since(32)}).status; };
    CHECK(root.puts(path + "/get-log", "{}", {since(31)}).status == 404);
    CHECK(root.puts(path + "/set-log", R"({"level":"ERROR"})", {since(31)}).status == 404);
    CHECK(alice.puts(path + "/get-log", "{}", {since(32)}).status == 403);
    CHECK(alice.puts(path + "/set-log", R"({"level":"ERROR"})", {since(32)}).status == 403);

    const auto all = gets(R"({"binary":"*","server":null,"prefix":""})");
    REQUIRE(all.size() == 4);
    CHECK(all[0].text("binary") == "cinder-api");
    const auto host = all[0].text("host");
    REQUIRE(all[0].object("levels").names() == std::vector<std::string>{"stratolet"});
    const auto level = [&] { return gets("{}").at(0).object("levels").text("stratolet"); };
    CHECK(sets(R"({"level":"error"})") == 202);
    CHECK(level() == "ERROR");
    CHECK(sets(R"({"level":"WARNING","server":"nowhere"})") == 202);       // nobody there
    CHECK(sets(R"({"level":"WARNING","prefix":"cinder.volume"})") == 202); // no log of that name
    CHECK(level() == "ERROR");
    CHECK(sets(R"({"level":"WARNING","binary":"cinder-volume","server":")" + host + R"(","prefix":"strat"})") == 202);
    CHECK(level() == "ERROR"); // of another binary
    const auto levelOf = [&](const std::string& binary) {
        return gets(R"({"binary":")" + binary + "\"}").at(0).object("levels").text("stratolet");
    };
    CHECK(levelOf("cinder-volume") == "WARNING");
    CHECK(levelOf("cinder-scheduler") == "ERROR");
    CHECK(levelOf("cinder-backup") == "ERROR");
    const auto volumes = gets(R"({"binary":"cinder-volume"})");
    REQUIRE(volumes.size() == 1);
    CHECK(volumes[0].text("host").starts_with(host + "@"));
    CHECK(gets(R"({"server":"nowhere"})").empty());
    CHECK(gets(R"({"binary":"cinder-backup","prefix":"sql"})").at(0).object("levels").size() == 0);

    for (const auto* refused : {"{}", R"({"level":null})", R"({"level":"LOUD"})", R"({"level":3})",
                                R"({"level":"INFO","binary":"cinder"})", R"({"level":"INFO","colour":"red"})"})
        CHECK(sets(refused) == 400);
    CHECK(sets(R"({"level":"INFO","server":")" + std::string(256, 'x') + "\"}") == 400);
    CHECK(root.puts(path + "/get-log", R"({"level":"INFO"})", {since(32)}).status == 400);
    CHECK(level() == "ERROR");
    CHECK(levelOf("cinder-volume") == "WARNING");
}

TEST_CASE("A log writes what its level says at the time", "[block][service][log]") {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    Log log({.level = Log::Level::Error, .fd = ::fileno(file.get())});
    const auto written = [&] { return std::fseek(file.get(), 0, SEEK_END) == 0 ? std::ftell(file.get()) : -1; };
    log.info("not yet");
    CHECK(written() == 0);
    log.setLevel(Log::Level::Info);
    CHECK(log.level() == Log::Level::Info);
    log.debug("never");
    CHECK(written() == 0);
    log.info("now");
    CHECK(written() > 0);
}

TEST_CASE("There are no clusters, and nothing is left to clean up", "[block][service][cluster]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string clusters = "/volume/v3/{project}/clusters", cleanup = "/volume/v3/{project}/workers/cleanup";
    for (const auto& path : {clusters, clusters + "/detail"}) {
        CHECK(root.gets(path, {since(6)}).status == 404);
        CHECK(alice.gets(path, {since(7)}).status == 403);
        const auto list = root.gets(path + "?is_up=true&num_hosts=2", {since(7)});
        CHECK(list.status == 200);
        CHECK(list.json().array("clusters").size() == 0);
        CHECK(root.gets(path + "?is_up=perhaps", {since(7)}).status == 400);
        CHECK(root.gets(path + "?colour=red", {since(7)}).status == 400);
        CHECK(root.gets(path + "?frozen=true", {since(25)}).status == 400);
        CHECK(root.gets(path + "?frozen=true", {since(26)}).status == 200);
    }
    CHECK(root.gets(clusters + "/none", {since(7)}).status == 404);
    CHECK(alice.gets(clusters + "/none", {since(7)}).status == 403);
    for (const auto* action : {"/enable", "/disable"}) {
        CHECK(root.puts(clusters + action, R"({"name":"none"})", {since(6)}).status == 404);
        CHECK(root.puts(clusters + action, R"({"name":"none"})", {since(7)}).status == 404);
        CHECK(root.puts(clusters + action, "{}", {since(7)}).status == 400);
        CHECK(root.puts(clusters + action, R"({"name":""})", {since(7)}).status == 400);
        CHECK(alice.puts(clusters + action, R"({"name":"none"})", {since(7)}).status == 403);
    }
    CHECK(root.puts(clusters + "/enable", R"({"name":"none","disabled_reason":"?"})", {since(7)}).status == 400);
    CHECK(root.puts(clusters + "/disable", R"({"name":"none","disabled_reason":"?"})", {since(7)}).status == 404);

    CHECK(root.posts(cleanup, "{}", {since(23)}).status == 404);
    CHECK(alice.posts(cleanup, "{}", {since(24)}).status == 403);
    const std::string volume = makes(cloud, alice);
    const auto cleaned =
        root.posts(cleanup, R"({"host":"a@b","is_up":"true","resource_type":"Volume","resource_id":")" + volume + "\"}",
                   {since(24)});
    CHECK(cleaned.status == 202);
    CHECK(cleaned.json().array("cleaning").size() == 0);
    CHECK(cleaned.json().array("unavailable").size() == 0);
    for (const auto& refused : {std::string(R"({"is_up":"perhaps"})"), std::string(R"({"resource_type":"Cloud"})"),
                                std::string(R"({"binary":"cinder-api"})"), std::string(R"({"service_id":"one"})"),
                                std::string(R"({"resource_id":"one"})"), std::string(R"({"host":""})"),
                                std::string(R"({"colour":"red"})"), R"({"resource_id":")" + volume + "\"}"})
        CHECK(root.posts(cleanup, refused, {since(24)}).status == 400);
    CHECK(root.posts(cleanup, R"({"service_id":"1"})", {since(24)}).status == 202);
}

TEST_CASE("The zone is available as long as a back end takes volumes", "[block][service]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/os-services";
    const auto isAvailable = [&] {
        return alice.gets("/volume/v3/{project}/os-availability-zone")
            .json()
            .array("availabilityZoneInfo")
            .items()
            .at(0)
            .object("zoneState")
            .boolean("available", false);
    };
    const auto states = [&] {
        std::vector<std::string> all;
        for (const auto& each : root.gets(path + "?binary=cinder-volume", {since(49)}).json().array("services").items())
            all.push_back(each.text("backend_state"));
        return all;
    };
    CHECK(isAvailable());
    CHECK(states() == std::vector<std::string>{"up", "up"});
    std::vector<std::string> named;
    for (const auto& each : root.gets(path + "?binary=cinder-volume").json().array("services").items())
        named.push_back(R"({"binary":"cinder-volume","host":")" + each.text("host") + "\"}");
    REQUIRE(named.size() == 2);
    CHECK(root.puts(path + "/disable", named[0]).status == 200);
    CHECK(isAvailable());
    CHECK(root.puts(path + "/disable", named[1]).status == 200);
    CHECK_FALSE(isAvailable());
    CHECK(root.puts(path + "/enable", named[1]).status == 200);
    CHECK(isAvailable());

    std::filesystem::rename(cloud.folder() / "volumes", cloud.folder() / "elsewhere");
    cloud.passes(std::chrono::seconds(2));
    CHECK_FALSE(isAvailable());
    CHECK(states() == std::vector<std::string>{"up", "down"});
    std::filesystem::rename(cloud.folder() / "elsewhere", cloud.folder() / "volumes");
    cloud.passes(std::chrono::seconds(2));
    CHECK(isAvailable());
    CHECK(states() == std::vector<std::string>{"up", "up"});
}

TEST_CASE("The extensions are those that are there", "[block][service]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    std::vector<std::string> aliases;
    for (const auto& each : alice.gets("/volume/v3/{project}/extensions").json().array("extensions").items())
        aliases.push_back(each.text("alias"));
    for (const auto* each : {"OS-SCH-HNT", "backups", "encryption", "os-types-extra-specs", "os-volume-transfer",
                             "os-vol-mig-status-attr", "qos-specs", "scheduler-stats"})
        CHECK(std::find(aliases.begin(), aliases.end(), each) != aliases.end());
    CHECK(std::find(aliases.begin(), aliases.end(), "cgsnapshots") == aliases.end());
    CHECK(alice.gets("/volume/v3/{project}/extensions/qos-specs").json().object("extension").text("alias") ==
          "qos-specs");
    CHECK(alice.gets("/volume/v3/{project}/extensions/cgsnapshots").status == 404);
}

TEST_CASE("What projects have in a back end follows their volumes and snapshots", "[block][service][back-ends]") {
    TestAppliance cloud({{"block", "backends", "fast, file"}});
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    REQUIRE(root.posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":"slow","extra_specs":{"volume_backend_name":"file"}}})")
                .status == 200);
    const auto hosts = root.gets("/volume/v3/{project}/os-services?binary=cinder-volume").json().array("services");
    const auto fast = hosts.items().at(0).text("host"), file = hosts.items().at(1).text("host");
    using Numbers = std::vector<std::string>;
    const auto has = [&](const std::string& host, const std::string& project) {
        for (const auto& each : root.gets("/volume/v3/{project}/os-hosts/" + host).json().array("host").items())
            if (const auto its = each.object("resource"); its.text("project") == project)
                return Numbers{its.text("volume_count"), its.text("total_volume_gb"), its.text("snapshot_count"),
                               its.text("total_snapshot_gb")};
        return Numbers{};
    };
    CHECK(has(file, "(total)") == Numbers{"0", "0", "0", "0"});
    const auto volume = makes(cloud, alice, R"(,"volume_type":"slow")");
    makes(cloud, bob, R"(,"volume_type":"slow")");
    CHECK(acts(alice, volume, R"({"os-extend":{"new_size":2}})").status == 202);
    cloud.settle();
    const auto snapshot = snaps(cloud, alice, volume);
    CHECK(has(file, alice.project) == Numbers{"1", "2", "1", "2"});
    CHECK(has(file, bob.project) == Numbers{"1", "1", "0", "0"});
    CHECK(has(file, "(total)") == Numbers{"2", "3", "1", "2"});
    CHECK(alice.deletes(snapshotsPath + "/" + snapshot).status == 202);
    cloud.settle();
    CHECK(has(file, "(total)") == Numbers{"2", "3", "0", "0"});
    CHECK(acts(root, volume, R"({"os-migrate_volume":{"host":")" + fast + "#fast\"}}").status == 202);
    cloud.settle();
    CHECK(has(file, alice.project).empty());
    CHECK(has(fast, alice.project) == Numbers{"1", "2", "0", "0"});
    CHECK(has(fast, "(total)") == Numbers{"1", "2", "0", "0"});
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 202);
    cloud.settle();
    CHECK(has(fast, alice.project).empty());
    CHECK(root.gets("/volume/v3/{project}/os-hosts/" + file + "0").status == 404);
}

TEST_CASE("A part of a log has a level of its own, and the whole's again once that is configured anew",
          "[block][service][log]") {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    Log whole({.level = Log::Level::Error, .fd = ::fileno(file.get())});
    Log part(whole), other(whole);
    const auto written = [&] { return std::fseek(file.get(), 0, SEEK_END) == 0 ? std::ftell(file.get()) : -1; };
    part.info("not yet");
    CHECK(written() == 0);
    part.setLevel(Log::Level::Info);
    whole.info("never");
    other.info("never");
    CHECK(written() == 0);
    part.info("now");
    const auto before = written();
    CHECK(before > 0);
    whole.setLevel(Log::Level::Info);
    other.info("with the whole");
    CHECK(written() > before);
    whole.reconfigure({.level = Log::Level::Warning, .fd = ::fileno(file.get())});
    CHECK(part.level() == Log::Level::Warning);
}
