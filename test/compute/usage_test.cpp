#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using std::chrono::hours;

namespace {

const std::string usages = "/compute/v2.1/os-simple-tenant-usage";

/// A query for the time around now: "from" hours ago until "until" hours ago.
std::string window(Cloud& cloud, int from, int until) {
    const Time now = cloud.appliance.now();
    return "?start=" + isoTime(now - hours(from), false, "") + "&end=" + isoTime(now - hours(until), false, "");
}

Json usageOf(const Member& who, const std::string& project, const std::string& query) {
    const auto answer = who.gets(usages + "/" + project + query);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("tenant_usage");
}

/// Time passes, and tokens with it: they last an hour.
void passes(Cloud& cloud, hours time) {
    cloud.appliance.passes(time);
    cloud.alice.token = cloud.appliance.logsIn("alice", cloud.alice.password, "alice");
}

double hoursIn(const Json& usage) { return usage.at("total_hours").number(); }

}

TEST_CASE("A project's usage is the hours of its servers, of those that are gone too", "[compute][usage]") {
    Cloud cloud;
    auto& alice = cloud.alice;
    CHECK(usageOf(alice, alice.project, "").size() == 0);
    const auto first = cloud.boots(alice, "first"), second = cloud.boots(alice, "second");
    passes(cloud, hours(2));
    REQUIRE(alice.deletes("/compute/v2.1/servers/" + first).status == 204);
    cloud.appliance.settle();
    passes(cloud, hours(2));

    const auto whole = usageOf(alice, alice.project, window(cloud, 10, 0));
    CHECK(whole.text("tenant_id") == alice.project);
    CHECK(hoursIn(whole) == Approx(6).epsilon(0.01));
    CHECK(whole.at("total_memory_mb_usage").number() == Approx(6 * 512).epsilon(0.01));
    CHECK(whole.at("total_vcpus_usage").number() == Approx(6).epsilon(0.01));
    CHECK(whole.at("total_local_gb_usage").number() == Approx(6).epsilon(0.01));
    const auto servers = whole.array("server_usages").items();
    REQUIRE(servers.size() == 2);
    const auto& gone = servers[servers[0].text("instance_id") == first ? 0 : 1];
    const auto& alive = servers[servers[0].text("instance_id") == first ? 1 : 0];
    CHECK(gone.text("state") == "terminated");
    CHECK(gone.text("ended_at") > gone.text("started_at"));
    CHECK(gone.at("hours").number() == Approx(2).epsilon(0.01));
    CHECK(gone.text("name") == "first");
    CHECK(alive.text("state") == "active");
    CHECK(alive.at("ended_at").isNull());
    CHECK(alive.integer("uptime") / 60 == 240);
    CHECK(alive.text("flavor") == "m1.tiny");

    CHECK(hoursIn(usageOf(alice, alice.project, window(cloud, 1, 0))) == Approx(1).epsilon(0.01));
    CHECK(hoursIn(usageOf(alice, alice.project, window(cloud, 3, 1))) == Approx(3).epsilon(0.01));
    CHECK(hoursIn(usageOf(alice, alice.project, window(cloud, 1, -5))) ==
          Approx(1).epsilon(0.01)); // nobody has used the future

    // The server's own row goes after a week; what it has used is still there a year later.
    passes(cloud, hours(24 * 30));
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(hoursIn(usageOf(alice, alice.project, window(cloud, 24 * 30 + 10, 24 * 30))) == Approx(6).epsilon(0.01));
}

TEST_CASE("Usage follows a server's name", "[compute][usage]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "old");
    REQUIRE(cloud.alice.puts("/compute/v2.1/servers/" + id, R"({"server":{"name":"new"}})").status == 200);
    passes(cloud, hours(1));
    const auto usage = usageOf(cloud.alice, cloud.alice.project, window(cloud, 2, 0));
    CHECK(usage.array("server_usages").items().at(0).text("name") == "new");
}

TEST_CASE("A server that never ran has used nothing", "[compute][usage]") {
    Cloud cloud;
    cloud.appliance.hypervisor().failOn("ensureRunning", 99, Failure::Broken);
    REQUIRE(cloud.asksForServer(cloud.alice, "never").status == 202);
    cloud.appliance.settle();
    passes(cloud, hours(1));
    CHECK(usageOf(cloud.alice, cloud.alice.project, window(cloud, 5, 0)).size() == 0);
}

