#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "appliance/events/webhooks.hpp"
#include "compute/cloud.hpp"
#include "platform/http/server.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/text/text.hpp"
#include "support/web_server.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

std::vector<std::string> typesOf(const Json& events) {
    std::vector<std::string> types;
    for (const auto& each : events.items()) types.push_back(each.text("type"));
    return types;
}

/// All that somebody may see after `since`.
std::vector<Json> eventsOf(const Member& member, std::int64_t since = 0, const std::string& more = "") {
    std::vector<Json> all;
    for (;;) {
        const auto answer = member.gets("/v1/events?since=" + std::to_string(since) + more);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        const auto body = answer.json();
        for (const auto& each : body.array("events").items()) all.push_back(each);
        if (body.integer("last") == since) return all;
        since = body.integer("last");
    }
}

std::vector<std::string> typesOf(const std::vector<Json>& events) {
    std::vector<std::string> types;
    for (const auto& each : events) types.push_back(each.text("type"));
    return types;
}

std::int64_t lastOf(const Member& member) { return member.gets("/v1/events").json().integer("last"); }

/// The answer to a request for a stream.
http::Response streamFor(TestAppliance& cloud, const Member& member, const std::string& query,
                         const std::string& lastEvent = "") {
    http::Request request;
    request.method = Method::Get;
    request.path = "/v1/events" + query;
    request.headers.add("X-Auth-Token", member.token);
    request.headers.add("Accept", "text/event-stream");
    if (!lastEvent.empty()) request.headers.add("Last-Event-ID", lastEvent);
    return cloud.appliance().server().handle(std::move(request));
}

/// What a stream tells until it has nothing more.
std::string told(http::Response& response) {
    std::string all;
    for (int empty = 0; empty < 3;) {
        const auto piece = response.feed();
        REQUIRE(piece);
        piece->empty() ? ++empty : empty = 0;
        all += *piece;
    }
    return all;
}

std::string makesNetwork(const Member& member, const std::string& name) {
    const auto answer = member.posts("/network/v2.0/networks", R"({"network":{"name":)" + jsonText(name) + "}}");
    REQUIRE(answer.status == 201);
    return answer.json().object("network").text("id");
}

}

TEST_CASE("What becomes of things is told in the order it happened, to each what they may see", "[events]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    const auto begin = lastOf(cloud.alice);
    const auto server = cloud.boots(cloud.alice, "one");
    const auto network = makesNetwork(bob, "his");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();

    const auto hers = eventsOf(cloud.alice, begin);
    REQUIRE(hers.size() >= 3);
    std::int64_t before = begin;
    for (const auto& each : hers) {
        CHECK(each.integer("id") > before);
        before = each.integer("id");
        CHECK(each.text("project_id") == cloud.alice.project);
        CHECK(each.text("resource_id") == server);
    }
    const auto types = typesOf(hers);
    CHECK(types.front() == "compute.server.created");
    CHECK(hers.front().text("status") == "building");
    CHECK(std::count(types.begin(), types.end(), "compute.server.updated") >= 1);
    CHECK(types.back() == "compute.server.deleted");

    CHECK(typesOf(eventsOf(bob, begin)) == std::vector<std::string>{"network.network.created"});
    const auto all = typesOf(eventsOf(cloud.appliance.admin(), begin));
    CHECK(std::count(all.begin(), all.end(), "network.network.created") == 1);
    CHECK(std::count(all.begin(), all.end(), "compute.server.created") == 1);
    CHECK(typesOf(eventsOf(cloud.appliance.admin(), begin, "&type=network.&project_id=" + bob.project)) ==
          std::vector<std::string>{"network.network.created"});
    CHECK(bob.gets("/v1/events?since=" + std::to_string(begin) + "&project_id=" + cloud.alice.project)
              .json()
              .array("events")
              .size() == 1); // it is not his to say whose
}

