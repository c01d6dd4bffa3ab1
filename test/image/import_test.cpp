#include <catch2/catch.hpp>

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "image/import/web_source.hpp"
#include "image/support.hpp"
#include "image/unit/hostile_images.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"
#include "support/test_appliance.hpp"
#include "support/web_server.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string makes(const Member& who, const std::string& diskFormat = "raw",
                  const std::string& containerFormat = "bare") {
    const auto answer = who.posts("/image/v2/images", R"({"name":"guest","disk_format":")" + diskFormat +
                                                          R"(","container_format":")" + containerFormat + "\"}");
    REQUIRE(answer.status == 201);
    return answer.json().text("id");
}

std::string at(const std::string& image, const std::string& more = "") { return "/image/v2/images/" + image + more; }
Json shows(const Member& who, const std::string& image) { return who.gets(at(image)).json(); }
std::string statusOf(const Member& who, const std::string& image) { return shows(who, image).text("status"); }

Answer stages(const Member& who, const std::string& image, std::string data) {
    return who.puts(at(image, "/stage"), std::move(data), {{"Content-Type", "application/octet-stream"}});
}
Answer uploads(const Member& who, const std::string& image, std::string data, const std::string& store = "") {
    if (store.empty())
        return who.puts(at(image, "/file"), std::move(data), {{"Content-Type", "application/octet-stream"}});
    return who.puts(at(image, "/file"), std::move(data),
                    {{"Content-Type", "application/octet-stream"}, {"X-Image-Meta-Store", store}});
}
Answer imports(const Member& who, const std::string& image, const std::string& method, const std::string& more = "") {
    return who.posts(at(image, "/import"), R"({"method":{"name":")" + method + "\"}" + more + "}");
}
Answer fetches(const Member& who, const std::string& image, const std::string& url, const std::string& more = "") {
    return who.posts(at(image, "/import"),
                     R"({"method":{"name":"web-download","uri":)" + jsonText(url) + "}" + more + "}");
}

Json lastTask(const Member& who, const std::string& image) {
    return who.gets(at(image, "/tasks")).json().array("tasks").items().at(0);
}

/// `files` packed as gzip, xz or zip.
std::string packed(const std::string& how, const std::vector<std::pair<std::string, std::string>>& files) {
    const TemporaryFile file("");
    auto* out = archive_write_new();
    if (how == "zip") {
        archive_write_set_format_zip(out);
    } else {
        archive_write_set_format_raw(out);
        how == "gzip" ? archive_write_add_filter_gzip(out) : archive_write_add_filter_xz(out);
    }
    REQUIRE(archive_write_open_filename(out, file.path().c_str()) == ARCHIVE_OK);
    for (const auto& [name, bytes] : files) {
        auto* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
        archive_write_header(out, entry);
        archive_write_data(out, bytes.data(), bytes.size());
        archive_entry_free(entry);
    }
    archive_write_close(out);
    archive_write_free(out);
    return contentOf(file.path());
}

}

