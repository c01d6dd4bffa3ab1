#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "compute/guest.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Matchers::Contains;

namespace {

/// A server without an image of its own in the body.
Answer asksFor(Cloud& cloud, const std::string& mapping, const std::string& more = "",
               const std::string& version = "2.93") {
    return cloud.alice.posts("/compute/v2.1/servers",
                             R"({"server":{"name":"web","flavorRef":"1","networks":"none")" + mapping + more + "}}",
                             {{"OpenStack-API-Version", "compute " + version}});
}

std::string made(Cloud& cloud, const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    cloud.appliance.settle();
    return answer.json().object("server").text("id");
}

std::vector<std::string> volumesOf(Cloud& cloud, const std::string& server) {
    std::vector<std::string> ids;
    for (const auto& each : cloud.shows(cloud.alice, server).array("os-extended-volumes:volumes_attached").items())
        ids.push_back(each.text("id"));
    return ids;
}

}

TEST_CASE("A server boots from a volume that is made of an image, and the volume goes with it where that was said",
          "[compute][device]") {
    Cloud cloud;
    const bool ends = GENERATE(true, false);
    const auto id = made(
        cloud,
        asksFor(cloud,
                R"(,"block_device_mapping_v2":[{"boot_index":0,"uuid":")" + cloud.image +
                    R"(","source_type":"image","destination_type":"volume","volume_size":1,"delete_on_termination":)" +
                    (ends ? "true" : "false") + "}]"));
    const auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.text("image") == "");
    const auto volumes = volumesOf(cloud, id);
    REQUIRE(volumes.size() == 1);
    CHECK(cloud.volumeStatus(cloud.alice, volumes[0]) == "in-use");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{id}) == volumes);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/volume/v3/{project}/volumes/" + volumes[0]).status == (ends ? 404 : 200));
}

TEST_CASE("Blank volumes, swap and ephemeral disks come as they are asked for", "[compute][device]") {
    Cloud cloud;
    REQUIRE(cloud.appliance.admin()
                .posts("/compute/v2.1/flavors",
                       R"({"flavor":{"name":"all","id":"A","ram":64,"vcpus":1,"disk":1,"swap":64,)"
                       R"("OS-FLV-EXT-DATA:ephemeral":2}})")
                .status == 200);
    const auto answer =
        cloud.alice.posts("/compute/v2.1/servers",
                          R"({"server":{"name":"web","flavorRef":"A","networks":"none","imageRef":")" + cloud.image +
                              R"(","block_device_mapping_v2":[)"
                              R"({"boot_index":0,"source_type":"image","destination_type":"local","uuid":")" +
                              cloud.image +
                              R"("},{"source_type":"blank","destination_type":"volume","volume_size":2,"tag":"data"},)"
                              R"({"source_type":"blank","destination_type":"local","volume_size":1}]}})",
                          {{"OpenStack-API-Version", "compute 2.93"}});
    const auto id = made(cloud, answer);
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{id}).size() == 4); // root, volume, ephemeral, the flavor's swap
    const auto instances = cloud.appliance.folder() / "instances";
    CHECK(std::filesystem::file_size(instances / (id + "_disk.eph0")) == std::uintmax_t{1} << 30);
    CHECK(std::filesystem::file_size(instances / (id + "_disk.swap")) == std::uintmax_t{64} << 20);
    const auto attachments =
        cloud.alice
            .gets("/compute/v2.1/servers/" + id + "/os-volume_attachments", {{"OpenStack-API-Version", "compute 2.79"}})
            .json()
            .array("volumeAttachments");
    REQUIRE(attachments.size() == 1);
    CHECK(attachments.items().begin()->text("tag") == "data");
}

TEST_CASE("A disk mapping that can't be is refused before anything is made", "[compute][device]") {
    Cloud cloud;
    const auto volume = cloud.createsVolume(cloud.alice);
    const std::string one = R"(,"block_device_mapping_v2":[)";
    const auto image = R"("uuid":")" + cloud.image + "\"";
    const std::string mappings[] = {
        one + R"({"boot_index":1,"source_type":"blank","destination_type":"volume","volume_size":1}])",
        one + R"({"boot_index":0,)" + image + R"(,"source_type":"image","destination_type":"volume"}])",
        one + R"({"boot_index":0,"source_type":"blank","destination_type":"volume"}])",
        one + R"({"boot_index":0,"source_type":"volume","destination_type":"local","uuid":")" + volume + "\"}]",
        one + R"({"boot_index":0,"source_type":"volume","destination_type":"volume","uuid":")" + volume + "\"}]",
        one + R"({"boot_index":0,"source_type":"snapshot","destination_type":"volume","uuid":")" + volume + "\"}]",
        one + R"({"boot_index":0,"source_type":"volume","destination_type":"volume"}])",
        R"(,"block_device_mapping":[],"block_device_mapping_v2":[])",
        one + "7]",
    };
    for (const auto& mapping : mappings) {
        const auto answer = asksFor(cloud, mapping);
        INFO(mapping << " -> " << answer.body);
        CHECK(answer.status == 400);
    }
    CHECK(cloud.alice.gets("/compute/v2.1/servers").json().array("servers").size() == 0);
    CHECK(cloud.alice.gets("/volume/v3/{project}/volumes").json().array("volumes").size() == 1);
}

