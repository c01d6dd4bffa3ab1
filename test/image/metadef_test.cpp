#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "appliance/load_metadefs.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string all = "/image/v2/metadefs/namespaces";

std::vector<std::string> namesIn(const Answer& answer, const std::string& collection,
                                 const std::string& member = "name") {
    REQUIRE(answer.status == 200);
    std::vector<std::string> names;
    for (const auto& each : answer.json().array(collection).items()) names.push_back(each.text(member));
    return names;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}

TEST_CASE("A new cloud knows metadata definitions, for images, flavors and volumes", "[metadefs]") {
    TestAppliance cloud;
    const auto reader = cloud.member("rita", "reader");
    const auto types = namesIn(reader.gets("/image/v2/metadefs/resource_types"), "resource_types");
    for (const auto* each : {"OS::Glance::Image", "OS::Nova::Flavor", "OS::Cinder::Volume"}) CHECK(has(types, each));
    CHECK(has(namesIn(reader.gets(all), "namespaces", "namespace"), "OS::Compute::Quota"));
    CHECK(namesIn(reader.gets(all + "?resource_types=OS::Nova::Flavor&limit=1"), "namespaces", "namespace").size() ==
          1);
    CHECK_FALSE(has(namesIn(reader.gets(all + "?resource_types=OS::Nova::Flavor"), "namespaces", "namespace"),
                    "CommonImageProperties"));

    const auto onFlavors = reader.gets(all + "/OS::Compute::VirtCPUTopology?resource_type=OS::Nova::Flavor");
    REQUIRE(onFlavors.status == 200);
    CHECK(onFlavors.json().array("objects").items().size() == 2);
    const auto quota =
        reader.gets(all + "/OS::Compute::Quota?resource_type=OS::Nova::Flavor").json().object("properties");
    CHECK(quota.has("quota:cpu_shares"));
    CHECK(reader.gets(all + "/OS::Compute::Quota/properties/quota:cpu_shares?resource_type=OS::Nova::Flavor")
              .json()
              .text("name") == "quota:cpu_shares");
    CHECK(reader.gets(all + "/OS::Compute::Quota?resource_type=OS::No::Such").status == 404);
}

TEST_CASE("A namespace comes with all that is in it, and goes with it", "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto made =
        admin.posts(all, R"({"namespace":"N","display_name":"Names","visibility":"public","protected":true,
        "resource_type_associations":[{"name":"OS::My::Type","prefix":"my_"}],"tags":[{"name":"t"}],
        "properties":{"p":{"title":"P","type":"integer","minimum":1}},"objects":[{"name":"o","required":["q"],
        "properties":{"q":{"title":"Q","type":"string","enum":["a","b"]}}}]})");
    REQUIRE(made.status == 201);
    CHECK(made.headers["Location"] == "/v2/metadefs/namespaces/N");
    CHECK(made.json().text("owner") == admin.project);

    const auto shown = admin.gets(all + "/N").json();
    CHECK(shown.text("self") == "/v2/metadefs/namespaces/N");
    CHECK(shown.text("schema") == "/v2/schemas/metadefs/namespace");
    CHECK(shown.object("properties").object("p").integer("minimum") == 1);
    CHECK(shown.array("objects").items().at(0).object("properties").object("q").text("title") == "Q");
    CHECK(shown.array("tags").items().at(0).text("name") == "t");
    CHECK(shown.array("resource_type_associations").items().at(0).text("prefix") == "my_");
    CHECK(has(namesIn(admin.gets("/image/v2/metadefs/resource_types"), "resource_types"), "OS::My::Type"));
    CHECK(admin.posts(all, R"({"namespace":"N"})").status == 409);

    CHECK(admin.deletes(all + "/N").status == 403);     // it is protected
    const auto asShown = shown.array("objects").dump(); // with times and links, as a client sends it back
    CHECK(admin.puts(all + "/N", R"({"namespace":"N","protected":true,"objects":)" + asShown + "}").status == 200);
    const auto changed = admin.puts(all + "/N", R"({"namespace":"M","visibility":"private","protected":false})");
    REQUIRE(changed.status == 200);
    CHECK_FALSE(changed.json().has("display_name"));
    CHECK(admin.gets(all + "/N").status == 404);
    CHECK(admin.deletes(all + "/M").status == 204);
    CHECK(admin.gets(all + "/M/objects").status == 404);
}

