#include <catch2/catch.hpp>

#include <filesystem>

#include "image/unit/hostile_images.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string makes(const Member& who, std::string more = "", const std::string& diskFormat = "raw") {
    const auto answer = who.posts("/image/v2/images", R"({"name":"guest","disk_format":")" + diskFormat +
                                                          R"(","container_format":"bare")" + more + "}");
    REQUIRE(answer.status == 201);
    return answer.json().text("id");
}

Answer uploads(const Member& who, const std::string& image, std::string data) {
    return who.puts("/image/v2/images/" + image + "/file", std::move(data),
                    {{"Content-Type", "application/octet-stream"}});
}

std::string statusOf(const Member& who, const std::string& image) {
    return who.gets("/image/v2/images/" + image).json().text("status");
}

std::vector<std::string> idsIn(const Answer& answer) {
    REQUIRE(answer.status == 200);
    std::vector<std::string> ids;
    for (const auto& each : answer.json().array("images").items()) ids.push_back(each.text("id"));
    return ids;
}

bool lists(const Member& who, const std::string& image, const std::string& query = "") {
    const auto ids = idsIn(who.gets("/image/v2/images" + query));
    return std::find(ids.begin(), ids.end(), image) != ids.end();
}

Answer patches(const Member& who, const std::string& image, std::string operations) {
    return who.patches("/image/v2/images/" + image, std::move(operations),
                       {{"Content-Type", "application/openstack-images-v2.1-json-patch"}});
}

std::size_t filesIn(const TestAppliance& cloud) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(cloud.folder() / "images")) ++count;
    return count;
}

}

TEST_CASE("An image goes from nothing to its data and back", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice, R"(,"os_distro":"debian","tags":["b","a"])");

    auto shown = alice.gets("/image/v2/images/" + image).json();
    CHECK(shown.text("status") == "queued");
    CHECK(shown.text("visibility") == "shared");
    CHECK(shown.text("owner") == alice.project);
    CHECK(shown.text("os_distro") == "debian");
    CHECK(shown.at("size").isNull());
    CHECK(shown.at("os_hash_algo").isNull());
    CHECK(alice.gets("/image/v2/images/" + image + "/file").status == 204);

    CHECK(uploads(alice, image, "abc").status == 204);
    shown = alice.gets("/image/v2/images/" + image).json();
    CHECK(shown.text("status") == "active");
    CHECK(shown.integer("size") == 3);
    CHECK(shown.integer("virtual_size") == 3);
    CHECK(shown.text("checksum") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(shown.text("os_hash_algo") == "sha512");
    CHECK(shown.text("os_hash_value").substr(0, 16) == "ddaf35a193617aba");

    const auto data = alice.gets("/image/v2/images/" + image + "/file");
    CHECK(data.status == 200);
    CHECK(data.body == "abc");
    CHECK(data.headers["Content-MD5"] == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(data.headers["ETag"] == "\"900150983cd24fb0d6963f7d28e17f72\"");
    CHECK(alice.gets("/image/v2/images/" + image + "/file", {{"If-None-Match", std::string(data.headers["ETag"])}})
              .status == 304);
    CHECK(uploads(alice, image, "again").status == 409);

    CHECK(alice.deletes("/image/v2/images/" + image).status == 204);
    CHECK(alice.gets("/image/v2/images/" + image).status == 404);
    CHECK(alice.deletes("/image/v2/images/" + image).status == 404);
    cloud.settle();
    CHECK(filesIn(cloud) == 0);
    CHECK(cloud.announced("image.image.deleted") == 1);
}

TEST_CASE("A part of an image can be read, and only a part that is there", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    REQUIRE(uploads(alice, image, "0123456789").status == 204);
    const auto reads = [&](const char* range) {
        return alice.gets("/image/v2/images/" + image + "/file", {{"Range", range}});
    };
    for (const auto& [range, bytes, header] :
         {std::tuple{"bytes=2-4", "234", "bytes 2-4/10"}, std::tuple{"bytes=7-", "789", "bytes 7-9/10"},
          std::tuple{"bytes=-2", "89", "bytes 8-9/10"}, std::tuple{"bytes=8-99", "89", "bytes 8-9/10"}}) {
        const auto answer = reads(range);
        CHECK(answer.status == 206);
        CHECK(answer.body == bytes);
        CHECK(answer.headers["Content-Range"] == header);
    }
    for (const auto* range : {"bytes=10-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=-0", "bytes=0-1,3-4"})
        CHECK(reads(range).status == 416);
}

TEST_CASE("What can't be an image is refused with the field's name", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto refusal = [&](std::string body, const std::string& part, int status = 400) {
        const auto answer = alice.posts("/image/v2/images", std::move(body), {{"Accept", "application/json"}});
        CHECK(answer.status == status);
        CHECK(answer.json().text("message").find(part) != std::string::npos);
    };
    refusal(R"({"disk_format":"floppy"})", "disk_format");
    refusal(R"({"container_format":"box"})", "container_format");
    refusal(R"({"visibility":"secret"})", "visibility");
    refusal(R"({"min_ram":-1})", "min_ram");
    refusal(R"({"min_disk":"3"})", "min_disk");
    refusal(R"({"id":"not-an-id"})", "id");
    refusal(R"({"protected":"yes"})", "protected");
    refusal(R"({"tags":"a"})", "tags");
    refusal(R"({"colour":1})", "colour");
    refusal(R"({"name":")" + std::string(256, 'x') + R"("})", "name");
    refusal(R"({"status":"active"})", "status", 403);
    refusal(R"({"os_glance_x":"1"})", "os_glance_x", 403);
    refusal(R"({"owner":"0123456789abcdef0123456789abcdef"})", "add_image", 403);
    refusal(R"({"visibility":"public"})", "publicize_image", 403);
    refusal("[]", "object");
    CHECK(alice.posts("/image/v2/images", "{", {}).status == 400);
    CHECK(idsIn(alice.gets("/image/v2/images")).empty());
}

TEST_CASE("An id of one's own is taken once", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string id = "11111111-2222-4333-8444-555555555555";
    CHECK(makes(alice, R"(,"id":")" + id + "\"") == id);
    CHECK(alice.posts("/image/v2/images", R"({"id":")" + id + "\"}").status == 409);
}

