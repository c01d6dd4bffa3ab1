#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "identity/federation/mapping.hpp"

using namespace stratolet;
using Catch::Contains;
using identity::applyRules;
using identity::Assertion;

namespace {

const Assertion alice = {
    {"NAME", {"alice"}}, {"MAIL", {"a@example.org"}}, {"GROUPS", {"staff", "net-admins", "night"}}, {"NONE", {}}};

std::string rule(const std::string& local, const std::string& remote) {
    return R"([{"local":[)" + local + R"(],"remote":[)" + remote + "]}]";
}

identity::Mapped mapped(const std::string& rules, const Assertion& assertion = alice) {
    const auto parsed = Json::parse(rules);
    identity::checkRules(parsed);
    return applyRules(parsed, assertion);
}

bool applies(const std::string& remote) {
    try {
        mapped(rule(R"({"user":{"name":"x"}})", remote));
        return true;
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Invalid);
        return false;
    }
}

std::vector<std::string> groupNames(const identity::Mapped& result) {
    std::vector<std::string> names;
    for (const auto& each : result.groups) names.push_back(each.name + each.id);
    return names;
}

std::string refusalOf(const std::string& rules) {
    try {
        identity::checkRules(Json::parse(rules));
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Invalid);
        return error.what();
    }
    return "taken";
}

}

TEST_CASE("A rule applies where the assertion meets each of its requirements", "[identity][federation]") {
    CHECK(applies(R"({"type":"NAME"})"));
    CHECK_FALSE(applies(R"({"type":"UNKNOWN"})"));
    CHECK_FALSE(applies(R"({"type":"NONE"})"));
    CHECK(applies(R"({"type":"GROUPS","any_one_of":["day","night"]})"));
    CHECK_FALSE(applies(R"({"type":"GROUPS","any_one_of":["nigh","day"]})"));
    CHECK(applies(R"({"type":"GROUPS","any_one_of":["^net-"],"regex":true})"));
    CHECK_FALSE(applies(R"({"type":"GROUPS","any_one_of":["^admins"],"regex":true})"));
    CHECK(applies(R"({"type":"GROUPS","not_any_of":["day"]})"));
    CHECK_FALSE(applies(R"({"type":"GROUPS","not_any_of":["night"]})"));
    CHECK_FALSE(applies(R"({"type":"GROUPS","not_any_of":["admins$"],"regex":true})"));
    CHECK_FALSE(applies(R"({"type":"NAME"},{"type":"GROUPS","any_one_of":["day"]})"));
}

TEST_CASE("Attributes that are only wanted are put where the braces stand, in their order", "[identity][federation]") {
    const auto result = mapped(rule(R"({"user":{"name":"{0} <{1}>","email":"{1}","domain":{"name":"{{x}}"}}})",
                                    R"({"type":"NAME"},{"type":"GROUPS","any_one_of":["staff"]},{"type":"MAIL"})"));
    CHECK(result.user.name == "alice <a@example.org>");
    CHECK(result.user.email == "a@example.org");
    CHECK(result.user.domain.name == "{x}");
    CHECK_FALSE(result.user.local);
}

TEST_CASE("Groups come from a list of names or ids, whole or filtered", "[identity][federation]") {
    const auto names = [](const std::string& filter) {
        return groupNames(
            mapped(rule(R"({"groups":"{0}","domain":{"id":"default"}})", R"({"type":"GROUPS")" + filter + "}")));
    };
    using Names = std::vector<std::string>;
    CHECK(names("") == Names{"staff", "net-admins", "night"});
    CHECK(names(R"(,"whitelist":["night","other"])") == Names{"night"});
    CHECK(names(R"(,"blacklist":["night","other"])") == Names{"staff", "net-admins"});
    CHECK(names(R"(,"whitelist":[])").empty());
    CHECK(groupNames(mapped(rule(R"({"group_ids":"{0}"})", R"({"type":"GROUPS"})"))).size() == 3);
    CHECK(groupNames(mapped(rule(R"({"group":{"id":"1"}},{"group":{"name":"of-{0}","domain":{"name":"D"}}})",
                                 R"({"type":"NAME"})"))) == Names{"1", "of-alice"});
}

