#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

TEST_CASE("The usual flavors are there", "[compute][flavor]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const auto flavors = alice.gets("/compute/v2.1/flavors/detail").json().array("flavors").items();
    REQUIRE(flavors.size() == 5);
    CHECK(flavors[0].text("name") == "m1.tiny");
    CHECK(flavors[0].integer("ram") == 512);
    CHECK(flavors[0].text("swap").empty());
    CHECK(alice.gets("/compute/v2.1/flavors/1", {{"OpenStack-API-Version", "compute 2.75"}})
              .json()
              .object("flavor")
              .integer("swap") == 0);
    CHECK(alice.gets("/compute/v2.1/flavors/none").status == 404);
    CHECK(alice.gets("/compute/v2.1/flavors?limit=2").json().has("flavors_links"));
    CHECK(alice.gets("/compute/v2.1/flavors?minRam=4096").json().array("flavors").size() == 3);
    CHECK(alice.gets("/compute/v2.1/flavors?minRam=x").status == 400);
    CHECK(alice.gets("/compute/v2.1/flavors?marker=none").status == 400);
}

TEST_CASE("Flavors are paged in every order that they can be sorted by", "[compute][flavor]") {
    TestAppliance appliance;
    const auto alice = appliance.member("alice");
    const auto idsOf = [&](const std::string& query) {
        std::vector<std::string> ids;
        for (const auto& each : alice.gets("/compute/v2.1/flavors?" + query).json().array("flavors").items())
            ids.push_back(each.text("id"));
        return ids;
    };
    for (const std::string key :
         {"flavorid", "name", "memory_mb", "vcpus", "root_gb", "ephemeral_gb", "swap", "rxtx_factor", "is_public", "id",
          "created_at", "updated_at", "description", "disabled", "vcpu_weight"})
        for (const std::string direction : {"asc", "desc"}) {
            const auto sorted = "sort_key=" + key + "&sort_dir=" + direction;
            INFO(sorted);
            const auto all = idsOf(sorted);
            REQUIRE(all.size() == 5);
            for (std::size_t at = 1; at < all.size(); ++at)
                CHECK(idsOf(sorted + "&limit=1&marker=" + all[at - 1]) == std::vector{all[at]});
            CHECK(idsOf(sorted + "&marker=" + all.back()).empty());
        }
    CHECK(idsOf("sort_key=name") ==
          std::vector<std::string>{"4", "3", "2", "1", "5"}); // large, medium, small, tiny, xlarge
    CHECK(idsOf("sort_key=memory_mb&sort_dir=desc&minDisk=20") == std::vector<std::string>{"5", "4", "3", "2"});
    CHECK(alice.gets("/compute/v2.1/flavors?sort_key=created").status == 400);
    CHECK(alice.gets("/compute/v2.1/flavors?minDisk=20&marker=1").status == 400); // isn't among what is listed
}

TEST_CASE("An administrator makes and deletes flavors; others don't", "[compute][flavor]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    const std::string body =
        R"({"flavor":{"name":"big","id":"big","ram":1024,"vcpus":2,"disk":3,"os-flavor-access:is_public":false}})";
    CHECK(alice.posts("/compute/v2.1/flavors", body).status == 403);
    CHECK(admin.posts("/compute/v2.1/flavors", body).status == 200);
    CHECK(admin.posts("/compute/v2.1/flavors", body).status == 409);
    CHECK(alice.gets("/compute/v2.1/flavors/big").status == 404);
    CHECK(admin.posts("/compute/v2.1/flavors/big/action", R"({"addTenantAccess":{"tenant":")" + alice.project + "\"}}")
              .status == 200);
    CHECK(alice.gets("/compute/v2.1/flavors/big").status == 200);
    CHECK(admin.posts("/compute/v2.1/flavors/big/os-extra_specs", R"({"extra_specs":{"hw:cpu_policy":"shared"}})")
              .status == 200);
    CHECK(alice.gets("/compute/v2.1/flavors/big/os-extra_specs/hw:cpu_policy").json().text("hw:cpu_policy") ==
          "shared");
    CHECK(admin.deletes("/compute/v2.1/flavors/big").status == 202);
    CHECK(admin.deletes("/compute/v2.1/flavors/big").status == 404);
    CHECK(admin.posts("/compute/v2.1/flavors", R"({"flavor":{"name":"none","ram":0,"vcpus":1,"disk":1}})").status ==
          400);
}

TEST_CASE("An extra spec is checked from 2.86 on: its name where the namespace is known, and its value",
          "[compute][flavor]") {
    TestAppliance appliance;
    const auto admin = appliance.admin();
    const std::string specs = "/compute/v2.1/flavors/1/os-extra_specs";
    const auto sets = [&](const std::string& name, const std::string& value, const char* version = "compute 2.86") {
        return admin
            .posts(specs, "{\"extra_specs\":{" + jsonText(name) + ":" + jsonText(value) + "}}",
                   {{"OpenStack-API-Version", version}})
            .status;
    };
    CHECK(sets("hw:ponies", "1", "compute 2.85") == 200);
    CHECK(sets("hw:ponies", "1") == 400);
    CHECK(sets("hw:cpu_policy", "dedicated") == 200);
    CHECK(sets("hw:cpu_policy", "often") == 400);
    const auto refused =
        admin.puts(specs + "/hw:numa_nodes", R"({"hw:numa_nodes":"0"})", {{"OpenStack-API-Version", "compute 2.86"}});
    CHECK(refused.status == 400);
    CHECK_THAT(faultOf(refused, "badRequest"), Catch::Contains("hw:numa_nodes") && Catch::Contains("at least 1"));
    CHECK(sets("ponies", "1") == 200); // nobody's
    CHECK(sets("mine:ponies", "1") == 200);
}