TEST_CASE("Errors come in the form that the client accepts", "[image][dialect]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string path = "/image/v2/images/<script>";
    const auto page = alice.gets(path, {{"Accept", "*/*"}});
    CHECK(page.headers["Content-Type"] == "text/html; charset=UTF-8");
    CHECK(page.body.find("<title>404 Not Found</title>") != std::string::npos);
    CHECK(page.body.find("<script>") == std::string::npos);
    const auto json = alice.gets(path, {{"Accept", "application/json"}});
    CHECK(json.json().text("code") == "404 Not Found");
    CHECK(json.json().text("title") == "Not Found");
    CHECK(alice.gets(path, {{"Accept", "text/plain"}}).body.starts_with("404 Not Found\n\n"));
    CHECK(alice.gets("/image/v2/nothing").status == 404);
    CHECK(alice.gets("/image/v2/images/").status == 404);
    const auto wrongMethod = alice.puts("/image/v2/images", "{}");
    CHECK(wrongMethod.status == 405);
    CHECK(wrongMethod.headers["Allow"] == "GET, POST");
    CHECK_FALSE(page.headers["x-openstack-request-id"].empty());
}

TEST_CASE("Discovery lists the versions, also where a client asks for one that isn't there", "[image][dialect]") {
    TestAppliance cloud;
    for (const auto& [path, status] :
         {std::pair{"/image/", 300}, std::pair{"/image/v1/images", 300}, std::pair{"/image/versions", 200}}) {
        const auto answer = cloud.asks(http::Method::Get, path, "");
        CHECK(answer.status == status);
        const auto first = answer.json().array("versions").items().front();
        CHECK(first.text("id") == "v2.16");
        CHECK(first.text("status") == "CURRENT");
        CHECK(first.array("links").items().front().text("href") == "http://cloud.test/image/v2/");
    }
    CHECK(cloud.asks(http::Method::Get, "/image/v2/images", "").status == 401);
    CHECK(cloud.asks(http::Method::Get, "/image/v2/schemas/image", "").json().text("name") == "image");
    CHECK(cloud.asks(http::Method::Get, "/image/v2/schemas/members", "").json().text("name") == "members");
}

