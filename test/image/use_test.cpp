#include <catch2/catch.hpp>

#include <algorithm>

#include "compute/cloud.hpp"
#include "image/support.hpp"
#include "image/unit/hostile_images.hpp"
#include "support/web_server.hpp"

// What servers and volumes are made from, and what becomes of it.

using namespace stratolet;
using namespace stratolet::test;

namespace {

/// A cloud whose images may be at addresses of this very test.
struct Elsewhere {
    explicit Elsewhere(const WebServer& web, const std::string& networks = "127.0.0.0/8")
        : cloud({{"image", "show_multiple_locations", "true"},
                 {"image", "web_download_networks", networks},
                 {"image", "web_download_ports", "80, " + web.port()}}) {}

    std::string makes(const std::string& url, const std::string& format = "raw", const std::string& more = "") {
        const auto made = alice.posts("/image/v2/images",
                                      R"({"name":"far","disk_format":")" + format + R"(","container_format":"bare"})");
        REQUIRE(made.status == 201);
        const auto id = made.json().text("id");
        const auto located = alice.posts("/image/v2/images/" + id + "/locations",
                                         R"({"metadata":{},"url":)" + jsonText(url) + more + "}");
        INFO(located.body);
        REQUIRE(located.status == 200);
        return id;
    }

    std::string boots(const std::string& image) {
        const auto answer =
            alice.posts("/compute/v2.1/servers",
                        R"({"server":{"name":"s","flavorRef":"1","networks":"none","imageRef":")" + image + R"("}})",
                        {{"OpenStack-API-Version", "compute 2.93"}});
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        cloud.settle();
        return answer.json().object("server").text("id");
    }

    std::string statusOf(const std::string& server) {
        return alice.gets("/compute/v2.1/servers/" + server).json().object("server").text("status");
    }

    std::string copies(const std::string& image) {
        const auto answer =
            alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1,"imageRef":")" + image + R"("}})");
        INFO(answer.body);
        REQUIRE(answer.status == 202);
        cloud.settle();
        return answer.json().object("volume").text("id");
    }

    Json volume(const std::string& id) {
        return alice.gets("/volume/v3/{project}/volumes/" + id).json().object("volume");
    }

    TestAppliance cloud;
    Member alice = cloud.member("alice");
};

}

TEST_CASE("A server boots from an image whose data is at an address, and a volume is made of it",
          "[image][locations][use]") {
    WebServer web({{"/disk", WebServer::page("from afar")}, {"/qcow2", WebServer::page(Qcow2{}.bytes())}});
    Elsewhere far(web);
    const auto image = far.makes(web.url("/disk"));
    const auto server = far.boots(image);
    CHECK(far.statusOf(server) == "ACTIVE");
    const auto volume = far.copies(image);
    CHECK(far.volume(volume).text("status") == "available");
    CHECK(far.volume(volume).text("bootable") == "true");
    CHECK(web.connections() == 1); // the copy that the first one made served the second
    CHECK(filesIn(far.cloud.folder() / "image-cache") == 1);

    const auto packed = far.makes(web.url("/qcow2"), "qcow2");
    CHECK(far.volume(far.copies(packed)).text("status") == "available");
    for (const auto& each : {image, packed}) CHECK(far.alice.deletes("/image/v2/images/" + each).status == 204);
    far.cloud.settle();
    CHECK(filesIn(far.cloud.folder() / "image-cache") == 0);
    CHECK(far.statusOf(server) == "ACTIVE");
}

TEST_CASE("S1, S2, S6: what is at an address is inspected before use, and no forbidden address is asked",
          "[image][locations][use][security]") {
    WebServer web({{"/backed", WebServer::page(Qcow2{.backingFile = "/etc/passwd"}.bytes())},
                   {"/disguised", WebServer::page(Qcow2{}.bytes())},
                   {"/inner", WebServer::redirect("http://169.254.169.254/latest")},
                   {"/other", WebServer::page("other bytes")}});
    Elsewhere far(web);
    const std::string digest =
        R"(,"validation_data":{"os_hash_algo":"sha512","os_hash_value":")" + std::string(128, 'a') + R"("})";
    for (const auto& [path, format, more] :
         {std::tuple{"/backed", "qcow2", std::string()}, std::tuple{"/disguised", "raw", std::string()},
          std::tuple{"/inner", "raw", std::string()}, std::tuple{"/missing", "raw", std::string()},
          std::tuple{"/other", "raw", digest}}) {
        INFO(path);
        const auto image = far.makes(web.url(path), format, more);
        const auto server = far.boots(image);
        CHECK(far.statusOf(server) == "ERROR");
        CHECK(far.volume(far.copies(image)).text("status") == "error");
        CHECK(filesIn(far.cloud.folder() / "volumes") == 0);
    }
    CHECK(filesIn(far.cloud.folder() / "instances") == 0);

    WebServer inner({{"/secret", WebServer::page("secret")}});
    Elsewhere closed(inner, "");
    const auto image = closed.makes(inner.url("/secret"));
    CHECK(closed.statusOf(closed.boots(image)) == "ERROR");
    CHECK(closed.volume(closed.copies(image)).text("status") == "error");
    CHECK(inner.connections() == 0);
}

