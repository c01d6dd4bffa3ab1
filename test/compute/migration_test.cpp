#include <catch2/catch.hpp>

#include "compute/cloud.hpp"
#include "compute/migration/migration.hpp"

using namespace stratolet;
using namespace stratolet::test;
using compute::Migration;
using compute::MigrationTable;

namespace {

const std::string migrations = "/compute/v2.1/os-migrations";

void writes(Cloud& cloud, const Migration& migration) {
    cloud.appliance.appliance().store().write([&](store::Transaction& tx) { MigrationTable::insert(tx, migration); });
}

/// A migration of alice's server, `minutes` after the epoch of the test.
Migration made(const Cloud& cloud, const std::string& server, const std::string& id, const std::string& kind,
               const std::string& status, Time when) {
    return {.id = id,
            .server = ServerId{server},
            .kind = kind,
            .status = status,
            .source = "here",
            .destination = "there",
            .oldFlavor = FlavorId{"1"},
            .newFlavor = FlavorId{"big"},
            .user = UserId{cloud.alice.user},
            .project = ProjectId{cloud.alice.project},
            .created = when,
            .updated = when};
}

}

TEST_CASE("Migrations are listed for administrators, newest first, with what their version has",
          "[compute][migration]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto server = cloud.boots(cloud.alice, "one");
    CHECK(cloud.alice.gets(migrations).status == 403);
    CHECK(admin.gets(migrations).json().array("migrations").size() == 0);
    const auto now = cloud.appliance.now();
    writes(cloud, made(cloud, server, "a", "resize", "confirmed", now - std::chrono::minutes(9)));
    writes(cloud, made(cloud, server, "b", "live-migration", "running", now - std::chrono::minutes(5)));
    writes(cloud, made(cloud, server, "c", "resize", "error", now - std::chrono::minutes(1)));
    const auto asks = [&](const std::string& query, const char* version) {
        return admin.gets(migrations + query, {{"OpenStack-API-Version", version}});
    };
    const auto ids = [&](const std::string& query, const char* version = "compute 2.80") {
        std::string all;
        const auto answer = asks(query, version);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array("migrations").items()) all += each.text("uuid");
        return all;
    };
    CHECK(ids("") == "cba");
    CHECK(ids("?status=error") == "c");
    CHECK(ids("?migration_type=resize") == "ca");
    CHECK(ids("?host=there") == "cba");
    CHECK(ids("?source_compute=there").empty());
    CHECK(ids("?instance_uuid=" + server) == "cba");
    CHECK(ids("?instance_uuid=none").empty());
    CHECK(ids("?user_id=" + cloud.alice.user) == "cba");
    CHECK(ids("?project_id=" + admin.project).empty());
    CHECK(ids("?limit=2", "compute 2.59") == "cb");
    CHECK(ids("?limit=2&marker=b", "compute 2.59") == "a");
    CHECK(asks("?limit=2", "compute 2.59").json().has("migrations_links"));
    CHECK(ids("?changes-since=" + isoTime(now - std::chrono::minutes(6), false, "Z"), "compute 2.59") == "cb");
    CHECK(ids("?changes-before=" + isoTime(now - std::chrono::minutes(4), false, "Z"), "compute 2.66") == "ba");
    CHECK(asks("?marker=none", "compute 2.59").status == 400);
    CHECK(asks("?a=b", "compute 2.59").status == 400);
    CHECK(asks("?a=b", "compute 2.58").status == 200);
    CHECK(asks("?user_id=x", "compute 2.79").status == 400);
    CHECK(asks("?changes-before=2020-01-01T00:00:00Z", "compute 2.65").status == 400);

    const auto first = [&](const char* version) { return asks("", version).json().array("migrations").items().at(1); };
    CHECK_FALSE(first("compute 2.22").has("migration_type"));
    CHECK(first("compute 2.23").text("migration_type") == "live-migration");
    CHECK(first("compute 2.23").has("links")); // only while it is under way
    CHECK_FALSE(asks("", "compute 2.23").json().array("migrations").items().at(0).has("links"));
    CHECK_FALSE(first("compute 2.58").has("uuid"));
    CHECK_FALSE(first("compute 2.79").has("project_id"));
    CHECK(first("compute 2.80").text("project_id") == cloud.alice.project);
    CHECK(first("compute 2.1").integer("old_instance_type_id") == 1);
    CHECK(first("compute 2.1").at("new_instance_type_id").isNull());

    cloud.appliance.appliance().store().write(
        [&](store::Transaction& tx) { MigrationTable::setStatus(tx, "b", "completed", now); });
    CHECK(first("compute 2.80").text("status") == "completed");
    CHECK_FALSE(first("compute 2.80").has("links"));
}

TEST_CASE("A server shows its migrations that are under way", "[compute][migration]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto server = cloud.boots(cloud.alice, "one");
    writes(cloud, made(cloud, server, "a", "resize", "migrating", cloud.appliance.now()));
    writes(cloud, made(cloud, server, "b", "live-migration", "running", cloud.appliance.now()));
    writes(cloud, made(cloud, server, "c", "live-migration", "completed", cloud.appliance.now()));
    const std::string path = "/compute/v2.1/servers/" + server + "/migrations";
    const auto asks = [&](const std::string& more, const char* version) {
        return admin.gets(path + more, {{"OpenStack-API-Version", version}});
    };
    CHECK(asks("", "compute 2.22").status == 404);
    CHECK(cloud.alice.gets(path, {{"OpenStack-API-Version", "compute 2.23"}}).status == 403);
    const auto all = asks("", "compute 2.80").json().array("migrations").items();
    REQUIRE(all.size() == 1);
    CHECK(all[0].text("uuid") == "b");
    CHECK(all[0].text("server_uuid") == server);
    CHECK(all[0].has("memory_total_bytes"));
    const auto number = std::to_string(all[0].integer("id"));
    CHECK(asks("/" + number, "compute 2.23").json().object("migration").text("status") == "running");
    CHECK_FALSE(asks("/" + number, "compute 2.58").json().object("migration").has("uuid"));
    CHECK(asks("/9999", "compute 2.23").status == 404);
    CHECK(asks("/x", "compute 2.23").status == 404);
}

TEST_CASE("A migration that isn't under way is neither hurried nor given up", "[compute][migration]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto server = cloud.boots(cloud.alice, "one");
    const std::string one = "/compute/v2.1/servers/" + server + "/migrations/1";
    const auto forces = [&](const std::string& path, const std::string& body, const char* version) {
        return admin.posts(path + "/action", body, {{"OpenStack-API-Version", version}}).status;
    };
    CHECK(forces(one, R"({"force_complete":null})", "compute 2.21") == 404);
    CHECK(forces(one, R"({"force_complete":null})", "compute 2.22") == 409);
    CHECK(forces(one, R"({"force_complete":1})", "compute 2.22") == 400);
    CHECK(forces(one, R"({"ponies":null})", "compute 2.22") == 400);
    CHECK(forces("/compute/v2.1/servers/none/migrations/1", R"({"force_complete":null})", "compute 2.22") == 404);
    CHECK(admin.deletes(one, {{"OpenStack-API-Version", "compute 2.23"}}).status == 404);
    CHECK(admin.deletes(one, {{"OpenStack-API-Version", "compute 2.24"}}).status == 409);
    CHECK(cloud.alice.deletes(one, {{"OpenStack-API-Version", "compute 2.24"}}).status == 403);
}
