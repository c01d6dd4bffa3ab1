#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string volumesPath = "/volume/v3/{project}/volumes", transfersPath = "/volume/v3/{project}/volume-transfers";
const HeaderList newest{{"OpenStack-API-Version", "volume 3.70"}};

std::string makes(TestAppliance& cloud, const Member& who) {
    const auto answer = who.posts(volumesPath, R"({"volume":{"size":1}})");
    REQUIRE(answer.status == 202);
    cloud.settle();
    return answer.json().object("volume").text("id");
}

std::string snapshots(TestAppliance& cloud, const Member& who, const std::string& volume) {
    const auto answer = who.posts("/volume/v3/{project}/snapshots", R"({"snapshot":{"volume_id":")" + volume + "\"}}");
    REQUIRE(answer.status == 202);
    cloud.settle();
    return answer.json().object("snapshot").text("id");
}

Json offers(const Member& who, const std::string& volume, const std::string& more = "") {
    const auto answer = who.posts(transfersPath, R"({"transfer":{"volume_id":")" + volume + "\"" + more + "}}", newest);
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    return answer.json().object("transfer");
}

Answer accepts(const Member& who, const std::string& transfer, const std::string& key) {
    return who.posts(transfersPath + "/" + transfer + "/accept", R"({"accept":{"auth_key":")" + key + "\"}}", newest);
}

std::string statusOf(const Member& who, const std::string& volume) {
    return who.gets(volumesPath + "/" + volume).json().object("volume").text("status");
}

}

TEST_CASE("A volume and its snapshots change hands by a key that is told once", "[block][transfer]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), carol = cloud.member("carol");
    const auto volume = makes(cloud, alice), snapshot = snapshots(cloud, alice, volume);
    const auto transfer = offers(alice, volume, R"(,"name":" gift ")");
    const auto id = transfer.text("id"), key = transfer.text("auth_key");
    CHECK(transfer.text("name") == "gift");
    CHECK(transfer.text("source_project_id") == alice.project);
    CHECK_FALSE(transfer.boolean("no_snapshots", true));
    CHECK(statusOf(alice, volume) == "awaiting-transfer");
    CHECK(alice.deletes(volumesPath + "/" + volume).status == 400);

    const auto one = transfersPath + "/" + id;
    CHECK(alice.gets(one, newest).json().object("transfer").text("volume_id") == volume);
    CHECK(alice.gets(one, newest).body.find(key) == std::string::npos);
    CHECK(alice.gets("/volume/v3/{project}/os-volume-transfer/detail").json().array("transfers").size() == 1);
    CHECK(alice.gets(transfersPath + "?name=gift", newest).json().array("transfers").size() == 1);
    CHECK(alice.gets(transfersPath + "?name=other", newest).json().array("transfers").size() == 0);
    for (const auto& other : {bob, carol}) {
        CHECK(other.gets(one, newest).status == 404);
        CHECK(other.deletes(one, newest).status == 404);
        CHECK(other.gets(transfersPath, newest).json().array("transfers").size() == 0);
    }
    CHECK(accepts(carol, id, "wrong").status == 400);
    CHECK(accepts(carol, "nothing", key).status == 404);

    const auto accepted = accepts(bob, id, key);
    CHECK(accepted.status == 202);
    CHECK(accepted.json().object("transfer").text("volume_id") == volume);
    CHECK(statusOf(bob, volume) == "available");
    CHECK(bob.gets("/volume/v3/{project}/snapshots/" + snapshot).status == 200);
    CHECK(alice.gets(volumesPath + "/" + volume).status == 404);
    CHECK(alice.gets("/volume/v3/{project}/snapshots/" + snapshot).status == 404);
    CHECK(accepts(carol, id, key).status == 404);
    const auto root = cloud.admin();
    const auto usedBy = [&](const Member& who) {
        const auto set = root.gets("/volume/v3/{project}/os-quota-sets/" + who.project + "?usage=1").json();
        return set.object("quota_set").object("gigabytes").integer("in_use");
    };
    CHECK(usedBy(alice) == 0);
    CHECK(usedBy(bob) == 2);
}

TEST_CASE("A transfer can be taken back, and takes no more than ten wrong keys", "[block][transfer]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice);
    const auto first = offers(alice, volume);
    CHECK(alice.posts(transfersPath, R"({"transfer":{"volume_id":")" + volume + "\"}}", newest).status == 400);
    CHECK(bob.posts(transfersPath, R"({"transfer":{"volume_id":")" + volume + "\"}}", newest).status == 404);
    CHECK(alice.deletes(transfersPath + "/" + first.text("id"), newest).status == 202);
    CHECK(statusOf(alice, volume) == "available");
    CHECK(accepts(bob, first.text("id"), first.text("auth_key")).status == 404);

    const auto second = offers(alice, volume);
    for (int each = 0; each < 10; ++each) CHECK(accepts(bob, second.text("id"), "wrong").status == 400);
    CHECK(accepts(bob, second.text("id"), second.text("auth_key")).status == 400);
    CHECK(statusOf(alice, volume) == "awaiting-transfer");
    CHECK(alice.deletes(transfersPath + "/" + second.text("id"), newest).status == 202);

    for (const auto* each : {R"("volume_id":"x")", R"("name":"x")", R"("volume_id":7)"})
        CHECK(alice.posts(transfersPath, R"({"transfer":{)" + std::string(each) + "}}", newest).status == 400);
    CHECK(alice.posts(transfersPath, R"({"transfer":{"no_snapshots":true,"volume_id":")" + volume + "\"}}").status ==
          400); // before 3.55
}

TEST_CASE("Who has no room for a volume doesn't get it, and its snapshots may stay behind", "[block][transfer]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto volume = makes(cloud, alice), snapshot = snapshots(cloud, alice, volume);
    const auto allows = [&](int gigabytes) {
        REQUIRE(root.puts("/volume/v3/{project}/os-quota-sets/" + bob.project,
                          R"({"quota_set":{"gigabytes":)" + std::to_string(gigabytes) + "}}")
                    .status == 200);
    };
    allows(1); // the volume, and not its snapshot
    const auto whole = offers(alice, volume);
    CHECK(accepts(bob, whole.text("id"), whole.text("auth_key")).status == 413);
    CHECK(statusOf(alice, volume) == "awaiting-transfer");
    CHECK(bob.gets(volumesPath + "/" + volume).status == 404);
    CHECK(alice.deletes(transfersPath + "/" + whole.text("id"), newest).status == 202);

    const auto bare = offers(alice, volume, R"(,"no_snapshots":true)");
    CHECK(accepts(bob, bare.text("id"), bare.text("auth_key")).status == 202);
    CHECK(statusOf(bob, volume) == "available");
    CHECK(alice.gets("/volume/v3/{project}/snapshots/" + snapshot).status == 200);
    CHECK(bob.gets("/volume/v3/{project}/snapshots/" + snapshot).status == 404);
}
