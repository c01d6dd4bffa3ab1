#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string attachmentsOf(const std::string& server) {
    return "/compute/v2.1/servers/" + server + "/os-volume_attachments";
}
std::string attachmentBody(const std::string& volume) {
    return R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}";
}

}

TEST_CASE("A volume is attached to a server and detached again", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    const auto answer = cloud.alice.posts(attachmentsOf(server), attachmentBody(volume));
    REQUIRE(answer.status == 200);
    CHECK(answer.json().object("volumeAttachment").text("device") == "/dev/vdb");
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 2);
    CHECK(cloud.shows(cloud.alice, server).array("os-extended-volumes:volumes_attached").items().front().text("id") ==
          volume);
    const HeaderList newest{{"OpenStack-API-Version", "compute 2.89"}};
    const auto one = cloud.alice.gets(attachmentsOf(server) + "/" + volume, newest).json().object("volumeAttachment");
    CHECK(one.has("attachment_id"));
    CHECK_FALSE(one.has("id"));

    CHECK(cloud.alice.posts(attachmentsOf(server), attachmentBody(volume)).status == 400);
    CHECK(cloud.alice.posts(attachmentsOf(server), attachmentBody("00000000-0000-4000-8000-000000000000")).status ==
          404);
    CHECK(cloud.alice.deletes(attachmentsOf(server) + "/00000000-0000-4000-8000-000000000000").status == 404);

    CHECK(cloud.alice.deletes(attachmentsOf(server) + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 1);
    CHECK(cloud.alice.gets(attachmentsOf(server)).json().array("volumeAttachments").size() == 0);
}

TEST_CASE("A volume of a type that says so is attached to two servers, which share one raw file", "[compute][volume]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    REQUIRE(admin
                .posts("/volume/v3/{project}/types",
                       R"({"volume_type":{"name":"several","extra_specs":{"multiattach":"<is> True"}}})")
                .status == 200);
    const auto made = cloud.alice.posts("/volume/v3/{project}/volumes",
                                        R"({"volume":{"size":1,"name":"both","volume_type":"several"}})");
    REQUIRE(made.status == 202);
    cloud.appliance.settle();
    const auto volume = made.json().object("volume").text("id");
    const std::vector<std::string> servers{cloud.boots(cloud.alice, "one"), cloud.boots(cloud.alice, "two")};
    for (const auto& server : servers) {
        REQUIRE(cloud.alice.posts(attachmentsOf(server), attachmentBody(volume)).status == 200);
        cloud.appliance.settle();
        CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 2);
    }
    CHECK(cloud.alice.gets("/volume/v3/{project}/volumes/" + volume)
              .json()
              .object("volume")
              .array("attachments")
              .size() == 2);
    CHECK(std::filesystem::exists(cloud.appliance.folder() / "volumes" / ("volume-" + volume + ".flat")));
    REQUIRE(cloud.alice.deletes(attachmentsOf(servers[0]) + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    REQUIRE(cloud.alice.deletes(attachmentsOf(servers[1]) + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
}

TEST_CASE("A guest gets a read-only volume for reading alone", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice), other = cloud.createsVolume(cloud.alice);
    const auto flag = R"({"os-update_readonly_flag":{"readonly":true}})";
    REQUIRE(cloud.alice.posts("/volume/v3/{project}/volumes/" + volume + "/action", flag).status == 202);
    for (const auto& each : {volume, other}) {
        REQUIRE(cloud.alice.posts(attachmentsOf(server), attachmentBody(each)).status == 200);
        cloud.appliance.settle();
        REQUIRE(cloud.volumeStatus(cloud.alice, each) == "in-use");
    }
    CHECK(cloud.appliance.hypervisor().readOnlyDisksOf(ServerId{server}).size() == 1);
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 3);
}

TEST_CASE("A volume that the guest does not take is available again", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    cloud.appliance.hypervisor().failOn("ensureAttached", 100, Failure::Broken);
    CHECK(cloud.alice.posts(attachmentsOf(server), attachmentBody(volume)).status == 200);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
    CHECK(cloud.status(cloud.alice, server) == "ACTIVE");
}

TEST_CASE("A volume that the guest does not let go of stays in use", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    cloud.alice.posts(attachmentsOf(server), attachmentBody(volume));
    cloud.appliance.settle();
    cloud.appliance.hypervisor().failOn("detached", 100, Failure::TimedOut);
    CHECK(cloud.alice.deletes(attachmentsOf(server) + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 2);
}

TEST_CASE("A deleted server lets go of its volumes", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    cloud.alice.posts(attachmentsOf(server), attachmentBody(volume));
    cloud.appliance.settle();
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
}

TEST_CASE("Another project's volume cannot be attached", "[compute][volume][policy]") {
    Cloud cloud;
    const auto mallory = cloud.appliance.member("mallory");
    const auto volume = cloud.createsVolume(cloud.alice);
    const auto image = Cloud::upload(mallory);
    cloud.image = image;
    const auto server = cloud.boots(mallory, "hers");
    CHECK(mallory.posts(attachmentsOf(server), attachmentBody(volume)).status == 404);
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
}

// S39: block storage's records are its own; anybody may write any server's id into them (CVE-2023-2088).
TEST_CASE("A guest has the disks that compute gave it, whatever others write into block storage's records",
          "[compute][volume][security]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    const auto server = cloud.boots(cloud.alice, "web");
    const auto foreign = cloud.createsVolume(bob);
    const auto act = [&](const std::string& action) {
        return bob.posts("/volume/v3/{project}/volumes/" + foreign + "/action", action).status;
    };
    REQUIRE(act(R"({"os-attach":{"instance_uuid":")" + server + R"(","mountpoint":"/dev/vda"}})") == 202);
    CHECK(cloud.alice.gets(attachmentsOf(server)).json().array("volumeAttachments").size() == 0);
    CHECK(cloud.shows(cloud.alice, server).array("os-extended-volumes:volumes_attached").size() == 0);

    REQUIRE(cloud.acts(cloud.alice, server, R"({"reboot":{"type":"HARD"}})").status == 202);
    cloud.appliance.settle();
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}) == std::vector<std::string>{server});
    CHECK(act(R"({"os-detach":{}})") == 202); // a record of bob's own, which no guest hangs on

    REQUIRE(act(R"({"os-attach":{"instance_uuid":")" + server + R"(","mountpoint":"/dev/vda"}})") == 202);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(bob, foreign) == "in-use"); // alice's server was never what held it
}

