#include <catch2/catch.hpp>

#include "network/network_plan.hpp"
#include "network/speak.hpp"
#include "platform/cloud/cloud.hpp"
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

TEST_CASE("A rule names an address group, which stays as long as one does", "[network][address_group]") {
    using namespace stratolet::test::net;
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto group = [&](const Member& who) {
        return creates(who, "address_group", R"("name":"web","addresses":["10.0.1.9","2001:db8::/64"])");
    };
    const auto hers = group(alice), his = group(bob);
    const auto security = creates(alice, "security_group", R"("name":"g")");
    const auto asks = [&](const std::string& body) {
        return alice.posts(v2 + "security-group-rules",
                           R"({"security_group_rule":{"direction":"ingress","security_group_id":)" +
                               inQuotes(security) + "," + body + "}}");
    };
    const auto naming = [](const std::string& id) { return R"("remote_address_group_id":)" + inQuotes(id); };
    CHECK(refusal(asks(naming(his))) == "404 AddressGroupNotFound");
    CHECK(refusal(asks(naming(security))) == "404 AddressGroupNotFound");
    CHECK(refusal(asks(naming(hers) + R"(,"remote_ip_prefix":"10.0.0.0/8")")) ==
          "400 SecurityGroupMultipleRemoteEntitites");
    CHECK(refusal(asks(naming(hers) + R"(,"remote_group_id":)" + inQuotes(security))) ==
          "400 SecurityGroupMultipleRemoteEntitites");
    const auto rule = made(asks(naming(hers)), "security_group_rule");
    CHECK(rule.text("remote_address_group_id") == hers);
    CHECK(rule.at("remote_ip_prefix").isNull());
    CHECK(refusal(asks(naming(hers))) == "409 SecurityGroupRuleExists");
    CHECK(idsIn(alice.gets(v2 + "security-group-rules?remote_address_group_id=" + hers), "security_group_rules") ==
          std::set<std::string>{rule.text("id")});
    CHECK(refusal(alice.deletes(v2 + "address-groups/" + hers)) == "409 AddressGroupInUse");

    // One that is shared is named by others, and not taken back while it is.
    const auto policy = made(bob.posts(v2 + "rbac-policies",
                                       R"({"rbac_policy":{"object_type":"address_group","action":"access_as_shared",)"
                                       R"("object_id":)" +
                                           inQuotes(his) + R"(,"target_tenant":)" + inQuotes(alice.project) + "}}"),
                             "rbac_policy")
                            .text("id");
    const auto second = made(asks(naming(his)), "security_group_rule").text("id");
    CHECK(refusal(bob.deletes(v2 + "rbac-policies/" + policy)).starts_with("409 "));
    CHECK(refusal(bob.deletes(v2 + "address-groups/" + his)) == "409 AddressGroupInUse");
    CHECK(alice.deletes(v2 + "security-group-rules/" + second).status == 204);
    CHECK(bob.deletes(v2 + "rbac-policies/" + policy).status == 204);
    CHECK(alice.deletes(v2 + "security-groups/" + security).status == 204);
    CHECK(alice.deletes(v2 + "address-groups/" + hers).status == 204);
}
