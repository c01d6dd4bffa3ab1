#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "appliance/operator/image_fetch.hpp"
#include "platform/resources.hpp"
#include "support/test_appliance.hpp"
#include "support/web_server.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

const std::string bytes(100'000, 'b');

/// A table with one image, which this server publishes.
std::filesystem::path tableOf(const Folder& folder, const WebServer& server) {
    std::ofstream(folder / "images.json")
        << R"({"images":[{"name":"tiny","description":"A tiny one","digest":"sha256","disk_format":"raw","user":"me",)"
        << R"("min_disk":1,"url":")" << server.url("/tiny.img") << R"(","checksums":")" << server.url("/SHA256SUMS")
        << "\"}]}";
    return folder / "images.json";
}

std::string fetches(const TestAppliance& cloud, const std::filesystem::path& table, const std::string& name = "tiny") {
    const Settings settings;
    std::ostringstream out;
    const int code = fetchImage(Asked{settings, cloud.folder(), false, out}, name, table);
    if (code != 0) throw std::runtime_error(out.str());
    return out.str();
}

}

TEST_CASE("An image that is fetched is what its publisher says, and everybody's", "[appliance][operator][image]") {
    const Folder folder;
    std::ofstream(folder / "bytes") << bytes;
    const auto sum = digestOf(folder / "bytes", "sha256");
    CHECK(sum == "768b54e315c41a8d1ae3a29f677bff3b327e238e98e644dc7d566442f5920f8d"); // sha256sum(1)
    WebServer server({{"/tiny.img", WebServer::redirect("/mirror/tiny.img")},
                      {"/mirror/tiny.img", WebServer::page(bytes)},
                      {"/SHA256SUMS", WebServer::page("0000  other.img\n" + sum + " *tiny.img\n")}});
    TestAppliance cloud;
    CHECK_THAT(fetches(cloud, tableOf(folder, server)), Contains("image tiny (") && Contains("its user is me"));
    const auto images = cloud.member("bob").gets("/image/v2/images?name=tiny").json().array("images").items();
    REQUIRE(images.size() == 1);
    CHECK(images[0].text("status") == "active");
    CHECK(images[0].text("visibility") == "public");
    CHECK(images[0].integer("min_disk") == 1);
    CHECK(cloud.admin().gets("/image/v2/images/" + images[0].text("id") + "/file").body == bytes);
}

TEST_CASE("An image whose checksum is another, or that nobody vouches for, is not taken, and nothing is left",
          "[appliance][operator][image]") {
    const Folder folder;
    for (const auto& [sums, why] : std::vector<std::pair<std::string, std::string>>{
             {std::string(64, '0') + "  tiny.img\n", "is not what its publisher says"},
             {std::string(64, '0') + "  other.img\n", "says nothing of tiny.img"},
             {"", "says nothing of tiny.img"}}) {
        WebServer server({{"/tiny.img", WebServer::page(bytes)}, {"/SHA256SUMS", WebServer::page(sums)}});
        TestAppliance cloud;
        CHECK_THROWS_WITH(fetches(cloud, tableOf(folder, server)), Contains(why));
        CHECK(cloud.admin().gets("/image/v2/images").json().array("images").size() == 0);
    }
}

TEST_CASE("Who has no way to the publisher is told how to import an image; an unknown name names the known ones",
          "[appliance][operator][image]") {
    const Folder folder;
    TestAppliance cloud;
    std::filesystem::path table;
    {
        WebServer server({});
        table = tableOf(folder, server);
        CHECK_THROWS_WITH(fetches(cloud, table), Contains("404") && Contains("openstack image create"));
    }
    CHECK_THROWS_WITH(fetches(cloud, table), Contains("openstack image create --public")); // it is gone now
    CHECK_THROWS_WITH(fetches(cloud, table, "huge"), Contains("huge") && Contains("these are: tiny"));
    CHECK_THROWS_WITH(fetches(cloud, folder / "none"), Contains("cannot be read"));
}

TEST_CASE("Checksums are read in the forms of coreutils and BSD, and where one stands alone",
          "[appliance][operator][image]") {
    const std::string sum(64, 'a'), other(64, 'b');
    for (const auto& text : {sum + "  x.img\n", other + "  y.img\n" + sum + " *x.img", sum + "  ./x.img",
                             "# x.img: 5 bytes\nSHA256 (y.img) = " + other + "\nSHA256 (x.img) = " + sum + "\n",
                             "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSHA256 (x.img) = " + sum + "\n",
                             std::string(64, 'A') + "\n"})
        CHECK(checksumOf(text, "x.img") == sum);
    for (const auto& text : {std::string(), std::string("x.img"), sum + "  xx.img",
                             std::string("SHA256 (x.img) = nonsense"), sum + "\n" + other + "\n"})
        CHECK_FALSE(checksumOf(text, "x.img"));
}

TEST_CASE("The table that is shipped has the usual images, each with its checksums, from where they are published",
          "[appliance][operator][image]") {
    const auto all = knownImagesIn(embedded("config/images.json"));
    std::string names;
    for (const auto& each : all) {
        INFO(each.name);
        names += each.name + " ";
        CHECK(each.url.starts_with("https://"));
        CHECK(each.checksums.starts_with("https://"));
        CHECK(each.diskFormat == "qcow2");
        CHECK_FALSE(each.user.empty());
        CHECK_NOTHROW(digestOf("/dev/null", each.digest));
    }
    for (const auto* each : {"debian-12 ", "debian-13 ", "ubuntu-22.04 ", "ubuntu-24.04 ", "fedora-", "rocky-9 ",
                             "alma-9 ", "cirros ", "alpine-"})
        CHECK_THAT(names, Contains(each));
    CHECK_THROWS_WITH(knownImagesIn(R"({"images":[{"name":"x"}]})"), Contains("description"));
    const Settings settings;
    std::ostringstream out;
    CHECK(listImages(Asked{settings, "/nowhere", false, out}, std::nullopt) == 0);
    CHECK_THAT(out.str(), Contains("debian-12") && Contains("https://"));
}
