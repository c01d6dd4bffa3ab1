#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string volumesPath = "/volume/v3/{project}/volumes", groupsPath = "/volume/v3/{project}/groups",
                  groupTypesPath = "/volume/v3/{project}/group_types",
                  snapshotsPath = "/volume/v3/{project}/group_snapshots";
const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};

std::string made(const Answer& answer, std::string_view noun, int status = 202) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return answer.json().object(noun).text("id");
}

std::string makesType(const Member& root, const std::string& name = "together") {
    return made(root.posts(groupTypesPath, R"({"group_type":{"name":")" + name + "\"}}", newest), "group_type");
}

std::string makesGroup(const Member& who, const std::string& type, const std::string& volumeType = "__DEFAULT__") {
    return made(
        who.posts(groupsPath,
                  R"({"group":{"name":"g","group_type":")" + type + R"(","volume_types":[")" + volumeType + "\"]}}",
                  newest),
        "group");
}

std::string makesVolume(TestAppliance& cloud, const Member& who, const std::string& group) {
    const auto volume =
        made(who.posts(volumesPath, R"({"volume":{"size":1,"group_id":")" + group + "\"}}", newest), "volume");
    cloud.settle();
    return volume;
}

Json shows(const Member& who, const std::string& group) {
    const auto answer = who.gets(groupsPath + "/" + group + "?list_volume=true", newest);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("group");
}

Answer acts(const Member& who, const std::string& group, const std::string& action) {
    return who.posts(groupsPath + "/" + group + "/action", action, newest);
}

}

