#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <sstream>

#include "appliance/operator/commands.hpp"
#include "appliance/operator/local_cloud.hpp"
#include "appliance/operator/operator_site.hpp"
#include "appliance/operator/table.hpp"
#include "compute/cloud.hpp"
#include "platform/os/process.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

/// What a command says of the cloud whose state is in this folder.
struct Says {
    int code = 0;
    std::string text;
    Json json() const { return Json::parse(text); }
};

Says says(const std::filesystem::path& stateDir, const std::function<int(const Asked&)>& command, bool json = false) {
    const Settings settings;
    std::ostringstream out;
    const int code = command(Asked{settings, stateDir, json, out});
    return {code, out.str()};
}

Json saysAsJson(const TestAppliance& cloud, const std::function<int(const Asked&)>& command) {
    return says(cloud.folder(), command, true).json();
}

std::function<int(const Asked&)> ofJob(int (*command)(const Asked&, const std::string&), std::int64_t id) {
    return [=](const Asked& asked) { return command(asked, std::to_string(id)); };
}

std::function<int(const Asked&)> why(const std::string& resource) {
    return [=](const Asked& asked) { return tellWhy(asked, resource); };
}

/// The one unfinished job, once it has failed before.
Json stuckJob(const TestAppliance& cloud) {
    for (int tries = 0; tries < 1000; ++tries) {
        const auto jobs = saysAsJson(cloud, listJobs).array("jobs").items();
        if (jobs.size() == 1 && !jobs[0].text("error").empty()) return jobs[0];
        std::this_thread::sleep_for(5ms);
    }
    throw std::runtime_error("no job is stuck");
}