TEST_CASE("A project sees its own images, public ones, and those it has accepted", "[image][members]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto admin = cloud.admin();
    const auto privately = makes(alice, R"(,"visibility":"private")"), shared = makes(alice);
    const auto everybodys = makes(admin, R"(,"visibility":"public")"),
               community = makes(alice, R"(,"visibility":"community")");

    for (const auto& each : {privately, shared}) CHECK(bob.gets("/image/v2/images/" + each).status == 404);
    CHECK(bob.gets("/image/v2/images/" + everybodys).status == 200);
    CHECK(bob.gets("/image/v2/images/" + community).status == 200);
    CHECK(lists(bob, everybodys));
    CHECK_FALSE(lists(bob, community));
    CHECK(lists(bob, community, "?visibility=community"));
    CHECK(lists(alice, community));
    CHECK(bob.deletes("/image/v2/images/" + everybodys).status == 403);
    CHECK(bob.deletes("/image/v2/images/" + privately).status == 404);
    CHECK(patches(bob, community, R"([{"op":"replace","path":"/name","value":"mine"}])").status == 403);

    const auto members = "/image/v2/images/" + shared + "/members";
    const auto invitation = alice.posts(members, R"({"member":")" + bob.project + "\"}");
    CHECK(invitation.status == 200);
    CHECK(invitation.json().text("status") == "pending");
    CHECK(alice.posts(members, R"({"member":")" + bob.project + "\"}").status == 409);
    CHECK(bob.gets("/image/v2/images/" + shared).status == 200);
    CHECK_FALSE(lists(bob, shared));
    CHECK(lists(bob, shared, "?visibility=shared&member_status=pending"));
    CHECK(alice.puts(members + "/" + bob.project, R"({"status":"accepted"})").status == 403);
    CHECK(bob.puts(members + "/" + bob.project, R"({"status":"perhaps"})").status == 400);
    CHECK(bob.puts(members + "/" + bob.project, R"({"status":"accepted"})").status == 200);
    CHECK(lists(bob, shared));
    CHECK(alice.gets(members).json().array("members").size() == 1);
    CHECK(bob.gets(members + "/" + alice.project).status == 404);
    CHECK(bob.posts(members, R"({"member":"somebody"})").status == 403);
    CHECK(alice.posts("/image/v2/images/" + privately + "/members", R"({"member":"somebody"})").status == 403);
    CHECK(alice.deletes(members + "/" + bob.project).status == 204);
    CHECK(bob.gets("/image/v2/images/" + shared).status == 404);
}

TEST_CASE("A reader may look and not touch", "[image][policy]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    const auto rita = cloud.colleague(alice, "rita", "reader");
    CHECK(rita.gets("/image/v2/images/" + image).status == 200);
    CHECK(rita.posts("/image/v2/images", "{}").status == 403);
    CHECK(rita.deletes("/image/v2/images/" + image).status == 403);
    CHECK(uploads(rita, image, "abc").status == 403);
    CHECK(patches(rita, image, R"([{"op":"replace","path":"/name","value":"x"}])").status == 403);
    CHECK(rita.puts("/image/v2/images/" + image + "/tags/a", "").status == 403);
    CHECK(rita.posts("/image/v2/images/" + image + "/actions/deactivate", "").status == 403);
    CHECK(statusOf(alice, image) == "queued");
}

