#include <catch2/catch.hpp>

#include <sstream>

#include "appliance/doctor.hpp"
#include "identity/support.hpp"
#include "platform/resources.hpp"
#include "platform/store/store.hpp"
#include "platform/text/text.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

const std::string v3 = "/identity/v3/";

std::string body(const std::string& noun, const std::string& name) {
    return "{\"" + noun + "\":{\"name\":" + jsonText(name) + "}}";
}

std::string passwordByName(const std::string& name, const std::string& domain, const std::string& scope = "") {
    return login(R"(["password"])",
                 R"("password":{"user":{"name":)" + jsonText(name) + R"(,"domain":{"name":)" + jsonText(domain) +
                     R"(},"password":"secret"}})",
                 scope);
}

}

TEST_CASE("Two spellings of one name are one name, of roles, users, projects, groups and domains",
          "[identity][names][S34]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    for (const std::string noun : {"role", "user", "project", "group", "domain"}) {
        const auto all = v3 + noun + "s";
        const auto made = root.posts(all, body(noun, "Über"));
        INFO(noun << ": " << made.body);
        REQUIRE(made.status == 201);
        const auto id = made.json().object(noun).text("id");
        CHECK(root.posts(all, body(noun, "über")).status == 409);
        CHECK(root.posts(all, body(noun, "U\u0308BER")).status == 409); // the letter put together of two characters
        const auto other = root.posts(all, body(noun, "other"));
        REQUIRE(other.status == 201);
        CHECK(root.patches(all + "/" + other.json().object(noun).text("id"), body(noun, "ÜBER")).status == 409);
        CHECK(root.patches(all + "/" + id, body(noun, "ÜBER")).status == 200); // its own
        for (const std::string spelling : {"ÜBER", "über", "u\u0308ber"}) {
            const auto found = root.gets(all + "?name=" + http::percentEncoded(spelling)).json().array(noun + "s");
            REQUIRE(found.size() == 1);
            CHECK(found.items()[0].text("name") == "ÜBER");
        }
    }
    for (const std::string noun : {"role", "user", "project", "group", "domain"})
        CHECK(root.posts(v3 + noun + "s", "{\"" + noun + R"(":{"name":"a\u0000b"}})").status == 400);
    CHECK(root.posts(v3 + "roles", body("role", "Admin")).status == 409); // policy would take it for the other
    CHECK(root.posts(v3 + "users", body("user", "ADMIN")).status == 409);
    CHECK(root.posts(v3 + "domains", body("domain", "default")).status == 409);
}

TEST_CASE("Whoever logs in may spell names as they like", "[identity][names][login]") {
    TestAppliance cloud;
    cloud.member("alice");
    const auto root = cloud.admin();
    REQUIRE(root.posts(v3 + "users", R"({"user":{"name":"Zoë","password":"secret"}})").status == 201);
    CHECK(logsIn(cloud, passwordByName("zoë", "default")).status == 201);
    CHECK(logsIn(cloud, passwordByName("ZOE\u0308", "DEFAULT")).status == 201);
    CHECK(logsIn(cloud, passwordByName("zoe", "default")).status == 401);
    CHECK(logsIn(cloud, login(R"(["password"])",
                              R"("password":{"user":{"name":"Admin","domain":{"name":"default"},"password":)" +
                                  jsonText(root.password) + "}}",
                              R"({"project":{"name":"ADMIN","domain":{"name":"default"}}})"))
              .status == 201);
}