/// Bytes that come back to a process of this user who knocks at the socket; -1 where it may not.
int bytesFor(uid_t user, const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        if (::setresuid(user, user, user) != 0 ||
            ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            ::_exit(2);
        constexpr std::string_view asked = "GET /operator/v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
        if (::send(fd, asked.data(), asked.size(), MSG_NOSIGNAL) < 0) ::_exit(0);
        ::_exit(::recv(fd, &byte, 1, 0) == 1 ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 2 ? -1 : WEXITSTATUS(status);
}

}

TEST_CASE("The operator's routes are behind a socket in the state directory alone, which is its owner's",
          "[appliance][operator]") {
    TestAppliance cloud;
    CHECK(cloud.asks(http::Method::Get, "/operator/v1/status", "").status == 404);
    CHECK(cloud.admin().gets("/operator/v1/jobs").status == 404);
    CHECK(LocalCloud(cloud.folder()).gets("/operator/v1/status").text("endpoint") == "http://cloud.test");
    CHECK_THROWS_WITH(LocalCloud(cloud.folder()).gets("/operator/v1/nothing"), Contains("no such route"));
    CHECK(LocalCloud(cloud.folder()).gets("/").has("services")); // and all else that is served
    struct stat found {};
    REQUIRE(::lstat((cloud.folder() / "operator.sock").c_str(), &found) == 0);
    CHECK(found.st_mode == (S_IFSOCK | 0600));
    cloud.restart([&] { CHECK_FALSE(std::filesystem::exists(cloud.folder() / "operator.sock")); });
    CHECK(LocalCloud::runsIn(cloud.folder()));
}

TEST_CASE("Another user gets no answer at the operator's socket, whatever its rights", "[appliance][operator]") {
    if (::geteuid() != 0) return;
    TestAppliance cloud;
    const auto socket = cloud.folder() / "operator.sock";
    CHECK(bytesFor(0, socket) == 1);
    std::filesystem::permissions(cloud.folder(), std::filesystem::perms::all);
    CHECK(bytesFor(65534, socket) == -1);
    std::filesystem::permissions(socket, std::filesystem::perms::all);
    CHECK(bytesFor(65534, socket) == 0);
}

TEST_CASE("A command says what to do where no cloud runs", "[appliance][operator]") {
    const Folder folder;
    for (const auto& each : {showStatus, listHosts, repairHost})
        CHECK_THROWS_WITH(says(folder.path(), each),
                          Contains((folder / "operator.sock").string()) && Contains("stratolet serve --state-dir"));
    CHECK_THROWS_WITH(says(folder / "nowhere", showStatus), Contains("does not run here"));
    const auto outcome =
        process::run({.argv = {STRATOLET_PROGRAM, "status", "--state-dir", folder.path().string()}, .timeout = 20s});
    CHECK(outcome.exitCode == 1);
    CHECK_THAT(outcome.err, Contains("does not run here"));
}

TEST_CASE("A path to a state directory may be longer than an address of a socket", "[appliance][operator]") {
    const Folder folder;
    const auto deep = folder / std::string(120, 'd');
    const auto outcome =
        process::run({.argv = {"sh", "-c",
                               STRATOLET_PROGRAM " sandbox --seconds 20 --state-dir " + deep.string() +
                                   " & for try in $(seq 100); do " STRATOLET_PROGRAM " status --state-dir " +
                                   deep.string() + " && break; sleep 0.1; done; kill $!"},
                      .timeout = 30s});
    CHECK_THAT(outcome.out, Contains("Last faults"));
}

TEST_CASE("Status shows services, hosts, guests by state, jobs by lane, and what went wrong", "[appliance][operator]") {
    Cloud cloud;
    cloud.boots(cloud.alice, "well");
    cloud.appliance.hypervisor().failOn("ensureRunning", 100, Failure::Broken);
    const auto ill = cloud.boots(cloud.alice, "ill");
    const auto status = saysAsJson(cloud.appliance, showStatus);
    CHECK(status.object("servers").integer("active") == 1);
    CHECK(status.object("servers").integer("error") == 1);
    CHECK(status.array("hosts").items().at(0).integer("vcpus_used") == 2);
    CHECK(status.array("pools").size() == 1);
    CHECK(status.text("kind") == "sandbox");
    CHECK(status.array("faults").items().at(0).text("id") == ill);
    cloud.appliance.hypervisor().failOn("ensureGone", 1000, Failure::Broken);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + ill).status == 204);
    stuckJob(cloud.appliance);
    const auto screen = says(cloud.appliance.folder(), showStatus);
    CHECK(screen.code == 0);
    CHECK_THAT(screen.text, Contains("Services") && Contains("store") && Contains("active  1") &&
                                Contains("host  running") && Contains("compute.server.delete of " + ill));
    cloud.appliance.hypervisor().failOn("ensureGone", 0, Failure::Broken);
    saysAsJson(cloud.appliance, ofJob(retryJob, stuckJob(cloud.appliance).integer("id")));
    cloud.appliance.settle();
    CHECK(saysAsJson(cloud.appliance, showStatus).array("faults").size() == 0);
}

TEST_CASE("A cloud whose administrator is disabled has a status, and says so", "[appliance][operator]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto id = admin.gets("/identity/v3/users?name=admin").json().array("users").items().at(0).text("id");
    REQUIRE(admin.patches("/identity/v3/users/" + id, R"({"user":{"enabled":false}})").status == 200);
    CHECK_THAT(says(cloud.folder(), showStatus).text, Contains("administrator  troubled") && Contains("is disabled"));
    CHECK_THROWS_WITH(says(cloud.folder(), listHosts), Contains("user and the project \"admin\""));
}

TEST_CASE("A job that waits for its next attempt makes it when it is told to", "[appliance][operator][jobs]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "one");
    cloud.appliance.hypervisor().failOn("ensureGone", 7, Failure::Broken); // 25 s by itself
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    const auto job = stuckJob(cloud.appliance);
    CHECK(job.text("subject") == server);
    CHECK(job.text("lane") == "host");
    const auto shown = says(cloud.appliance.folder(), ofJob(showJob, job.integer("id"))).text;
    CHECK_THAT(shown, Contains("compute.server.delete") && Contains("STEP") && Contains("BEGAN"));
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (saysAsJson(cloud.appliance, listJobs).array("jobs").size() > 0 && std::chrono::steady_clock::now() < until) {
        try {
            says(cloud.appliance.folder(), ofJob(retryJob, job.integer("id")));
        } catch (const Error& problem) {
            CHECK_THAT(problem.what(), Contains("at work") || Contains("no unfinished job"));
        }
        std::this_thread::sleep_for(5ms);
    }
    CHECK(std::chrono::steady_clock::now() < until);
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + server).status == 404);
    CHECK(says(cloud.appliance.folder(), listJobs).text == "no job is unfinished\n");
}