TEST_CASE("Staged data is imported by a job that a task tells of", "[image][import]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    CHECK(imports(alice, image, "glance-direct").status == 409); // nothing is staged
    CHECK(stages(alice, image, "abc").status == 204);
    CHECK(statusOf(alice, image) == "uploading");
    CHECK(stages(alice, image, "abc").status == 409);
    CHECK(alice.gets(at(image, "/file")).status == 204);
    CHECK(alice.gets("/image/v2/info/usage").json().object("usage").object("image_stage_total").integer("usage") == 1);

    const auto answer = imports(alice, image, "glance-direct");
    CHECK(answer.status == 202);
    cloud.settle();
    const auto shown = shows(alice, image);
    CHECK(shown.text("status") == "active");
    CHECK(shown.text("stores") == "file");
    CHECK(shown.integer("size") == 3);
    CHECK(shown.text("checksum") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(shown.text("os_hash_value").substr(0, 16) == "ddaf35a193617aba");
    CHECK(shown.text("os_glance_importing_to_stores").empty());
    CHECK(shown.text("os_glance_failed_import").empty());
    CHECK(alice.gets(at(image, "/file")).body == "abc");
    CHECK(filesIn(cloud.folder() / "staging") == 0);

    const auto task = lastTask(alice, image);
    CHECK(task.text("status") == "success");
    CHECK(task.text("type") == "api_image_import");
    CHECK(task.text("request_id") == answer.headers["x-openstack-request-id"]);
    CHECK(task.object("input").object("import_req").object("method").text("name") == "glance-direct");
    CHECK(alice.gets("/image/v2/info/usage").json().object("usage").object("image_stage_total").integer("usage") == 0);
}

TEST_CASE("An import request that can't be is refused with the field's name", "[image][import]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto image = makes(alice);
    REQUIRE(stages(alice, image, "abc").status == 204);
    const auto refusal = [&](const std::string& body, const std::string& part) {
        const auto answer = alice.posts(at(image, "/import"), body, {{"Accept", "application/json"}});
        CHECK(answer.status == 400);
        CHECK(answer.json().text("message").find(part) != std::string::npos);
    };
    refusal("{}", "method");
    refusal(R"({"method":{}})", "name");
    refusal(R"({"method":{"name":"carrier-pigeon"}})", "carrier-pigeon");
    refusal(R"({"method":{"name":"web-download"}})", "uri");
    refusal(R"({"method":{"name":"glance-direct"},"stores":["moon"]})", "moon");
    refusal(R"({"method":{"name":"glance-direct"},"stores":["file"],"all_stores":true})", "all_stores");
    refusal(R"({"method":{"name":"glance-direct"},"colour":"red"})", "colour");
    CHECK(imports(bob, image, "glance-direct").status == 404);
    CHECK(imports(alice, image, "copy-image", R"(,"all_stores":true)").status == 403);
    CHECK(statusOf(alice, image) == "uploading");
    CHECK(alice.deletes(at(image)).status == 204);
    cloud.settle();
    CHECK(filesIn(cloud.folder() / "staging") == 0);
}

TEST_CASE("S1, S2, S3: a hostile image that was staged is refused, and nothing of it is left",
          "[image][import][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto [what, format, data] = GENERATE(table<std::string, std::string, std::string>({
        {"S1 backing file (OSSA-2024-001)", "qcow2", Qcow2{.backingFile = "/etc/passwd"}.bytes()},
        {"S1 data file (CVE-2024-32498)", "qcow2", Qcow2{.dataFile = "/etc/passwd"}.bytes()},
        {"S2 qcow2 said to be raw (OSSA-2024-002)", "raw", Qcow2{}.bytes()},
        {"S3 vmdk with a foreign extent (OSSA-2023-002)", "vmdk",
         Vmdk{.extent = "RW 2048 FLAT \"/etc/passwd\" 0"}.bytes()},
    }));
    INFO(what);
    const auto image = makes(alice, format);
    REQUIRE(stages(alice, image, data).status == 204);
    REQUIRE(imports(alice, image, "glance-direct").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, image) == "queued");
    CHECK(shows(alice, image).text("os_glance_failed_import") == "file");
    CHECK(lastTask(alice, image).text("status") == "failure");
    CHECK(lastTask(alice, image).text("message").find("refused") != std::string::npos);
    CHECK(filesIn(cloud.folder() / "staging") == 0);
    CHECK(filesIn(cloud.folder() / "images") == 0);
    CHECK(uploads(alice, image,
                  format == "qcow2"  ? Qcow2{}.bytes()
                  : format == "vmdk" ? Vmdk{}.bytes()
                                     : "abc")
              .status == 204);
}

TEST_CASE("An image is fetched from the web, also where the address leads on", "[image][import][web]") {
    WebServer web({{"/image", WebServer::page("from the web")}, {"/moved", WebServer::redirect("/image")}});
    TestAppliance cloud(
        {{"image", "web_download_networks", "127.0.0.0/8"}, {"image", "web_download_ports", web.port()}});
    const auto alice = cloud.member("alice");
    for (const auto* path : {"/image", "/moved"}) {
        const auto image = makes(alice);
        REQUIRE(fetches(alice, image, web.url(path)).status == 202);
        cloud.settle();
        CHECK(statusOf(alice, image) == "active");
        CHECK(alice.gets(at(image, "/file")).body == "from the web");
    }
    const auto missing = makes(alice);
    REQUIRE(fetches(alice, missing, web.url("/nothing")).status == 202);
    cloud.settle();
    CHECK(statusOf(alice, missing) == "queued");
    CHECK(shows(alice, missing).text("os_glance_failed_import") == "file");
    CHECK(lastTask(alice, missing).text("message").find("404") != std::string::npos);
    CHECK(filesIn(cloud.folder() / "staging") == 0);
}

