#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/log/log.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"
#include "support/folder.hpp"

using namespace stratolet;

namespace {

Credentials alice() { return {{"member", "reader"}, {{"user_id", "u1"}, {"project_id", "p1"}, {"domain_id", "d1"}}}; }

bool allows(const std::string& check, const Target& target = {}) {
    const auto policy = Policy::parse("\"base\": \"role:reader\"\n\"asked\": \"" + check + "\"\n", "test");
    return policy->allows("asked", alice(), target);
}

std::string complaintAbout(const std::string& rules) {
    try {
        Policy::parse(rules, "file");
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}

TEST_CASE("The rule language means what policy files everywhere mean by it", "[policy]") {
    CHECK(allows(""));
    CHECK(allows("@"));
    CHECK_FALSE(allows("!"));
    CHECK(allows("role:MEMBER"));
    CHECK_FALSE(allows("role:admin"));
    CHECK(allows("rule:base"));
    CHECK(allows("role:admin or role:member and not role:admin"));
    CHECK_FALSE(allows("(role:admin or role:member) and role:admin"));
    CHECK(allows("((role:member))"));
    CHECK(allows("project_id:%(project_id)s", {{"project_id", "p1"}}));
    CHECK_FALSE(allows("project_id:%(project_id)s", {{"project_id", "p2"}}));
    CHECK(allows("(role:reader and domain_id:%(target.user.domain_id)s)", {{"target.user.domain_id", "d1"}}));
    CHECK(allows("None:%(target.role.domain_id)s", {{"target.role.domain_id", "None"}}));
    CHECK(allows("'public':%(visibility)s", {{"visibility", "public"}}));
    CHECK(allows("field:networks:shared=True", {{"shared", "true"}}));
    CHECK(allows("field:port:device_owner=~^network:", {{"device_owner", "network:dhcp"}}));
    CHECK_FALSE(allows("not role:member"));
}

TEST_CASE("A check on something that the target does not have fails", "[policy]") {
    CHECK_FALSE(allows("project_id:%(project_id)s"));
    CHECK_FALSE(allows("domain_id:%(target.user.domain_id)s"));
    CHECK_FALSE(allows("system_scope:all"));
    CHECK_FALSE(allows("user_id:%(a)s%(b)s", {{"a", "u1"}}));
}

TEST_CASE("A rule that is wrong is named with its file and line", "[policy]") {
    CHECK_THAT(complaintAbout("\"a\": \"@\"\n\"b\": \"role:x and\"\n"), Catch::Contains("file:2") && Catch::Contains("\"b\""));
    CHECK_THAT(complaintAbout("\"a\": \"(role:x\"\n"), Catch::Contains("bracket"));
    CHECK_THAT(complaintAbout("\"a\": \"nonsense\"\n"), Catch::Contains("nonsense"));
    CHECK_THAT(complaintAbout("\"a\": \"rule:b\"\n"), Catch::Contains("no rule \"b\""));
    CHECK_THAT(complaintAbout("\"a\": \"rule:b\"\n\"b\": \"rule:a\"\n"), Catch::Contains("back to itself"));
    CHECK_THAT(complaintAbout("\"a\": \"http://elsewhere/\"\n"), Catch::Contains("not supported"));
    CHECK_THAT(complaintAbout("- a\n"), Catch::Contains("file:1"));
}

TEST_CASE("The default policies of all services can be read", "[policy]") {
    for (const auto* service : {"identity", "image", "block-storage", "network", "compute"}) {
        INFO(service);
        REQUIRE_FALSE(policyDefaults(service).empty());
        CHECK(Policy::parse(policyDefaults(service), service)->names().size() > 50);
    }
}

TEST_CASE("An override counts within a second, and a broken one leaves the old rules in force", "[policy]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    Policies policies(folder.path(), log);
    policies.add("thing", "\"thing:get\": \"role:admin\"\n\"thing:list\": \"@\"\n");
    const auto mayGet = [&] { return policies.of("thing")->allows("thing:get", alice(), {}); };
    const auto write = [&](const std::string& text) { std::ofstream(folder / "thing.yaml") << text; };
    const auto becomes = [&](bool wanted) {
        for (int tries = 0; tries < 100 && mayGet() != wanted; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return mayGet() == wanted;
    };
    CHECK_FALSE(mayGet());
    write("\"thing:get\": \"role:member\"\n");
    CHECK(becomes(true));
    write("\"thing:get\": \"role:nobody and\"\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(800));
    CHECK(mayGet());
    CHECK(policies.of("thing")->allows("thing:list", alice(), {}));
    std::filesystem::remove(folder / "thing.yaml");
    CHECK(becomes(false));
}

TEST_CASE("A decision can be explained check by check", "[policy]") {
    const auto policy = Policy::parse("\"base\": \"role:reader\"\n\"asked\": \"role:admin or rule:base\"\n", "test");
    const auto text = policy->explain("asked", alice(), {});
    CHECK_THAT(text, Catch::StartsWith("yes") && Catch::Contains("no   role:admin") && Catch::Contains("yes  rule:base"));
}