TEST_CASE("A job that is cancelled undoes what it did; one that was promised is not", "[appliance][operator][jobs]") {
    Cloud cloud;
    cloud.appliance.hypervisor().failOn("ensureRunning", 1'000'000, Failure::Busy); // it would wait for ten minutes
    const auto answer = cloud.asksForServer(cloud.alice, "one");
    const auto server = answer.json().object("server").text("id");
    const auto job = stuckJob(cloud.appliance);
    const auto cancelled = says(cloud.appliance.folder(), ofJob(cancelJob, job.integer("id")));
    CHECK_THAT(cancelled.text, Contains("compute.server.create of " + server) && Contains("it undoes: "));
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, server) == "ERROR");
    CHECK(cloud.appliance.hypervisor().guests().empty());
    CHECK_THROWS_WITH(says(cloud.appliance.folder(), ofJob(cancelJob, job.integer("id"))),
                      Contains("no unfinished job"));

    cloud.appliance.hypervisor().failOn("ensureGone", 1'000'000, Failure::Broken);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    const auto promised = stuckJob(cloud.appliance).integer("id");
    CHECK_THROWS_WITH(says(cloud.appliance.folder(), ofJob(cancelJob, promised)), Contains("promised"));
    CHECK_THROWS_WITH(says(cloud.appliance.folder(), [](const Asked& asked) { return cancelJob(asked, "one"); }),
                      Contains("\"one\""));
    cloud.appliance.hypervisor().failOn("ensureGone", 0, Failure::Broken);
}

TEST_CASE("The jobs of a cloud that does not run are listed and shown from its store", "[appliance][operator][jobs]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "one");
    cloud.appliance.hypervisor().failOn("ensureGone", 1'000'000, Failure::Broken);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    const auto id = stuckJob(cloud.appliance).integer("id");
    cloud.appliance.restart([&] {
        CHECK_THAT(says(cloud.appliance.folder(), listJobs).text,
                   Contains("compute.server.delete") && Contains(server));
        CHECK(saysAsJson(cloud.appliance, ofJob(showJob, id)).text("subject") == server);
        CHECK_THROWS_WITH(says(cloud.appliance.folder(), ofJob(retryJob, id)), Contains("does not run here"));
    });
}

TEST_CASE("Why tells of a server its state, who asked for what, the steps with their times, the facts, and its domain",
          "[appliance][operator][why]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "first");
    const auto asked = cloud.acts(cloud.alice, server, R"({"os-stop":null})");
    cloud.appliance.settle();
    const std::string request(asked.headers["x-openstack-request-id"]);
    const auto story = saysAsJson(cloud.appliance, why("first")).array("resources").items().at(0);
    CHECK(story.text("id") == server);
    CHECK(story.text("kind") == "server");
    CHECK(story.object("row").text("state") == "stopped");
    const auto requests = story.array("requests").items();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].text("what") == "create");
    CHECK(requests[0].array("steps").size() > 1);
    CHECK(requests[1].text("request") == request);
    CHECK_THAT(story.array("facts").dump(), Contains("compute.server.planned"));
    CHECK_THAT(story.array("host_objects").dump(), Contains("stratolet-" + server) && Contains("off"));
    const auto text = says(cloud.appliance.folder(), why(server)).text;
    CHECK_THAT(text, Contains("server " + server) && Contains(request) && Contains("TOOK") && Contains(" ms"));
}

