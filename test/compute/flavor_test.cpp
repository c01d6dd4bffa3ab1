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
         {"flavorid", "name", "memory_mb", "vcpus", "root_gb", "ephemeral_gb", "swap", "rxtx_factor", "is_public"})
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