TEST_CASE("A patch changes an image as far as it may be changed", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    const auto changed = patches(
        alice, image,
        R"([{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/os_version","value":"12"},{"op":"replace","path":"/protected","value":true}])");
    CHECK(changed.status == 200);
    CHECK(changed.json().text("name") == "new");
    CHECK(changed.json().text("os_version") == "12");
    CHECK(alice.deletes("/image/v2/images/" + image).status == 403);
    CHECK(patches(alice, image, R"([{"op":"replace","path":"/missing","value":"x"}])").status == 409);
    CHECK(patches(alice, image, R"([{"op":"replace","path":"/owner","value":"somebody"}])").status == 403);
    CHECK(patches(alice, image,
                  R"([{"op":"replace","path":"/name","value":"half"},{"op":"replace","path":"/size","value":1}])")
              .status == 403);
    CHECK(alice.gets("/image/v2/images/" + image).json().text("name") == "new"); // all of a patch, or none of it
    const auto plain = alice.patches("/image/v2/images/" + image, "[]");
    CHECK(plain.status == 415);
    CHECK(plain.headers["Accept-Patch"].find("json-patch") != std::string_view::npos);
    REQUIRE(uploads(alice, image, "abc").status == 204);
    CHECK(patches(alice, image, R"([{"op":"replace","path":"/disk_format","value":"qcow2"}])").status == 403);
}

TEST_CASE("An administrator gives an image to another project, which has it from then on", "[image]") {
    TestAppliance cloud({{"image", "image_count_total", "1"}});
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), admin = cloud.admin();
    const auto image = makes(alice), path = "/image/v2/images/" + image;
    const auto gives = [&](const Member& who, const Member& to) {
        return patches(who, image, R"([{"op":"replace","path":"/owner","value":")" + to.project + "\"}]").status;
    };
    CHECK(gives(alice, bob) == 403);
    CHECK(gives(admin, bob) == 200);
    CHECK(bob.gets(path).json().text("owner") == bob.project);
    CHECK(alice.gets(path).status == 404);
    makes(alice); // its place is free again
    CHECK(bob.posts("/image/v2/images", R"({"name":"one too many"})").status == 413);
}

TEST_CASE("Tags come one by one and end at their limit", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice), tags = "/image/v2/images/" + image + "/tags/";
    for (int each = 0; each < 128; ++each) REQUIRE(alice.puts(tags + std::to_string(each), "").status == 204);
    CHECK(alice.puts(tags + "5", "").status == 204);
    CHECK(alice.puts(tags + "one-more", "").status == 413);
    CHECK(alice.deletes(tags + "5").status == 204);
    CHECK(alice.deletes(tags + "5").status == 404);
    CHECK(alice.puts(tags + std::string(256, 'x'), "").status == 400);
}

TEST_CASE("A deactivated image keeps its data to itself", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice), path = "/image/v2/images/" + image;
    CHECK(alice.posts(path + "/actions/deactivate", "").status == 403);
    REQUIRE(uploads(alice, image, "abc").status == 204);
    for (int twice = 0; twice < 2; ++twice) CHECK(alice.posts(path + "/actions/deactivate", "").status == 204);
    CHECK(statusOf(alice, image) == "deactivated");
    CHECK(alice.gets(path + "/file").status == 403);
    CHECK(cloud.admin().gets(path + "/file").status == 200);
    for (int twice = 0; twice < 2; ++twice) CHECK(alice.posts(path + "/actions/reactivate", "").status == 204);
    CHECK(alice.gets(path + "/file").body == "abc");
}

