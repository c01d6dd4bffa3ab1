#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <thread>

#include "appliance/health.hpp"
#include "appliance/host_network.hpp"

#include "compute/cloud.hpp"
#include "platform/os/process.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
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

TEST_CASE("What the command line or the configuration says wrong is named, exit 2, and nothing is started",
          "[appliance]") {
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
    const auto outcome =
        runs({"serve", "--config", (folder / "c.conf").string(), "--state-dir", (folder / "state").string()});
    CHECK(outcome.exitCode == 2);
    CHECK_THAT(outcome.err, Contains("c.conf:3") && Contains("log_level"));
    CHECK_FALSE(std::filesystem::exists(folder / "state"));
}

TEST_CASE("The drivers are those that the configuration names; the sandbox has its own, whatever it names",
          "[appliance]") {
    Log log({.level = Log::Level(99)});
    for (const bool sandbox : {false, true}) {
        const Folder folder;
        Settings settings;
        settings.sandbox = sandbox;
        settings.config.set("compute", "hypervisor", sandbox ? "libvirt" : "simulated", "test");
        settings.config.set("network", "driver", sandbox ? "linux" : "records", "test");
        const auto drivers =
            driversFor(settings, folder.path(), {.id = "of the test", .epoch = 1, .host = "host"}, log);
        CHECK(drivers.hypervisor->report().type == "simulated");
        CHECK(dynamic_cast<network::RecordsNetworkDriver*>(drivers.network.get()) != nullptr);
        CHECK_FALSE(drivers.hostNetwork);
    }
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

TEST_CASE("Each option stands once, says of which type it is, and its default is of that type", "[appliance]") {
    std::set<std::string> names;
    for (const auto& option : allConfigOptions()) {
        INFO(option.section << "." << option.key);
        CHECK(names.insert(option.section + "." + option.key).second);
        CHECK_FALSE(option.type.description.empty());
        const bool folder =
            option.key == "policy_dir" || option.key == "key_set_dir"; // may be missing as long as it is the default
        CHECK((folder || option.type.complaint(option.otherwise).empty()));
    }
}

TEST_CASE("A value of the wrong type is refused at the start, by its file, line and name", "[appliance]") {
    const Folder folder;
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"endpoint", "cloud.example"},
                                                          {"endpoint", "ftp://x y"},
                                                          {"endpoint", "https://"},
                                                          {"endpoint", "https://cloud.example/?x"},
                                                          {"region", "R1 # x"},
                                                          {"region", ""},
                                                          {"policy_dir", "/typo"},
                                                          {"certificate", "/typo"},
                                                          {"key", "/"},
                                                          {"state_dir", "state"},
                                                          {"listen", ""},
                                                          {"listen", "127.0.0.1:80x"},
                                                          {"listen", "127.0.0.1:-1"},
                                                          {"io_threads", "two"}}) {
        INFO(key << " = " << value);
        std::ofstream(folder / "c.conf") << "[DEFAULT]\n" << key << " = " << value << "\n";
        const auto outcome =
            runs({"serve", "--config", (folder / "c.conf").string(), "--state-dir", (folder / "state").string()});
        CHECK(outcome.exitCode == 2);
        CHECK_THAT(outcome.err, Contains("c.conf:2") && Contains(key));
        CHECK_FALSE(std::filesystem::exists(folder / "state"));
    }
}