TEST_CASE("Objects, properties, tags and associations are made, shown, listed, changed and deleted", "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    REQUIRE(admin.posts(all, R"({"namespace":"N"})").status == 201);
    const auto in = all + "/N";

    REQUIRE(admin.posts(in + "/objects", R"({"name":"o"})").status == 201);
    CHECK(admin.posts(in + "/objects", R"({"name":"o"})").status == 409);
    REQUIRE(admin.puts(in + "/objects/o", R"({"name":"O","description":"d"})").status == 200);
    CHECK(admin.gets(in + "/objects/o").status == 404);
    CHECK(admin.gets(in + "/objects/O").json().text("description") == "d");
    CHECK(namesIn(admin.gets(in + "/objects"), "objects") == std::vector<std::string>{"O"});
    CHECK(admin.deletes(in + "/objects/O").status == 204);

    REQUIRE(admin.posts(in + "/properties", R"({"name":"p","title":"P","type":"string"})").status == 201);
    CHECK(admin.gets(in + "/properties").json().object("properties").object("p").text("title") == "P");
    REQUIRE(admin.puts(in + "/properties/p", R"({"name":"p","title":"R","type":"number"})").status == 200);
    CHECK(admin.gets(in + "/properties/p").json().text("type") == "number");
    CHECK(admin.deletes(in + "/properties").status == 204);
    CHECK(admin.gets(in + "/properties/p").status == 404);

    REQUIRE(admin.posts(in + "/tags", R"({"tags":[{"name":"a"},{"name":"b"}]})").status == 201);
    REQUIRE(admin.posts(in + "/tags", R"({"tags":[{"name":"c"}]})", {{"X-Openstack-Append", "True"}}).status == 201);
    CHECK(namesIn(admin.gets(in + "/tags?sort_key=name&limit=2"), "tags") == std::vector<std::string>{"a", "b"});
    CHECK(namesIn(admin.gets(in + "/tags?sort_key=name&limit=2&marker=b"), "tags") == std::vector<std::string>{"c"});
    REQUIRE(admin.posts(in + "/tags", R"({"tags":[{"name":"d"}]})").status == 201);
    CHECK(namesIn(admin.gets(in + "/tags"), "tags") == std::vector<std::string>{"d"});
    REQUIRE(admin.posts(in + "/tags/e", "").status == 201);
    REQUIRE(admin.puts(in + "/tags/e", R"({"name":"f"})").status == 200);
    CHECK(admin.deletes(in + "/tags/f").status == 204);
    CHECK(admin.deletes(in + "/tags/f").status == 404);

    REQUIRE(admin.posts(in + "/resource_types", R"({"name":"OS::Nova::Flavor","prefix":"x:"})").status == 201);
    CHECK(namesIn(admin.gets(in + "/resource_types"), "resource_type_associations") ==
          std::vector<std::string>{"OS::Nova::Flavor"});
    CHECK(admin.deletes(in + "/resource_types/OS::Nova::Flavor").status == 204);
}

TEST_CASE("Everybody sees public definitions, their owners private ones, and only administrators change any",
          "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    REQUIRE(
        admin.posts(all, R"({"namespace":"A","owner":")" + alice.project + R"(","objects":[{"name":"o"}]})").status ==
        201);
    CHECK(alice.gets(all + "/A").status == 200);
    CHECK(alice.gets(all + "/A/objects/o").status == 200);
    CHECK(has(namesIn(alice.gets(all), "namespaces", "namespace"), "A"));
    CHECK(bob.gets(all + "/A").status == 404);
    CHECK(bob.gets(all + "/A/objects/o").status == 404);
    CHECK_FALSE(has(namesIn(bob.gets(all), "namespaces", "namespace"), "A"));
    CHECK(alice.posts(all, R"({"namespace":"B"})").status == 403);
    CHECK(alice.posts(all + "/A/objects", R"({"name":"p"})").status == 403);
    CHECK(alice.deletes(all + "/A").status == 403);
    CHECK(bob.deletes(all + "/A").status == 404);
}