TEST_CASE("Administrators see the usage of all projects, others their own", "[compute][usage]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    cloud.boots(cloud.alice, "one");
    const auto image = Cloud::upload(bob);
    const auto its =
        bob.posts("/compute/v2.1/servers", R"({"server":{"name":"b","flavorRef":"2","imageRef":")" + image + "\"}}");
    REQUIRE(its.status == 202);
    cloud.appliance.settle();
    passes(cloud, hours(1));
    const auto admin = cloud.appliance.admin();
    const auto when = window(cloud, 2, 0);
    CHECK(cloud.alice.gets(usages + when).status == 403);
    CHECK(admin.gets(usages + "/" + when).status == 404); // a client that has lost the id
    CHECK(cloud.alice.gets(usages + "/" + bob.project + when).status == 403);
    const auto all = admin.gets(usages + when).json().array("tenant_usages").items();
    REQUIRE(all.size() == 2);
    for (const auto& each : all) {
        CHECK(hoursIn(each) == Approx(1).epsilon(0.01));
        CHECK_FALSE(each.has("server_usages"));
        CHECK(each.at("total_memory_mb_usage").number() ==
              Approx(each.text("tenant_id") == bob.project ? 2048 : 512).epsilon(0.01));
    }
    const auto detailed = admin.gets(usages + when + "&detailed=1").json().array("tenant_usages").items();
    CHECK(detailed.at(0).array("server_usages").size() == 1);
}

TEST_CASE("Usage is paged by servers from 2.40 on", "[compute][usage]") {
    Cloud cloud;
    std::set<std::string> made;
    for (const char* name : {"a", "b", "c"}) made.insert(cloud.boots(cloud.alice, name));
    passes(cloud, hours(1));
    const auto bob = cloud.appliance.member("bob"), admin = cloud.appliance.admin();
    const std::string path = usages + "/" + cloud.alice.project + window(cloud, 2, 0);
    const HeaderList old{{"OpenStack-API-Version", "compute 2.39"}}, paged{{"OpenStack-API-Version", "compute 2.40"}};
    CHECK(cloud.alice.gets(path + "&limit=1", old).json().object("tenant_usage").array("server_usages").size() == 3);
    CHECK_FALSE(cloud.alice.gets(path, paged).json().has("tenant_usage_links"));
    std::set<std::string> seen;
    std::string marker;
    for (int page = 0; page < 3; ++page) {
        const auto answer = cloud.alice.gets(path + "&limit=1" + (marker.empty() ? "" : "&marker=" + marker), paged);
        REQUIRE(answer.status == 200);
        CHECK(answer.json().array("tenant_usage_links").items().at(0).text("rel") == "next");
        const auto servers = answer.json().object("tenant_usage").array("server_usages").items();
        REQUIRE(servers.size() == 1);
        marker = servers[0].text("instance_id");
        seen.insert(marker);
    }
    CHECK(seen == made);
    CHECK(cloud.alice.gets(path + "&limit=1&marker=" + marker, paged).json().object("tenant_usage").size() == 0);
    CHECK(cloud.alice.gets(path + "&marker=none", paged).status == 400);
    CHECK(bob.gets(usages + "/" + bob.project + "?marker=" + marker, paged).status == 400); // not one of his
    const auto all = admin.gets(usages + window(cloud, 2, 0) + "&limit=2", paged);
    CHECK(all.json().array("tenant_usages_links").size() == 1);
    CHECK(hoursIn(all.json().array("tenant_usages").items().at(0)) == Approx(2).epsilon(0.01));
}

TEST_CASE("A time of usage that is none, or ends before it begins, is refused", "[compute][usage]") {
    Cloud cloud;
    const auto status = [&](const std::string& query, const char* version = "compute 2.1") {
        return cloud.alice.gets(usages + "/" + cloud.alice.project + query, {{"OpenStack-API-Version", version}})
            .status;
    };
    CHECK(status("?start=yesterday") == 400);
    CHECK(status("?start=2020-01-01") == 400);
    CHECK(status("?start=2020-01-02T00:00:00&end=2020-01-01T00:00:00") == 400);
    CHECK(status("?start=2020-01-01T00:00:00&end=2020-01-01T00:00:00") == 400);
    CHECK(status("?start=2020-01-01%2000:00:00.5") == 200);
    CHECK(status("?start=2020-01-01T00:00:00&x=y", "compute 2.74") == 200);
    CHECK(status("?start=2020-01-01T00:00:00&x=y", "compute 2.75") == 400);
}

TEST_CASE("The audit of usage counts the servers of a month that is over", "[compute][usage]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const std::string audit = "/compute/v2.1/os-instance_usage_audit_log";
    CHECK(cloud.alice.gets(audit).status == 403);
    cloud.boots(cloud.alice, "one");
    const auto before = admin.gets(audit).json().object("instance_usage_audit_logs");
    CHECK(before.integer("total_instances") == 0); // last month there was none
    CHECK(before.integer("num_hosts") == 1);
    CHECK(before.integer("num_hosts_done") == 1);
    CHECK(before.object("log").size() == 1);
    passes(cloud, hours(24 * 31));
    const auto answer =
        cloud.appliance.admin().gets(audit + "/" + isoTime(cloud.appliance.now(), false, "").replace(10, 1, "%20"));
    REQUIRE(answer.status == 200);
    const auto after = answer.json().object("instance_usage_audit_log");
    CHECK(after.integer("total_instances") == 1);
    CHECK(after.text("period_beginning").substr(7) == "-01 00:00:00");
    CHECK(after.text("period_ending").substr(7) == "-01 00:00:00");
    CHECK(cloud.appliance.admin().gets(audit + "/yesterday").status == 400);
}