TEST_CASE("Access to a flavor is given to projects that there are, of private ones only", "[compute][flavor]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    REQUIRE(
        admin
            .posts("/compute/v2.1/flavors",
                   R"({"flavor":{"name":"p","id":"p","ram":1,"vcpus":1,"disk":0,"os-flavor-access:is_public":false}})")
            .status == 200);
    const auto adds = [&](const std::string& flavor, const std::string& project, const char* version = "compute 2.7") {
        return admin.posts("/compute/v2.1/flavors/" + flavor + "/action",
                           R"({"addTenantAccess":{"tenant":")" + project + "\"}}",
                           {{"OpenStack-API-Version", version}});
    };
    CHECK(adds("p", "none").status == 400);
    CHECK(adds("p", alice.project).status == 200);
    CHECK(adds("p", alice.project).status == 409);
    CHECK(adds("1", alice.project).status == 409);
    CHECK(adds("1", alice.project, "compute 2.6").status == 200);
    const auto access = admin.gets("/compute/v2.1/flavors/p/os-flavor-access").json().array("flavor_access").items();
    REQUIRE(access.size() == 1);
    CHECK(access[0].text("tenant_id") == alice.project);
    CHECK(admin.gets("/compute/v2.1/flavors/1/os-flavor-access").status == 404);
    CHECK(alice.gets("/compute/v2.1/flavors/p/os-flavor-access").status == 403);
    const auto body = R"({"removeTenantAccess":{"tenant":")" + alice.project + "\"}}";
    CHECK(admin.posts("/compute/v2.1/flavors/p/action", body).json().array("flavor_access").size() == 0);
    CHECK(admin.posts("/compute/v2.1/flavors/p/action", body).status == 404);
}

TEST_CASE("Lists of flavors say what they don't know from 2.75 on, and what is public to those who ask",
          "[compute][flavor]") {
    TestAppliance appliance;
    const auto admin = appliance.admin(), alice = appliance.member("alice");
    REQUIRE(admin
                .posts("/compute/v2.1/flavors",
                       R"({"flavor":{"name":"p","ram":1,"vcpus":1,"disk":0,"os-flavor-access:is_public":false}})")
                .status == 200);
    const auto count = [](const Member& who, const std::string& query) {
        return who.gets("/compute/v2.1/flavors" + query).json().array("flavors").size();
    };
    CHECK(count(admin, "") == 5);
    CHECK(count(admin, "?is_public=false") == 1);
    CHECK(count(admin, "?is_public=None") == 6);
    CHECK(count(alice, "?is_public=None") == 5);
    CHECK(alice.gets("/compute/v2.1/flavors?is_public=perhaps").status == 400);
    CHECK(alice.gets("/compute/v2.1/flavors?a=b", {{"OpenStack-API-Version", "compute 2.74"}}).status == 200);
    CHECK(alice.gets("/compute/v2.1/flavors?a=b", {{"OpenStack-API-Version", "compute 2.75"}}).status == 400);
}

TEST_CASE("A flavor's description is shown and set from 2.55 on, and its extra specs are shown from 2.61 on",
          "[compute][flavor]") {
    TestAppliance appliance;
    const auto admin = appliance.admin();
    const auto with = [](const char* version) {
        return std::pair<const char*, std::string>("OpenStack-API-Version", version);
    };
    const std::string body = R"({"flavor":{"name":"d","id":"d","ram":1,"vcpus":1,"disk":0,"description":"small"}})";
    CHECK(admin.posts("/compute/v2.1/flavors", body, {with("compute 2.54")}).status == 400);
    const auto made = admin.posts("/compute/v2.1/flavors", body, {with("compute 2.61")});
    REQUIRE(made.status == 200);
    CHECK(made.json().object("flavor").text("description") == "small");
    CHECK(made.json().object("flavor").object("extra_specs").size() == 0);
    const std::string change = R"({"flavor":{"description":null}})";
    CHECK(admin.puts("/compute/v2.1/flavors/d", change, {with("compute 2.54")}).status == 404);
    CHECK(admin.puts("/compute/v2.1/flavors/d", R"({"flavor":{"name":"e"}})", {with("compute 2.55")}).status == 400);
    const auto changed = admin.puts("/compute/v2.1/flavors/d", change, {with("compute 2.55")});
    REQUIRE(changed.status == 200);
    CHECK(changed.json().object("flavor").at("description").isNull());
    CHECK_FALSE(changed.json().object("flavor").has("extra_specs"));
    for (const char* wrong : {R"("1e3")", R"("x")", "0", R"("")", "-1"})
        CHECK(
            admin
                .posts("/compute/v2.1/flavors",
                       std::string(R"({"flavor":{"name":"f","ram":1,"vcpus":1,"disk":0,"rxtx_factor":)") + wrong + "}}")
                .status == 400);
    CHECK(
        admin
            .posts("/compute/v2.1/flavors", R"({"flavor":{"name":"f","ram":1,"vcpus":1,"disk":0,"rxtx_factor":"1.5"}})")
            .status == 200);
}
