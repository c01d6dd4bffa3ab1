#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>

#include "compute/cloud.hpp"
#include "platform/reconcile/reconciler.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string path = "/compute/v2.1/os-aggregates";

Json made(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("aggregate");
}

std::string creates(const Member& admin, const std::string& name, const std::string& zone = "") {
    return std::to_string(
        made(admin.posts(path, R"({"aggregate":{"name":")" + name + "\"" +
                                   (zone.empty() ? "" : R"(,"availability_zone":")" + zone + "\"") + "}}"))
            .integer("id"));
}

Answer acts(const Member& admin, const std::string& id, const std::string& body) {
    return admin.posts(path + "/" + id + "/action", body);
}

const std::string adds = R"({"add_host":{"host":"sandbox"}})", removes = R"({"remove_host":{"host":"sandbox"}})";

}

TEST_CASE("Aggregates are made, changed and deleted by administrators", "[compute][aggregate]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    const auto first = made(admin.posts(path, R"({"aggregate":{"name":"rack"}})"));
    CHECK(first.at("availability_zone").isNull());
    CHECK_FALSE(first.has("uuid"));
    CHECK_FALSE(first.has("hosts"));
    const auto id = std::to_string(first.integer("id"));
    const auto newer = made(admin.gets(path + "/" + id, {{"OpenStack-API-Version", "compute 2.41"}}));
    CHECK(newer.text("uuid").size() == 36);
    CHECK(newer.array("hosts").size() == 0);
    CHECK(admin.posts(path, R"({"aggregate":{"name":"rack"}})").status == 409);
    CHECK(admin.posts(path, R"({"aggregate":{"name":""}})").status == 400);
    CHECK(admin.posts(path, R"({"aggregate":{"name":"x","availability_zone":"a:b"}})").status == 400);
    const auto changed =
        made(admin.puts(path + "/" + id, R"({"aggregate":{"name":"shelf","availability_zone":"moon"}})"));
    CHECK(changed.text("name") == "shelf");
    CHECK(changed.text("availability_zone") == "moon");
    CHECK(changed.object("metadata").text("availability_zone") == "moon");
    CHECK(changed.text("updated_at").size() > 20);
    CHECK(admin.puts(path + "/" + id, R"({"aggregate":{}})").status == 400);
    CHECK(admin.gets(path).json().array("aggregates").size() == 1);
    const auto metadata =
        made(acts(admin, id, R"({"set_metadata":{"metadata":{"ssd":"true","availability_zone":null}}})"));
    CHECK(metadata.object("metadata").text("ssd") == "true");
    CHECK(metadata.at("availability_zone").isNull());
    CHECK(acts(admin, id, R"({"set_metadata":{"metadata":{"a/b":"x"}}})").status == 400);
    CHECK(acts(admin, id, R"({"fly":{}})").status == 400);
    CHECK(admin.gets(path + "/x").status == 400);
    CHECK(admin.gets(path + "/99").status == 404);
    for (const auto* body : {adds.c_str(), removes.c_str(), R"({"set_metadata":{"metadata":{}}})"})
        CHECK(acts(alice, id, body).status == 403);
    CHECK(alice.gets(path).status == 403);
    CHECK(admin.deletes(path + "/" + id).status == 200);
    CHECK(admin.deletes(path + "/" + id).status == 404);
}

TEST_CASE("A host is in the zone that its aggregate says, and in one only", "[compute][aggregate]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto moon = creates(admin, "a", "moon"), mars = creates(admin, "b", "mars"), plain = creates(admin, "c");
    CHECK(acts(admin, moon, R"({"add_host":{"host":"nobody"}})").status == 404);
    CHECK(made(acts(admin, moon, adds)).array("hosts").items().at(0).text() == "sandbox");
    CHECK(acts(admin, moon, adds).status == 409);
    CHECK(acts(admin, mars, adds).status == 409);
    CHECK(acts(admin, plain, adds).status == 200);
    CHECK(acts(admin, plain, R"({"set_metadata":{"metadata":{"availability_zone":"mars"}}})").status == 400);
    CHECK(admin.deletes(path + "/" + moon).status == 400);
    const auto zones = cloud.alice.gets("/compute/v2.1/os-availability-zone").json().array("availabilityZoneInfo");
    CHECK(zones.items().at(0).text("zoneName") == "moon");
    CHECK(cloud.asksForServer(cloud.alice, "s", R"(,"availability_zone":"nova")").status == 400);
    const auto id = cloud.boots(cloud.alice, "s", R"(,"availability_zone":"moon")");
    CHECK(cloud.shows(cloud.alice, id).text("OS-EXT-AZ:availability_zone") == "moon");
    // Where there are servers a zone is not renamed under them.
    CHECK(admin.puts(path + "/" + moon, R"({"aggregate":{"availability_zone":"sun"}})").status == 400);
    CHECK(acts(admin, moon, removes).status == 200);
    CHECK(acts(admin, moon, removes).status == 404);
    CHECK(cloud.shows(cloud.alice, id).text("OS-EXT-AZ:availability_zone") == "nova");
}