TEST_CASE("An administrator makes group types with specs, and everybody sees the public ones", "[block][group]") {
    TestAppliance cloud({{"block", "default_group_type", "together"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    CHECK(alice.gets(groupTypesPath + "/default", newest).status == 404);
    const auto type = makesType(root), one = groupTypesPath + "/" + type;
    CHECK(alice.gets(groupTypesPath + "/default", newest).json().object("group_type").text("id") == type);
    CHECK(root.gets(one, {{"OpenStack-API-Version", "volume 3.10"}}).status == 404);
    CHECK(root.posts(groupTypesPath, R"({"group_type":{"name":"together"}})", newest).status == 409);
    CHECK(root.posts(groupTypesPath, R"({"group_type":{"name":""}})", newest).status == 400);
    CHECK(alice.posts(groupTypesPath, R"({"group_type":{"name":"mine"}})", newest).status == 403);
    CHECK_FALSE(alice.gets(one, newest).json().object("group_type").has("group_specs"));
    for (const auto& each : {root, alice}) {
        const auto named = [&](const std::string& name) {
            return each.gets(groupTypesPath + "?all_tenants=1&is_public=None&name=" + name, newest)
                .json()
                .array("group_types")
                .size();
        };
        CHECK(named("together") == 1);
        CHECK(named("apart") == 0);
    }

    const auto specs = one + "/group_specs";
    CHECK(root.posts(specs, R"({"group_specs":{"k":"v"}})", newest).status == 202);
    CHECK(root.gets(specs, newest).json().object("group_specs").text("k") == "v");
    CHECK(root.puts(specs + "/k", R"({"k":"w"})", newest).json().text("k") == "w");
    CHECK(root.gets(specs + "/k", newest).json().text("k") == "w");
    CHECK(root.gets(specs + "/x", newest).status == 404);
    CHECK(root.deletes(specs + "/k", newest).status == 202);
    CHECK(root.deletes(specs + "/k", newest).status == 404);
    CHECK(alice.gets(specs, newest).status == 403);

    CHECK(root.puts(one, R"({"group_type":{"description":"d","is_public":false}})", newest).status == 200);
    CHECK(alice.gets(one, newest).status == 404);
    const auto types = alice.gets(groupTypesPath, newest).json().array("group_types");
    REQUIRE(types.size() == 1); // what comes with the cloud
    CHECK(types.items().at(0).text("name") == "default_cgsnapshot_type");
    const auto group = makesGroup(root, "together");
    CHECK(root.deletes(one, newest).status == 400);
    CHECK(acts(root, group, R"({"delete":{}})").status == 202);
    cloud.settle();
    CHECK(root.deletes(one, newest).status == 202);
    CHECK(root.gets(one, newest).status == 404);
}

TEST_CASE("Volumes join a group and leave it; it goes with them only where that is said", "[block][group]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    makesType(root);
    const auto group = makesGroup(alice, "together"), other = makesGroup(alice, "together");
    const auto volume = makesVolume(cloud, alice, group);
    const auto shown = shows(alice, group);
    CHECK(shown.text("status") == "available");
    CHECK(shown.array("volumes").items().at(0).text() == volume);
    CHECK(shown.array("volume_types").size() == 1);
    CHECK(bob.gets(groupsPath + "/" + group, newest).status == 404);
    CHECK(bob.gets(groupsPath + "/detail", newest).json().array("groups").size() == 0);
    CHECK(bob.posts(volumesPath, R"({"volume":{"size":1,"group_id":")" + group + "\"}}", newest).status == 404);
    CHECK(alice.gets(groupsPath + "/detail?name=g", newest).json().array("groups").size() == 2);
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);

    const auto change = [&](const std::string& what) {
        const auto answer = alice.puts(groupsPath + "/" + group, R"({"group":{)" + what + "}}", newest);
        UNSCOPED_INFO(answer.body);
        return answer.status;
    };
    CHECK(change(R"("name":"h","remove_volumes":")" + volume + "\"") == 202);
    CHECK(shows(alice, group).text("name") == "h");
    CHECK(shows(alice, group).array("volumes").size() == 0);
    CHECK(change(R"("remove_volumes":")" + volume + "\"") == 400);
    CHECK(change(R"("add_volumes":")" + volume + "\"") == 202);
    CHECK(change(R"("add_volumes":"nothing")") == 400);
    CHECK(change("") == 400);
    CHECK(alice.puts(groupsPath + "/" + other, R"({"group":{"add_volumes":")" + volume + "\"}}", newest).status == 400);
    const auto foreign = made(bob.posts(volumesPath, R"({"volume":{"size":1}})"), "volume");
    cloud.settle();
    CHECK(change(R"("add_volumes":")" + foreign + "\"") == 400);

    CHECK(acts(alice, group, R"({"delete":{"delete-volumes":false}})").status == 400);
    CHECK(acts(bob, group, R"({"delete":{"delete-volumes":true}})").status == 404);
    CHECK(acts(alice, group, R"({"delete":{"delete-volumes":true}})").status == 202);
    cloud.settle();
    CHECK(alice.gets(groupsPath + "/" + group, newest).status == 404);
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    CHECK(acts(alice, other, R"({"reset_status":{"status":"error"}})").status == 403);
    CHECK(acts(root, other, R"({"reset_status":{"status":"error"}})").status == 202);
    CHECK(shows(alice, other).text("status") == "error");
    CHECK(acts(root, other, R"({"reset_status":{"status":"sleepy"}})").status == 400);
    CHECK(acts(alice, other, R"({"delete":{}})").status == 202);
    cloud.settle();
}