TEST_CASE("A change that is rolled back is no event", "[events]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto begin = lastOf(cloud.admin());
    CHECK(alice.posts("/network/v2.0/networks", R"({"network":{"name":"x","mtu":"wide"}})").status == 400);
    CHECK_THROWS(cloud.appliance().store().write([](store::Transaction& tx) {
        tx.execute("UPDATE networks SET name = name");
        tx.execute("INSERT INTO events (type, resource, project) VALUES ('compute.server.created', 'x', 'y')");
        throw Error(Failure::Broken, "no");
    }));
    CHECK(eventsOf(cloud.admin(), begin).empty());
}

TEST_CASE("A stream tells what happens while it is open, and goes on where it was left", "[events]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    auto stream = streamFor(cloud, alice, "");
    REQUIRE(stream.status == 200);
    CHECK(stream.headers["Content-Type"] == "text/event-stream");
    CHECK(told(stream).empty());
    const auto first = makesNetwork(alice, "first");
    const auto text = told(stream);
    CHECK_THAT(text, Contains("event: network.network.created\ndata: {") && Contains(first));
    const auto id = text.substr(4, text.find('\n') - 4);

    const auto second = makesNetwork(alice, "second"); // while nobody listens
    auto again = streamFor(cloud, alice, "", id);
    const auto rest = told(again);
    CHECK_THAT(rest, Contains(second) && !Contains(first));
    CHECK(std::count(rest.begin(), rest.end(), '{') == 1);
}

TEST_CASE("Who was away for longer than events are kept is told so, and so is who has seen more than there is",
          "[events]") {
    TestAppliance cloud({{"events", "keep_hours", "1"}});
    const auto alice = cloud.member("alice");
    makesNetwork(alice, "first");
    const auto old = lastOf(alice);
    makesNetwork(alice, "second");
    makesNetwork(alice, "third");
    cloud.passes(std::chrono::hours(2));
    const auto newcomer = cloud.logsIn("alice", alice.password, "alice");
    auto later = alice;
    later.token = newcomer;
    cloud.appliance().reconciler().now("events");
    CHECK(later.gets("/v1/events?since=" + std::to_string(old)).status == 410);
    CHECK(later.gets("/v1/events?since=1000000").status == 410);
    const auto last = lastOf(later);
    const auto fourth = makesNetwork(later, "fourth"); // numbers go on, though nearly all rows are gone
    const auto events = eventsOf(later, last);
    REQUIRE(events.size() == 1);
    CHECK(events[0].text("resource_id") == fourth);
    CHECK(events[0].integer("id") > last);
}

TEST_CASE("What a request for events says wrong is named; without a token or a role nobody hears", "[events]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    CHECK(cloud.asks(Method::Get, "/v1/events", "").status == 401);
    const auto wrong = alice.gets("/v1/events?since=soon");
    CHECK(wrong.status == 400);
    CHECK_THAT(wrong.body, Contains("since"));
    CHECK_THAT(alice.gets("/v1/events", {{"Last-Event-ID", "-1"}}).body, Contains("Last-Event-ID"));
    const auto stranger = cloud.member("mallory", "service");
    CHECK(stranger.gets("/v1/events").status == 403);
    CHECK(alice.gets("/v1/nothing").status == 404);
    CHECK(alice.posts("/v1/events", "{}").status == 405);
}

