#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

std::string addressesIn(const Answer& answer) { return answer.json().object("address_group").at("addresses").dump(); }

}

TEST_CASE("An address group has blocks, each once, that are added and removed by themselves",
          "[network][address_group]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const std::string all = "/network/v2.0/address-groups";
    const auto made =
        alice.posts(all, R"({"address_group":{"name":"web","addresses":["10.0.2.0/24","10.0.1.9","10.0.2.7/24"]}})");
    INFO(made.body);
    REQUIRE(made.status == 201);
    CHECK(addressesIn(made) == R"(["10.0.1.9/32","10.0.2.0/24"])");
    CHECK(made.json().object("address_group").text("project_id") == alice.project);
    const auto one = all + "/" + made.json().object("address_group").text("id");

    CHECK(addressesIn(alice.puts(one + "/add_addresses", R"({"addresses":["2001:db8::/64"]})")) ==
          R"(["10.0.1.9/32","10.0.2.0/24","2001:db8::/64"])");
    CHECK(alice.puts(one + "/add_addresses", R"({"addresses":["10.0.1.9/32"]})").body.find("AddressesAlreadyExist") !=
          std::string::npos);
    CHECK(addressesIn(alice.puts(one + "/remove_addresses", R"({"addresses":["10.0.2.0/24"]})")) ==
          R"(["10.0.1.9/32","2001:db8::/64"])");
    CHECK(alice.puts(one + "/remove_addresses", R"({"addresses":["10.0.2.0/24"]})").status == 404);
    CHECK(alice.puts(one + "/add_addresses", R"({"addresses":["10.0.300.0/24"]})").status == 400);
    CHECK(alice.puts(one, R"({"address_group":{"addresses":[]}})").status == 400); // only by the two actions
    CHECK(alice.puts(one, R"({"address_group":{"description":"of the web"}})")
              .json()
              .object("address_group")
              .text("description") == "of the web");

    CHECK(bob.gets(one).status == 404);
    CHECK(bob.puts(one + "/add_addresses", R"({"addresses":["10.0.9.0/24"]})").status == 404);
    CHECK(bob.gets(all).json().array("address_groups").size() == 0);
    CHECK(alice.gets(all + "?name=web&sort_key=name").json().array("address_groups").size() == 1);
    CHECK(alice.deletes(one).status == 204);
    CHECK(alice.gets(one).status == 404);
}