TEST_CASE("S6: web-download connects to no address that is not public (OSSA-2026-004)",
          "[image][import][web][security]") {
    WebServer web({{"/image", WebServer::page("secret")}});
    TestAppliance cloud({{"image", "web_download_ports", "80, 443, " + web.port()}});
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    const auto port = ":" + web.port() + "/image";
    for (const auto& host : {"127.0.0.1",
                             "127.1",
                             "2130706433",
                             "0x7f000001",
                             "0x7f.1",
                             "0177.0.0.1",
                             "017700000001",
                             "127.0.0.2",
                             "0.0.0.0",
                             "0",
                             "[::1]",
                             "[::]",
                             "[::ffff:127.0.0.1]",
                             "[::ffff:7f00:1]",
                             "[::127.0.0.1]",
                             "10.0.0.1",
                             "10.255.255.255",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.0.1",
                             "169.254.169.254",
                             "[fe80::1]",
                             "[fd00::1]",
                             "[fc00::1]",
                             "100.64.0.1",
                             "198.18.0.1",
                             "192.0.2.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "[ff02::1]",
                             "[64:ff9b::7f00:1]",
                             "[2002:7f00:1::1]",
                             "[2001:db8::1]",
                             "[100::1]",
                             "192.0.0.1",
                             "203.0.113.9",
                             "[fec0::1]",
                             "240.0.0.1",
                             "[2001::1]",
                             "198.51.100.7",
                             "0300.0250.0.1",
                             "0xa9fea9fe",
                             "2852039166",
                             "169.254.43518",
                             "[fe80::1%25lo]",
                             "[64:ff9b:1::7f00:1]",
                             "[::ffff:0:127.0.0.1]",
                             "[::ffff:10.0.0.1]",
                             "[::ffff:a9fe:a9fe]"}) {
        INFO(host);
        CHECK(fetches(alice, image, std::string("http://") + host + port).status == 400);
    }
    CHECK(statusOf(alice, image) == "queued");
    // A name is only known when it has been looked up.
    REQUIRE(fetches(alice, image, "http://localhost" + port).status == 202);
    cloud.settle();
    CHECK(statusOf(alice, image) == "queued");
    CHECK(lastTask(alice, image).text("message").find("not a public one") != std::string::npos);
    CHECK(web.connections() == 0);
}

TEST_CASE("S6: each redirect is held to the same rules", "[image][import][web][security]") {
    WebServer inner({{"/secret", WebServer::page("secret")}});
    WebServer web({{"/port", WebServer::redirect("http://127.0.0.1:" + inner.port() + "/secret")},
                   {"/address", WebServer::redirect("http://127.0.0.2:" + std::string("80") + "/")},
                   {"/private", WebServer::redirect("http://169.254.169.254/latest/")},
                   {"/file", WebServer::redirect("file:///etc/passwd")},
                   {"/gopher", WebServer::redirect("gopher://127.0.0.1/")},
                   {"/round", WebServer::redirect("/round")}});
    TestAppliance cloud(
        {{"image", "web_download_networks", "127.0.0.1"}, {"image", "web_download_ports", "80, " + web.port()}});
    const auto alice = cloud.member("alice");
    for (const auto* path : {"/port", "/address", "/private", "/file", "/gopher", "/round"}) {
        INFO(path);
        const auto image = makes(alice);
        REQUIRE(fetches(alice, image, web.url(path)).status == 202);
        cloud.settle();
        CHECK(statusOf(alice, image) == "queued");
        CHECK(lastTask(alice, image).text("status") == "failure");
        CHECK(lastTask(alice, image).text("message").find("refused") != std::string::npos);
    }
    CHECK(inner.connections() == 0);
}

TEST_CASE("S8: nothing but http and https is ever imported (OSSA-2025-001)", "[image][import][web][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    for (const auto* url : {"file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.org/x", "gopher://example.org/",
                            "dict://example.org/", "/etc/passwd", "", "http://", "http://user:password@example.org/",
                            "http://example.org:22/", "http://exa mple.org/", "http://example.org/\r\nX: y",
                            "https://example.org:99999/", "javascript:1", "cinder://1"}) {
        INFO(url);
        CHECK(fetches(alice, image, url).status == 400);
    }
    CHECK(statusOf(alice, image) == "queued");
    CHECK(alice.gets(at(image, "/tasks")).json().array("tasks").size() == 0);
}

TEST_CASE("A download that is larger than allowed ends as soon as it is", "[image][import][web]") {
    WebServer web({{"/big", WebServer::page(std::string(2 << 20, 'x'))}});
    TestAppliance cloud({{"image", "web_download_networks", "127.0.0.0/8"},
                         {"image", "web_download_ports", web.port()},
                         {"image", "image_size_cap", "1048576"}});
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    REQUIRE(fetches(alice, image, web.url("/big")).status == 202);
    cloud.settle();
    CHECK(statusOf(alice, image) == "queued");
    CHECK(lastTask(alice, image).text("message").find("larger") != std::string::npos);
    CHECK(filesIn(cloud.folder() / "staging") == 0);
}

