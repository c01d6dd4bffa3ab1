#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string cache = "/image/v2/cache";

struct Bases : Cloud {
    Member admin = appliance.admin();

    std::int64_t files() {
        const auto folder = appliance.folder() / "instances" / "_base";
        return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
    }

    std::vector<Json> cached() const { return admin.gets(cache).json().array("cached_images").items(); }

    /// Waits until the host keeps so many, and is known to.
    void keeps(std::int64_t count) {
        const auto are = [&] { return files() == count && static_cast<std::int64_t>(cached().size()) == count; };
        for (int tries = 0; tries < 400 && !are(); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        CHECK(files() == count);
        CHECK(static_cast<std::int64_t>(cached().size()) == count);
    }
};

}

TEST_CASE("The image service's cache shows the base copies that hosts keep", "[compute][base]") {
    Bases cloud;
    CHECK(cloud.alice.gets(cache).status == 403);
    CHECK(cloud.cached().empty());
    const auto first = cloud.boots(cloud.alice, "one"), second = cloud.boots(cloud.alice, "two");
    const auto cached = cloud.cached();
    REQUIRE(cached.size() == 1);
    CHECK(cached[0].text("image_id") == cloud.image);
    CHECK(cached[0].integer("hits") == 2);
    CHECK(cached[0].integer("size") == 1024);
    CHECK(cached[0].at("last_accessed").number() >= cached[0].at("last_modified").number());
    for (const auto& each : {first, second})
        REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + each).status == 204);
    cloud.appliance.settle();
    cloud.keeps(0); // no server stands on it, and nobody has asked for it
}

TEST_CASE("An image that is asked for is copied to hosts before any server is, and stays until it is given up",
          "[compute][base]") {
    Bases cloud;
    const auto put = [&](const std::string& image) { return cloud.admin.puts(cache + "/" + image, "").status; };
    CHECK(cloud.alice.puts(cache + "/" + cloud.image, "").status == 403);
    CHECK(put("nothing") == 404);
    const auto empty =
        cloud.alice.posts("/image/v2/images", R"({"name":"e","disk_format":"raw","container_format":"bare"})")
            .json()
            .text("id");
    CHECK(put(empty) == 400);
    CHECK(put(cloud.image) == 202);
    cloud.appliance.settle();
    CHECK(cloud.files() == 1);
    REQUIRE(cloud.cached().size() == 1);
    CHECK(cloud.cached()[0].integer("hits") == 0);
    const auto server = cloud.boots(cloud.alice, "one");
    CHECK(cloud.cached()[0].integer("hits") == 1);
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    cloud.appliance.restart(); // which looks at all of the host
    cloud.appliance.settle();
    CHECK(cloud.files() == 1);
    CHECK(cloud.admin.deletes(cache, {{"x-image-cache-clear-target", "queue"}}).status == 204);
    CHECK(cloud.cached().size() == 1);
    CHECK(cloud.admin.deletes(cache + "/" + cloud.image).status == 204);
    CHECK(cloud.admin.deletes(cache + "/" + cloud.image).status == 404);
    cloud.keeps(0);
}

TEST_CASE("A copy that is given up stays as long as a server stands on it", "[compute][base]") {
    Bases cloud;
    REQUIRE(cloud.admin.puts(cache + "/" + cloud.image, "").status == 202);
    const auto server = cloud.boots(cloud.alice, "one");
    CHECK(cloud.admin.deletes(cache).status == 204);
    CHECK(cloud.cached().empty());
    cloud.appliance.restart();
    cloud.appliance.settle();
    CHECK(cloud.files() == 1);
    CHECK(cloud.status(cloud.alice, server) == "ACTIVE");
    REQUIRE(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    cloud.keeps(0);
}

TEST_CASE("What waits to be copied is shown as queued, and can be given up", "[compute][base]") {
    Bases cloud;
    cloud.appliance.hypervisor().slowOn("ensureBase", std::chrono::seconds(5));
    REQUIRE(cloud.admin.puts(cache + "/" + cloud.image, "").status == 202);
    const auto queued = cloud.admin.gets(cache).json().array("queued_images").items();
    REQUIRE(queued.size() == 1);
    CHECK(queued[0].text() == cloud.image);
    CHECK(cloud.admin.deletes(cache, {{"x-image-cache-clear-target", "queue"}}).status == 204);
    cloud.appliance.settle();
    CHECK(cloud.admin.gets(cache).json().array("queued_images").size() == 0);
    cloud.keeps(0);
    cloud.appliance.restart(); // which looks at all of the host
    CHECK(cloud.appliance.appliance().store().reader().query("SELECT count(*) FROM compute_base_copies").integer() ==
          0);
}

TEST_CASE("With an image its copies go", "[compute][base]") {
    Bases cloud;
    REQUIRE(cloud.admin.puts(cache + "/" + cloud.image, "").status == 202);
    cloud.appliance.settle();
    REQUIRE(cloud.alice.deletes("/image/v2/images/" + cloud.image).status == 204);
    cloud.appliance.settle();
    cloud.keeps(0);
}

TEST_CASE("An image that is asked for twice is given up once, and may be asked for again at once", "[compute][base]") {
    Bases cloud;
    const auto put = [&] { return cloud.admin.puts(cache + "/" + cloud.image, "").status; };
    const auto givesUp = [&] { return cloud.admin.deletes(cache + "/" + cloud.image).status; };
    for (int round = 0; round < 5; ++round) {
        CHECK(put() == 202);
        CAPTURE(round);
        if (round % 2 == 0) cloud.appliance.settle(); // else it is given up while it is copied
        CHECK(put() == 202);
        CHECK(givesUp() == 204);
        cloud.appliance.settle();
        cloud.keeps(0);
    }
    CHECK(put() == 202);
    CHECK(givesUp() == 204);
    CHECK(put() == 202);
    cloud.appliance.settle();
    cloud.keeps(1);
    CHECK_FALSE(cloud.cached()[0].boolean("queued", false));
}