TEST_CASE("Another project's volume or snapshot is none", "[compute][device]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    const auto volume = cloud.createsVolume(bob);
    CHECK(asksFor(cloud, R"(,"block_device_mapping_v2":[{"boot_index":0,"source_type":"volume",)"
                         R"("destination_type":"volume","uuid":")" +
                             volume + "\"}]")
              .status == 400);
}

TEST_CASE("A server whose volume can't be made is in error, and takes what was made with it when it goes",
          "[compute][device]") {
    Cloud cloud;
    REQUIRE(cloud.appliance.admin()
                .puts("/volume/v3/{project}/os-quota-sets/" + cloud.alice.project, R"({"quota_set":{"volumes":0}})")
                .status == 200);
    const auto answer = asksFor(cloud, R"(,"block_device_mapping_v2":[{"boot_index":0,"uuid":")" + cloud.image +
                                           R"(","source_type":"image","destination_type":"volume","volume_size":1}])");
    CHECK((answer.status == 403 || answer.status == 413));
    CHECK(cloud.alice.gets("/compute/v2.1/servers").json().array("servers").size() == 0);
}

TEST_CASE("The older mapping names its root by the device", "[compute][device]") {
    Cloud cloud;
    const auto made1 =
        cloud.alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1,"imageRef":")" + cloud.image + "\"}}");
    REQUIRE(made1.status == 202);
    cloud.appliance.settle();
    const auto volume = made1.json().object("volume").text("id");
    const auto id = made(cloud, asksFor(cloud, R"(,"block_device_mapping":[{"device_name":"vda","volume_id":")" +
                                                   volume + R"(","delete_on_termination":false}])"));
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(volumesOf(cloud, id) == std::vector<std::string>{volume});
}

TEST_CASE("An image of a server that boots from a volume is made of snapshots, and a like server boots from it",
          "[compute][device]") {
    Cloud cloud;
    const auto id =
        made(cloud, asksFor(cloud, R"(,"block_device_mapping_v2":[{"boot_index":0,"uuid":")" + cloud.image +
                                       R"(","source_type":"image","destination_type":"volume","volume_size":1}])"));
    const auto answer = cloud.acts(cloud.alice, id, R"({"createImage":{"name":"snap"}})", "2.45");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    cloud.appliance.settle();
    const auto image = answer.json().text("image_id");
    const auto shown = cloud.alice.gets("/image/v2/images/" + image).json();
    CHECK(shown.text("status") == "active");
    CHECK(shown.integer("size") == 0);
    const auto mapping = Json::parse(shown.text("block_device_mapping"));
    REQUIRE(mapping.size() == 1);
    CHECK(mapping.items().front().text("source_type") == "snapshot");
    const auto snapshot = mapping.items().front().text("snapshot_id"); // by this name clients look for it
    CHECK(cloud.alice.gets("/volume/v3/{project}/snapshots/" + snapshot).status == 200);
    const auto copy = made(cloud, cloud.alice.posts("/compute/v2.1/servers",
                                                    R"({"server":{"name":"copy","flavorRef":"1","networks":"none",)"
                                                    R"("imageRef":")" +
                                                        image + "\"}}",
                                                    {{"OpenStack-API-Version", "compute 2.93"}}));
    CHECK(cloud.status(cloud.alice, copy) == "ACTIVE");
    CHECK(volumesOf(cloud, copy).size() == 1);
}

TEST_CASE("A config drive has the guest's metadata and the files that its owner sent along", "[compute][device]") {
    const std::string format = GENERATE("iso9660", "vfat");
    Cloud cloud({{"compute", "config_drive_format", format}});
    const auto answer =
        cloud.alice.posts("/compute/v2.1/servers",
                          R"({"server":{"name":"web","flavorRef":"1","config_drive":true,"imageRef":")" + cloud.image +
                              R"(","personality":[{"path":"/etc/banner.txt","contents":"aGVsbG8gZ3Vlc3Q="}]}})");
    const auto id = made(cloud, answer);
    CHECK(cloud.shows(cloud.alice, id).text("config_drive") == "True");
    CHECK(cloud.appliance.hypervisor().readOnlyDisksOf(ServerId{id}) == std::vector<std::string>{"config-drive"});
    const auto* const name = format == "vfat" ? "_disk.config.vfat" : "_disk.config";
    std::ifstream file(cloud.appliance.folder() / "instances" / (id + name), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    CHECK_THAT(bytes, Contains("config-2"));
    CHECK_THAT(bytes, Contains("\"uuid\":\"" + id));
    CHECK_THAT(bytes, Contains("hello guest"));
    CHECK_THAT(bytes, Contains("/etc/banner.txt"));
}