TEST_CASE("What compute attached is detached by compute alone, and block storage says where",
          "[compute][volume][security]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    REQUIRE(cloud.alice.posts(attachmentsOf(server), attachmentBody(volume)).status == 200);
    cloud.appliance.settle();
    for (const auto* action : {"os-detach", "os-begin_detaching", "os-roll_detaching"}) {
        const auto refused = cloud.alice.posts("/volume/v3/{project}/volumes/" + volume + "/action",
                                               "{\"" + std::string(action) + "\":{}}");
        CHECK(refused.status == 409);
        CHECK(faultOf(refused, "conflictingRequest") ==
              "Detach volume from instance " + server + " using the Compute API");
    }
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{server}).size() == 2);
}

TEST_CASE("A volume grows under a guest, which hears of it", "[compute][volume]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    REQUIRE(cloud.alice.posts(attachmentsOf(server), attachmentBody(volume)).status == 200);
    cloud.appliance.settle();
    const auto grow = [&](const std::string& version) {
        return cloud.alice
            .posts("/volume/v3/{project}/volumes/" + volume + "/action", R"({"os-extend":{"new_size":3}})",
                   {{"OpenStack-API-Version", "volume " + version}})
            .status;
    };
    CHECK(grow("3.41") == 400);
    CHECK(grow("3.42") == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    CHECK(cloud.alice.gets("/volume/v3/{project}/volumes/" + volume).json().object("volume").integer("size") == 3);
    CHECK(cloud.appliance.hypervisor().sizeOf(volume).count == std::int64_t{3} << 30);
    const auto actions =
        cloud.alice.gets("/compute/v2.1/servers/" + server + "/os-instance-actions").json().array("instanceActions");
    CHECK(actions.items().front().text("action") == "extend_volume");

    CHECK(cloud.alice.deletes(attachmentsOf(server) + "/" + volume).status == 202);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "available");
}
