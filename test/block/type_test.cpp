#include <catch2/catch.hpp>

#include <set>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string typesPath = "/volume/v3/{project}/types";
const std::string volumesPath = "/volume/v3/{project}/volumes";

/// The type that an administrator makes: "\"name\":…".
std::string makesType(const Member& root, const std::string& what) {
    const auto answer = root.posts(typesPath, R"({"volume_type":{)" + what + "}}");
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().object("volume_type").text("id");
}

std::set<std::string> namesIn(const Answer& answer, std::string_view list) {
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    std::set<std::string> names;
    for (const auto& each : answer.json().array(list).items()) names.insert(each.text("name"));
    return names;
}

Answer allows(const Member& root, const std::string& type, const std::string& project,
              const std::string& action = "addProjectAccess") {
    return root.posts(typesPath + "/" + type + "/action", "{\"" + action + R"(":{"project":")" + project + "\"}}");
}

Answer wantsOf(const Member& who, const std::string& type) {
    return who.posts(volumesPath, R"({"volume":{"size":1,"volume_type":")" + type + "\"}}");
}

}

TEST_CASE("An administrator makes, changes and removes volume types; nobody else does", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const auto type =
        makesType(root, R"("name":"fast","description":"quick","extra_specs":{"volume_backend_name":"f"})");

    const auto shown = root.gets(typesPath + "/" + type).json().object("volume_type");
    CHECK(shown.text("name") == "fast");
    CHECK(shown.text("description") == "quick");
    CHECK(shown.boolean("is_public", false));
    CHECK(shown.boolean("os-volume-type-access:is_public", false));
    CHECK(shown.at("qos_specs_id").isNull());
    CHECK(shown.object("extra_specs").text("volume_backend_name") == "f");

    CHECK(alice.posts(typesPath, R"({"volume_type":{"name":"mine"}})").status == 403);
    CHECK(alice.puts(typesPath + "/" + type, R"({"volume_type":{"name":"mine"}})").status == 403);
    CHECK(alice.deletes(typesPath + "/" + type).status == 403);

    CHECK(root.posts(typesPath, R"({"volume_type":{"name":"fast"}})").status == 409);
    for (const auto* each : {R"("name":"")", R"("name":" ")", R"("description":"x")", R"("name":"x","colour":"red")",
                             R"("name":"x","extra_specs":{"?":"y"})", R"("name":"x","extra_specs":{"k":1})",
                             R"("name":"x","os-volume-type-access:is_public":"maybe")"})
        CHECK(root.posts(typesPath, R"({"volume_type":{)" + std::string(each) + "}}").status == 400);

    const auto changed = root.puts(typesPath + "/" + type, R"({"volume_type":{"name":"swift","is_public":false}})");
    CHECK(changed.status == 200);
    CHECK(changed.json().object("volume_type").text("name") == "swift");
    CHECK(changed.json().object("volume_type").text("description") == "quick");
    CHECK_FALSE(changed.json().object("volume_type").boolean("is_public", true));
    CHECK(root.puts(typesPath + "/" + type, R"({"volume_type":{}})").status == 400);
    CHECK(root.puts(typesPath + "/" + type, R"({"volume_type":{"name":"__DEFAULT__"}})").status == 409);

    CHECK(root.deletes(typesPath + "/" + type).status == 202);
    CHECK(root.gets(typesPath + "/" + type).status == 404);
    CHECK(root.deletes(typesPath + "/" + type).status == 404);
}