TEST_CASE("A listing is filtered, sorted and cut into pages that lose nothing", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    std::vector<std::string> made;
    for (const auto* name : {"b", "a", "d", "c", "a"}) {
        const auto answer =
            alice.posts("/image/v2/images", R"({"disk_format":"raw","container_format":"bare","name":")" +
                                                std::string(name) + R"(","colour":"red"})");
        REQUIRE(answer.status == 201);
        made.push_back(answer.json().text("id"));
    }
    REQUIRE(uploads(alice, made[0], std::string(100, 'x')).status == 204);

    std::vector<std::string> names;
    std::string next = "/v2/images?limit=2&sort=name:asc";
    for (int pages = 0; !next.empty() && pages < 10; ++pages) {
        const auto page = alice.gets("/image" + next);
        for (const auto& each : page.json().array("images").items()) names.push_back(each.text("name"));
        next = page.json().text("next", "");
    }
    CHECK(names == std::vector<std::string>{"a", "a", "b", "c", "d"});
    CHECK(idsIn(alice.gets("/image/v2/images?status=active")) == std::vector{made[0]});
    CHECK(idsIn(alice.gets("/image/v2/images?size_min=50&size_max=150")) == std::vector{made[0]});
    CHECK(idsIn(alice.gets("/image/v2/images?name=in:b,d&sort=name:desc")) == std::vector{made[2], made[0]});
    CHECK(idsIn(alice.gets("/image/v2/images?colour=red")).size() == 5);
    CHECK(idsIn(alice.gets("/image/v2/images?colour=blue")).empty());
    CHECK(idsIn(alice.gets("/image/v2/images?limit=0")).empty());
    CHECK(alice.gets("/image/v2/images?marker=00000000-0000-4000-8000-000000000000").status == 400);
    CHECK(alice.gets("/image/v2/images?sort=colour").status == 400);
    CHECK(patches(alice, made[1], R"([{"op":"replace","path":"/os_hidden","value":true}])").status == 200);
    CHECK(idsIn(alice.gets("/image/v2/images")).size() == 4);
    CHECK(idsIn(alice.gets("/image/v2/images?os_hidden=true")) == std::vector{made[1]});
}

TEST_CASE("Each operator of a filter means what it says", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto old = makes(alice, R"(,"tags":["a","b"],"protected":true)");
    cloud.passes(std::chrono::minutes(10));
    const auto middle = makes(alice, R"(,"tags":["a"],"visibility":"community")", "qcow2");
    const auto when = alice.gets("/image/v2/images/" + middle).json().text("created_at");
    cloud.passes(std::chrono::minutes(10));
    const auto young = makes(alice, R"(,"visibility":"private","os_distro":"debian, the best")", "iso");
    using Ids = std::vector<std::string>;
    const auto finds = [&](const std::string& query) {
        return idsIn(alice.gets("/image/v2/images?sort=created_at:asc&" + query));
    };
    for (const auto* time : {"created_at=", "updated_at="}) {
        INFO(time);
        CHECK(finds(time + ("gt:" + when)) == Ids{young});
        CHECK(finds(time + ("gte:" + when)) == Ids{middle, young});
        CHECK(finds(time + ("lt:" + when)) == Ids{old});
        CHECK(finds(time + ("lte:" + when)) == Ids{old, middle});
        CHECK(finds(time + ("eq:" + when)) == Ids{middle});
        CHECK(finds(time + when) == Ids{middle});
        CHECK(finds(time + ("neq:" + when)) == Ids{old, young});
        CHECK(alice.gets(std::string("/image/v2/images?") + time + "near:" + when).status == 400);
    }
    CHECK(finds("disk_format=in:raw,iso") == Ids{old, young});
    CHECK(finds("status=in:queued,active") == Ids{old, middle, young});
    CHECK(finds("id=in:" + old + "," + young) == Ids{old, young});
    CHECK(finds("container_format=in:bare") == Ids{old, middle, young});
    CHECK(finds("name=in:other").empty());
    const auto name = alice.gets("/image/v2/images/" + old).json().text("name");
    CHECK(finds("name=eq:" + name) == Ids{old, middle, young});
    CHECK(finds("name=eq:other").empty());
    CHECK(finds("status=eq:queued") == Ids{old, middle, young});
    CHECK(finds("id=eq:" + old) == Ids{old});
    CHECK(finds("disk_format=eq:iso") == Ids{young});
    CHECK(alice.gets("/image/v2/images?name=near:other").status == 400);
    CHECK(finds("tag=a") == Ids{old, middle});
    CHECK(finds("tag=a&tag=b") == Ids{old});
    CHECK(finds("protected=true") == Ids{old});
    CHECK(finds("protected=false") == Ids{middle, young});
    CHECK(finds("visibility=private") == Ids{young});
    CHECK(finds("visibility=community") == Ids{middle});
    CHECK(finds("os_distro=debian%2C%20the%20best") == Ids{young});
    CHECK(finds("owner=" + alice.project) == Ids{old, middle, young});
    CHECK(finds("owner=somebody").empty());
}

