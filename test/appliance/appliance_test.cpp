#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <fstream>

#include "platform/os/process.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

process::Outcome runs(std::vector<std::string> words) {
    words.insert(words.begin(), STRATOLET_PROGRAM);
    return process::run({.argv = words, .timeout = std::chrono::seconds(20)});
}

}

TEST_CASE("What the command line or the configuration says wrong is named, exit 2, and nothing is started", "[appliance]") {
    const Folder folder;
    CHECK(runs({"--version"}).out == "stratolet 0.1.0\n");
    CHECK_THAT(runs({"--help"}).out, Contains("serve") && Contains("sandbox"));
    for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                   {"nonsense"},
                                                                   {"serve", "--nonsense"},
                                                                   {"serve", "nonsense"},
                                                                   {"serve", "--listen", "here"},
                                                                   {"sandbox", "--seconds", "x"}}) {
        const auto outcome = runs(words);
        CHECK(outcome.exitCode == 2);
        CHECK_FALSE(outcome.err.empty());
        CHECK(outcome.out.empty());
    }
    std::ofstream(folder / "c.conf") << "[DEFAULT]\nlisten = 127.0.0.1:0\nlog_level = loud\n";
    const auto outcome = runs({"serve", "--config", (folder / "c.conf").string(), "--state-dir", (folder / "state").string()});
    CHECK(outcome.exitCode == 2);
    CHECK_THAT(outcome.err, Contains("c.conf:3") && Contains("log_level"));
    CHECK_FALSE(std::filesystem::exists(folder / "state"));
}

TEST_CASE("The configuration file that is shipped says every option with its default", "[appliance]") {
    Config shipped(allConfigOptions());
    shipped.load(STRATOLET_CONFIG);
    for (const auto& option : allConfigOptions()) {
        INFO(option.section << "." << option.key);
        CHECK(shipped.text(option.section, option.key) == option.otherwise);
        CHECK_THAT(contentOf(STRATOLET_CONFIG), Contains("\n" + option.key + " ="));
    }
}

TEST_CASE("A sandbox says where it is, answers, and leaves nothing behind", "[appliance]") {
    const Folder folder;
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    const auto outcome =
        process::run({.argv = {"env", "TMPDIR=" + folder.path().string(), STRATOLET_PROGRAM, "sandbox", "--seconds", "1"}});
    ::unsetenv("TMPDIR");
    CHECK(outcome.exitCode == 0);
    CHECK_THAT(outcome.out, Catch::StartsWith("ready http://127.0.0.1:") && Contains("\nexport OS_PASSWORD="));
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("What a new cloud writes for its administrator is readable by nobody else, and true", "[appliance]") {
    TestAppliance cloud;
    for (const auto* name : {"admin-openrc", "clouds.yaml", "endpoint"}) {
        INFO(name);
        struct stat found {};
        REQUIRE(::stat((cloud.folder() / name).c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0600);
    }
    CHECK(contentOf(cloud.folder() / "endpoint") == cloud.appliance().endpoint() + "\n");
    CHECK_THAT(contentOf(cloud.folder() / "admin-openrc"), Contains("OS_AUTH_URL=" + cloud.appliance().endpoint() + "/identity/v3"));
}

TEST_CASE("A state directory is used by one process at a time", "[appliance]") {
    TestAppliance cloud;
    const auto outcome = runs({"sandbox", "--state-dir", cloud.folder().string(), "--seconds", "1"});
    CHECK(outcome.exitCode == 1);
    CHECK_THAT(outcome.err, Contains("in use"));
}

TEST_CASE("Monitors see that it is alive, which parts are ready, and counts", "[appliance]") {
    TestAppliance cloud;
    cloud.settle();
    CHECK(cloud.asks(Method::Get, "/healthz", "").body == "ok\n");
    CHECK(cloud.asks(Method::Get, "/readyz", "").body == "store ok\nhypervisor ok\nservices ok\n");
    CHECK_THAT(cloud.asks(Method::Get, "/metrics", "").body,
               Contains("# TYPE stratolet_http_requests_total counter") && Contains("stratolet_jobs_unfinished 0"));
    CHECK(cloud.asks(Method::Get, "/", "").json().object("services").text("compute") == "http://cloud.test/compute/v2.1");
    CHECK(cloud.asks(Method::Get, "/nowhere", "").status == 404);
}

TEST_CASE("Doctor finds nothing in a cloud that is well, and what is wrong in one that is not", "[appliance]") {
    TestAppliance cloud;
    const auto volume = cloud.member("alice").posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})");
    REQUIRE(volume.status == 202);
    cloud.settle();
    CHECK(runs({"doctor", "--state-dir", cloud.folder().string()}).out == "all is well\n");
    cloud.appliance().store().write([](store::Transaction& tx) { tx.execute("UPDATE volumes SET status = 'creating'"); });
    const auto outcome = runs({"doctor", "--state-dir", cloud.folder().string()});
    CHECK(outcome.exitCode == 1);
    CHECK_THAT(outcome.out, Contains(volume.json().object("volume").text("id") + " (creating)"));
}

TEST_CASE("Every route names its rule, and the rule exists, or says why it has none", "[appliance][S17]") {
    TestAppliance cloud;
    Log log({.level = Log::Level(99)});
    for (const auto& site : cloud.appliance().server().sites()) {
        const auto defaults = policyDefaults(site.name);
        const auto policy = defaults.empty() ? nullptr : Policy::parse(defaults, site.name);
        for (const auto& route : site.routes) {
            INFO(site.name << " " << http::nameOf(route.method) << " " << route.pattern << " " << route.access.rule);
            if (route.access.rule.empty())
                CHECK(route.access.openBecause.size() > 10);
            else
                CHECK((policy && policy->has(route.access.rule)));
        }
    }
}

TEST_CASE("Without a token every route that has a rule answers 401", "[appliance][S17]") {
    TestAppliance cloud;
    for (const auto& site : cloud.appliance().server().sites())
        for (const auto& route : site.routes) {
            if (route.access.rule.empty()) continue;
            std::string path = site.prefix + route.pattern;
            for (auto open = path.find('{'); open != std::string::npos; open = path.find('{'))
                path.replace(open, path.find('}') - open + 1, "x");
            INFO(http::nameOf(route.method) << " " << path);
            CHECK(cloud.asks(route.method, path, "{}").status == 401);
        }
}
