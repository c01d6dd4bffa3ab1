#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string sets = "/compute/v2.1/os-quota-sets/", classes = "/compute/v2.1/os-quota-class-sets/";

Json setOf(const Member& who, const std::string& path) {
    const auto answer = who.gets(path);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("quota_set");
}

}

TEST_CASE("The class \"default\" is what every project has that has nothing of its own", "[compute][quota]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto admin = cloud.appliance.admin(), bob = cloud.appliance.member("bob");
    REQUIRE(admin.puts(sets + bob.project, R"({"quota_set":{"instances":7}})").status == 200);
    CHECK(admin.gets(classes + "default").json().object("quota_class_set").integer("instances") == 10);
    const auto answer = admin.puts(classes + "default", R"({"quota_class_set":{"instances":1,"cores":3}})");
    REQUIRE(answer.status == 200);
    CHECK(answer.json().object("quota_class_set").integer("instances") == 1);
    CHECK_FALSE(answer.json().object("quota_class_set").has("id"));
    CHECK(setOf(alice, sets + alice.project).integer("instances") == 1);
    CHECK(setOf(alice, sets + alice.project + "/defaults").integer("cores") == 3);
    CHECK(setOf(bob, sets + bob.project).integer("instances") == 7);
    CHECK(alice.gets("/compute/v2.1/limits").json().object("limits").object("absolute").integer("maxTotalInstances") ==
          1);
    CHECK(cloud.asksForServer(alice, "one").status == 202);
    const auto second = cloud.asksForServer(alice, "two");
    CHECK(second.status == 403);
    CHECK_THAT(faultOf(second, "forbidden"), Catch::Contains("already used 1 of 1 instances"));
    // Another class changes nothing for anybody.
    CHECK(admin.puts(classes + "gold", R"({"quota_class_set":{"instances":99}})").status == 200);
    CHECK(admin.gets(classes + "gold").json().object("quota_class_set").integer("instances") == 99);
    CHECK(setOf(alice, sets + alice.project).integer("instances") == 1);
}

TEST_CASE("Quota classes are for administrators, and have what their version has", "[compute][quota]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    CHECK(alice.gets(classes + "default").status == 403);
    CHECK(alice.puts(classes + "default", R"({"quota_class_set":{"cores":9}})").status == 403);
    const auto has = [&](const char* version, const char* resource) {
        const auto answer = admin.gets(classes + "default", {{"OpenStack-API-Version", version}});
        CHECK(answer.json().object("quota_class_set").text("id") == "default");
        return answer.json().object("quota_class_set").has(resource);
    };
    CHECK(has("compute 2.1", "fixed_ips"));
    CHECK(has("compute 2.49", "fixed_ips"));
    CHECK_FALSE(has("compute 2.50", "fixed_ips"));
    CHECK_FALSE(has("compute 2.49", "server_groups"));
    CHECK(has("compute 2.50", "server_groups"));
    CHECK(has("compute 2.56", "injected_files"));
    CHECK_FALSE(has("compute 2.57", "injected_files"));
    const auto set = [&](const char* version, const std::string& body) {
        return admin.puts(classes + "default", body, {{"OpenStack-API-Version", version}}).status;
    };
    CHECK(set("compute 2.50", R"({"quota_class_set":{"fixed_ips":9}})") == 400);
    CHECK(set("compute 2.49", R"({"quota_class_set":{"server_groups":9}})") == 400);
    CHECK(set("compute 2.1", R"({"quota_class_set":{"ponies":9}})") == 400);
    CHECK(set("compute 2.1", R"({"quota_class_set":{"cores":-2}})") == 400);
    CHECK(set("compute 2.1", R"({"quota_class_set":{"cores":"12"}})") == 200);
    CHECK(has("compute 2.1", "cores"));
}

TEST_CASE("A user's own limit holds within the project's, for that user alone", "[compute][quota]") {
    Cloud cloud;
    const auto& alice = cloud.alice;
    const auto admin = cloud.appliance.admin(), anna = cloud.appliance.colleague(alice, "anna", "member");
    const std::string mine = sets + alice.project, annas = mine + "?user_id=" + anna.user;
    CHECK(alice.puts(annas, R"({"quota_set":{"instances":1}})").status == 403);
    const auto given = admin.puts(annas, R"({"quota_set":{"instances":1}})");
    REQUIRE(given.status == 200);
    CHECK(given.json().object("quota_set").integer("instances") == 1);
    CHECK(setOf(alice, mine).integer("instances") == 10);
    CHECK(setOf(alice, annas).integer("instances") == 1);
    CHECK(setOf(alice, annas).integer("cores") == 20);
    cloud.boots(alice, "a1");
    cloud.boots(anna, "b1");
    CHECK(cloud.asksForServer(anna, "b2").status == 403);
    CHECK(cloud.asksForServer(alice, "a2").status == 202);
    CHECK(setOf(alice, mine + "/detail").object("instances").integer("in_use") == 3);
    CHECK(setOf(alice, mine + "/detail?user_id=" + anna.user).object("instances").integer("in_use") == 1);
    // Not more than the project has, not less than is used; a project not less than its users were given.
    const auto beyond = admin.puts(annas, R"({"quota_set":{"instances":11}})");
    CHECK(beyond.status == 400);
    CHECK_THAT(faultOf(beyond, "badRequest"), Catch::Contains("must be less than or equal to 10"));
    CHECK(admin.puts(annas, R"({"quota_set":{"instances":-1}})").status == 400);
    CHECK(admin.puts(annas, R"({"quota_set":{"instances":0}})").status == 400);
    REQUIRE(admin.puts(annas, R"({"quota_set":{"instances":5}})").status == 200);
    CHECK(admin.puts(mine, R"({"quota_set":{"instances":4}})").status == 400);
    CHECK(admin.puts(mine, R"({"quota_set":{"instances":4,"force":true}})").status == 200);
    CHECK(setOf(alice, annas).integer("instances") == 5);
    CHECK(cloud.asksForServer(anna, "b2").status == 202);
    CHECK(cloud.asksForServer(anna, "b3").status == 403); // the project is full
    CHECK(admin.deletes(annas).status == 202);
    CHECK(setOf(alice, annas).integer("instances") == 4);
    REQUIRE(admin.puts(annas, R"({"quota_set":{"cores":2}})").status == 200);
    CHECK(admin.deletes(mine).status == 202);
    CHECK(setOf(alice, annas).integer("cores") == 20);
}

