#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "hostile_images.hpp"
#include "image/data/digests.hpp"
#include "image/driver/file_store.hpp"
#include "image/image_patch.hpp"
#include "image/image_query.hpp"

using namespace stratolet;
using namespace stratolet::image;

namespace {

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

http::Request patch(std::string body, std::string type = "application/openstack-images-v2.1-json-patch") {
    http::Request request;
    request.headers.add("Content-Type", std::move(type));
    request.body = std::move(body);
    return request;
}

Failure refusalOf(std::string body, ImageRecord image = {}) {
    try {
        amend(image, changesIn(patch(std::move(body))));
    } catch (const Error& error) {
        return error.failure();
    }
    FAIL("it was not refused");
    std::abort();
}

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "stratolet-images-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

const ImageId one{"00000000-0000-4000-8000-000000000001"}, two{"00000000-0000-4000-8000-000000000002"};

}

TEST_CASE("Digests are md5 and sha512 of everything appended", "[image][digests]") {
    Digests digests;
    digests.append(bytesOf("ab"));
    digests.append(bytesOf("c"));
    const auto result = digests.finish();
    CHECK(result.md5 == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(result.sha512 == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3f"
                           "eebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("Digests that nobody wants end quietly", "[image][digests]") {
    Digests digests;
    const std::string piece(1 << 20, 'x');
    for (int each = 0; each < 20; ++each) digests.append(bytesOf(piece));
}

TEST_CASE("The file store keeps what is committed and nothing else", "[image][file]") {
    const Folder folder;
    const auto store = fileImageStore(folder.path / "images");
    {
        const auto sink = store->receive(one);
        sink->append(bytesOf("data"));
        CHECK(std::filesystem::file_size(sink->path()) == 4);
        CHECK_FALSE(store->find(one));
        CHECK(store->present() == std::vector{one}); // an unfinished upload can be found, to be removed
        sink->commit();
    }
    { store->receive(two)->append(bytesOf("lost")); }
    CHECK(store->present() == std::vector{one});
    REQUIRE(store->find(one));
    CHECK(std::filesystem::status(store->find(one)->parent_path()).permissions() == std::filesystem::perms::owner_all);
    store->discard(one);
    store->discard(one);
    CHECK_FALSE(store->find(one));
    CHECK(store->present().empty());
}

TEST_CASE("The file store never leaves its folder", "[image][file][security]") {
    const Folder folder;
    const auto store = fileImageStore(folder.path);
    for (const auto* id : {"../../etc/passwd", "", "x", "00000000-0000-4000-8000-0000000000/1"})
        CHECK_THROWS_AS(store->receive({id}), Error);
}

TEST_CASE("Both kinds of patch change attributes and properties", "[image][patch]") {
    ImageRecord image;
    image.properties.emplace("old", "1");
    amend(
        image,
        changesIn(patch(
            R"([{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/a~1b","value":"x"},{"op":"remove","path":"/old"}])")));
    amend(image, changesIn(patch(R"([{"replace":"/min_disk","value":3},{"add":"/tags","value":["b","a","b"]}])",
                                 "application/openstack-images-v2.0-json-patch")));
    CHECK(image.name == "new");
    CHECK(image.minDisk == GiB{3});
    CHECK(image.tags == std::vector<std::string>{"a", "b"});
    CHECK(image.properties == std::map<std::string, std::string>{{"a/b", "x"}});
}

TEST_CASE("A patch is refused for its own reason", "[image][patch]") {
    CHECK(refusalOf(R"([{"op":"replace","path":"/missing","value":"x"}])") == Failure::Conflict);
    CHECK(refusalOf(R"([{"op":"remove","path":"/missing"}])") == Failure::Conflict);
    CHECK(refusalOf(R"([{"op":"remove","path":"/name"}])") == Failure::Forbidden);
    CHECK(refusalOf(R"([{"op":"replace","path":"/status","value":"active"}])") == Failure::Forbidden);
    CHECK(refusalOf(R"([{"op":"add","path":"/os_glance_x","value":"1"}])") == Failure::Forbidden);
    CHECK(refusalOf(R"([{"op":"add","path":"/locations/-","value":{"url":"file:///etc/passwd"}}])") ==
          Failure::Invalid); // S8
    CHECK(refusalOf(R"([{"op":"replace","path":"/visibility","value":"secret"}])") == Failure::Invalid);
    CHECK(refusalOf(R"([{"op":"replace","path":"/min_ram","value":-1}])") == Failure::Invalid);
    CHECK(refusalOf(R"([{"op":"add","path":"/a/b","value":"x"}])") == Failure::Invalid);
    CHECK(refusalOf(R"([{"op":"add","path":"nothing","value":"x"}])") == Failure::Invalid);
    CHECK(refusalOf(R"([{"op":"move","path":"/name","value":"x"}])") == Failure::Invalid);
    CHECK(refusalOf(R"([{"op":"add","path":"/number","value":1}])") == Failure::Invalid);
    CHECK(refusalOf(R"({"op":"add"})") == Failure::Invalid);
    CHECK_THROWS_AS(changesIn(patch("[]", "application/json")), Error);
}

TEST_CASE("A listing's parameters are understood or refused", "[image][query]") {
    const auto refuses = [](std::string_view text) {
        try {
            imageQueryIn(http::Query::parse(text));
        } catch (const Error& error) {
            return error.failure() == Failure::Invalid;
        }
        return false;
    };
    CHECK(imageQueryIn(http::Query::parse("")).listing.limit == 25);
    CHECK(imageQueryIn(http::Query::parse("limit=5000")).listing.limit == 1000);
    CHECK(imageQueryIn(http::Query::parse("sort=name:asc,size")).listing.keys.size() == 3);
    CHECK(refuses("limit=-1"));
    CHECK(refuses("limit=x"));
    CHECK(refuses("sort=colour"));
    CHECK(refuses("sort_key=name&sort_dir=up"));
    CHECK(refuses("visibility=hidden"));
    CHECK(refuses("member_status=maybe"));
    CHECK(refuses("protected=perhaps"));
    CHECK(refuses("created_at=yesterday"));
    CHECK(refuses("created_at=gt:yesterday"));
    CHECK(refuses("size_min=big"));
    CHECK_FALSE(refuses("os_distro=debian"));
    CHECK_FALSE(refuses("status=in:active,queued&created_at=gte:2022-01-01T00:00:00Z&tag=a&tag=b"));
}