TEST_CASE("A disk that turns out larger than the flavor's or the volume is not used", "[image][locations][use]") {
    // 2 GiB of nothing, in 256 KiB.
    WebServer web({{"/large", WebServer::page(Qcow2{.virtualBytes = std::uint64_t{2} << 30}.bytes())}});
    Elsewhere far(web);
    const auto image = far.makes(web.url("/large"), "qcow2");
    CHECK(far.statusOf(far.boots(image)) == "ERROR");
    CHECK(far.volume(far.copies(image)).text("status") == "error");
    CHECK(filesIn(far.cloud.folder() / "volumes") + filesIn(far.cloud.folder() / "instances") == 0);
}

TEST_CASE("A server outlives its image: it is rebooted hard after the image was deleted, and the base copy goes with "
          "its last server",
          "[image][use]") {
    Cloud cloud;
    const auto first = cloud.boots(cloud.alice, "first"), second = cloud.boots(cloud.alice, "second");
    const auto bases = cloud.appliance.folder() / "instances" / "_base";
    REQUIRE(filesIn(bases) == 1);
    CHECK(cloud.alice.deletes("/image/v2/images/" + cloud.image).status == 204);
    cloud.appliance.settle();
    CHECK(filesIn(cloud.appliance.folder() / "images") == 0);
    CHECK(filesIn(bases) == 1);
    for (const auto& each : {first, second}) {
        CHECK(cloud.acts(cloud.alice, each, R"({"reboot":{"type":"HARD"}})").status == 202);
        cloud.appliance.settle();
        CHECK(cloud.status(cloud.alice, each) == "ACTIVE");
    }
    CHECK(cloud.asksForServer(cloud.alice, "third").status == 400); // nothing new is made of it
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + first).status == 204);
    cloud.appliance.settle();
    CHECK(filesIn(bases) == 1);
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + second).status == 204);
    cloud.appliance.settle();
    CHECK(becomes([&] { return filesIn(cloud.appliance.folder() / "instances") == 0; }));
}

TEST_CASE("An image that is still there leaves no base copy behind its last server, and boots again", "[image][use]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "only");
    CHECK(cloud.alice.deletes("/compute/v2.1/servers/" + server).status == 204);
    cloud.appliance.settle();
    CHECK(becomes([&] { return filesIn(cloud.appliance.folder() / "instances") == 0; }));
    CHECK(cloud.status(cloud.alice, cloud.boots(cloud.alice, "again")) == "ACTIVE");
}

TEST_CASE("Copies near at hand have their limit: what was not used for the longest time makes room", "[image][cache]") {
    TestAppliance cloud({{"image", "cache", "true"}, {"image", "cache_max_size", "2500"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto uploads = [&](std::size_t bytes) {
        const auto id =
            alice.posts("/image/v2/images", R"({"disk_format":"raw","container_format":"bare"})").json().text("id");
        REQUIRE(alice
                    .puts("/image/v2/images/" + id + "/file", std::string(bytes, 'x'),
                          {{"Content-Type", "application/octet-stream"}})
                    .status == 204);
        return id;
    };
    const auto cached = [&] {
        std::vector<std::string> ids;
        for (const auto& each : admin.gets("/image/v2/cache").json().array("cached_images").items())
            ids.push_back(each.text("image_id"));
        return ids;
    };
    const auto isCached = [&](const std::string& id) {
        const auto all = cached();
        return std::find(all.begin(), all.end(), id) != all.end();
    };
    const auto caches = [&](const std::string& id) {
        REQUIRE(admin.puts("/image/v2/cache/" + id, "").status == 202);
        REQUIRE(becomes([&] { return isCached(id); }));
    };
    const auto first = uploads(1000), second = uploads(1000), third = uploads(1000), huge = uploads(3000);
    caches(first);
    caches(second);
    CHECK(alice.gets("/image/v2/images/" + first + "/file").status == 200); // used: the other one is the older now
    caches(third);
    CHECK(isCached(first));
    CHECK_FALSE(isCached(second));
    cloud.settle();
    CHECK(filesIn(cloud.folder() / "image-cache") == 2);
    CHECK(admin.puts("/image/v2/cache/" + huge, "").status == 400);
    CHECK(cached().size() == 2);
    CHECK(admin.posts("/image/v2/cache/clean", "").status >= 404); // those belong to the command line
    CHECK(admin.posts("/image/v2/cache/prune", "").status >= 404);
}