TEST_CASE(
    "The public endpoint stands in links, in the catalog and in the administrator's files, without a slash at its end",
    "[appliance]") {
    TestAppliance cloud({{"DEFAULT", "endpoint", "https://cloud.example/"}, {"DEFAULT", "region", "north-1"}});
    const auto admin = cloud.admin();
    CHECK(cloud.appliance().endpoint() == "https://cloud.example");
    CHECK(contentOf(cloud.folder() / "endpoint") == "https://cloud.example\n");
    CHECK_THAT(contentOf(cloud.folder() / "admin-openrc"),
               Contains("OS_AUTH_URL=https://cloud.example/identity/v3\n") && Contains("OS_REGION_NAME=north-1\n"));
    CHECK(cloud.asks(Method::Get, "/", "").json().object("services").text("compute") ==
          "https://cloud.example/compute/v2.1");
    const HeaderList elsewhere = {{"Host", "evil.example"},
                                  {"X-Forwarded-Host", "evil.example"},
                                  {"X-Forwarded-Proto", "gopher"},
                                  {"Forwarded", "host=evil.example"}};
    for (const auto* path :
         {"/identity/", "/identity/v3", "/identity/v3/projects?limit=1", "/identity/v3/auth/tokens", "/image/",
          "/image/v2/images?limit=1", "/volume/", "/volume/v3/{project}/volumes/detail?limit=1", "/network/",
          "/network/v2.0/", "/network/v2.0/networks?limit=1", "/compute/", "/compute/v2.1",
          "/compute/v2.1/flavors?limit=1", "/compute/v2.1/servers?limit=1"}) {
        INFO(path);
        const auto answer = admin.gets(path, elsewhere);
        CHECK_THAT(answer.body, !Contains("evil.example") && !Contains("http://127.0.0.1"));
        for (const auto& [name, value] : answer.headers) CHECK_THAT(value, !Contains("evil.example"));
    }
    CHECK_THAT(admin.gets("/identity/v3/projects?limit=1", elsewhere).body,
               Contains("\"https://cloud.example/identity/v3/projects"));
    CHECK_THAT(admin.gets("/compute/v2.1/flavors?limit=1", elsewhere).body,
               Contains("\"https://cloud.example/compute/v2.1/flavors"));
    CHECK(cloud.asks(Method::Get, "/identity/v3/projects", "", elsewhere).headers["WWW-Authenticate"] ==
          "Keystone uri=\"https://cloud.example/identity\"");
}

TEST_CASE("Help names the options that a command looks at, and no others", "[appliance]") {
    for (const auto* command : {"doctor", "jobs"}) {
        const auto help = runs({command, "--help"}).out;
        CHECK_THAT(help, Contains("--state-dir") && Contains("--config") && !Contains("--listen") &&
                             !Contains("--classic-ports") && !Contains("--admin-password-file"));
    }
    CHECK_THAT(runs({"serve", "--help"}).out, Contains("--listen") && Contains("--admin-password-file"));
    CHECK(runs({"doctor", "--listen", "127.0.0.1:0"}).exitCode == 2);
}

TEST_CASE("A sandbox keeps its state where its configuration says, but never in a cloud's that is none",
          "[appliance]") {
    const Folder folder;
    std::ofstream(folder / "c.conf") << "[DEFAULT]\nlisten = 127.0.0.1:0\npolicy_dir =\nstate_dir = "
                                     << (folder / "state").string() << "\n[identity]\npassword_hash_rounds = 4\n";
    const auto run = [&] { return runs({"sandbox", "--config", (folder / "c.conf").string(), "--seconds", "1"}); };
    CHECK(run().exitCode == 0);
    CHECK(std::filesystem::exists(folder / "state" / "stratolet.db"));
    CHECK(run().exitCode == 0);
    std::ofstream(folder / "state" / "made-for") << "serve\n";
    const auto refused = run();
    CHECK(refused.exitCode == 2);
    CHECK_THAT(refused.err, Contains("made by \"stratolet serve\""));
}

