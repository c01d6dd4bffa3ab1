#include <catch2/catch.hpp>

#include <filesystem>

#include "platform/os/process.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

process::Outcome runs(std::vector<std::string> words) {
    words.insert(words.begin(), STRATOLET_PROGRAM);
    return process::run({.argv = words, .timeout = std::chrono::seconds(20)});
}

process::Outcome checks(TestAppliance& cloud, std::vector<std::string> words) {
    words.insert(words.begin(), {"policy", "check", "--state-dir", cloud.folder().string()});
    return runs(std::move(words));
}

}

TEST_CASE("A decision of the policy is explained, check by check, by who asks and what it is done to",
          "[appliance][policy]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto admin = checks(cloud, {"--user", "admin", "--project", "admin", "--rule", "identity:list_users"});
    CHECK(admin.exitCode == 0);
    CHECK_THAT(admin.out, Contains("yes  identity:list_users") && Contains("yes  role:admin"));
    const auto member =
        checks(cloud, {"--user", alice.user, "--project", alice.project, "--rule", "identity:list_users"});
    CHECK(member.exitCode == 1);
    CHECK_THAT(member.out, Contains("no   identity:list_users") && Contains("roles: member reader"));
    const auto own =
        checks(cloud, {"--user", "alice", "--rule", "identity:get_user", "--target", "target.user.id=" + alice.user});
    CHECK(own.exitCode == 0);
    CHECK(checks(cloud, {"--user", "alice", "--rule", "identity:get_user", "--target", "target.user.id=x"}).exitCode ==
          1);
    CHECK(checks(cloud, {"--user", "alice", "--project", "alice", "--rule", "get_images", "--service", "image"})
              .exitCode == 0);
}

TEST_CASE("A question about nobody, nothing or no rule is refused by its name", "[appliance][policy]") {
    TestAppliance cloud;
    const auto wrong = [&](std::vector<std::string> words, const std::string& named) {
        const auto outcome = checks(cloud, std::move(words));
        CHECK(outcome.exitCode == 2);
        CHECK_THAT(outcome.err, Contains(named));
    };
    wrong({"--user", "nobody", "--rule", "identity:list_users"}, "nobody");
    wrong({"--user", "admin", "--project", "nowhere", "--rule", "identity:list_users"}, "nowhere");
    wrong({"--user", "admin", "--rule", "identity:nothing"}, "identity:nothing");
    wrong({"--user", "admin"}, "--rule");
    wrong({"--user", "admin", "--rule", "identity:list_users", "--target", "x"}, "--target");
    CHECK(runs({"policy"}).exitCode == 2);
    CHECK(runs({"policy", "check", "--help"}).exitCode == 0);
}

TEST_CASE("Keys rotate from the command line while the cloud runs, and nowhere but in a state directory",
          "[appliance][keys]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    CHECK(runs({"fernet", "rotate", "--state-dir", cloud.folder().string()}).exitCode == 0);
    CHECK(std::filesystem::exists(cloud.folder() / "fernet-keys" / "2"));
    CHECK(alice.gets("/identity/v3/auth/projects").status == 200);
    CHECK(runs({"fernet", "rotate", "--credentials", "--state-dir", cloud.folder().string()}).exitCode == 0);
    CHECK(std::filesystem::exists(cloud.folder() / "credential-keys" / "2"));
    const Folder other;
    CHECK(runs({"fernet", "rotate", "--state-dir", other.path().string()}).exitCode == 2);
    CHECK_FALSE(std::filesystem::exists(other / "fernet-keys"));
    CHECK(runs({"fernet", "turn"}).exitCode == 2);
}