TEST_CASE("A volume goes with its server once that is said of it", "[compute][device]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    const std::string path = "/compute/v2.1/servers/" + id + "/os-volume_attachments";
    REQUIRE(cloud.alice.posts(path, R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}").status == 200);
    cloud.appliance.settle();
    const auto body = R"({"volumeAttachment":{"volumeId":")" + volume + R"(","delete_on_termination":true}})";
    CHECK(cloud.alice.puts(path + "/" + volume, body, {{"OpenStack-API-Version", "compute 2.79"}}).status == 400);
    CHECK(cloud.alice.puts(path + "/" + volume, body, {{"OpenStack-API-Version", "compute 2.85"}}).status == 202);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/volume/v3/{project}/volumes/" + volume).status == 404);
}

TEST_CASE("Only an administrator has a server's volume swapped for another", "[compute][device]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto old = cloud.createsVolume(cloud.alice), fresh = cloud.createsVolume(cloud.alice);
    const std::string path = "/compute/v2.1/servers/" + id + "/os-volume_attachments";
    REQUIRE(cloud.alice.posts(path, R"({"volumeAttachment":{"volumeId":")" + old + "\"}}").status == 200);
    cloud.appliance.settle();
    const auto body = R"({"volumeAttachment":{"volumeId":")" + fresh + "\"}}";
    CHECK(cloud.alice.puts(path + "/" + old, body).status == 403);
    CHECK(cloud.appliance.admin().puts(path + "/" + old, body).status == 202);
    cloud.appliance.settle();
    // Nothing writes to the disk of a simulated guest, so the copy is refused and all is as it was.
    CHECK(cloud.volumeStatus(cloud.alice, old) == "in-use");
    CHECK(cloud.volumeStatus(cloud.alice, fresh) == "available");
}

TEST_CASE("A shelved server's disks come and go without a guest", "[compute][device]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto volume = cloud.createsVolume(cloud.alice);
    cloud.does(cloud.alice, id, R"({"shelve":null})");
    const std::string path = "/compute/v2.1/servers/" + id + "/os-volume_attachments";
    REQUIRE(cloud.alice.posts(path, R"({"volumeAttachment":{"volumeId":")" + volume + "\"}}").status == 200);
    cloud.appliance.settle();
    CHECK(cloud.volumeStatus(cloud.alice, volume) == "in-use");
    cloud.does(cloud.alice, id, R"({"unshelve":null})");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{id}) == std::vector<std::string>{id, volume});
}

TEST_CASE(
    "A port's device has several queues while its server's flavor or image asks for them, through a resize and back",
    "[compute][device]") {
    Guest guest;
    const auto admin = guest.appliance.admin();
    REQUIRE(admin.posts("/compute/v2.1/flavors", R"({"flavor":{"name":"wide","id":"W","ram":512,"vcpus":2,"disk":1}})")
                .status == 200);
    REQUIRE(
        admin.posts("/compute/v2.1/flavors/W/os-extra_specs", R"({"extra_specs":{"hw:vif_multiqueue_enabled":"true"}})")
            .status == 200);
    const auto queued = [&] {
        for (const auto& each : guest.appliance.network().plan().ports)
            if (each.tapped) return each.multiqueue;
        FAIL("the server has no device");
        return false;
    };
    CHECK_FALSE(queued());
    guest.does(guest.alice, guest.server, R"({"resize":{"flavorRef":"W"}})");
    CHECK(queued());
    guest.does(guest.alice, guest.server, R"({"revertResize":null})");
    CHECK_FALSE(queued());

    REQUIRE(guest.alice
                .patches("/image/v2/images/" + guest.image,
                         R"([{"op":"add","path":"/hw_vif_multiqueue_enabled","value":"false"}])",
                         {{"Content-Type", "application/openstack-images-v2.1-json-patch"}})
                .status == 200);
    const auto answer = guest.alice.posts("/compute/v2.1/servers",
                                          R"({"server":{"name":"both","flavorRef":"W","networks":"none","imageRef":")" +
                                              guest.image + "\"}}",
                                          {{"OpenStack-API-Version", "compute 2.93"}});
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body, Contains("Conflicting values for vif_multiqueue_enabled"));
}