TEST_CASE("All rules that apply add up; the first that names a user says who it is", "[identity][federation]") {
    const auto result = mapped(R"([{"local":[{"group":{"id":"never"}}],"remote":[{"type":"UNKNOWN"}]},
                   {"local":[{"user":{"name":"{0}","type":"local"}},{"group":{"id":"1"}}],"remote":[{"type":"NAME"}]},
                   {"local":[{"user":{"name":"second"}},{"group":{"id":"2"}},
                             {"projects":[{"name":"of {0}","roles":[{"name":"member"},{"name":"reader"}]}]}],
                             "remote":[{"type":"NAME"}]}])");
    CHECK(result.user.name == "alice");
    CHECK(result.user.local);
    CHECK(groupNames(result) == std::vector<std::string>{"1", "2"});
    REQUIRE(result.projects.size() == 1);
    CHECK(result.projects[0].name == "of alice");
    CHECK(result.projects[0].roles == std::vector<std::string>{"member", "reader"});
}

TEST_CASE("Several values are not one name", "[identity][federation]") {
    CHECK_THROWS_WITH(mapped(rule(R"({"user":{"name":"{0}"}})", R"({"type":"GROUPS"})")), Contains("one value"));
    CHECK_THROWS_WITH(mapped(rule(R"({"user":{"name":"{0}"}})", R"({"type":"GROUPS","whitelist":[]})")),
                      Contains("one value"));
}

TEST_CASE("A mapping that could not be applied is refused by the name of its field", "[identity][federation]") {
    const std::string user = R"({"user":{"name":"{0}"}})", name = R"({"type":"NAME"})";
    CHECK(refusalOf(rule(user, name)) == "taken");
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"[]", "rule"},
        {"{}", ""},
        {R"([{"local":[],"remote":[]}])", "remote"},
        {R"([{"remote":[{"type":"NAME"}]}])", "local"},
        {R"([{"local":[{}],"remote":[{"type":"NAME"}],"more":1}])", "more"},
        {rule(R"({"user":{"name":"{1}"}})", name), "name"},
        {rule(R"({"user":{"name":"{0}"}})", R"({"type":"NAME","any_one_of":["x"]})"), "name"},
        {rule(R"({"user":{"name":"{}"}})", name), "name"},
        {rule(R"({"user":{"name":"{0"}})", name), "name"},
        {rule(R"({"user":{"name":"}"}})", name), "name"},
        {rule(R"({"user":{"name":"{-1}"}})", name), "name"},
        {rule(R"({"user":{"nick":"x"}})", name), "nick"},
        {rule(R"({"user":{"name":"x","type":"other"}})", name), "type"},
        {rule(R"({"group":{"name":"x"}})", name), "domain"},
        {rule(R"({"group":{"id":"x","name":"y"}})", name), "name"},
        {rule(R"({"groups":"{0}"})", name), "domain"},
        {rule(R"({"domain":{}})", name), "domain"},
        {rule(R"({"projects":[{"name":"x"}]})", name), "roles"},
        {rule(R"({"projects":[{"name":"x","roles":[{"id":"x"}]}]})", name), "id"},
        {rule(user, R"({"any_one_of":["x"]})"), "type"},
        {rule(user, R"({"type":"NAME","whitelist":[],"blacklist":[]})"), "blacklist"},
        {rule(user, R"({"type":"NAME","whitelist":[],"regex":true})"), "regex"},
        {rule(user, R"({"type":"NAME"},{"type":"NAME","any_one_of":["("],"regex":true})"), "any_one_of[0]"},
        {rule(user, R"({"type":"NAME"},{"type":"NAME","any_one_of":["(a)\\1"],"regex":true})"), "any_one_of[0]"}};
    for (const auto& [rules, field] : cases) {
        CAPTURE(rules);
        const auto refusal = refusalOf(rules);
        CHECK(refusal != "taken");
        CHECK_THAT(refusal, Contains(field));
    }
}

TEST_CASE("An expression takes no longer for a text that was made for it", "[identity][federation][S20]") {
    const auto rules = rule(R"({"user":{"name":"x"}})", R"({"type":"NAME","not_any_of":["^(a+)+$"],"regex":true})");
    const auto began = std::chrono::steady_clock::now();
    mapped(rules, {{"NAME", {std::string(5000, 'a') + "!"}}});
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}