TEST_CASE("A group has no more volumes than its types, and a project no more groups than its quota",
          "[block][group][quota]") {
    TestAppliance cloud({{"block", "quota_groups", "1"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    makesType(root);
    REQUIRE(root.posts("/volume/v3/{project}/types", R"({"volume_type":{"name":"fast"}})").status == 200);
    const auto group = makesGroup(alice, "together", "fast");
    CHECK(alice.posts(volumesPath, R"({"volume":{"size":1,"group_id":")" + group + "\"}}", newest).status == 400);
    const std::string another = R"({"group":{"group_type":"together","volume_types":["fast"]}})";
    CHECK(alice.posts(groupsPath, another, newest).status == 413);
    CHECK(acts(alice, group, R"({"delete":{}})").status == 202);
    cloud.settle();
    CHECK(alice.posts(groupsPath, another, newest).status == 202);
    for (const auto* each : {R"("volume_types":["fast"])", R"("group_type":"together")",
                             R"("group_type":"together","volume_types":[])", R"("group_type":"x","volume_types":7)"})
        CHECK(alice.posts(groupsPath, R"({"group":{)" + std::string(each) + "}}", newest).status == 400);
    CHECK(alice.posts(groupsPath, R"({"group":{"group_type":"none","volume_types":["fast"]}})", newest).status == 404);
    CHECK(alice.posts(groupsPath, R"({"group":{"group_type":"together","volume_types":["none"]}})", newest).status ==
          404);
}

TEST_CASE("A group is snapshotted, and copied from a snapshot or from itself", "[block][group]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    makesType(root);
    const auto group = makesGroup(alice, "together");
    const std::string wanted = R"({"group_snapshot":{"name":"s","group_id":")" + group + "\"}}";
    CHECK(alice.posts(snapshotsPath, wanted, newest).status == 400); // it is empty
    makesVolume(cloud, alice, group);
    makesVolume(cloud, alice, group);
    CHECK(bob.posts(snapshotsPath, wanted, newest).status == 404);
    const auto snapshot = made(alice.posts(snapshotsPath, wanted, newest), "group_snapshot");
    cloud.settle();
    const auto one = snapshotsPath + "/" + snapshot;
    CHECK(alice.gets(one, newest).json().object("group_snapshot").text("status") == "available");
    CHECK(alice.gets(one, newest).json().object("group_snapshot").text("group_id") == group);
    CHECK(bob.gets(one, newest).status == 404);
    CHECK(alice.gets(snapshotsPath + "/detail?group_id=" + group, newest).json().array("group_snapshots").size() == 1);
    const auto snapshots = alice.gets("/volume/v3/{project}/snapshots/detail", newest).json().array("snapshots");
    REQUIRE(snapshots.size() == 2);
    CHECK(alice.deletes("/volume/v3/{project}/snapshots/" + snapshots.items()[0].text("id")).status == 400);
    CHECK(acts(alice, group, R"({"delete":{"delete-volumes":true}})").status == 400);

    const auto copies = [&](const std::string& from) {
        const auto copy = made(
            alice.posts(groupsPath + "/action", R"({"create-from-src":{"name":"c",)" + from + "}}", newest), "group");
        cloud.settle();
        CHECK(shows(alice, copy).text("status") == "available");
        CHECK(shows(alice, copy).array("volumes").size() == 2);
        return copy;
    };
    const auto first = copies(R"("group_snapshot_id":")" + snapshot + "\"");
    CHECK(shows(alice, first).text("group_snapshot_id") == snapshot);
    const auto second = copies(R"("source_group_id":")" + group + "\"");
    CHECK(shows(alice, second).text("source_group_id") == group);
    CHECK(alice.posts(groupsPath + "/action", R"({"create-from-src":{"name":"c"}})", newest).status == 400);
    CHECK(bob.posts(groupsPath + "/action", R"({"create-from-src":{"source_group_id":")" + group + "\"}}", newest)
              .status == 404);

    CHECK(root.posts("/volume/v3/" + root.project + "/group_snapshots/" + snapshot + "/action",
                     R"({"reset_status":{"status":"error"}})", newest)
              .status == 202);
    CHECK(alice.deletes(one, newest).status == 202);
    cloud.settle();
    CHECK(alice.gets(one, newest).status == 404);
    CHECK(alice.gets("/volume/v3/{project}/snapshots", newest).json().array("snapshots").size() == 0);
    for (const auto& each : {group, first, second})
        CHECK(acts(alice, each, R"({"delete":{"delete-volumes":true}})").status == 202);
    cloud.settle();
    CHECK(alice.gets(groupsPath, newest).json().array("groups").size() == 0);
    CHECK(alice.gets(volumesPath).json().array("volumes").size() == 0);
}
