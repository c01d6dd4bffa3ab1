#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Matchers::Contains;

namespace {

std::filesystem::path diskOf(Cloud& cloud, const std::string& id, const std::string& suffix = "") {
    return cloud.appliance.folder() / "instances" / (id + "_disk" + suffix);
}

std::string largeFlavor(Cloud& cloud, const std::string& more = "") {
    const auto answer = cloud.appliance.admin().posts(
        "/compute/v2.1/flavors", R"({"flavor":{"name":"large","id":"L","ram":1024,"vcpus":2,"disk":4)" + more + "}}");
    REQUIRE(answer.status == 200);
    return "L";
}

std::string anotherImage(Cloud& cloud) { return Cloud::upload(cloud.alice); }

PowerState power(Cloud& cloud, const std::string& id) {
    return cloud.appliance.hypervisor().powerState(ServerId{id}).value_or(PowerState::NoState);
}

std::string imageStatus(Cloud& cloud, const std::string& id) {
    const auto answer = cloud.alice.gets("/image/v2/images/" + id);
    return answer.status == 200 ? answer.json().text("status") : "gone";
}

}

TEST_CASE("A server is paused and goes on", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"pause":null})");
    CHECK(cloud.status(cloud.alice, id) == "PAUSED");
    CHECK(power(cloud, id) == PowerState::Paused);
    CHECK(cloud.acts(cloud.alice, id, R"({"pause":null})").status == 409);
    CHECK(cloud.acts(cloud.alice, id, R"({"os-stop":null})").status == 409);
    cloud.does(cloud.alice, id, R"({"unpause":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(power(cloud, id) == PowerState::Running);
}

TEST_CASE("A paused server is powered off at once: it would not hear the power button", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"pause":null})");
    cloud.appliance.hypervisor().beDeaf(true);
    cloud.does(cloud.alice, id, R"({"shelve":null})"); // and no time passes
    CHECK(cloud.status(cloud.alice, id) == "SHELVED_OFFLOADED");
}

TEST_CASE("A suspended server's memory is kept for it to go on from, also across a restart", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"suspend":null})");
    CHECK(cloud.status(cloud.alice, id) == "SUSPENDED");
    CHECK(cloud.appliance.hypervisor().remembers(ServerId{id}));
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SUSPENDED"); // nobody has started it
    const auto console = cloud.appliance.hypervisor().console(ServerId{id}, -1);
    cloud.does(cloud.alice, id, R"({"resume":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(cloud.appliance.hypervisor().console(ServerId{id}, -1) == console); // it did not boot
}

TEST_CASE("A hard reboot of a suspended server forgets what it had in memory", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"suspend":null})");
    cloud.does(cloud.alice, id, R"({"reboot":{"type":"HARD"}})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK_FALSE(cloud.appliance.hypervisor().remembers(ServerId{id}));
}

TEST_CASE("A verb that the hypervisor refuses leaves the server what it was, and the action says so",
          "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().failOn("ensurePaused", 10, Failure::Broken);
    cloud.does(cloud.alice, id, R"({"pause":null})");
    const auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.at("OS-EXT-STS:task_state").isNull());
    const auto actions =
        cloud.alice.gets("/compute/v2.1/servers/" + id + "/os-instance-actions").json().array("instanceActions");
    CHECK(actions.items().begin()->text("message") == "Failed to pause the server");
}

TEST_CASE("A rescued server runs from another disk, with its own beside it", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto image = anotherImage(cloud);
    const auto answer = cloud.acts(cloud.alice, id, R"({"rescue":{"rescue_image_ref":")" + image + "\"}}");
    CHECK(answer.status == 200);
    CHECK(answer.json().text("adminPass").size() == 12);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "RESCUE");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{id}) ==
          std::vector<std::string>{"rescue-" + id.substr(0, 8), id});
    CHECK(std::filesystem::exists(diskOf(cloud, id, ".rescue")));
    cloud.does(cloud.alice, id, R"({"unrescue":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(cloud.appliance.hypervisor().disksOf(ServerId{id}) == std::vector<std::string>{id});
    CHECK_FALSE(std::filesystem::exists(diskOf(cloud, id, ".rescue")));
}