TEST_CASE("A store that has doubled names from before goes on, and doctor says which they are",
          "[identity][names][doctor]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    REQUIRE(root.posts(v3 + "users", R"({"user":{"name":"bob","password":"secret"}})").status == 201);
    const auto second =
        root.posts(v3 + "users", R"({"user":{"name":"bill","password":"other"}})").json().object("user").text("id");
    const auto report = [&] {
        std::ostringstream out;
        examine({}, cloud.folder(), out);
        return out.str();
    };
    CHECK_THAT(report(), !Contains("compare as one"));
    // As a version that did not compare so has left it.
    cloud.appliance().store().write([&](store::Transaction& tx) {
        tx.execute("UPDATE users SET name = 'Bob', name_key = 'bob' WHERE id = ?", second);
        tx.execute("INSERT INTO roles (id, name, domain_id, name_key) VALUES ('r', 'ADMIN', '', 'admin')");
    });
    CHECK_THAT(report(), Contains("two users") && Contains("Bob (" + second + ")") && Contains("bob ("));
    CHECK_THAT(report(), Contains("two roles") && Contains("ADMIN (r)"));
    CHECK(logsIn(cloud, passwordByName("bob", "Default")).status == 201);
    const auto exact =
        logsIn(cloud, login(R"(["password"])",
                            R"("password":{"user":{"name":"Bob","domain":{"name":"Default"},"password":"other"}})"));
    CHECK(exact.status == 201);
    CHECK(exact.json().object("token").object("user").text("id") == second);
    CHECK(root.patches(v3 + "users/" + second, body("user", "bill")).status == 200);
    CHECK_THAT(report(), !Contains("two users"));
}

TEST_CASE("A store of the version before gets its names' keys, its roles' protection and limits that last",
          "[identity][names][migration]") {
    const Folder folder;
    auto steps = migrationsOf("identity");
    std::sort(steps.begin(), steps.end(),
              [](const auto& left, const auto& right) { return left.number < right.number; });
    const auto before = std::vector(steps.begin(), steps.begin() + 3);
    {
        store::Store store({.file = folder / "db"});
        store.migrate(before);
        store.write([](store::Transaction& tx) {
            tx.execute("INSERT INTO projects VALUES ('default', 'Ünder', 'default', NULL, 1, 1, '', '{}', '{}', 0)");
            tx.execute("INSERT INTO users VALUES ('u', 'Bob', 'default', 1, NULL, '', NULL, 0, '{}', '{}', 0)");
            tx.execute("INSERT INTO groups VALUES ('g', 'Crew', 'default', '', '{}', 0)");
            tx.execute("INSERT INTO roles VALUES ('a', 'admin', '', NULL, '{}', '{}')");
            tx.execute("INSERT INTO roles VALUES ('m', 'member', '', NULL, '{\"immutable\":false}', '{}')");
            tx.execute("INSERT INTO roles VALUES ('x', 'Mine', '', NULL, '{}', '{}')");
            tx.execute("INSERT INTO services VALUES ('s', 'compute', NULL, NULL, 1, '{}')");
            tx.execute("INSERT INTO registered_limits VALUES ('r', 's', NULL, 'cores', 5, NULL)");
            tx.execute("INSERT INTO limits VALUES ('l', 'r', 'default', 1, 7, NULL)");
        });
    }
    store::Store store({.file = folder / "db"});
    store.migrate(steps);
    auto& db = store.reader();
    const auto key = [&](const std::string& table) {
        return db.query("SELECT name_key FROM " + table + " ORDER BY id LIMIT 1").maybeText();
    };
    CHECK(key("projects") == foldedName("ünder"));
    CHECK(key("users") == "bob");
    CHECK(key("groups") == "crew");
    CHECK(db.query("SELECT name_key FROM roles WHERE id = 'x'").maybeText() == "mine");
    CHECK(db.query("SELECT options FROM roles WHERE id = 'a'").maybeText() == R"({"immutable":true})");
    CHECK(db.query("SELECT options FROM roles WHERE id = 'm'").maybeText() ==
          R"({"immutable":false})"); // somebody wants it so
    CHECK(db.query("SELECT options FROM roles WHERE id = 'x'").maybeText() == "{}");
    store.write([](store::Transaction& tx) { tx.execute("DELETE FROM services WHERE id = 's'"); });
    CHECK(db.query("SELECT resource_limit FROM limit_rows WHERE domain_id = 'default'").integer() == 7);
    store.write([](store::Transaction& tx) { tx.execute("DELETE FROM registered_limits WHERE id = 'r'"); });
    CHECK_FALSE(db.query("SELECT 1 FROM limits").any());
}
