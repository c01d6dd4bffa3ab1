#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

const std::string sets = "/volume/v3/{project}/os-quota-sets/", classes = "/volume/v3/{project}/os-quota-class-sets/";
const std::string volumesPath = "/volume/v3/{project}/volumes", typesPath = "/volume/v3/{project}/types";

Answer wants(const Member& who, const std::string& type) {
    return who.posts(volumesPath, R"({"volume":{"size":1,"volume_type":")" + type + "\"}}");
}

}

TEST_CASE("Each volume type has quotas of its own, which come, are renamed and go with it", "[block][quota]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    const auto type =
        root.posts(typesPath, R"({"volume_type":{"name":"fast"}})").json().object("volume_type").text("id");
    const auto set = [&] { return root.gets(sets + alice.project).json().object("quota_set"); };
    CHECK(set().integer("volumes_fast") == -1);
    CHECK(root.puts(sets + alice.project, R"({"quota_set":{"volumes_fast":1,"gigabytes_fast":"5"}})").status == 200);
    CHECK(wants(alice, "fast").status == 202);
    CHECK(wants(alice, "fast").status == 413);
    CHECK(wants(alice, "__DEFAULT__").status == 202);
    cloud.settle();
    const auto used = root.gets(sets + alice.project + "?usage=True").json().object("quota_set");
    CHECK(used.object("volumes_fast").integer("in_use") == 1);
    CHECK(used.object("volumes_fast").integer("limit") == 1);
    CHECK(used.object("gigabytes_fast").integer("in_use") == 1);
    CHECK(used.object("volumes").integer("in_use") == 2);
    CHECK(used.object("volumes___DEFAULT__").integer("in_use") == 1);
    CHECK(used.object("groups").integer("in_use") == 0);

    CHECK(root.puts(typesPath + "/" + type, R"({"volume_type":{"name":"swift"}})").status == 200);
    CHECK(set().integer("volumes_swift") == 1);
    CHECK_FALSE(set().has("volumes_fast"));
    CHECK(root.puts(sets + alice.project, R"({"quota_set":{"volumes_fast":1}})").status == 400);
}

TEST_CASE("A retyped volume takes the new type's quota, from the beginning of its move on", "[block][quota][retype]") {
    TestAppliance cloud({{"block", "backends", "file, fast"}});
    const auto root = cloud.admin(), alice = cloud.member("alice");
    REQUIRE(root.posts(typesPath, R"({"volume_type":{"name":"quick","extra_specs":{"volume_backend_name":"fast"}}})")
                .status == 200);
    REQUIRE(root.posts(typesPath, R"({"volume_type":{"name":"plain"}})").status == 200);
    const auto limits = [&](const std::string& what) {
        return root.puts(sets + alice.project, R"({"quota_set":{)" + what + "}}").status;
    };
    const auto makesOne = [&] {
        const auto made = wants(alice, "__DEFAULT__");
        REQUIRE(made.status == 202);
        cloud.settle();
        return made.json().object("volume").text("id");
    };
    const auto retypes = [&](const std::string& volume, const std::string& type) {
        return alice
            .posts(volumesPath + "/" + volume + "/action",
                   R"({"os-retype":{"migration_policy":"on-demand","new_type":")" + type + "\"}}")
            .status;
    };
    const auto first = makesOne(), second = makesOne();
    REQUIRE(limits(R"("volumes_plain":0)") == 200);
    CHECK(retypes(first, "plain") == 413);
    REQUIRE(limits(R"("volumes_plain":1,"gigabytes_plain":0)") == 200);
    CHECK(retypes(first, "plain") == 413);
    REQUIRE(limits(R"("gigabytes_plain":1)") == 200);
    CHECK(retypes(first, "plain") == 202);
    CHECK(retypes(second, "plain") == 413);
    REQUIRE(limits(R"("volumes_quick":1)") == 200);
    CHECK(retypes(first, "quick") == 202); // it is on its way
    CHECK(retypes(second, "quick") == 413);
    CHECK(wants(alice, "quick").status == 413);
    cloud.settle();
    CHECK(retypes(second, "plain") == 202);
    CHECK(retypes(second, "quick") == 413);
}

TEST_CASE("The quota class default is what projects without quotas of their own have", "[block][quota]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice"), bob = cloud.member("bob");
    REQUIRE(root.puts(sets + bob.project, R"({"quota_set":{"volumes":7}})").status == 200);
    const auto shown = root.gets(classes + "default").json().object("quota_class_set");
    CHECK(shown.text("id") == "default");
    CHECK(shown.integer("volumes") == 10);
    const auto changed = root.puts(classes + "default", R"({"quota_class_set":{"volumes":1}})");
    CHECK(changed.status == 200);
    CHECK(changed.json().object("quota_class_set").integer("volumes") == 1);
    CHECK(root.gets(sets + alice.project).json().object("quota_set").integer("volumes") == 1);
    CHECK(root.gets(sets + alice.project + "/defaults").json().object("quota_set").integer("volumes") == 1);
    CHECK(root.gets(sets + bob.project).json().object("quota_set").integer("volumes") == 7);
    CHECK(wants(alice, "__DEFAULT__").status == 202);
    CHECK(wants(alice, "__DEFAULT__").status == 413);
    cloud.settle();
    CHECK(root.puts(classes + "other", R"({"quota_class_set":{"volumes":3}})").status == 200);
    CHECK(root.gets(classes + "other").json().object("quota_class_set").integer("volumes") == 3);
    CHECK(root.gets(sets + alice.project).json().object("quota_set").integer("volumes") == 1);
    CHECK(alice.gets(classes + "default").status == 403);
    CHECK(alice.puts(classes + "default", R"({"quota_class_set":{"volumes":3}})").status == 403);
}

TEST_CASE("What is no quota is refused, and what a project has already where that is asked", "[block][quota]") {
    TestAppliance cloud;
    const auto root = cloud.admin(), alice = cloud.member("alice");
    for (const auto* each : {R"("colour":1)", R"("volumes":-2)", R"("volumes":2147483648)", R"("volumes":"many")",
                             R"("volumes":1.5)", R"("volumes":null)"}) {
        CHECK(root.puts(sets + alice.project, R"({"quota_set":{)" + std::string(each) + "}}").status == 400);
        CHECK(root.puts(classes + "default", R"({"quota_class_set":{)" + std::string(each) + "}}").status == 400);
    }
    CHECK(wants(alice, "__DEFAULT__").status == 202);
    CHECK(wants(alice, "__DEFAULT__").status == 202);
    cloud.settle();
    const std::string one = R"({"quota_set":{"volumes":1}})";
    CHECK(root.puts(sets + alice.project + "?skip_validation=false", one).status == 400);
    CHECK(root.puts(sets + alice.project + "?skip_validation=true", one).status == 200);
    CHECK(root.deletes(sets + alice.project).status == 200);
    CHECK(root.gets(sets + alice.project).json().object("quota_set").integer("volumes") == 10);
}