TEST_CASE("A type that is in use, or anybody's default, stays", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const HeaderList newest{{"OpenStack-API-Version", "volume 3.62"}};
    const auto type = makesType(root, R"("name":"fast")");
    const auto path = typesPath + "/" + type;
    const auto volume = wantsOf(alice, "fast");
    REQUIRE(volume.status == 202);
    cloud.settle();
    CHECK(root.deletes(path).status == 400);
    CHECK(root.posts(path + "/extra_specs", R"({"extra_specs":{"k":"v"}})").status == 400);
    CHECK(alice.deletes(volumesPath + "/" + volume.json().object("volume").text("id")).status == 202);
    cloud.settle();

    const auto own = "/volume/v3/default-types/" + alice.project;
    CHECK(root.puts(own, R"({"default_type":{"volume_type":"fast"}})", newest).status == 200);
    CHECK(root.deletes(path).status == 400);
    CHECK(root.deletes(own, newest).status == 204);
    CHECK(root.deletes(path).status == 202);
    const auto first = root.gets(typesPath + "/default").json().object("volume_type").text("id");
    CHECK(root.deletes(typesPath + "/" + first).status == 400);
}

TEST_CASE("A project sees and uses the public types and those that it has access to, no others", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto type = makesType(root, R"("name":"secret","os-volume-type-access:is_public":false)");
    const auto path = typesPath + "/" + type;
    CHECK(allows(root, type, alice.project).status == 202);
    CHECK(allows(root, type, alice.project).status == 409);

    CHECK(namesIn(alice.gets(typesPath), "volume_types") == std::set<std::string>{"__DEFAULT__", "secret"});
    CHECK(namesIn(bob.gets(typesPath), "volume_types") == std::set<std::string>{"__DEFAULT__"});
    CHECK(namesIn(bob.gets(typesPath + "?is_public=None"), "volume_types") == std::set<std::string>{"__DEFAULT__"});
    CHECK(namesIn(bob.gets(typesPath + "?is_public=false"), "volume_types") == std::set<std::string>{"__DEFAULT__"});
    CHECK(alice.gets(path).status == 200);
    CHECK(bob.gets(path).status == 404);
    CHECK(bob.gets(path + "/extra_specs").status == 404);
    CHECK(bob.gets(typesPath + "?marker=" + type).status == 404);
    CHECK(wantsOf(alice, "secret").status == 202);
    CHECK(wantsOf(bob, "secret").status == 404);
    CHECK(wantsOf(bob, type).status == 404);

    CHECK(namesIn(root.gets(typesPath), "volume_types") == std::set<std::string>{"__DEFAULT__"});
    CHECK(namesIn(root.gets(typesPath + "?is_public=None"), "volume_types").size() == 2);
    CHECK(namesIn(root.gets(typesPath + "?is_public=false"), "volume_types") == std::set<std::string>{"secret"});
    CHECK(root.gets(typesPath + "?is_public=perhaps").status == 400);

    const auto access = root.gets(path + "/os-volume-type-access").json().array("volume_type_access").items();
    REQUIRE(access.size() == 1);
    CHECK(access[0].text("project_id") == alice.project);
    CHECK(access[0].text("volume_type_id") == type);
    CHECK(alice.gets(path + "/os-volume-type-access").status == 403);
    CHECK(allows(alice, type, bob.project).status == 403);
    CHECK(allows(root, type, bob.project, "removeProjectAccess").status == 404);
    CHECK(allows(root, type, alice.project, "removeProjectAccess").status == 202);
    cloud.settle();
    CHECK(alice.gets(path).status == 404);
    CHECK(wantsOf(alice, "secret").status == 404);

    const auto open = root.gets(typesPath + "/default").json().object("volume_type").text("id");
    CHECK(allows(root, open, alice.project).status == 400);
    CHECK(root.gets(typesPath + "/" + open + "/os-volume-type-access").status == 404);
}