TEST_CASE("Why tells of a volume, an image, a network and a user, and of all that have one name",
          "[appliance][operator][why]") {
    Cloud cloud;
    const auto tells = [&](const std::string& what) {
        std::vector<std::string> kinds;
        for (const auto& each : saysAsJson(cloud.appliance, why(what)).array("resources").items())
            kinds.push_back(each.text("kind"));
        return kinds;
    };
    const auto volume = cloud.createsVolume(cloud.alice);
    CHECK(tells(volume) == std::vector<std::string>{"volume"});
    CHECK(tells("data") == std::vector<std::string>{"volume"});
    CHECK(tells("tiny") == std::vector<std::string>{"image"});
    CHECK(tells("alice") == std::vector<std::string>{"project", "user"});
    const auto network =
        cloud.alice.posts("/network/v2.0/networks", R"({"network":{"name":"data"}})").json().object("network");
    CHECK(tells("data") == std::vector<std::string>{"volume", "network"});
    CHECK(tells(network.text("id")) == std::vector<std::string>{"network"});
    CHECK_THAT(says(cloud.appliance.folder(), why("alice")).text, !Contains("$2b$")); // no hash of a password
    CHECK_THROWS_WITH(says(cloud.appliance.folder(), why("nobody's")), Contains("nobody's"));
    CHECK_THROWS_WITH(says(cloud.appliance.folder(), why("")), Contains("by its id or its name"));
}

TEST_CASE("Why names the faults of an error and the job that is at it", "[appliance][operator][why]") {
    Cloud cloud;
    cloud.appliance.hypervisor().failOn("ensureRunning", 100, Failure::Broken);
    const auto ill = cloud.boots(cloud.alice, "ill");
    const auto story = saysAsJson(cloud.appliance, why(ill)).array("resources").items().at(0);
    CHECK(story.object("row").text("state") == "error");
    CHECK_FALSE(story.object("row").text("fault").empty());
    CHECK(story.array("requests").items().at(0).text("result") == "Error");
    cloud.appliance.hypervisor().failOn("ensureGone", 1000, Failure::Broken);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + ill).status == 204);
    stuckJob(cloud.appliance);
    const auto text = says(cloud.appliance.folder(), why(ill)).text;
    CHECK_THAT(text, Contains("Unfinished jobs") && Contains("compute.server.delete"));
    cloud.appliance.hypervisor().failOn("ensureGone", 0, Failure::Broken);
}

TEST_CASE("Events are told one a line, those after one that is named, of the types that are wanted",
          "[appliance][operator][events]") {
    Cloud cloud;
    const auto& folder = cloud.appliance.folder();
    const auto server = cloud.boots(cloud.alice, "one");
    const auto all = says(folder, [](const Asked& asked) { return listEvents(asked, std::nullopt, "", false); });
    CHECK(all.code == 0);
    CHECK_THAT(all.text, Contains("compute.server.created  " + server) && Contains("image.image.created"));
    const auto lines = says(
        folder, [](const Asked& asked) { return listEvents(asked, 0, "compute.server.", false); }, true);
    CHECK_THAT(lines.text, !Contains("image.image"));
    const auto first = Json::parse(lines.text.substr(0, lines.text.find('\n')));
    CHECK(first.text("type") == "compute.server.created");
    const auto rest = says(folder, [&](const Asked& asked) {
        return listEvents(asked, first.integer("id"), "compute.server.created", false);
    });
    CHECK(rest.text.empty());
    CHECK_THROWS_WITH(says(folder, [](const Asked& asked) { return listEvents(asked, 1'000'000, "", false); }),
                      Contains("1000000"));
}

TEST_CASE("Doctor mends what the reconciler can, and says what it mended and what is left", "[appliance][operator]") {
    TestAppliance cloud;
    CHECK(says(cloud.folder(), repairHost).text.ends_with("all is well\n"));
    CHECK(says(cloud.folder(), lookForFindings).text == "all is well\n");
    cloud.appliance().store().write([](store::Transaction& tx) {
        tx.execute("INSERT INTO strays VALUES ('image', 'file', 'was-there-yesterday', 1)");
        tx.execute("INSERT INTO strays VALUES ('nothing that anybody looks for', 'here', 'stays', 1)");
    });
    CHECK(saysAsJson(cloud, lookForFindings).array("findings").size() == 1);
    const auto mended = says(cloud.folder(), repairHost);
    CHECK_THAT(mended.text, Contains("mended: ") && Contains("was-there-yesterday") && Contains("looked at "));
    CHECK(mended.code == 0);
    cloud.appliance().store().write([](store::Transaction& tx) {
        tx.execute("INSERT INTO network_problems VALUES ('port', 'gone', 'no such port', 1)");
    });
    const auto answer = saysAsJson(cloud, repairHost);
    CHECK(answer.array("mended").size() + answer.array("left").size() == 1);
}

