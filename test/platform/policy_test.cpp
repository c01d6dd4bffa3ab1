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
    CHECK_THAT(complaintAbout("\"a\": \"@\"\n\"b\": \"role:x and\"\n"),
               Catch::Contains("file:2") && Catch::Contains("\"b\""));
    CHECK_THAT(complaintAbout("\"a\": \"(role:x\"\n"), Catch::Contains("bracket"));
    CHECK_THAT(complaintAbout("\"a\": \"nonsense\"\n"), Catch::Contains("nonsense"));
    CHECK_THAT(complaintAbout("\"a\": \"rule:b\"\n"), Catch::Contains("no rule \"b\""));
    CHECK_THAT(complaintAbout("\"a\": \"rule:b\"\n\"b\": \"rule:a\"\n"), Catch::Contains("back to itself"));
    CHECK_THAT(complaintAbout("\"a\": \"http://elsewhere/\"\n"), Catch::Contains("not supported"));
    CHECK_THAT(complaintAbout("- a\n"), Catch::Contains("file:1"));
}

TEST_CASE("A check may be a list: one of its texts, or all texts of one of its lists", "[policy]") {
    const auto holds = [](const std::string& check) {
        return Policy::parse("\"base\": \"role:reader\"", "defaults", "{\"asked\": " + check + "}", "override")
            ->allows("asked", alice(), {{"project_id", "p1"}});
    };
    CHECK(holds(R"(["role:admin", "role:member"])"));
    CHECK_FALSE(holds(R"(["role:admin", "role:auditor"])"));
    CHECK(holds(R"([["role:admin"], ["role:member", "project_id:%(project_id)s"]])"));
    CHECK_FALSE(holds(R"([["role:member", "role:admin"]])"));
    CHECK(holds(R"([["rule:base"], "!"])"));
    CHECK(holds("[]"));
    CHECK_FALSE(holds("[[]]"));
    CHECK(holds("null"));
    CHECK(Policy::parse("asked:\n  - role:admin\n  - - role:member\n    - rule:base\nbase: role:reader\n", "file")
              ->allows("asked", alice(), {}));
    CHECK_THAT(complaintAbout("a: [[[\"role:x\"]]]\n"), Catch::Contains("file:1") && Catch::Contains("deeper"));
    CHECK_THAT(complaintAbout("a: [\"nonsense\"]\n"), Catch::Contains("nonsense"));
    CHECK_THAT(complaintAbout("a: {b: c}\n"), Catch::Contains("list"));
    CHECK(allows(
        "project_id:p1 and not domain_id:None")); // as in oslo.policy None is what a token has that has no such scope
    CHECK(allows("system_scope:None"));
}

TEST_CASE("A rule is for tokens of the scopes behind it, wherever it is asked", "[policy][scope]") {
    const std::string rules = "\"admin\": \"role:admin\"  # scope system,project; more words\n\"asked\": \"rule:admin "
                              "or role:reader\"  # scope "
                              "system,domain\n\"any\": \"rule:admin or role:never\"\n";
    const auto policy = Policy::parse(rules, "defaults");
    const auto with = [](const char* scope, const char* role) {
        Credentials who{{role}, {{"user_id", "u1"}}};
        if (*scope) who.attributes[scope] = "x";
        return who;
    };
    CHECK(policy->allows("admin", with("project_id", "admin"), {}));
    CHECK(policy->allows("admin", with("system_scope", "admin"), {}));
    CHECK_FALSE(policy->allows("admin", with("domain_id", "admin"), {}));
    CHECK(policy->allows("admin", with("", "admin"), {})); // a token without a scope counts as one of a project
    CHECK_FALSE(policy->allows("asked", with("domain_id", "admin"), {}));
    CHECK(policy->allows("asked", with("domain_id", "reader"), {}));
    CHECK_FALSE(policy->allows("asked", with("project_id", "reader"), {}));
    CHECK_FALSE(policy->allows("any", with("domain_id", "admin"), {}));
    CHECK(policy->scopesOf("asked") == std::vector<std::string>{"system", "domain"});
    CHECK(policy->scopesOf("any").empty());
    CHECK_THAT(policy->explain("any", with("domain_id", "admin"), {}), Catch::Contains("scoped to system, project"));

    const auto overridden = Policy::parse(rules, "defaults", "\"admin\": \"role:boss\"  # scope domain\n", "override");
    CHECK(overridden->allows("admin", with("project_id", "boss"), {}));
    CHECK_FALSE(overridden->allows("admin", with("domain_id", "boss"), {}));
    CHECK(Policy::parse(rules, "defaults", "", "", false)->allows("admin", with("domain_id", "admin"), {}));
    CHECK_THAT(complaintAbout("\"a\": \"@\"  # scope world\n"), Catch::Contains("file:1") && Catch::Contains("world"));
}

TEST_CASE("The default policies of all services can be read", "[policy]") {
    for (const auto* service : {"identity", "image", "block-storage", "network", "compute"}) {
        INFO(service);
        REQUIRE_FALSE(policyDefaults(service).empty());
        CHECK(Policy::parse(policyDefaults(service), service)->names().size() > 50);
    }
}

TEST_CASE("The short way through files as they are shipped reads what the library of YAML does", "[policy]") {
    for (const auto* service : {"identity", "image", "block-storage", "network", "compute", "placement", "cloud"}) {
        const std::string text(policyDefaults(service));
        const auto quick = Policy::parse(text, "quick"), whole = Policy::parse(text + "'other': '@'\n", "whole");
        CHECK(whole->has("other"));
        CHECK(quick->names().size() + 1 == whole->names().size());
        for (const auto& rule : quick->names()) {
            INFO(rule);
            CHECK(quick->scopesOf(rule) == whole->scopesOf(rule));
            CHECK(quick->explain(rule, {}, {}) == whole->explain(rule, {}, {}));
        }
    }
    CHECK_THROWS_WITH(Policy::parse("\"a\": \"@\"\n\"b\": \"rule:\"x\n", "f"), Catch::Contains("f:2"));
    CHECK_THROWS_WITH(Policy::parse("\"a\": \"role\"\n", "f"), Catch::Contains("f:1") && Catch::Contains("rule \"a\""));
}

TEST_CASE("An override counts within a second, and a broken one leaves the old rules in force", "[policy]") {
    const test::Folder folder;
    Log log({.level = Log::Level(99)});
    Policies policies(folder.path(), log);
    policies.add("thing", "\"thing:get\": \"role:admin\"\n\"thing:list\": \"@\"\n");
    const auto mayGet = [&] { return policies.of("thing")->allows("thing:get", alice(), {}); };
    const auto write = [&](const std::string& text) { std::ofstream(folder / "thing.yaml") << text; };
    const auto becomes = [&](bool wanted) {
        for (int tries = 0; tries < 100 && mayGet() != wanted; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
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
    CHECK_THAT(text,
               Catch::StartsWith("yes") && Catch::Contains("no   role:admin") && Catch::Contains("yes  rule:base"));
}