TEST_CASE("Users see of a type's extra specs those that are meant for them", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const auto type = makesType(root, R"("name":"fast")");
    const auto specs = typesPath + "/" + type + "/extra_specs";
    const auto made = root.posts(specs, R"({"extra_specs":{"volume_backend_name":"f","multiattach":"<is> True"}})");
    CHECK(made.status == 200);
    CHECK(made.json().object("extra_specs").text("volume_backend_name") == "f");
    CHECK(root.gets(specs).json().object("extra_specs").size() == 2);
    const auto seen = alice.gets(specs).json().object("extra_specs");
    CHECK(seen.size() == 1);
    CHECK(seen.text("multiattach") == "<is> True");
    CHECK(alice.gets(typesPath + "/" + type).json().object("volume_type").object("extra_specs").size() == 1);
    CHECK(alice.gets(specs + "/multiattach").json().text("multiattach") == "<is> True");
    CHECK(alice.gets(specs + "/volume_backend_name").status == 404);
    CHECK(root.gets(specs + "/volume_backend_name").json().text("volume_backend_name") == "f");

    CHECK(root.puts(specs + "/volume_backend_name", R"({"volume_backend_name":"g"})").status == 200);
    CHECK(root.puts(specs + "/volume_backend_name", R"({"other":"g"})").status == 400);
    CHECK(root.puts(specs + "/volume_backend_name", R"({"volume_backend_name":"g","other":"g"})").status == 400);
    CHECK(root.gets(specs + "/volume_backend_name").json().text("volume_backend_name") == "g");
    CHECK(root.posts(specs, R"({"extra_specs":{"cacheable":"<is> True"}})").status == 400);
    for (const auto* each : {R"({"extra_specs":{"with space":"x"}})", R"({"extra_specs":{"":"x"}})",
                             R"({"extra_specs":null})", R"({"extra_specs":{"k":["x"]}})", R"({})"})
        CHECK(root.posts(specs, each).status == 400);
    CHECK(alice.posts(specs, R"({"extra_specs":{"k":"v"}})").status == 403);
    CHECK(alice.deletes(specs + "/multiattach").status == 403);
    CHECK(root.deletes(specs + "/multiattach").status == 202);
    CHECK(root.deletes(specs + "/multiattach").status == 404);

    const HeaderList newest{{"OpenStack-API-Version", "volume 3.52"}};
    const auto wanting = [&](const Member& who, const std::string& pairs) {
        return namesIn(who.gets(typesPath + "?extra_specs=" + http::percentEncoded(pairs), newest), "volume_types");
    };
    CHECK(wanting(root, "{'volume_backend_name': 'g'}") == std::set<std::string>{"fast"});
    CHECK(wanting(root, "{'volume_backend_name': 'x'}").empty());
    CHECK(wanting(alice, "{'volume_backend_name': 'g'}").empty());
    CHECK(alice.gets(typesPath + "?name=fast", newest).status == 400);
    CHECK(namesIn(root.gets(typesPath + "?name=fast", newest), "volume_types") == std::set<std::string>{"fast"});
    CHECK(namesIn(root.gets(typesPath + "?name=none", newest), "volume_types").empty());
}

TEST_CASE("Types are listed in pages, in the order that is asked for", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    for (const auto* each : {"b", "a", "c"}) makesType(root, R"("name":")" + std::string(each) + "\"");
    const auto page = root.gets(typesPath + "?sort=name:asc&limit=2&offset=1");
    CHECK(namesIn(page, "volume_types") == std::set<std::string>{"a", "b"});
    const auto link = page.json().array("volume_type_links").items().at(0).text("href");
    CHECK(link.find("marker=") != std::string::npos);
    CHECK(root.gets(typesPath + "?sort=colour:asc").status == 400);
    CHECK(root.gets(typesPath + "?marker=nowhere").status == 404);
}