TEST_CASE("A webhook is told of everything in order, signed, and again until it takes it", "[events]") {
    const Folder folder;
    const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"; // of the specification's own example
    std::ofstream(folder / "secret") << secret << "\n";
    std::string port;
    {
        WebServer reserving({});
        port = reserving.port();
    }
    TestAppliance cloud({{"events", "webhooks", "http://127.0.0.1:" + port + "/hook"},
                         {"events", "webhook_secret_file", (folder / "secret").string()}});
    const auto alice = cloud.member("alice");
    const auto network = makesNetwork(alice, "first"); // nobody is there yet
    const auto number = static_cast<std::uint16_t>(std::stoi(port));
    WebServer hook({{"/hook", WebServer::page("thanks")}}, INADDR_LOOPBACK, number);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (hook.connections() == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto request = hook.lastRequest();
    const auto head = request.substr(0, request.find("\r\n\r\n")), body = request.substr(request.find("\r\n\r\n") + 4);
    const auto headerOf = [&](const std::string& name) {
        const auto at = head.find("\r\n" + name + ": ");
        REQUIRE(at != std::string::npos);
        const auto value = at + 4 + name.size();
        return head.substr(value, head.find("\r\n", value) - value);
    };
    CHECK(headerOf("webhook-signature") ==
          webhookSignature(secret, headerOf("webhook-id"), headerOf("webhook-timestamp"), body));
    const auto events = Json::parse(body).array("events");
    const auto types = typesOf(events);
    CHECK(types.front() == "identity.project.created"); // all that came since the hook was new
    CHECK(types.back() == "network.network.created");
    CHECK(events.items().back().text("resource_id") == network);
}

TEST_CASE("The signature of a webhook is that of the specification", "[events]") {
    // standardwebhooks.com, the example of its libraries.
    CHECK(webhookSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                           R"({"test": 2432232314})") == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    CHECK_THROWS(webhookSignature("whsec_???", "a", "1", ""));
}

TEST_CASE("Who did what to what, from where and with what outcome is written down, and never a secret", "[audit]") {
    TestAppliance cloud({{"audit", "enabled", "true"}});
    const auto alice = cloud.member("alice");
    const auto network = makesNetwork(alice, "hers");
    REQUIRE(alice.puts("/network/v2.0/networks/" + network, R"({"network":{"name":"other"}})").status == 200);
    REQUIRE(alice.gets("/network/v2.0/networks/" + network).status == 200);
    REQUIRE(alice.deletes("/network/v2.0/networks/" + network).status == 204);
    REQUIRE(alice.posts("/identity/v3/users", R"({"user":{"name":"eve","password":"hush-hush"}})").status == 403);
    REQUIRE(alice.posts("/compute/v2.1/servers/none/action", R"({"reboot":{"type":"SOFT"}})").status == 404);
    REQUIRE(cloud.asks(Method::Get, "/compute/v2.1/servers", "", {}, "no-such-token").status == 401);

    std::vector<Json> lines;
    std::string all;
    std::ifstream in(cloud.folder() / "audit.log");
    for (std::string line; std::getline(in, line); all += line) lines.push_back(Json::parse(line));
    for (const auto& secret : {alice.password, alice.token, std::string("hush-hush"), std::string("no-such-token")})
        CHECK(all.find(secret) == std::string::npos);

    const auto found = [&](const std::string& action, const std::string& type) {
        const auto line = std::find_if(lines.begin(), lines.end(), [&](const Json& each) {
            return each.text("action") == action && each.object("target").text("typeURI") == type &&
                   each.object("initiator").text("id") == alice.user;
        });
        INFO(action << " " << type);
        REQUIRE(line != lines.end());
        return *line;
    };
    const auto made = found("create", "service/network/networks");
    CHECK(made.text("outcome") == "success");
    CHECK(made.object("target").text("id") == network);
    CHECK(made.object("initiator").text("project_id") == alice.project);
    CHECK(made.object("reason").text("reasonCode") == "201");
    CHECK_THAT(made.array("tags").items()[0].text(), Contains("request:req-"));
    CHECK(found("update", "service/network/networks").object("target").text("id") == network);
    CHECK(found("delete", "service/network/networks").text("outcome") == "success");
    CHECK(found("create", "service/identity/users").text("outcome") == "failure");
    CHECK(found("update/reboot", "service/compute/servers").object("reason").text("reasonCode") == "404");
    CHECK(found("authenticate", "service/identity/auth/tokens").text("outcome") == "success");
    const auto refused = lines.back(); // reading is not written down, being refused is
    CHECK(refused.text("action") == "read");
    CHECK(refused.object("initiator").text("id") == "unknown");
    CHECK(std::none_of(lines.begin(), lines.end(), [](const Json& each) {
        return each.text("action") == "read" && each.text("outcome") == "success";
    }));
    struct stat status {};
    REQUIRE(::stat((cloud.folder() / "audit.log").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}