TEST_CASE("An upload needs its media type, its formats and its right", "[image][upload]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto image = makes(alice), path = "/image/v2/images/" + image + "/file";
    CHECK(alice.puts(path, "abc").status == 415);
    CHECK(uploads(bob, image, "abc").status == 404);
    CHECK(uploads(alice, "00000000-0000-4000-8000-000000000000", "abc").status == 404);
    const auto bare = alice.posts("/image/v2/images", "{}").json().text("id");
    CHECK(uploads(alice, bare, "abc").status == 400);
    CHECK(statusOf(alice, image) == "queued");
    CHECK(filesIn(cloud) == 0);
}

TEST_CASE("S1, S2, S3: a hostile image is refused, leaves no file, and can be sent again",
          "[image][upload][security]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto [what, format, data] = GENERATE(table<std::string, std::string, std::string>({
        {"S1 backing file (OSSA-2024-001)", "qcow2", Qcow2{.backingFile = "/etc/passwd"}.bytes()},
        {"S1 data file (CVE-2024-32498)", "qcow2", Qcow2{.dataFile = "/etc/passwd"}.bytes()},
        {"S1 unknown features", "qcow2", Qcow2{.incompatible = 1U << 9}.bytes()},
        {"S2 qcow2 said to be raw (OSSA-2024-002)", "raw", Qcow2{}.bytes()},
        {"S2 vmdk said to be raw", "raw", Vmdk{}.bytes()},
        {"S2 raw said to be qcow2", "qcow2", "just bytes"},
        {"S3 vmdk with a foreign extent (OSSA-2023-002)", "vmdk",
         Vmdk{.extent = "RW 2048 FLAT \"/etc/passwd\" 0"}.bytes()},
        {"S3 vmdk of several files", "vmdk", Vmdk{.type = "twoGbMaxExtentSparse"}.bytes()},
    }));
    INFO(what);
    const auto image = makes(alice, "", format);
    const auto answer = uploads(alice, image, data);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("root:") == std::string::npos);
    CHECK(statusOf(alice, image) == "queued");
    CHECK(filesIn(cloud) == 0);
    CHECK(uploads(alice, image,
                  format == "qcow2"  ? Qcow2{}.bytes()
                  : format == "vmdk" ? Vmdk{}.bytes()
                                     : "abc")
              .status == 204);
}

TEST_CASE("What a crash leaves of images is put right at the next start", "[image][crash]") {
    TestAppliance cloud;
    auto alice = cloud.member("alice");
    const auto image = makes(alice), kept = makes(alice), deleted = makes(alice);
    REQUIRE(uploads(alice, kept, "abc").status == 204);
    REQUIRE(alice.deletes("/image/v2/images/" + deleted).status == 204);
    cloud.settle();
    // As a process leaves it that was killed in the middle of an upload, and one that was killed before a discarded
    // file was gone.
    cloud.appliance().store().write(
        [&](store::Transaction& tx) { tx.execute("UPDATE images SET status = 'saving' WHERE id = ?", image); });
    const auto leave = [&](const std::string& name) { std::ofstream(cloud.folder() / "images" / name) << "half"; };
    leave(image + ".part");
    leave(deleted);

    cloud.restart();

    CHECK(filesIn(cloud) == 1);
    CHECK(statusOf(alice, image) == "queued");
    CHECK(uploads(alice, image, "whole").status == 204);
    CHECK(alice.gets("/image/v2/images/" + kept + "/file").body == "abc");
}

TEST_CASE("Usage is told per project", "[image]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto image = makes(alice);
    REQUIRE(uploads(alice, image, "abc").status == 204);
    const auto usage = alice.gets("/image/v2/info/usage").json().object("usage");
    CHECK(usage.object("image_count_total").integer("usage") == 1);
    CHECK(usage.object("image_size_total").integer("usage") == 1); // MiB, rounded up
    CHECK(usage.object("image_size_total").integer("limit") == -1);
}