TEST_CASE("openrc is the administrator's with the password, and for others one that asks for it",
          "[appliance][operator]") {
    Cloud cloud;
    const auto& folder = cloud.appliance.folder();
    const auto rcOf = [&](const std::string& user, const std::string& project) {
        return says(folder, [&](const Asked& asked) { return printOpenrc(asked, user, project); }).text;
    };
    CHECK(rcOf("admin", "admin") == contentOf(folder / "admin-openrc"));
    const auto others = rcOf("alice", "alice");
    const auto outcome = process::run({.argv = {"sh", "-c", others + "env"}, .timeout = 20s, .input = "it's secret\n"});
    CHECK_THAT(others, !Contains("secret") && !Contains("admin") && Contains("OS_REGION_NAME=RegionOne\n"));
    CHECK_THAT(outcome.out, Contains("OS_USERNAME=alice\n") && Contains("OS_PROJECT_NAME=alice\n") &&
                                Contains("OS_AUTH_URL=http://cloud.test/identity/v3\n") &&
                                Contains("OS_PASSWORD=it's secret\n"));
    CHECK_THROWS_WITH(rcOf("alice", "admin"), Contains("no role there"));
    CHECK_THROWS_WITH(rcOf("nobody", "admin"), Contains("nobody"));
}

TEST_CASE("A password that is given counts at once, and the administrator's files have it", "[appliance][operator]") {
    Cloud cloud;
    const auto& folder = cloud.appliance.folder();
    const auto gives = [&](const std::string& user, const std::string& password) {
        return says(folder, [&](const Asked& asked) { return setPassword(asked, user, password); }).text;
    };
    CHECK_THAT(gives("alice", "another"), Contains("alice") && !Contains("another"));
    CHECK_FALSE(cloud.appliance.logsIn("alice", "another", "alice").empty());
    CHECK(cloud.alice.gets("/identity/v3/auth/projects").status == 401); // a token from before
    CHECK_THAT(gives("admin", "it's new"), Contains("admin-openrc"));
    CHECK_FALSE(cloud.appliance.logsIn("admin", "it's new", "admin").empty());
    const auto outcome = process::run(
        {.argv = {"sh", "-c", ". " + (folder / "admin-openrc").string() + "; echo \"$OS_PASSWORD\""}, .timeout = 20s});
    CHECK(outcome.out == "it's new\n");
    CHECK_THROWS_WITH(gives("nobody", "x"), Contains("nobody"));

    // From standard input, never from the command line.
    const auto program = process::run({.argv = {STRATOLET_PROGRAM, "password", "alice", "--state-dir", folder.string()},
                                       .timeout = 20s,
                                       .input = "third\n"});
    CHECK(program.exitCode == 0);
    CHECK_FALSE(cloud.appliance.logsIn("alice", "third", "alice").empty());
    const auto empty = process::run(
        {.argv = {STRATOLET_PROGRAM, "password", "alice", "--state-dir", folder.string()}, .timeout = 20s});
    CHECK(empty.exitCode == 2);
}

TEST_CASE("Routes are listed with service, method, path and rule, also where no cloud runs", "[appliance][operator]") {
    TestAppliance cloud;
    const Folder nowhere;
    for (const auto& folder : {cloud.folder(), nowhere.path()}) {
        const auto answer = says(folder, listRoutes, true).json();
        std::size_t routes = 0;
        for (const auto& site : cloud.appliance().server().sites()) routes += site.routes.size();
        CHECK(answer.array("routes").size() == routes);
        CHECK_THAT(says(folder, listRoutes).text, Contains("os_compute_api:servers:create") && Contains("POST") &&
                                                      Contains("/compute/v2.1/servers") && Contains("/healthz"));
    }
}

