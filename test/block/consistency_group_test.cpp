#include "block/support.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string groupsPath = "/volume/v3/{project}/consistencygroups",
                  cgsnapshotsPath = "/volume/v3/{project}/cgsnapshots";

std::string made(TestAppliance& cloud, const Answer& answer, std::string_view noun) {
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    cloud.settle();
    return answer.json().object(noun).text("id");
}

std::string makesGroup(TestAppliance& cloud, const Member& who) {
    return made(cloud, who.posts(groupsPath, R"({"consistencygroup":{"name":"g","volume_types":"__DEFAULT__,"}})"),
                "consistencygroup");
}

Json showsGroup(const Member& who, const std::string& group) {
    const auto answer = who.gets(groupsPath + "/" + group);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("consistencygroup");
}

}

TEST_CASE("A consistency group is a group by its older names, which the API of groups leaves alone",
          "[block][group][consistency]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group = makesGroup(cloud, alice), one = groupsPath + "/" + group;
    const auto shown = showsGroup(alice, group);
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("name") == "g");
    CHECK(shown.text("availability_zone") == "nova");
    CHECK(shown.at("description").isNull());
    CHECK(shown.array("volume_types").size() == 1);
    CHECK(alice.gets(groupsPath).json().array("consistencygroups").items().at(0).names().size() == 2);
    CHECK(alice.gets(groupsPath + "/detail?limit=1").json().array("consistencygroups").size() == 1);
    CHECK(bob.gets(groupsPath).json().array("consistencygroups").size() == 0);
    CHECK(bob.gets(one).status == 404);

    const auto volume = makes(cloud, alice, R"(,"consistencygroup_id":")" + group + "\"");
    CHECK(shows(alice, volume).text("consistencygroup_id") == group);
    CHECK(shows(alice, makes(cloud, alice)).at("consistencygroup_id").isNull());
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);
    const std::string newer = "/volume/v3/{project}/groups";
    CHECK(alice.gets(newer + "/" + group, {since(60)}).status == 400);
    CHECK(alice.gets(newer + "/detail", {since(60)}).json().array("groups").size() == 0);
    CHECK(alice
              .posts(newer, R"({"group":{"group_type":"default_cgsnapshot_type","volume_types":["__DEFAULT__"]}})",
                     {since(60)})
              .status == 400);

    const auto change = [&](const Member& who, const std::string& what) {
        return who.puts(one + "/update", R"({"consistencygroup":{)" + what + "}}").status;
    };
    CHECK(change(alice, R"("name":"h","remove_volumes":")" + volume + "\"") == 202);
    CHECK(showsGroup(alice, group).text("name") == "h");
    CHECK(shows(alice, volume).at("consistencygroup_id").isNull());
    CHECK(change(alice, R"("add_volumes":")" + volume + "\"") == 202);
    CHECK(alice.puts(one, R"({"consistencygroup":{"description":"by its id"}})").status == 202);
    CHECK(showsGroup(alice, group).text("description") == "by its id");
    CHECK(change(alice, R"("add_volumes":"nothing")") == 400);
    CHECK(change(alice, "") == 400);
    CHECK(change(bob, R"("name":"mine")") == 404);

    CHECK(alice.posts(one + "/delete", "").status == 400); // it has a volume
    CHECK(alice.posts(one + "/delete", "{}").status == 400);
    CHECK(alice.posts(one + "/delete", R"({"consistencygroup":{"force":"perhaps"}})").status == 400);
    CHECK(bob.posts(one + "/delete", R"({"consistencygroup":{"force":true}})").status == 404);
    CHECK(alice.posts(one + "/delete", R"({"consistencygroup":{"force":true}})").status == 202);
    cloud.settle();
    CHECK(alice.gets(one).status == 404);
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    for (const auto* each : {R"({"consistencygroup":{"name":"g"}})", R"({"consistencygroup":{"volume_types":""}})",
                             R"({"group":{}})", R"({"consistencygroup":{"volume_types":7}})"})
        CHECK(alice.posts(groupsPath, each).status == 400);
    CHECK(alice.posts(groupsPath, R"({"consistencygroup":{"volume_types":"none"}})").status == 404);
}

TEST_CASE("A consistency group is snapshotted, and copied from a snapshot or from itself",
          "[block][group][consistency]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group = makesGroup(cloud, alice);
    const auto wanted = R"({"cgsnapshot":{"name":"s","consistencygroup_id":")" + group + "\"}}";
    CHECK(alice.posts(cgsnapshotsPath, wanted).status == 400); // it is empty
    makes(cloud, alice, R"(,"consistencygroup_id":")" + group + "\"");
    CHECK(bob.posts(cgsnapshotsPath, wanted).status == 404);
    const auto snapshot = made(cloud, alice.posts(cgsnapshotsPath, wanted), "cgsnapshot");
    const auto one = cgsnapshotsPath + "/" + snapshot;
    const auto shown = alice.gets(one).json().object("cgsnapshot");
    CHECK(shown.text("status") == "available");
    CHECK(shown.text("consistencygroup_id") == group);
    CHECK(shown.text("name") == "s");
    CHECK(alice.gets(cgsnapshotsPath).json().array("cgsnapshots").size() == 1);
    CHECK(alice.gets(cgsnapshotsPath + "/detail").json().array("cgsnapshots").items().at(0).has("status"));
    CHECK(bob.gets(cgsnapshotsPath).json().array("cgsnapshots").size() == 0);
    CHECK(bob.gets(one).status == 404);
    CHECK(alice.gets("/volume/v3/{project}/group_snapshots", {since(14)}).json().array("group_snapshots").size() == 0);
    CHECK(alice.gets("/volume/v3/{project}/group_snapshots/" + snapshot, {since(14)}).status == 400);

    const auto from = [&](const std::string& what) {
        return alice.posts(groupsPath + "/create_from_src",
                           R"({"consistencygroup-from-src":{"name":"c",)" + what + "}}");
    };
    for (const auto& source : {R"("cgsnapshot_id":")" + snapshot + "\"", R"("source_cgid":")" + group + "\""}) {
        const auto copy = made(cloud, from(source), "consistencygroup");
        CHECK(showsGroup(alice, copy).text("status") == "available");
        const auto inside = alice.gets(volumesPath + "/detail?group_id=" + copy, {since(10)}).json().array("volumes");
        REQUIRE(inside.size() == 1);
        CHECK(inside.items().at(0).text("consistencygroup_id") == copy);
    }
    CHECK(from(R"("description":"of nothing")").status == 400);
    CHECK(from(R"("cgsnapshot_id":")" + snapshot + R"(","source_cgid":")" + group + "\"").status == 400);
    CHECK(from(R"("source_cgid":"nothing")").status == 404);

    CHECK(alice.posts(groupsPath + "/" + group + "/delete", R"({"consistencygroup":{"force":true}})").status == 400);
    CHECK(bob.deletes(one).status == 404);
    CHECK(alice.deletes(one).status == 202);
    cloud.settle();
    CHECK(alice.gets(one).status == 404);
}
