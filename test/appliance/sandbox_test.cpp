#include <catch2/catch.hpp>

#include <atomic>
#include <fstream>
#include <thread>

#include "compute/cloud.hpp"
#include "platform/os/process.hpp"
#include "platform/reconcile/reconciler.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

process::Outcome sandbox(const std::vector<std::string>& command) {
    std::vector<std::string> words{STRATOLET_PROGRAM, "sandbox", "--"};
    words.insert(words.end(), command.begin(), command.end());
    return process::run({.argv = words, .timeout = std::chrono::seconds(30)});
}

/// Tells the sandbox of a fault, and returns its id.
std::string tells(Cloud& cloud, const std::string& body) {
    const auto answer = cloud.appliance.asks(Method::Post, "/sandbox/faults", body);
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return std::to_string(answer.json().object("fault").integer("id"));
}

std::int64_t metOf(Cloud& cloud) {
    return cloud.appliance.asks(Method::Get, "/sandbox/faults", "").json().array("faults").items()[0].integer("met");
}

}

TEST_CASE("A sandbox runs a command in its environment, and ends with the command's exit code", "[sandbox]") {
    const auto outcome = sandbox({"/bin/sh", "-c", "echo $OS_AUTH_URL $OS_USERNAME $OS_PROJECT_NAME; exit 7"});
    CHECK(outcome.exitCode == 7);
    CHECK_THAT(outcome.out, Catch::Matches("http://127\\.0\\.0\\.1:[0-9]+/identity/v3 admin admin\n"));
    CHECK(sandbox({"/bin/sh", "-c", "kill -9 $$"}).exitCode == 128 + 9);
    const auto missing = sandbox({"/no/such/program"});
    CHECK(missing.exitCode == 127);
    CHECK_THAT(missing.err, Contains("/no/such/program"));
}

TEST_CASE("The command of a sandbox reaches its API while it runs", "[sandbox]") {
    const auto outcome = sandbox({"/usr/bin/python3", "-c", R"(
import json, os, urllib.request
said = os.environ
user = {"name": said["OS_USERNAME"], "domain": {"name": said["OS_USER_DOMAIN_NAME"]}, "password": said["OS_PASSWORD"]}
body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
asked = urllib.request.Request(said["OS_AUTH_URL"] + "/auth/tokens", json.dumps(body).encode())
asked.add_header("Content-Type", "application/json")
print(urllib.request.urlopen(asked).status)
)"});
    CHECK(outcome.exitCode == 0);
    CHECK(outcome.out == "201\n");
}

TEST_CASE("The next step of a kind fails where the sandbox was told so, and the one after does not", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"fail","job":{"kind":"compute.server.create"},"reason":"the rack burns"})");
    const auto answer = cloud.asksForServer(cloud.alice, "one");
    REQUIRE(answer.status == 202);
    cloud.appliance.settle();
    const auto id = answer.json().object("server").text("id");
    CHECK(cloud.status(cloud.alice, id) == "ERROR");
    CHECK_THAT(cloud.shows(cloud.appliance.admin(), id).object("fault").dump(), Contains("the rack burns"));
    CHECK(metOf(cloud) == 1);
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "two")) == "ACTIVE");
}

TEST_CASE("A step that sticks goes on when the sandbox is told to let go", "[sandbox]") {
    Cloud cloud;
    const auto fault = tells(cloud, R"({"does":"stick","job":{"kind":"compute.server.create"}})");
    const auto answer = cloud.asksForServer(cloud.alice, "one");
    REQUIRE(answer.status == 202);
    const auto id = answer.json().object("server").text("id");
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    CHECK(cloud.status(cloud.alice, id) == "BUILD");
    CHECK(cloud.appliance.asks(Method::Delete, "/sandbox/faults/" + fault, "").status == 204);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("A server that is stuck can be deleted all the same", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"stick","job":{"kind":"compute.server.create"}})");
    const auto id = cloud.asksForServer(cloud.alice, "one").json().object("server").text("id");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
}

TEST_CASE("A delayed step takes as much longer", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"delay","seconds":1,"job":{"kind":"compute.server.create"}})");
    const auto begun = std::chrono::steady_clock::now();
    cloud.boots(cloud.alice, "one");
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::seconds(1));
    CHECK(metOf(cloud) == 1);
}

TEST_CASE("Requests are refused with the status that the sandbox was told, as often as it was told", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"fail","times":2,"request":{"service":"network","method":"GET","status":503}})");
    CHECK(cloud.alice.gets("/network/v2.0/networks").status == 503);
    CHECK(cloud.alice.posts("/network/v2.0/networks", R"({"network":{}})").status == 201);
    CHECK(cloud.alice.gets("/compute/v2.1/servers").status == 200);
    CHECK(cloud.alice.gets("/network/v2.0/ports").status == 503);
    CHECK(cloud.alice.gets("/network/v2.0/networks").status == 200);
    CHECK(metOf(cloud) == 2);
}

