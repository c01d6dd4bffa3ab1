#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string actionsOf(const std::string& server) { return "/compute/v2.1/servers/" + server + "/os-instance-actions"; }

Json actionOf(const Member& who, const std::string& server, const char* version = "compute 2.84", std::size_t at = 0) {
    const auto all = who.gets(actionsOf(server)).json().array("instanceActions").items();
    const auto answer =
        who.gets(actionsOf(server) + "/" + all.at(at).text("request_id"), {{"OpenStack-API-Version", version}});
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("instanceAction");
}

}

TEST_CASE("An action's events show the steps of its job, each with its times", "[compute][action]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "one");
    const auto events = actionOf(cloud.alice, id).array("events").items();
    REQUIRE(events.size() == 4); // the whole, and disk, wire, boot
    const std::string whole = "compute__do_build_and_run_instance";
    CHECK(events[0].text("event") == whole);
    std::vector<std::string> steps;
    std::string before = events[0].text("start_time");
    for (std::size_t at = 1; at < events.size(); ++at) {
        steps.push_back(events[at].text("event"));
        CHECK(events[at].text("result") == "Success");
        CHECK(events[at].text("start_time") >= before);
        CHECK(events[at].text("finish_time") >= events[at].text("start_time"));
        before = events[at].text("finish_time");
    }
    CHECK(steps == std::vector<std::string>{whole + ".disk", whole + ".wire", whole + ".boot"});
    CHECK(events[0].text("finish_time") >= before);
}

TEST_CASE("The events of an action that is under way say which step it is at", "[compute][action]") {
    Cloud cloud;
    cloud.appliance.hypervisor().slowOn("ensureRunning", std::chrono::milliseconds(400));
    const auto answer = cloud.asksForServer(cloud.alice, "slow");
    REQUIRE(answer.status == 202);
    cloud.isCalled("ensureDefined", 1);
    const auto id = answer.json().object("server").text("id");
    const auto events = actionOf(cloud.alice, id).array("events").items();
    CHECK(events.at(0).at("finish_time").isNull());
    CHECK(events.back().text("event") == "compute__do_build_and_run_instance.boot");
    CHECK(events.back().at("finish_time").isNull());
    CHECK(events.back().at("result").isNull());
    cloud.appliance.settle();
}

TEST_CASE("Why a step failed is for those who run the host, in the versions that say so", "[compute][action]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    cloud.appliance.hypervisor().failOn("ensureRunning", 99, Failure::Broken);
    const auto answer = cloud.asksForServer(cloud.alice, "bad");
    REQUIRE(answer.status == 202);
    cloud.appliance.settle();
    const auto id = answer.json().object("server").text("id");
    const auto last = [&](const Member& who, const char* version) {
        return actionOf(who, id, version).array("events").items().back();
    };
    const auto its = last(admin, "compute 2.84");
    CHECK(its.text("result") == "Error");
    CHECK_FALSE(its.text("traceback").empty());
    CHECK(its.text("details") == its.text("traceback"));
    CHECK(its.text("host") == cloud.shows(admin, id).text("OS-EXT-SRV-ATTR:host"));
    CHECK_FALSE(last(admin, "compute 2.83").has("details"));
    CHECK_FALSE(last(admin, "compute 2.61").has("hostId"));
    CHECK(last(admin, "compute 2.1").has("traceback"));
    CHECK_FALSE(actionOf(cloud.alice, id, "compute 2.50").has("events"));
    const auto seen = last(cloud.alice, "compute 2.84");
    CHECK(seen.text("result") == "Error");
    for (const char* hidden : {"traceback", "details", "host"}) CHECK_FALSE(seen.has(hidden));
    CHECK(seen.text("hostId") == cloud.shows(cloud.alice, id).text("hostId"));
}

TEST_CASE("Actions are paged and filtered by their times from 2.58 on", "[compute][action]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "one");
    for (const char* action : {R"({"lock":null})", R"({"unlock":null})"}) {
        cloud.appliance.passes(std::chrono::minutes(5));
        REQUIRE(cloud.acts(cloud.alice, id, action).status == 202);
    }
    const auto asks = [&](const std::string& query, const char* version) {
        return cloud.alice.gets(actionsOf(id) + query, {{"OpenStack-API-Version", version}});
    };
    const auto names = [&](const std::string& query, const char* version = "compute 2.66") {
        std::vector<std::string> all;
        const auto answer = asks(query, version);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array("instanceActions").items()) all.push_back(each.text("action"));
        return all;
    };
    using Names = std::vector<std::string>;
    CHECK(names("") == Names{"unlock", "lock", "create"});
    CHECK(names("?limit=1", "compute 2.57") == Names{"unlock", "lock", "create"});
    CHECK(names("?limit=1") == Names{"unlock"});
    const auto first = asks("?limit=1", "compute 2.58").json();
    CHECK(first.array("links").items().at(0).text("rel") == "next");
    const auto marker = first.array("instanceActions").items().at(0).text("request_id");
    CHECK(names("?marker=" + marker) == Names{"lock", "create"});
    CHECK(names("?limit=1&marker=" + marker) == Names{"lock"});
    CHECK(asks("?marker=none", "compute 2.58").status == 400);
    const auto ago = [&](int minutes) {
        return isoTime(cloud.appliance.now() - std::chrono::minutes(minutes), false, "Z");
    };
    CHECK(names("?changes-since=" + ago(7)) == Names{"unlock", "lock"});
    CHECK(names("?changes-before=" + ago(2)) == Names{"lock", "create"});
    CHECK(names("?changes-since=" + ago(7) + "&changes-before=" + ago(2)) == Names{"lock"});
    CHECK(asks("?changes-since=" + ago(2) + "&changes-before=" + ago(7), "compute 2.66").status == 400);
    CHECK(asks("?changes-before=" + ago(2), "compute 2.65").status == 400);
    CHECK(asks("?changes-since=x", "compute 2.58").status == 400);
    CHECK(asks("?a=b", "compute 2.58").status == 400);
    CHECK(asks("?a=b", "compute 2.57").status == 200);
}