TEST_CASE("A host that is disabled with a reason gets no servers until it is enabled again", "[appliance][operator]") {
    Cloud cloud;
    const auto& folder = cloud.appliance.folder();
    const auto sets = [&](const std::string& host, const std::optional<std::string>& reason, bool enable) {
        return says(folder, [&](const Asked& asked) { return setHost(asked, host, reason, enable); }).text;
    };
    const auto host =
        saysAsJson(cloud.appliance, listHosts).array("hosts").items().at(0).object("service").text("host");
    CHECK_THAT(sets(host, "new memory", false), Contains("disabled") && Contains("new memory"));
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "one")) == "ERROR");
    CHECK_THAT(sets(host, std::nullopt, true), Contains("enabled") && !Contains("new memory"));
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "two")) == "ACTIVE");
    CHECK_THAT(says(folder, listHosts).text, Contains("PROCESSORS") && Contains("cpu_allocation_ratio"));
    CHECK_THROWS_WITH(sets("elsewhere", std::nullopt, true), Contains("elsewhere"));
    CHECK_THROWS_WITH(sets(host, std::nullopt, false), Contains("--disable"));
    CHECK_THROWS_WITH(sets(host, "x", true), Contains("--enable"));
}

TEST_CASE("The demo tells each step with its time and leaves nothing, or all where it is asked to",
          "[appliance][operator][demo]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto left = [&] {
        std::string text;
        for (const auto* path : {"/compute/v2.1/servers", "/network/v2.0/networks", "/image/v2/images"})
            text += admin.gets(path).body;
        return text;
    };
    const auto gone = says(cloud.folder(), [](const Asked& asked) { return demonstrate(asked, "", false); });
    INFO(gone.text);
    CHECK(gone.code == 0);
    CHECK_THAT(gone.text,
               Contains("server: active at 10.199.199.") && Contains("console: ") && Contains("all of it: "));
    CHECK_THAT(left(), !Contains("demo-"));
    const auto kept = saysAsJson(cloud, [](const Asked& asked) { return demonstrate(asked, "", true); });
    CHECK(kept.array("steps").size() == 7);
    CHECK_THAT(left(), Contains(kept.text("name")));
    CHECK_THROWS(says(cloud.folder(), why("demo-of-nobody")));
}

TEST_CASE("A demo that fails says why and leaves nothing", "[appliance][operator][demo]") {
    TestAppliance cloud;
    cloud.hypervisor().failOn("ensureRunning", 100, Failure::Broken);
    const auto outcome = says(cloud.folder(), [](const Asked& asked) { return demonstrate(asked, "", false); });
    CHECK(outcome.code == 1);
    CHECK_THAT(outcome.text, Contains("it did not go: the server went to ERROR"));
    CHECK_THAT(cloud.admin().gets("/network/v2.0/networks").body, !Contains("demo-"));
    const auto unknown = says(cloud.folder(), [](const Asked& asked) { return demonstrate(asked, "no such", false); });
    CHECK_THAT(unknown.text, Contains("no active image \"no such\""));
}

TEST_CASE("Times and sizes are told as people read them, and a table's columns stand below each other",
          "[appliance][operator]") {
    CHECK(durationText(1500) == "1.5 ms");
    CHECK(durationText(2'345'000) == "2.35 s");
    CHECK(durationText(200'000'000) == "3 min 20 s");
    CHECK(timeBetween("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.500000Z") == "1.50 s");
    CHECK(timeBetween("2026-01-01T00:00:00Z", "").empty());
    CHECK(sizeText(17) == "17 B");
    CHECK(sizeText(1536) == "1.5 KiB");
    Table table({"A", "B"});
    table.add({"größer", "x\x1b[31m\ny"}); // somebody's name is no command to the terminal
    std::ostringstream out;
    table.print(out, " ");
    CHECK(out.str() == " A       B\n größer  x [31m y\n");
}