TEST_CASE("A user's key pairs are counted as theirs", "[compute][quota][keypair]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    REQUIRE(alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"k"}})").status == 200);
    const std::string mine = sets + alice.project + "/detail";
    CHECK(setOf(alice, mine + "?user_id=" + alice.user).object("key_pairs").integer("in_use") == 1);
    CHECK(setOf(alice, mine).object("key_pairs").integer("in_use") == 0);
}

TEST_CASE("A query that quotas and limits don't know is refused from 2.75 on", "[compute][quota]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice"), admin = appliance.admin();
    const auto asks = [&](const std::string& path, const char* version) {
        return alice.gets(path, {{"OpenStack-API-Version", version}}).status;
    };
    for (const auto& path :
         {sets + alice.project, sets + alice.project + "/detail", std::string("/compute/v2.1/limits")}) {
        CHECK(asks(path + "?a=b", "compute 2.74") == 200);
        CHECK(asks(path + "?a=b", "compute 2.75") == 400);
    }
    CHECK(asks("/compute/v2.1/limits?reserved=1", "compute 2.75") == 200);
    CHECK(asks("/compute/v2.1/limits?tenant_id=" + admin.project, "compute 2.75") == 403);
    CHECK(asks(sets + alice.project + "?user_id=", "compute 2.1") == 400);
}

TEST_CASE("Limits show what their version shows, of any project to an administrator", "[compute][quota]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    cloud.boots(cloud.alice, "one");
    const auto absolute = [&](const char* version) {
        return admin.gets("/compute/v2.1/limits?tenant_id=" + cloud.alice.project, {{"OpenStack-API-Version", version}})
            .json()
            .object("limits")
            .object("absolute");
    };
    CHECK(absolute("compute 2.1").integer("totalInstancesUsed") == 1);
    CHECK(absolute("compute 2.1").integer("totalRAMUsed") == 512);
    CHECK(absolute("compute 2.35").has("maxTotalFloatingIps"));
    CHECK_FALSE(absolute("compute 2.36").has("maxTotalFloatingIps"));
    CHECK_FALSE(absolute("compute 2.36").has("totalSecurityGroupsUsed"));
    CHECK(absolute("compute 2.38").has("maxImageMeta"));
    CHECK_FALSE(absolute("compute 2.39").has("maxImageMeta"));
    CHECK(absolute("compute 2.56").has("maxPersonality"));
    CHECK_FALSE(absolute("compute 2.57").has("maxPersonality"));
    CHECK_FALSE(absolute("compute 2.57").has("maxPersonalitySize"));
}

TEST_CASE("With a project its quotas and its access to flavors go, with a user their key pairs",
          "[compute][quota][flavor][keypair]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    REQUIRE(admin.puts(sets + alice.project, R"({"quota_set":{"cores":9}})").status == 200);
    REQUIRE(admin.puts(sets + alice.project + "?user_id=" + alice.user, R"({"quota_set":{"cores":5}})").status == 200);
    REQUIRE(
        admin
            .posts("/compute/v2.1/flavors",
                   R"({"flavor":{"name":"p","id":"p","ram":1,"vcpus":1,"disk":0,"os-flavor-access:is_public":false}})")
            .status == 200);
    REQUIRE(admin.posts("/compute/v2.1/flavors/p/action", R"({"addTenantAccess":{"tenant":")" + alice.project + "\"}}")
                .status == 200);
    REQUIRE(alice.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"k"}})").status == 200);
    const auto rows = [&](const std::string& query) {
        return appliance.appliance().store().reader().query(query).integer();
    };
    CHECK(rows("SELECT count(*) FROM quotas WHERE service = 'compute'") == 2);
    REQUIRE(admin.deletes("/identity/v3/projects/" + alice.project).status == 204);
    REQUIRE(admin.deletes("/identity/v3/users/" + alice.user).status == 204);
    appliance.settle();
    CHECK(rows("SELECT count(*) FROM quotas WHERE service = 'compute'") == 0);
    CHECK(rows("SELECT count(*) FROM compute_flavor_access") == 0);
    CHECK(rows("SELECT count(*) FROM compute_keypairs") == 0);
}