TEST_CASE("A rebuilt server has another image's bytes, and is the same server", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web", R"(,"metadata":{"a":"1"})");
    const auto image = anotherImage(cloud);
    const auto answer = cloud.acts(
        cloud.alice, id,
        R"({"rebuild":{"imageRef":")" + image + R"(","name":"new","metadata":{"b":"2"},"description":"d"}})", "2.93");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    const auto said = answer.json().object("server");
    CHECK(said.text("status") == "REBUILD");
    CHECK(said.text("adminPass").size() == 12);
    CHECK(said.has("user_data"));
    cloud.appliance.settle();
    const auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.text("name") == "new");
    CHECK(shown.object("image").text("id") == image);
    CHECK(shown.object("metadata").text("b") == "2");
    CHECK_FALSE(shown.object("metadata").has("a"));
}

TEST_CASE("A stopped server stays stopped when it is rebuilt", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"os-stop":null})");
    cloud.does(cloud.alice, id, R"({"rebuild":{"imageRef":")" + cloud.image + "\"}}");
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
    CHECK(power(cloud, id) == PowerState::Shutdown);
}

TEST_CASE("A resized server has the new size, and keeps it once that is confirmed", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto flavor = largeFlavor(cloud);
    CHECK(cloud.acts(cloud.alice, id, R"({"resize":{"flavorRef":"1"}})").status == 400);
    CHECK(cloud.acts(cloud.alice, id, R"({"resize":{"flavorRef":"absent"}})").status == 400);
    cloud.does(cloud.alice, id, R"({"resize":{"flavorRef":")" + flavor + "\"}}");
    auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "VERIFY_RESIZE");
    CHECK(shown.object("flavor").integer("disk") == 4);
    CHECK(std::filesystem::file_size(diskOf(cloud, id)) == std::uintmax_t{4} << 30);
    CHECK(std::filesystem::exists(diskOf(cloud, id, ".aside")));
    cloud.does(cloud.alice, id, R"({"confirmResize":null})", 204);
    shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.object("flavor").text("original_name") == "large");
    CHECK_FALSE(std::filesystem::exists(diskOf(cloud, id, ".aside")));
    const auto migrations = cloud.appliance.admin().gets("/compute/v2.1/os-migrations").json().array("migrations");
    REQUIRE(migrations.size() == 1);
    CHECK(migrations.items().begin()->text("status") == "confirmed");
}

TEST_CASE("A resize that is reverted is as if it had never been, and so are the disk's bytes", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto before = std::filesystem::file_size(diskOf(cloud, id));
    cloud.does(cloud.alice, id, R"({"resize":{"flavorRef":")" + largeFlavor(cloud) + "\"}}");
    cloud.does(cloud.alice, id, R"({"revertResize":null})");
    const auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(shown.object("flavor").integer("disk") == 1);
    CHECK(std::filesystem::file_size(diskOf(cloud, id)) == before);
    CHECK_FALSE(std::filesystem::exists(diskOf(cloud, id, ".aside")));
}

TEST_CASE("A server that was stopped is stopped in and after a resize", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto flavor = largeFlavor(cloud);
    cloud.does(cloud.alice, id, R"({"os-stop":null})");
    cloud.does(cloud.alice, id, R"({"resize":{"flavorRef":")" + flavor + "\"}}");
    CHECK(cloud.status(cloud.alice, id) == "VERIFY_RESIZE");
    CHECK(power(cloud, id) == PowerState::Shutdown);
    cloud.appliance.restart(); // the reconciler starts nobody
    cloud.appliance.settle();
    CHECK(power(cloud, id) == PowerState::Shutdown);
    cloud.does(cloud.alice, id, R"({"confirmResize":null})", 204);
    CHECK(cloud.status(cloud.alice, id) == "SHUTOFF");
}

TEST_CASE("A resize that fails leaves the old size, and its quota", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto flavor = largeFlavor(cloud);
    cloud.appliance.hypervisor().failOn("copyDisk", 10, Failure::Broken);
    cloud.does(cloud.alice, id, R"({"resize":{"flavorRef":")" + flavor + "\"}}");
    const auto shown = cloud.shows(cloud.alice, id);
    CHECK(shown.object("flavor").integer("vcpus") == 1);
    const auto limits = cloud.alice.gets("/compute/v2.1/limits").json().object("limits").object("absolute");
    CHECK(limits.integer("totalCoresUsed") == 1);
    CHECK(shown.text("status") == "ACTIVE");
    CHECK(power(cloud, id) == PowerState::Running); // it was powered off for the resize, and goes on
}

