#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "appliance/fresh_store/all_migrations.hpp"
#include "appliance/fresh_store/fresh_store.hpp"
#include "platform/store/store.hpp"
#include "support/folder.hpp"

using namespace stratolet;

namespace {

/// What a released schema's file says, without the transaction around it: the store has its own.
std::string storedSchema(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string text, line;
    while (std::getline(in, line))
        if (line != "BEGIN TRANSACTION;" && line != "COMMIT;") text += line + "\n";
    return text;
}

std::int64_t countOf(store::Store& db, const std::string& table) {
    return db.reader().query("SELECT count(*) FROM " + table).integer();
}

}

TEST_CASE("A store of each released schema is brought to this one, and loses nothing", "[migration]") {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(STRATOLET_SOURCE) / "../test/appliance/schemas")) {
        INFO(entry.path());
        const test::Folder folder;
        store::Store db({.file = folder / "db"});
        const auto stored = storedSchema(entry.path());
        auto migrations = std::vector{store::Migration{"stored", 1, stored}}; // schema_versions is among its tables
        db.migrate(migrations);
        std::map<std::string, std::int64_t> before;
        for (const auto* table :
             {"compute_servers", "compute_server_metadata", "volumes", "volume_metadata", "volume_attachments",
              "images", "networks", "subnets", "ports", "routers", "users", "projects", "roles"})
            before[table] = countOf(db, table);
        CHECK(before.at("compute_servers") == 1);
        for (const auto& each : allMigrations()) migrations.push_back(each);
        db.migrate(migrations);
        for (const auto& [table, count] : before) {
            INFO(table);
            CHECK(countOf(db, table) == count);
        }
        CHECK(countOf(db, "compute_usage") == countOf(db, "compute_servers WHERE launched IS NOT NULL"));
        CHECK_FALSE(db.reader().query("PRAGMA foreign_key_check").any());
        CHECK(db.reader().query("PRAGMA quick_check").texts() == std::vector<std::string>{"ok"});
        CHECK(db.reader().query("SELECT count(*) FROM users WHERE name = 'Bob' AND name_key = 'bob'").integer() == 1);
    }
}

TEST_CASE("What a first start begins with is what all migrations make of nothing", "[migration]") {
    const test::Folder folder;
    store::Store migrated({.file = folder / "migrated"}), fresh({.file = folder / "fresh", .fresh = freshStore});
    migrated.migrate(allMigrations());
    const auto flushes = fresh.flushes();
    fresh.migrate(allMigrations());
    CHECK(fresh.flushes() <= flushes + 1); // none is due
    const auto schema = [](store::Store& store) {
        return store.reader()
            .query("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER "
                   "BY type, name")
            .texts();
    };
    CHECK(schema(fresh) == schema(migrated));
    for (const auto& table : fresh.reader().query("SELECT name FROM sqlite_schema WHERE type = 'table'").texts()) {
        INFO(table);
        CHECK(countOf(fresh, table) == countOf(migrated, table));
    }
    CHECK(fresh.reader().query("PRAGMA integrity_check").texts() == std::vector<std::string>{"ok"});
    struct stat status {};
    REQUIRE(::stat((folder / "fresh").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}