TEST_CASE("A flavor goes where an aggregate has what it asks for", "[compute][aggregate][scheduler]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    REQUIRE(admin
                .posts("/compute/v2.1/flavors/1/os-extra_specs",
                       R"({"extra_specs":{"aggregate_instance_extra_specs:ssd":"true"}})")
                .status == 200);
    const auto refused = cloud.boots(cloud.alice, "one");
    CHECK(cloud.shows(cloud.alice, refused).object("fault").text("message") ==
          "No valid host was found. 1 of 1 is in no aggregate that the flavor asks for.");
    const auto id = creates(admin, "a");
    REQUIRE(acts(admin, id, adds).status == 200);
    REQUIRE(acts(admin, id, R"({"set_metadata":{"metadata":{"ssd":"true"}}})").status == 200);
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "two")) == "ACTIVE");
}

TEST_CASE("Images are on an aggregate's hosts before somebody needs them", "[compute][aggregate]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto image = Cloud::upload(admin), id = creates(admin, "a");
    REQUIRE(acts(admin, id, adds).status == 200);
    const auto asks = [&](const std::string& body, const char* version = "2.81") {
        return admin.posts(path + "/" + id + "/images", body,
                           {{"OpenStack-API-Version", std::string("compute ") + version}});
    };
    const auto one = R"({"id":")" + image + "\"}";
    CHECK(asks(R"({"cache":[)" + one + "]}", "2.80").status == 404);
    CHECK(asks(R"({"cache":[]})").status == 400);
    CHECK(asks(R"({"cache":[)" + one + "," + one + "]}").status == 400);
    CHECK(asks(R"({"cache":[{"id":")" + cloud.alice.project + "\"}]}").status == 400);
    CHECK(asks(R"({"cache":[)" + one + "]}").status == 202);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().calls("ensureBase") == 1);
    REQUIRE(admin
                .posts("/compute/v2.1/servers",
                       R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" + image + "\"}}",
                       {{"OpenStack-API-Version", "compute 2.93"}})
                .status == 202);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().calls("ensureBase") == 1); // it was there

    // One that nobody ever used is kept for a day, or as long as its image is there.
    const auto copies = [&] {
        cloud.appliance.appliance().reconciler().now("compute");
        std::size_t count = 0;
        for (const auto& each : std::filesystem::recursive_directory_iterator(cloud.appliance.folder() / "instances"))
            count += each.path().string().find(cloud.image) != std::string::npos;
        return count;
    };
    REQUIRE(copies() == 0);
    REQUIRE(admin
                .patches("/image/v2/images/" + cloud.image,
                         R"([{"op":"replace","path":"/visibility","value":"public"}])",
                         {{"Content-Type", "application/openstack-images-v2.1-json-patch"}})
                .status == 200);
    const auto cached = [&] {
        REQUIRE(cloud.appliance
                    .admin() // whose token is a new one each day
                    .posts(path + "/" + id + "/images", R"({"cache":[{"id":")" + cloud.image + "\"}]}",
                           {{"OpenStack-API-Version", "compute 2.81"}})
                    .status == 202);
        cloud.appliance.settle();
        return copies();
    };
    CHECK(cached() == 1);
    cloud.appliance.passes(std::chrono::hours(23));
    CHECK(copies() == 1);
    cloud.appliance.passes(std::chrono::hours(2));
    CHECK(copies() == 0);
    CHECK(cached() == 1);
    REQUIRE(cloud.appliance.admin().deletes("/image/v2/images/" + cloud.image).status == 204);
    cloud.appliance.settle();
    CHECK(copies() == 0);
}