TEST_CASE("A resize is confirmed by itself after the configured time", "[compute][verb]") {
    Cloud cloud({{"compute", "resize_confirm_window", "60"}});
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"resize":{"flavorRef":")" + largeFlavor(cloud) + "\"}}");
    cloud.appliance.passes(std::chrono::seconds(61));
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("A resize past the quota is refused", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    REQUIRE(cloud.appliance.admin()
                .posts("/compute/v2.1/flavors", R"({"flavor":{"name":"huge","id":"H","ram":64,"vcpus":100,"disk":1}})")
                .status == 200);
    CHECK(cloud.acts(cloud.alice, id, R"({"resize":{"flavorRef":"H"}})").status == 403);
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("An image of a server says where it comes from, and a server can be made of it", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    const auto answer =
        cloud.acts(cloud.alice, id, R"({"createImage":{"name":"snap","metadata":{"color":"red"}}})", "2.45");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    const auto image = answer.json().text("image_id");
    cloud.appliance.settle();
    CHECK(imageStatus(cloud, image) == "active");
    const auto shown = cloud.alice.gets("/image/v2/images/" + image).json();
    CHECK(shown.text("instance_uuid") == id);
    CHECK(shown.text("image_type") == "snapshot");
    CHECK(shown.text("color") == "red");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(std::filesystem::is_empty(cloud.appliance.folder() / "instance-uploads"));
    const auto older = cloud.acts(cloud.alice, id, R"({"createImage":{"name":"old"}})");
    CHECK_THAT(std::string(older.headers["Location"]), Contains("/images/"));
    CHECK(cloud.asksForServer(cloud.alice, "copy", R"(,"imageRef":")" + image + "\"").status == 400); // twice
}

TEST_CASE("An image that can't be made is gone, and the server goes on", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().failOn("copyDisk", 10, Failure::Broken);
    const auto answer = cloud.acts(cloud.alice, id, R"({"createImage":{"name":"snap"}})", "2.45");
    cloud.appliance.settle();
    CHECK(imageStatus(cloud, answer.json().text("image_id")) == "gone");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
}

TEST_CASE("Of backups of one type only so many are kept", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    std::vector<std::string> images;
    for (int day = 0; day < 3; ++day) {
        const auto answer =
            cloud.acts(cloud.alice, id, R"({"createBackup":{"name":"b","backup_type":"daily","rotation":2}})", "2.45");
        REQUIRE(answer.status == 202);
        images.push_back(answer.json().text("image_id"));
        cloud.appliance.settle();
        cloud.appliance.passes(std::chrono::seconds(5));
    }
    CHECK(imageStatus(cloud, images[0]) == "gone");
    CHECK(imageStatus(cloud, images[1]) == "active");
    CHECK(imageStatus(cloud, images[2]) == "active");
}

TEST_CASE("A shelved server leaves its host and comes back from its image", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"shelve":null})");
    CHECK(cloud.status(cloud.alice, id) == "SHELVED_OFFLOADED");
    CHECK(power(cloud, id) == PowerState::NoState);
    CHECK_FALSE(std::filesystem::exists(diskOf(cloud, id)));
    const auto images = cloud.alice.gets("/image/v2/images?name=web-shelved").json().array("images");
    REQUIRE(images.size() == 1);
    const auto image = images.items().begin()->text("id");
    CHECK(cloud.acts(cloud.alice, id, R"({"shelveOffload":null})").status == 403);
    cloud.does(cloud.alice, id, R"({"unshelve":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    CHECK(power(cloud, id) == PowerState::Running);
    CHECK(imageStatus(cloud, image) == "gone");
    CHECK(cloud.shows(cloud.alice, id).object("image").text("id") == cloud.image);
}

TEST_CASE("A shelved server stays on its host for as long as the configuration says", "[compute][verb]") {
    Cloud cloud({{"compute", "shelved_offload_time", "600"}});
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"shelve":null})");
    CHECK(cloud.status(cloud.alice, id) == "SHELVED");
    CHECK(std::filesystem::exists(diskOf(cloud, id)));
    cloud.appliance.passes(std::chrono::seconds(601));
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SHELVED_OFFLOADED");
}

TEST_CASE("A deleted server can be had back for as long as the configuration says", "[compute][verb]") {
    Cloud cloud({{"compute", "reclaim_instance_interval", "600"}});
    const auto id = cloud.boots(cloud.alice, "web");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.status(cloud.alice, id) == "SOFT_DELETED");
    CHECK(cloud.alice.gets("/compute/v2.1/servers").json().array("servers").size() == 0); // unless they are asked for
    CHECK(cloud.alice.gets("/compute/v2.1/servers?status=SOFT_DELETED").json().array("servers").size() == 1);
    CHECK(power(cloud, id) == PowerState::Shutdown);
    cloud.does(cloud.alice, id, R"({"restore":null})");
    CHECK(cloud.status(cloud.alice, id) == "ACTIVE");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    cloud.appliance.passes(std::chrono::seconds(601));
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
    CHECK_FALSE(std::filesystem::exists(diskOf(cloud, id)));
}