TEST_CASE("A project's volumes are of its default type where nobody says one", "[block][type]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const HeaderList newest{{"OpenStack-API-Version", "volume 3.62"}};
    const auto type = makesType(root, R"("name":"fast")");
    const std::string all = "/volume/v3/default-types", own = all + "/" + alice.project;
    CHECK(root.gets(own, newest).status == 404);
    const auto set = root.puts(own, R"({"default_type":{"volume_type":"fast"}})", newest);
    CHECK(set.status == 200);
    CHECK(set.json().object("default_type").text("volume_type_id") == type);
    CHECK(root.gets(own, newest).json().object("default_type").text("project_id") == alice.project);
    CHECK(root.gets(all, newest).json().array("default_types").size() == 1);
    CHECK(root.gets(all + "/", newest).json().array("default_types").size() == 1);
    CHECK(alice.gets(own, newest).status == 403);
    CHECK(root.gets(own).status == 404);
    CHECK(root.puts(own, R"({"default_type":{"volume_type":"none"}})", newest).status == 400);
    CHECK(root.puts(all + "/nobody", R"({"default_type":{"volume_type":"fast"}})", newest).status == 404);

    CHECK(alice.gets(typesPath + "/default").json().object("volume_type").text("name") == "fast");
    CHECK(bob.gets(typesPath + "/default").json().object("volume_type").text("name") == "__DEFAULT__");
    const auto typeOf = [](const Member& who) {
        return who.posts(volumesPath, R"({"volume":{"size":1}})").json().object("volume").text("volume_type");
    };
    CHECK(typeOf(alice) == "fast");
    CHECK(typeOf(bob) == "__DEFAULT__");
    CHECK(root.deletes(own, newest).status == 204);
    CHECK(typeOf(alice) == "__DEFAULT__");
    cloud.settle();
}

TEST_CASE("A type says how its volumes are encrypted, and no more once there are any", "[block][type][encryption]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto type = makesType(root, R"("name":"sealed")");
    const auto path = typesPath + "/" + type + "/encryption";
    CHECK(root.gets(path).json().size() == 0);
    CHECK(root.gets(path + "/provider").status == 404);
    for (const auto* each :
         {R"("provider":"luks")", R"("control_location":"front-end")", R"("provider":"luks","control_location":"x")",
          R"("provider":"luks","control_location":"front-end","key_size":-1)",
          R"("provider":"luks","control_location":"front-end","key_size":"x")"})
        CHECK(root.posts(path, R"({"encryption":{)" + std::string(each) + "}}").status == 400);
    const std::string luks =
        R"({"encryption":{"provider":"luks","control_location":"front-end","cipher":"aes-xts-plain64","key_size":256}})";
    CHECK(alice.posts(path, luks).status == 403);
    const auto made = root.posts(path, luks);
    CHECK(made.status == 200);
    CHECK(made.json().object("encryption").text("volume_type_id") == type);
    CHECK(made.json().object("encryption").integer("key_size") == 256);
    CHECK(root.posts(path, luks).status == 400);
    CHECK(root.posts(typesPath + "/nothing/encryption", luks).status == 404);
    CHECK(root.gets(path).json().text("provider") == "luks");
    CHECK(root.gets(path + "/cipher").json().text("cipher") == "aes-xts-plain64");
    CHECK(root.gets(path + "/colour").status == 404);
    CHECK(alice.gets(path).status == 403);

    const auto changed = root.puts(path + "/any", R"({"encryption":{"provider":"luks2","key_size":"512"}})");
    CHECK(changed.status == 200);
    CHECK(changed.json().object("encryption").text("provider") == "luks2");
    CHECK(root.gets(path).json().integer("key_size") == 512);
    CHECK(root.gets(path).json().text("cipher") == "aes-xts-plain64");
    CHECK(root.deletes(path + "/any").status == 202);
    CHECK(root.gets(path).json().size() == 0);
    CHECK(root.deletes(path + "/any").status == 404);
    CHECK(root.puts(path + "/any", luks).status == 404);

    const auto volume = wantsOf(alice, "sealed").json().object("volume").text("id");
    cloud.settle();
    CHECK(root.posts(path, luks).status == 400);
    const auto ofVolume = volumesPath + "/" + volume + "/encryption";
    CHECK(alice.gets(ofVolume).json().at("encryption_key_id").isNull());
    CHECK(alice.gets(ofVolume + "/encryption_key_id").json().at("encryption_key_id").isNull());
    CHECK(alice.gets(ofVolume + "/colour").status == 404);
    CHECK(bob.gets(ofVolume).status == 404);
}