// S36: what depends on a stranger's speed stands in nobody's way.
TEST_CASE("Trickling downloads of one project stop neither others' downloads nor anything else",
          "[image][import][web][lanes]") {
    TricklingServer slow;
    WebServer web({{"/small", WebServer::page(std::string(1024, 'x'))}});
    TestAppliance cloud({{"image", "web_download_networks", "127.0.0.0/8"},
                         {"image", "web_download_ports", slow.port() + ", " + web.port()}});
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    std::vector<std::string> images;
    for (int each = 0; each < 16; ++each) {
        images.push_back(makes(alice));
        REQUIRE(fetches(alice, images.back(), slow.url()).status == 202);
    }
    const auto soon = [](const auto& holds) {
        for (int tries = 0; tries < 1000 && !holds(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return holds();
    };
    REQUIRE(soon([&] { return slow.peers() == 4; })); // half of the lane

    const auto volume =
        alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})").json().object("volume").text("id");
    CHECK(soon([&] {
        return alice.gets("/volume/v3/{project}/volumes/" + volume).json().object("volume").text("status") ==
               "available";
    }));
    const auto mine = makes(bob);
    REQUIRE(fetches(bob, mine, web.url("/small")).status == 202);
    CHECK(soon([&] { return statusOf(bob, mine) == "active"; }));
    CHECK(slow.peers() == 4);

    for (const auto& each : images) CHECK(alice.deletes(at(each, "")).status == 204); // which cancels what is going on
    cloud.settle();
    CHECK(filesIn(cloud.folder() / "staging") == 0);
}

TEST_CASE("A download that is slower than allowed is given up, and not tried again", "[image][import][web]") {
    TricklingServer slow;
    const image::WebSource source(
        image::AddressRules({"127.0.0.0/8"}, {static_cast<std::uint16_t>(std::stoi(slow.port()))}),
        {.bytesPerSecondMin = 10000, .window = std::chrono::seconds(2)});
    try {
        source.fetch({.url = slow.url(), .bytesMax = 1 << 20}, [](auto) {});
        FAIL("it came");
    } catch (const Error& error) {
        CHECK(error.failure() == Failure::Invalid);
        CHECK(std::string(error.what()).find("too slowly") != std::string::npos);
    }
}