TEST_CASE("A server that waits to be reclaimed is gone at once when it is told to be", "[compute][verb]") {
    Cloud cloud({{"compute", "reclaim_instance_interval", "600"}});
    const auto id = cloud.boots(cloud.alice, "web");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    cloud.does(cloud.alice, id, R"({"forceDelete":null})");
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
}

TEST_CASE("A password is changed by the guest's agent, and refused where there is none", "[compute][verb]") {
    Cloud cloud;
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.does(cloud.alice, id, R"({"changePassword":{"adminPass":"secret"}})");
    CHECK(cloud.appliance.hypervisor().passwordOf(ServerId{id}) == "secret");
    cloud.appliance.hypervisor().beDeaf(true);
    CHECK(cloud.acts(cloud.alice, id, R"({"changePassword":{"adminPass":"x"}})").status == 409);
}

TEST_CASE("Only who runs the cloud resets a server's state or moves it, and there is no other host",
          "[compute][verb]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto id = cloud.boots(cloud.alice, "web");
    CHECK(cloud.acts(cloud.alice, id, R"({"os-resetState":{"state":"error"}})").status == 403);
    CHECK(cloud.acts(admin, id, R"({"os-resetState":{"state":"paused"}})").status == 400);
    CHECK(cloud.acts(admin, id, R"({"os-resetState":{"state":"error"}})").status == 202);
    CHECK(cloud.status(cloud.alice, id) == "ERROR");
    CHECK(cloud.acts(admin, id, R"({"os-resetState":{"state":"active"}})").status == 202);
    CHECK(cloud.acts(cloud.alice, id, R"({"migrate":null})").status == 403);
    CHECK_THAT(faultOf(cloud.acts(admin, id, R"({"migrate":null})"), "badRequest"), Contains("No valid host"));
    CHECK(cloud.acts(admin, id, R"({"os-migrateLive":{"host":null,"block_migration":"auto"}})", "2.25").status == 400);
    CHECK_THAT(faultOf(cloud.acts(admin, id, R"({"evacuate":{}})", "2.14"), "badRequest"), Contains("still in use"));
    CHECK(cloud.acts(cloud.alice, id, R"({"trigger_crash_dump":null})").status == 404);
    CHECK(cloud.acts(cloud.alice, id, R"({"trigger_crash_dump":null})", "2.17").status == 202);
    CHECK(cloud.appliance.hypervisor().calls("injectNmi") == 1);
}

TEST_CASE("A verb in the middle of which its server is deleted is given up, and nothing is left", "[compute][verb]") {
    Cloud cloud;
    struct Example {
        const char *action, *verb;
    };
    const auto example = GENERATE(values<Example>({{R"({"resize":{"flavorRef":"L"}})", "copyDisk"},
                                                   {R"({"createImage":{"name":"i"}})", "copyDisk"},
                                                   {R"({"shelve":null})", "copyDisk"},
                                                   {R"({"rescue":{}})", "ensureRootDisk"},
                                                   {R"({"suspend":null})", "ensureSuspended"},
                                                   {R"({"pause":null})", "ensurePaused"}}));
    largeFlavor(cloud);
    const auto id = cloud.boots(cloud.alice, "web");
    cloud.appliance.hypervisor().slowOn(example.verb, std::chrono::milliseconds(300));
    const int before = cloud.appliance.hypervisor().calls(example.verb);
    const auto answer = cloud.acts(cloud.alice, id, example.action, "2.93");
    INFO(answer.body);
    REQUIRE((answer.status == 202 || answer.status == 200));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + id).status == 204);
    cloud.appliance.settle();
    static_cast<void>(before);
    CHECK(cloud.alice.gets("/compute/v2.1/servers/" + id).status == 404);
    CHECK(power(cloud, id) == PowerState::NoState);
    for (const auto& entry : std::filesystem::directory_iterator(cloud.appliance.folder() / "instances"))
        CHECK(entry.path().filename().string().find(id) == std::string::npos);
    const auto images = cloud.alice.gets("/image/v2/images").json().array("images");
    CHECK(images.size() == 1); // what it was made from
}