TEST_CASE("QoS specs are made, changed, and belong to types", "[block][type][qos]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const std::string path = "/volume/v3/{project}/qos-specs";
    const auto made =
        root.posts(path, R"({"qos_specs":{"name":" slow ","consumer":"front-end","total_iops_sec":"500"}})");
    REQUIRE(made.status == 200);
    const auto qos = made.json().object("qos_specs").text("id");
    CHECK(made.json().object("qos_specs").text("name") == "slow");
    CHECK(made.json().object("qos_specs").object("specs").text("total_iops_sec") == "500");
    CHECK(made.json().array("links").size() == 2);
    CHECK(root.posts(path, R"({"qos_specs":{"name":"slow"}})").status == 409);
    for (const auto* each : {R"("name":"")", R"("name":"x","consumer":"nobody")", R"("name":"x","k":["v"]")",
                             R"("name":"x","k":7)", R"("consumer":"both")"})
        CHECK(root.posts(path, R"({"qos_specs":{)" + std::string(each) + "}}").status == 400);
    CHECK(alice.gets(path).status == 403);
    CHECK(alice.posts(path, R"({"qos_specs":{"name":"mine"}})").status == 403);
    const auto one = path + "/" + qos;
    CHECK(root.gets(one).json().object("qos_specs").text("consumer") == "front-end");
    CHECK(root.gets(path + "/nothing").status == 404);
    CHECK(root.puts(one, R"({"qos_specs":{"read_iops_sec":"7","consumer":"both"}})").status == 200);
    CHECK(root.gets(one).json().object("qos_specs").object("specs").size() == 2);
    CHECK(root.puts(one + "/delete_keys", R"({"keys":["read_iops_sec"]})").status == 202);
    CHECK(root.puts(one + "/delete_keys", R"({"keys":["total_iops_sec","gone"]})").status == 404);
    CHECK(root.gets(one).json().object("qos_specs").object("specs").text("total_iops_sec") == "500");
    CHECK(namesIn(root.gets(path + "?consumer=both"), "qos_specs") == std::set<std::string>{"slow"});
    CHECK(namesIn(root.gets(path + "?consumer=back-end"), "qos_specs").empty());

    const auto type = makesType(root, R"("name":"fast")");
    CHECK(root.gets(one + "/associate").status == 400);
    CHECK(root.gets(one + "/associate?vol_type_id=nothing").status == 404);
    CHECK(root.gets(one + "/associate?vol_type_id=" + type).status == 202);
    CHECK(root.gets(typesPath + "/" + type).json().object("volume_type").text("qos_specs_id") == qos);
    CHECK_FALSE(alice.gets(typesPath + "/" + type).json().object("volume_type").has("qos_specs_id"));
    const auto other = root.posts(path, R"({"qos_specs":{"name":"other"}})").json().object("qos_specs");
    CHECK(other.text("consumer") == "back-end");
    CHECK(root.gets(path + "/" + other.text("id") + "/associate?vol_type_id=" + type).status == 400);
    CHECK(namesIn(root.gets(one + "/associations"), "qos_associations") == std::set<std::string>{"fast"});
    CHECK(root.deletes(one).status == 400);
    CHECK(root.gets(one + "/disassociate?vol_type_id=" + type).status == 202);
    CHECK(root.gets(one + "/associations").json().array("qos_associations").size() == 0);
    CHECK(root.gets(one + "/associate?vol_type_id=" + type).status == 202);
    CHECK(root.gets(one + "/disassociate_all").status == 202);
    CHECK(root.gets(one + "/associations").json().array("qos_associations").size() == 0);
    CHECK(root.gets(one + "/associate?vol_type_id=" + type).status == 202);
    CHECK(root.deletes(one + "?force=maybe").status == 400);
    CHECK(root.deletes(one + "?force=true").status == 202);
    CHECK(root.gets(one).status == 404);
    CHECK(root.gets(typesPath + "/" + type).json().object("volume_type").at("qos_specs_id").isNull());
}