TEST_CASE("Server groups are their project's", "[compute][group]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob"), admin = cloud.appliance.admin();
    const std::string groups = "/compute/v2.1/os-server-groups";
    const auto creates = [&](const Member& who, const std::string& body, const char* version) {
        return who.posts(groups, R"({"server_group":)" + body + "}",
                         {{"OpenStack-API-Version", std::string("compute ") + version}});
    };
    const auto old = creates(cloud.alice, R"({"name":"old","policies":["affinity"]})", "2.1");
    CHECK(old.json().object("server_group").array("policies").items().at(0).text() == "affinity");
    CHECK_FALSE(old.json().object("server_group").has("project_id"));
    const auto newer =
        creates(cloud.alice, R"({"name":"n","policy":"anti-affinity","rules":{"max_server_per_host":2}})", "2.64")
            .json()
            .object("server_group");
    CHECK(newer.object("rules").integer("max_server_per_host") == 2);
    CHECK(newer.text("project_id") == cloud.alice.project);
    for (const auto& [body, version] :
         {std::pair(R"({"name":"x","policies":["soft-affinity"]})", "2.14"),
          std::pair(R"({"name":"x","policies":[]})", "2.15"),
          std::pair(R"({"name":"x","policies":["affinity"]})", "2.64"),
          std::pair(R"({"name":"x","policy":"affinity"})", "2.63"), std::pair(R"({"name":"x","policy":"far"})", "2.64"),
          std::pair(R"({"name":" ","policy":"affinity"})", "2.64"),
          std::pair(R"({"name":"x","policy":"affinity","rules":{"max_server_per_host":2}})", "2.64"),
          std::pair(R"({"name":"x","policy":"anti-affinity","rules":{"max_server_per_host":0}})", "2.64")})
        CHECK(creates(cloud.alice, body, version).status == 400);
    CHECK(creates(cloud.alice, R"({"name":"soft","policies":["soft-affinity"]})", "2.15").status == 200);
    const auto id = newer.text("id");
    CHECK(bob.gets(groups + "/" + id).status == 404);
    CHECK(bob.deletes(groups + "/" + id).status == 404);
    CHECK(admin.gets(groups + "/" + id).status == 200);
    CHECK(cloud.alice.gets(groups).json().array("server_groups").size() == 3);
    CHECK(cloud.alice.gets(groups + "?limit=1&offset=1").json().array("server_groups").items().at(0).text("id") == id);
    CHECK(bob.gets(groups + "?all_projects=1").json().array("server_groups").size() == 0);
    CHECK(admin.gets(groups).json().array("server_groups").size() == 0);
    CHECK(admin.gets(groups + "?all_projects=1").json().array("server_groups").size() == 3);
    CHECK(cloud.alice.deletes(groups + "/" + id).status == 204);
    CHECK(cloud.alice.gets(groups + "/" + id).status == 404);
    REQUIRE(admin
                .puts("/compute/v2.1/os-quota-sets/" + cloud.alice.project,
                      R"({"quota_set":{"server_groups":2,"force":true}})")
                .status == 200);
    CHECK(creates(cloud.alice, R"({"name":"x","policy":"affinity"})", "2.64").status == 403);
    CHECK(cloud.alice.gets("/compute/v2.1/limits")
              .json()
              .object("limits")
              .object("absolute")
              .integer("totalServerGroupsUsed") == 2);
}

TEST_CASE("Servers of a group are where its policy lets them be", "[compute][group][scheduler]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob"), admin = cloud.appliance.admin();
    const std::string groups = "/compute/v2.1/os-server-groups";
    const HeaderList version{{"OpenStack-API-Version", "compute 2.93"}};
    const auto group =
        cloud.alice
            .posts(groups,
                   R"({"server_group":{"name":"n","policy":"anti-affinity","rules":{"max_server_per_host":2}}})",
                   version)
            .json()
            .object("server_group")
            .text("id");
    const auto asks = [&](const Member& who, const std::string& image, const std::string& of) {
        return who.posts("/compute/v2.1/servers",
                         R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" + image +
                             R"("},"os:scheduler_hints":{"group":")" + of + "\"}}",
                         version);
    };
    std::vector<std::string> members;
    for (int number = 0; number < 3; ++number) {
        const auto answer = asks(cloud.alice, cloud.image, group);
        REQUIRE(answer.status == 202);
        members.push_back(answer.json().object("server").text("id"));
        cloud.appliance.settle();
    }
    CHECK(cloud.status(cloud.alice, members[1]) == "ACTIVE");
    CHECK(cloud.shows(cloud.alice, members[2]).object("fault").text("message") ==
          "No valid host was found. 1 of 1 has servers of the group already.");
    CHECK(cloud.shows(cloud.alice, members[0]).array("server_groups").items().at(0).text() == group);
    CHECK(cloud.alice.gets(groups + "/" + group).json().object("server_group").array("members").size() == 3);
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + members[0]).status == 204);
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + members[2]).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets(groups + "/" + group).json().object("server_group").array("members").size() == 1);
    REQUIRE(
        admin.puts("/compute/v2.1/os-quota-sets/" + cloud.alice.project, R"({"quota_set":{"server_group_members":1}})")
            .status == 200);
    CHECK(asks(cloud.alice, cloud.image, group).status == 403);
    CHECK(asks(cloud.alice, cloud.image, cloud.image).status == 400);
    CHECK(asks(bob, Cloud::upload(bob), group).status == 400);
}