TEST_CASE("An image is in several stores, copied between them, and out of one again", "[image][stores]") {
    TestAppliance cloud({{"image", "stores", "fast, slow"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto stores = alice.gets("/image/v2/info/stores").json().array("stores").items();
    REQUIRE(stores.size() == 2);
    CHECK(stores[0].text("id") == "fast");
    CHECK(stores[0].text("default") == "true");
    CHECK_FALSE(stores[1].has("default"));
    CHECK(alice.gets("/image/v2/info/stores/detail").status == 403);
    CHECK(admin.gets("/image/v2/info/stores/detail").json().array("stores").items()[0].text("type") == "file");

    const auto both = makes(alice), one = makes(alice), chosen = makes(alice);
    REQUIRE(stages(alice, both, "abc").status == 204);
    REQUIRE(imports(alice, both, "glance-direct", R"(,"all_stores":true)").status == 202);
    REQUIRE(stages(alice, chosen, "abc").status == 204);
    REQUIRE(imports(alice, chosen, "glance-direct", R"(,"stores":["slow"])").status == 202);
    REQUIRE(uploads(alice, one, "abc").status == 204);
    cloud.settle();
    CHECK(shows(alice, both).text("stores") == "fast,slow");
    CHECK(shows(alice, chosen).text("stores") == "slow");
    CHECK(shows(alice, one).text("stores") == "fast");
    CHECK(filesIn(cloud.folder() / "images") == 2);
    CHECK(filesIn(cloud.folder() / "images-slow") == 2);

    REQUIRE(imports(admin, one, "copy-image", R"(,"all_stores":true,"all_stores_must_succeed":false)").status == 202);
    cloud.settle();
    CHECK(shows(alice, one).text("stores") == "fast,slow");
    CHECK(shows(alice, one).text("status") == "active");
    CHECK(shows(alice, one).text("os_glance_importing_to_stores").empty());
    CHECK(imports(admin, one, "copy-image", R"(,"stores":["slow"])").status == 409);

    CHECK(alice.deletes("/image/v2/stores/fast/" + one).status == 403);
    CHECK(admin.deletes("/image/v2/stores/moon/" + one).status == 404);
    CHECK(admin.deletes("/image/v2/stores/fast/" + chosen).status == 404);
    CHECK(admin.deletes("/image/v2/stores/slow/" + chosen).status == 403); // its last copy
    CHECK(admin.deletes("/image/v2/stores/fast/" + one).status == 204);
    cloud.settle();
    CHECK(shows(alice, one).text("stores") == "slow");
    CHECK(filesIn(cloud.folder() / "images") == 1);
    CHECK(alice.gets(at(one, "/file")).body == "abc");
    const auto elsewhere = makes(alice);
    CHECK(uploads(alice, elsewhere, "abc", "moon").status == 400);
    CHECK(uploads(alice, elsewhere, "abc", "slow").status == 204);
    CHECK(shows(alice, elsewhere).text("stores") == "slow");
    for (const auto& each : {both, one, chosen, elsewhere}) CHECK(alice.deletes(at(each)).status == 204);
    cloud.settle();
    CHECK(filesIn(cloud.folder() / "images") + filesIn(cloud.folder() / "images-slow") == 0);
}

TEST_CASE("S7: an image whose bytes have changed is not copied (OSSA-2024-004)", "[image][stores][security]") {
    TestAppliance cloud({{"image", "stores", "fast, slow"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto image = makes(alice);
    REQUIRE(uploads(alice, image, "abc").status == 204);
    std::ofstream(cloud.folder() / "images" / image) << "abd";
    REQUIRE(imports(admin, image, "copy-image", R"(,"all_stores":true)").status == 202);
    cloud.settle();
    CHECK(shows(alice, image).text("stores") == "fast");
    CHECK(shows(alice, image).text("status") == "active");
    CHECK(shows(alice, image).text("os_glance_failed_import") == "slow");
    CHECK(filesIn(cloud.folder() / "images-slow") == 0);
}

TEST_CASE("A compressed image is unpacked on its way in, whichever way it was packed", "[image][import]") {
    TestAppliance cloud({{"image", "import_unpack", "true"}, {"image", "image_size_cap", "4194304"}});
    const auto alice = cloud.member("alice");
    for (const auto* how : {"gzip", "xz", "zip"}) {
        INFO(how);
        const auto image = makes(alice, "qcow2", "compressed");
        REQUIRE(stages(alice, image, packed(how, {{"disk", Qcow2{}.bytes()}})).status == 204);
        REQUIRE(imports(alice, image, "glance-direct").status == 202);
        cloud.settle();
        CHECK(shows(alice, image).text("status") == "active");
        CHECK(shows(alice, image).text("container_format") == "bare");
        CHECK(shows(alice, image).integer("virtual_size") == 1 << 20);
        CHECK(alice.gets(at(image, "/file")).body == Qcow2{}.bytes());
    }
}

TEST_CASE("S5: a bomb, two files, a path, and what isn't packed at all are refused", "[image][import][security]") {
    TestAppliance cloud({{"image", "import_unpack", "true"}, {"image", "image_size_cap", "1048576"}});
    const auto alice = cloud.member("alice");
    const auto [what, data] = GENERATE(table<std::string, std::string>({
        {"gzip bomb", packed("gzip", {{"disk", std::string(16 << 20, '\0')}})},
        {"xz bomb", packed("xz", {{"disk", std::string(16 << 20, '\0')}})},
        {"zip bomb", packed("zip", {{"disk", std::string(16 << 20, '\0')}})},
        {"two files", packed("zip", {{"disk", "a"}, {"other", "b"}})},
        {"plain", "just bytes"},
        {"cut off", packed("gzip", {{"disk", Qcow2{}.bytes()}}).substr(0, 100)},
        {"hostile inside", packed("gzip", {{"disk", Qcow2{.backingFile = "/etc/passwd"}.bytes()}})},
        {"packed twice", packed("gzip", {{"disk", packed("gzip", {{"disk", Qcow2{}.bytes()}})}})},
    }));
    INFO(what);
    const auto image = makes(alice, "qcow2", "compressed");
    REQUIRE(stages(alice, image, data).status == 204);
    REQUIRE(imports(alice, image, "glance-direct").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, image) == "queued");
    CHECK(lastTask(alice, image).text("message").find("refused") != std::string::npos);
    CHECK(filesIn(cloud.folder() / "staging") == 0);
    CHECK(filesIn(cloud.folder() / "images") == 0);
}

TEST_CASE("An image is converted on its way in, after it has been inspected", "[image][import]") {
    if (process::run({.argv = {"qemu-img", "--version"}}).exitCode == 127) {
        WARN("skipped: there is no qemu-img");
        return;
    }
    const auto [from, to] = GENERATE(table<std::string, std::string>({{"qcow2", "raw"}, {"raw", "qcow2"}}));
    TestAppliance cloud({{"image", "import_convert_to", to}});
    const auto alice = cloud.member("alice");
    const auto image = makes(alice, from);
    REQUIRE(stages(alice, image, from == "qcow2" ? Qcow2{}.bytes() : std::string(1 << 20, '\0')).status == 204);
    REQUIRE(imports(alice, image, "glance-direct").status == 202);
    cloud.settle();
    const auto shown = shows(alice, image);
    CHECK(shown.text("status") == "active");
    CHECK(shown.text("disk_format") == to);
    CHECK(shown.integer("virtual_size") == 1 << 20);
    CHECK(alice.gets(at(image, "/file")).body.starts_with("QFI\xfb") == (to == "qcow2"));

    const auto hostile = makes(alice, from);
    REQUIRE(stages(alice, hostile, Qcow2{.backingFile = "/etc/passwd"}.bytes()).status == 204);
    REQUIRE(imports(alice, hostile, "glance-direct").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, hostile) == "queued");
    CHECK(shows(alice, hostile).text("disk_format") == from);
}

TEST_CASE("S5: a disk that would be too large when converted is refused", "[image][import][security]") {
    TestAppliance cloud({{"image", "import_convert_to", "raw"}, {"image", "image_size_cap", "1073741824"}});
    const auto alice = cloud.member("alice");
    const auto image = makes(alice, "qcow2");
    REQUIRE(stages(alice, image, Qcow2{.virtualBytes = std::uint64_t{1} << 40}.bytes()).status == 204);
    REQUIRE(imports(alice, image, "glance-direct").status == 202);
    cloud.settle();
    CHECK(statusOf(alice, image) == "queued");
    CHECK(lastTask(alice, image).text("message").find("more than 1073741824 bytes") != std::string::npos);
}

TEST_CASE("Properties are set on what users import, and not on what administrators import", "[image][import]") {
    TestAppliance cloud({{"image", "import_properties", "origin=import, os_hash=none"}});
    for (const auto& who : {cloud.member("alice"), cloud.admin()}) {
        const auto image = makes(who);
        REQUIRE(stages(who, image, "abc").status == 204);
        REQUIRE(imports(who, image, "glance-direct").status == 202);
        cloud.settle();
        CHECK(shows(who, image).has("origin") == (who.name == "alice"));
    }
}

TEST_CASE("A task that imports makes an image of its own, for administrators", "[image][tasks]") {
    WebServer web({{"/image", WebServer::page("from the web")}});
    TestAppliance cloud(
        {{"image", "web_download_networks", "127.0.0.0/8"}, {"image", "web_download_ports", web.port()}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto body = [&](const std::string& url) {
        return R"({"type":"import","input":{"import_from":")" + url +
               R"(","import_from_format":"raw","image_properties":{"name":"tasked","container_format":"bare"}}})";
    };
    CHECK(alice.posts("/image/v2/tasks", body(web.url("/image"))).status == 403);
    CHECK(alice.gets("/image/v2/tasks").status == 403);
    CHECK(admin.posts("/image/v2/tasks", body("file:///etc/passwd")).status == 400);
    CHECK(admin.posts("/image/v2/tasks", R"({"type":"export","input":{}})").status == 400);
    CHECK(admin.gets("/image/v2/images").json().array("images").size() == 0);
    const auto made = admin.posts("/image/v2/tasks", body(web.url("/image")));
    REQUIRE(made.status == 201);
    cloud.settle();
    const auto task = admin.gets("/image/v2/tasks/" + made.json().text("id")).json();
    CHECK(task.text("status") == "success");
    const auto image = task.object("result").text("image_id");
    CHECK(shows(admin, image).text("name") == "tasked");
    CHECK(admin.gets(at(image, "/file")).body == "from the web");
    CHECK(admin.gets("/image/v2/tasks?limit=1&status=success").json().array("tasks").size() == 1);
    CHECK(admin.gets("/image/v2/tasks?status=failure").json().array("tasks").size() == 0);
    CHECK(admin.gets("/image/v2/tasks?sort_key=colour").status == 400);
    CHECK(admin.gets("/image/v2/tasks/nothing").status == 404);
    CHECK(admin.gets("/image/v2/schemas/tasks").json().text("name") == "tasks");
}

TEST_CASE("Quotas of bytes, of images, of the staging area and of what comes in are each 413", "[image][quota]") {
    SECTION("images") {
        TestAppliance cloud({{"image", "image_count_total", "1"}});
        const auto alice = cloud.member("alice");
        makes(alice);
        CHECK(alice.posts("/image/v2/images", "{}").status == 413);
    }
    SECTION("bytes, also those of a second copy") {
        TestAppliance cloud({{"image", "image_size_total", "1"}, {"image", "stores", "fast, slow"}});
        const auto alice = cloud.member("alice"), admin = cloud.admin();
        const auto image = makes(alice);
        CHECK(uploads(alice, image, std::string((1 << 20) + 1, 'x')).status == 413);
        CHECK(statusOf(alice, image) == "queued");
        CHECK(uploads(alice, image, std::string(600 << 10, 'x')).status == 204);
        CHECK(imports(admin, image, "copy-image", R"(,"all_stores":true)").status == 413);
        const auto other = makes(alice);
        REQUIRE(stages(alice, other, std::string(600 << 10, 'x')).status == 204);
        CHECK(imports(alice, other, "glance-direct").status == 413);
        CHECK(statusOf(alice, other) == "uploading");
    }
    SECTION("the staging area") {
        TestAppliance cloud({{"image", "image_stage_total", "1"}});
        const auto alice = cloud.member("alice");
        const auto image = makes(alice);
        CHECK(stages(alice, image, std::string((1 << 20) + 1, 'x')).status == 413);
        CHECK(statusOf(alice, image) == "queued");
        CHECK(filesIn(cloud.folder() / "staging") == 0);
        CHECK(stages(alice, image, std::string(1 << 20, 'x')).status == 204);
    }
    SECTION("what comes in") {
        TestAppliance cloud({{"image", "image_count_uploading", "1"}});
        const auto alice = cloud.member("alice");
        const auto first = makes(alice), second = makes(alice);
        REQUIRE(stages(alice, first, "abc").status == 204);
        CHECK(stages(alice, second, "abc").status == 413);
        CHECK(uploads(alice, second, "abc").status == 413);
        CHECK(fetches(alice, second, "http://example.org/").status == 413);
        REQUIRE(imports(alice, first, "glance-direct").status == 202);
        cloud.settle();
        CHECK(uploads(alice, second, "abc").status == 204);
    }
}

TEST_CASE("Locations are shown and changed only where the configuration says so", "[image][locations]") {
    const std::string patch = "application/openstack-images-v2.1-json-patch";
    const auto patches = [&](const Member& who, const std::string& image, const std::string& operations) {
        return who.patches(at(image), operations, {{"Content-Type", patch}});
    };
    SECTION("not by default") {
        TestAppliance cloud;
        const auto alice = cloud.member("alice");
        const auto image = makes(alice);
        CHECK_FALSE(shows(alice, image).has("locations"));
        CHECK(patches(alice, image,
                      R"([{"op":"add","path":"/locations/-","value":{"url":"http://example.org/x","metadata":{}}}])")
                  .status == 403);
        CHECK(patches(alice, image,
                      R"([{"op":"add","path":"/locations/-","value":{"url":"file:///etc/passwd","metadata":{}}}])")
                  .status == 403);
        CHECK(alice.gets(at(image, "/locations")).status == 404);
        REQUIRE(uploads(alice, image, "abc").status == 204);
        CHECK_FALSE(shows(alice, image).has("direct_url"));
    }
    SECTION("where they are switched on") {
        WebServer web({{"/image", WebServer::page("elsewhere")}});
        TestAppliance cloud({{"image", "show_multiple_locations", "true"},
                             {"image", "web_download_networks", "127.0.0.0/8"},
                             {"image", "web_download_ports", web.port()}});
        const auto alice = cloud.member("alice"), admin = cloud.admin();
        const auto image = makes(alice);
        CHECK(shows(alice, image).array("locations").size() == 0);
        CHECK(patches(alice, image,
                      R"([{"op":"add","path":"/locations/-","value":{"url":"file:///etc/passwd","metadata":{}}}])")
                  .status == 400);
        CHECK(patches(alice, image,
                      R"([{"op":"add","path":"/locations/-","value":{"url":")" + web.url("/image") +
                          R"(","metadata":{"a":"b"}}}])")
                  .status == 200);
        const auto shown = shows(alice, image);
        CHECK(shown.text("status") == "active");
        CHECK(shown.text("direct_url") == web.url("/image"));
        CHECK(shown.array("locations").items().at(0).object("metadata").text("a") == "b");
        CHECK(alice.gets(at(image, "/file")).body == "elsewhere");
        CHECK(patches(alice, image, R"([{"op":"remove","path":"/locations/0"}])").status == 403);
        const auto second = alice.posts(at(image, "/locations"), R"({"url":"http://example.org/2","metadata":{}})");
        CHECK(second.status == 200);
        CHECK(alice.gets(at(image, "/locations")).json().items().size() == 2);
        CHECK(patches(alice, image, R"([{"op":"remove","path":"/locations/0"}])").status ==
              403); // by policy an admin's
        CHECK(patches(admin, image, R"([{"op":"remove","path":"/locations/0"}])").status == 200);
        CHECK(shows(alice, image).text("direct_url") == "http://example.org/2");
        const auto own = makes(alice);
        REQUIRE(uploads(alice, own, "abc").status == 204);
        const auto url = shows(alice, own).text("direct_url");
        CHECK(url == "file://file/" + own); // no path of the host
    }
}

TEST_CASE("Copies near at hand are made, used and given up when an administrator asks", "[image][cache]") {
    TestAppliance cloud({{"image", "cache", "true"}});
    const auto alice = cloud.member("alice"), admin = cloud.admin();
    const auto image = makes(alice), queued = makes(alice);
    CHECK(alice.gets("/image/v2/cache").status == 403);
    CHECK(admin.puts("/image/v2/cache/nothing", "").status == 404);
    CHECK(admin.puts("/image/v2/cache/" + queued, "").status == 400);
    REQUIRE(uploads(alice, image, "abc").status == 204);
    CHECK(admin.puts("/image/v2/cache/" + image, "").status == 202);
    CHECK(admin.gets("/image/v2/cache").json().array("queued_images").items().at(0).text() == image);
    for (int tries = 0; tries < 1000 && admin.gets("/image/v2/cache").json().array("cached_images").size() == 0;
         ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(filesIn(cloud.folder() / "image-cache") == 1);
    std::filesystem::remove(cloud.folder() / "images" / image);
    CHECK(alice.gets(at(image, "/file")).body == "abc");
    const auto cached = admin.gets("/image/v2/cache").json().array("cached_images").items();
    REQUIRE(cached.size() == 1);
    CHECK(cached[0].text("image_id") == image);
    CHECK(cached[0].integer("hits") == 1);
    CHECK(admin.deletes("/image/v2/cache", {{"x-image-cache-clear-target", "everything"}}).status == 400);
    CHECK(admin.deletes("/image/v2/cache", {{"x-image-cache-clear-target", "queue"}}).status == 204);
    CHECK(admin.gets("/image/v2/cache").json().array("cached_images").size() == 1);
    CHECK(admin.deletes("/image/v2/cache/" + image).status == 204);
    CHECK(admin.deletes("/image/v2/cache/" + image).status == 404);
    cloud.settle();
    CHECK(filesIn(cloud.folder() / "image-cache") == 0);
}

TEST_CASE("What a crash leaves in the staging area is put right at the next start", "[image][import][crash]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto half = makes(alice), whole = makes(alice), deleted = makes(alice);
    REQUIRE(stages(alice, whole, "abc").status == 204);
    REQUIRE(alice.deletes(at(deleted)).status == 204);
    cloud.settle();
    cloud.appliance().store().write(
        [&](store::Transaction& tx) { tx.execute("UPDATE images SET status = 'uploading' WHERE id = ?", half); });
    std::ofstream(cloud.folder() / "staging" / "sent" / (half + ".part")) << "ab";
    std::ofstream(cloud.folder() / "staging" / "unpacked" / deleted) << "ab";
    cloud.restart();
    CHECK(statusOf(alice, half) == "queued");
    CHECK(statusOf(alice, whole) == "uploading");
    CHECK(filesIn(cloud.folder() / "staging") == 1);
    REQUIRE(imports(alice, whole, "glance-direct").status == 202);
    cloud.settle();
    CHECK(alice.gets(at(whole, "/file")).body == "abc");
}

TEST_CASE("How many images a project may have is what the unified limits say", "[image][quota]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    std::string service;
    for (const auto& each : admin.gets("/identity/v3/services?type=image").json().array("services").items())
        service = each.text("id");
    REQUIRE(admin
                .posts("/identity/v3/registered_limits",
                       R"({"registered_limits":[{"service_id":")" + service +
                           R"(","resource_name":"image_count_total","default_limit":1}]})")
                .status == 201);
    REQUIRE(admin
                .posts("/identity/v3/limits", R"({"limits":[{"service_id":")" + service + R"(","project_id":")" +
                                                  bob.project +
                                                  R"(","resource_name":"image_count_total","resource_limit":2}]})")
                .status == 201);
    const auto makes = [](const Member& who) { return who.posts("/image/v2/images", "{}").status; };
    CHECK(makes(alice) == 201);
    CHECK(makes(alice) == 413);
    CHECK(makes(bob) == 201);
    CHECK(makes(bob) == 201);
    CHECK(makes(bob) == 413);
    CHECK(alice.gets("/image/v2/info/usage").json().object("usage").object("image_count_total").integer("limit") == 1);
}