TEST_CASE("Requests take as much longer as the sandbox was told", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"delay","seconds":1,"request":{"service":"network","method":"GET"}})");
    const auto takes = [&](const std::string& path) {
        const auto begun = std::chrono::steady_clock::now();
        CHECK(cloud.alice.gets(path).status == 200);
        return std::chrono::steady_clock::now() - begun;
    };
    CHECK(takes("/compute/v2.1/servers") < std::chrono::seconds(1));
    CHECK(takes("/network/v2.0/networks") >= std::chrono::seconds(1));
    CHECK(takes("/network/v2.0/networks") < std::chrono::seconds(1));
}

TEST_CASE("A fault of all requests leaves those to the sandbox itself alone", "[sandbox]") {
    Cloud cloud;
    const auto fault = tells(cloud, R"({"does":"fail","times":1000,"request":{}})");
    CHECK(cloud.alice.gets("/compute/v2.1/servers").status == 503);
    CHECK(cloud.appliance.asks(Method::Delete, "/sandbox/faults/" + fault, "").status == 204);
    CHECK(cloud.alice.gets("/compute/v2.1/servers").status == 200);
}

TEST_CASE("A snapshot changes nothing, and what waits goes on waiting", "[sandbox]") {
    Cloud cloud;
    tells(cloud, R"({"does":"delay","seconds":2,"job":{"kind":"compute.server.create"}})");
    const auto begun = std::chrono::steady_clock::now();
    const auto id = cloud.asksForServer(cloud.alice, "one").json().object("server").text("id");
    for (int each = 0; each < 10; ++each) {
        const auto answer = cloud.appliance.asks(Method::Post, "/sandbox/snapshots", R"({"name":"n"})");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    cloud.appliance.settle();
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::seconds(2));
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(cloud.appliance.asks(Method::Get, "/sandbox/snapshots", "").json().array("snapshots").items().size() == 10);
    CHECK(cloud.appliance.asks(Method::Delete, "/sandbox/snapshots/n", "").status == 204);
    CHECK(cloud.appliance.asks(Method::Get, "/sandbox/snapshots", "").json().array("snapshots").items().size() == 9);
    CHECK(cloud.appliance.asks(Method::Delete, "/sandbox/snapshots/m", "").status == 404);
    CHECK(cloud.appliance.asks(Method::Post, "/sandbox/snapshots/m/restore", "").status == 404);
    CHECK(cloud.appliance.asks(Method::Post, "/sandbox/snapshots", R"({"nam":"n"})").status == 400);
}

TEST_CASE("No job is lost or done twice that is asked for while snapshots are taken", "[sandbox]") {
    Cloud cloud;
    std::atomic<bool> over = false;
    std::thread beside([&] {
        while (!over) cloud.appliance.asks(Method::Post, "/sandbox/snapshots", "");
    });
    std::vector<std::string> servers;
    for (int each = 0; each < 10; ++each)
        servers.push_back(cloud.asksForServer(cloud.alice, std::to_string(each)).json().object("server").text("id"));
    over = true;
    beside.join();
    cloud.appliance.settle();
    for (const auto& each : servers) CHECK(cloud.status(cloud.alice, each) == "ACTIVE");
}