TEST_CASE("What a cloud keeps lets nobody else in, whatever the umask and the rights of its folder", "[appliance]") {
    const Folder folder;
    const auto state = folder / "state";
    std::filesystem::create_directory(state);
    ::chmod(state.c_str(), 0777);
    const auto outcome = process::run(
        {.argv = {"sh", "-c",
                  "umask 0; exec " STRATOLET_PROGRAM " sandbox --state-dir " + state.string() + " --seconds 1"}});
    REQUIRE(outcome.exitCode == 0);
    int seen = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(state)) {
        struct stat found {};
        REQUIRE(::lstat(each.path().c_str(), &found) == 0);
        INFO(each.path() << " " << std::oct << found.st_mode);
        CHECK((found.st_mode & 0066) == 0); // a folder with disks in it may let through who knows their names
        if (!each.is_directory()) CHECK((found.st_mode & 0077) == 0);
        ++seen;
    }
    CHECK(seen > 10);
    const auto fresh = folder / "fresh";
    REQUIRE(runs({"sandbox", "--state-dir", fresh.string(), "--seconds", "1"}).exitCode == 0);
    CHECK((std::filesystem::status(fresh).permissions() & std::filesystem::perms::all) == std::filesystem::perms(0711));
}

TEST_CASE("A second cloud on one host's network is refused by the name of the first", "[appliance]") {
    const Folder folder;
    std::thread([&] { // a host of its own, as far as networks go
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        const HostNetwork first("/somewhere/first");
        const auto outcome = runs({"serve", "--listen", "127.0.0.1:0", "--state-dir", (folder / "second").string()});
        CHECK(outcome.exitCode == 1);
        CHECK_THAT(outcome.err, Contains("/somewhere/first"));
        CHECK_THROWS_WITH(HostNetwork("/somewhere/second"), Contains("/somewhere/first"));
        CHECK(runs({"sandbox", "--seconds", "1"}).exitCode == 0); // touches no network
    })
        .join();
    std::thread([&] {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        CHECK_NOTHROW(HostNetwork("/somewhere/first"));
        CHECK_NOTHROW(HostNetwork("/somewhere/second")); // the first has let go
    }).join();
}

TEST_CASE("A sandbox that is stopped while it is busy leaves nothing behind", "[appliance][slow]") {
    const Folder folder;
    std::filesystem::create_directory(folder / "tmp");
    std::ofstream(folder / "c.conf")
        << "[DEFAULT]\nlisten = 127.0.0.1:0\npolicy_dir =\n[identity]\npassword_hash_rounds = 16\n";
    std::ofstream(folder / "busy.py") << R"(
import json, os, re, signal, subprocess, sys, threading, time, urllib.request
program, config = sys.argv[1:]
cloud = subprocess.Popen([program, "sandbox", "--config", config], stdout=subprocess.PIPE, text=True)
for line in cloud.stdout:
    found = re.match(r"export OS_AUTH_URL='?([^'\n]*)'?", line)
    if found: url = found.group(1)
    if "VOLUME_API" in line: break
user = {"name": "admin", "domain": {"id": "default"}, "password": "wrong"}
login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
def ask(): # each takes seconds of a processor, in one piece
    try:
        headers = {"Content-Type": "application/json"}
        wanted = urllib.request.Request(url + "/auth/tokens", json.dumps(login).encode(), headers)
        urllib.request.urlopen(wanted, timeout=60)
    except OSError:
        pass
for each in range(8): threading.Thread(target=ask, daemon=True).start()
time.sleep(1)
cloud.send_signal(signal.SIGTERM)
assert cloud.wait(25) == 0
os._exit(0)
)";
    const auto outcome =
        process::run({.argv = {"env", "TMPDIR=" + (folder / "tmp").string(), "python3", (folder / "busy.py").string(),
                               STRATOLET_PROGRAM, (folder / "c.conf").string()},
                      .timeout = std::chrono::seconds(60)});
    CHECK(outcome.exitCode == 0);
    CHECK(std::filesystem::is_empty(folder / "tmp"));
}