TEST_CASE("What is protected is not deleted, and what becomes public is seen by everybody", "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto alice = cloud.member("alice");
    REQUIRE(admin.posts(all, R"({"namespace":"P","protected":true,"objects":[{"name":"o"}],"tags":[{"name":"t"}]})")
                .status == 201);
    CHECK(admin.deletes(all + "/P").status == 403);
    for (const auto* item : {"/objects", "/objects/o", "/tags", "/tags/t", "/properties"}) {
        INFO(item);
        CHECK(admin.deletes(all + "/P" + item).status == 403);
    }
    CHECK(admin.gets(all + "/P/objects/o").status == 200);
    CHECK(alice.gets(all + "/P").status == 404);
    CHECK(admin.puts(all + "/P", R"({"namespace":"P","protected":false,"visibility":"public"})").status == 200);
    CHECK(alice.gets(all + "/P/objects/o").status == 200);
    CHECK(alice.deletes(all + "/P").status == 403);
    CHECK(admin.deletes(all + "/P").status == 204);
    CHECK(alice.gets(all + "/P").status == 404);
}

TEST_CASE("A definition that says what it may not is refused by the name of the field", "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto complaint = [&](const std::string& body) {
        const auto answer = admin.posts(all, body, {{"Accept", "application/json"}});
        CHECK(answer.status == 400);
        return answer.body;
    };
    CHECK_THAT(complaint("{}"), Catch::Contains("namespace"));
    CHECK_THAT(complaint(R"({"namespace":"N","visibility":"shared"})"), Catch::Contains("visibility"));
    CHECK_THAT(complaint(R"({"namespace":"N","protected":"yes"})"), Catch::Contains("protected"));
    CHECK_THAT(complaint(R"({"namespace":"N","colour":"red"})"), Catch::Contains("colour"));
    CHECK_THAT(complaint(R"({"namespace":"N","properties":{"p":{"title":"P","type":"colour"}}})"),
               Catch::Contains("properties.p.type"));
    CHECK_THAT(complaint(R"({"namespace":"N","properties":{"p":{"type":"string"}}})"), Catch::Contains("title"));
    CHECK_THAT(complaint(R"({"namespace":"N","tags":[{"name":"a"},{"name":"a"}]})"), Catch::Contains("tags[1]"));
    CHECK(admin.posts(all, R"({"namespace":"N","created_at":"2020-01-01T00:00:00Z"})").status == 403);
    CHECK(admin.gets(all + "/N").status == 404);
    CHECK(admin.gets(all + "?sort_key=colour").status == 400);
    CHECK(admin.gets(all + "?limit=-1").status == 400);
    CHECK(admin.gets(all + "?visibility=shared").status == 400);
}

TEST_CASE("Definitions from files join the catalog, all of them or none", "[metadefs]") {
    TestAppliance cloud;
    const Folder folder;
    const auto file = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder / name) << text;
        return (folder / name).string();
    };
    const auto good = file(
        "good.json", R"({"namespace":"Mine","visibility":"public","properties":{"p":{"title":"P","type":"string"}}})");
    const auto bad = file("bad.json", R"({"namespace":"Other","visibility":"all"})");
    std::ostringstream out;
    const Config config(allConfigOptions());
    CHECK_THROWS_WITH(loadMetadefFiles(cloud.folder(), config, {good, bad}, out),
                      Catch::Contains("bad.json") && Catch::Contains("visibility"));
    CHECK(cloud.admin().gets(all + "/Mine").status == 404);
    CHECK(loadMetadefFiles(cloud.folder(), config, {good}, out) == 0);
    CHECK(loadMetadefFiles(cloud.folder(), config, {good}, out) == 0);
    CHECK(out.str() == "Mine: loaded\nMine: is there already, kept\n");
    CHECK(cloud.admin().gets(all + "/Mine").json().object("properties").has("p"));
}

TEST_CASE("A client learns from the schemas what a definition looks like", "[metadefs]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    for (const auto* each : {"namespace", "namespaces", "object", "objects", "property", "properties", "resource_type",
                             "resource_types", "tag", "tags"}) {
        const auto answer = admin.gets("/image/v2/schemas/metadefs/" + std::string(each));
        INFO(each);
        REQUIRE(answer.status == 200);
        CHECK(answer.json().object("properties").size() > 0);
    }
    CHECK(admin.gets("/image/v2/schemas/metadefs/namespace")
              .json()
              .object("properties")
              .object("visibility")
              .array("enum")
              .size() == 2);
}