TEST_CASE("A sandbox goes back to its snapshots, with all that was in it", "[sandbox]") {
    const auto outcome = sandbox({"/usr/bin/python3", "-c", R"(
import http.client, json, os, urllib.parse
at = urllib.parse.urlsplit(os.environ["OS_AUTH_URL"]).netloc
token = None

def ask(method, path, body=None, connection=None, raw=False):
    one = connection or http.client.HTTPConnection(at, timeout=20)
    headers = {"X-Auth-Token": token} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/octet-stream" if raw else "application/json"
    one.request(method, path, body if raw or body is None else json.dumps(body), headers)
    answer = one.getresponse()
    text = answer.read()
    return answer, text if raw or not text.startswith(b"{") else json.loads(text)

user = {"name": "admin", "domain": {"id": "default"}, "password": os.environ["OS_PASSWORD"]}
scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
token = ask("POST", "/identity/v3/auth/tokens", login)[0].getheader("X-Subject-Token")
image = ask("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})[1]["id"]
data = os.urandom(3 << 20)
assert ask("PUT", f"/image/v2/images/{image}/file", data, raw=True)[0].status == 204
network = ask("POST", "/network/v2.0/networks", {"network": {"name": "n"}})[1]["network"]["id"]

def boots(name):
    made = ask("POST", "/compute/v2.1/servers", {"server": {"name": name, "imageRef": image, "flavorRef": "1",
                                                            "networks": [{"uuid": network}]}})[1]["server"]["id"]
    while ask("GET", f"/compute/v2.1/servers/{made}")[1]["server"]["status"] != "ACTIVE":
        pass
    return made

# A network without a subnet gives no port an address: nobody is told one.
ask("POST", "/network/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4, "cidr": "10.1.0.0/24"}})
one = boots("one")
ask("POST", "/compute/v2.1/servers/" + one + "/action", {"pause": None})
while ask("GET", f"/compute/v2.1/servers/{one}")[1]["server"]["status"] != "PAUSED":
    pass
ask("POST", "/sandbox/clock", {"advance": 60})
ask("POST", "/sandbox/faults", {"does": "fail", "request": {"route": "/v2.1/flavors"}})
made, snapshot = ask("POST", "/sandbox/snapshots", {"name": "before"})
assert made.status == 201, snapshot

for turn in range(3):
    two = boots("two")
    assert ask("DELETE", f"/compute/v2.1/servers/{one}")[0].status == 204
    ask("DELETE", f"/image/v2/images/{image}")
    ask("POST", "/sandbox/clock", {"advance": 60})
    ask("DELETE", "/sandbox/faults")
    kept = http.client.HTTPConnection(at, timeout=20)
    assert ask("GET", "/sandbox/clock", connection=kept)[1]["ahead"] == 120
    answer, said = ask("POST", "/sandbox/snapshots/before/restore")
    assert answer.status == 200 and said["snapshot"]["id"] == snapshot["snapshot"]["id"], said
    assert answer.getheader("Connection") == "close"
    try:                                    # nobody is served from what was left
        assert ask("GET", "/sandbox/clock", connection=kept)[1]["ahead"] == 60
    except (http.client.HTTPException, OSError):
        pass
    servers = ask("GET", "/compute/v2.1/servers/detail")[1]["servers"]
    assert [(each["name"], each["status"]) for each in servers] == [("one", "PAUSED")], servers
    assert ask("GET", f"/image/v2/images/{image}/file", raw=True)[1] == data
    assert ask("GET", "/sandbox/clock")[1]["ahead"] == 60
    assert len(ask("GET", "/sandbox/faults")[1]["faults"]) == 1
    assert ask("GET", "/compute/v2.1/flavors")[0].status == 503
    assert [each["name"] for each in ask("GET", "/sandbox/snapshots")[1]["snapshots"]] == ["before"]
    ask("POST", f"/compute/v2.1/servers/{one}/action", {"unpause": None})
    while ask("GET", f"/compute/v2.1/servers/{one}")[1]["server"]["status"] != "ACTIVE":
        pass
print("as before")
)"});
    INFO(outcome.err);
    CHECK(outcome.exitCode == 0);
    CHECK(outcome.out == "as before\n");
}

TEST_CASE("What a fault says wrong is named", "[sandbox]") {
    Cloud cloud;
    for (const auto& [body, word] : std::vector<std::pair<std::string, std::string>>{
             {R"({"does":"explode","job":{}})", "does"},
             {R"({"does":"fail"})", "job"},
             {R"({"does":"fail","job":{"kind":"compute.server.dance"}})", "steps"},
             {R"({"does":"fail","job":{},"times":0})", "times"},
             {R"({"does":"stick","request":{}})", "does"},
             {R"({"does":"fail","request":{"status":200}})", "status"},
             {R"({"does":"fail","job":{},"when":1})", "when"}}) {
        const auto answer = cloud.appliance.asks(Method::Post, "/sandbox/faults", body);
        INFO(body << answer.body);
        CHECK(answer.status == 400);
        CHECK_THAT(answer.body, Contains(word));
    }
    CHECK(cloud.appliance.asks(Method::Delete, "/sandbox/faults/17", "").status == 404);
}

TEST_CASE("Time passes in a sandbox as it is told: tokens end, and what is due is done", "[sandbox]") {
    Cloud cloud({{"compute", "reclaim_instance_interval", "3600"}});
    const auto server = cloud.boots(cloud.alice, "one");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, server) == "SOFT_DELETED");
    const auto before = cloud.appliance.asks(Method::Get, "/sandbox/clock", "").json().text("now");
    const auto answer = cloud.appliance.asks(Method::Post, "/sandbox/clock", R"({"advance":7200})");
    REQUIRE(answer.status == 200);
    CHECK(answer.json().integer("ahead") == 7200);
    CHECK(answer.json().text("now") > before);
    CHECK(cloud.alice.gets("/compute/v2.1/servers").status == 401);
    auto later = cloud.alice;
    later.token = cloud.appliance.logsIn("alice", cloud.alice.password, "alice");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (later.gets("/compute/v2.1/servers/" + server).status != 404 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(later.gets("/compute/v2.1/servers/" + server).status == 404);
    CHECK(cloud.appliance.asks(Method::Post, "/sandbox/clock", R"({"advance":-1})").status == 400);
}