TEST_CASE("A sandbox says where it is, answers, and leaves nothing behind", "[appliance]") {
    const Folder folder;
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    const auto outcome = process::run(
        {.argv = {"env", "TMPDIR=" + folder.path().string(), STRATOLET_PROGRAM, "sandbox", "--seconds", "1"}});
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
    CHECK_THAT(contentOf(cloud.folder() / "admin-openrc"),
               Contains("OS_AUTH_URL=" + cloud.appliance().endpoint() + "/identity/v3"));
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
               Contains("# TYPE stratolet_http_requests_total counter") &&
                   Contains("stratolet_jobs_unfinished{lane=\"host\"} 0"));
    CHECK(cloud.asks(Method::Get, "/", "").json().object("services").text("compute") ==
          "http://cloud.test/compute/v2.1");
    CHECK(cloud.asks(Method::Get, "/nowhere", "").status == 404);
}

TEST_CASE("Whether it is ready is said at once while the hypervisor hangs, and that it doesn't answer", "[appliance]") {
    TestAppliance cloud;
    CHECK(cloud.appliance().alive());
    cloud.hypervisor().slowOn("report", std::chrono::seconds(3));
    cloud.appliance().reconciler().kick("hypervisor");
    std::this_thread::sleep_for(std::chrono::milliseconds(100)); // it hangs now
    const auto began = std::chrono::steady_clock::now();
    CHECK(cloud.asks(Method::Get, "/readyz", "").status == 200); // as it said last
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(1));
    CHECK(cloud.appliance().alive()); // the process is well, and is not to be started anew for it
    cloud.hypervisor().slowOn("report", std::chrono::milliseconds(0));
}

TEST_CASE("A hypervisor that fails is not ready", "[appliance]") {
    TestAppliance cloud;
    cloud.hypervisor().failOn("report", 1, Failure::Busy);
    cloud.appliance().reconciler().now("hypervisor");
    const auto answer = cloud.asks(Method::Get, "/readyz", "");
    CHECK(answer.status == 503);
    CHECK_THAT(answer.body, Contains("hypervisor not ready") && Contains("store ok"));
    cloud.appliance().reconciler().now("hypervisor");
    CHECK(cloud.asks(Method::Get, "/readyz", "").status == 200);
}

TEST_CASE("A process whose store doesn't answer is not told to be alive", "[appliance]") {
    Health health;
    CHECK_FALSE(health.isWell("store")); // nobody has asked it
    health.ask("store", [] {});
    CHECK(health.isWell("store"));
    health.ask("store", [] { throw Error(Failure::Broken, "the disk is gone"); });
    CHECK_FALSE(health.isWell("store"));
    CHECK(health.parts() == std::vector<std::pair<std::string, std::string>>{{"store", "the disk is gone"}});
}

TEST_CASE("Doctor finds nothing in a cloud that is well, and what is wrong in one that is not", "[appliance]") {
    Cloud made;
    auto& cloud = made.appliance;
    const auto volume = made.alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})");
    REQUIRE(volume.status == 202);
    made.boots(made.alice, "web"); // which has a disk of its own
    CHECK(runs({"doctor", "--state-dir", cloud.folder().string()}).out == "all is well\n");
    cloud.appliance().store().write(
        [](store::Transaction& tx) { tx.execute("UPDATE volumes SET status = 'creating'"); });
    const auto outcome = runs({"doctor", "--state-dir", cloud.folder().string()});
    CHECK(outcome.exitCode == 1);
    CHECK_THAT(outcome.out, Contains(volume.json().object("volume").text("id") + " (creating)"));
    cloud.network().failsWith({{NetworkProblem::Of::Router, "r-1", "router r-1 has no way out"}});
    cloud.network().changedByOthers();
    for (int tries = 0;
         tries < 100 && runs({"doctor", "--state-dir", cloud.folder().string()}).out.find("r-1") == std::string::npos;
         ++tries)
        usleep(50'000);
    CHECK_THAT(runs({"doctor", "--state-dir", cloud.folder().string()}).out,
               Contains("not wired as planned: router r-1: router r-1 has no way out"));
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
