#include <catch2/catch.hpp>

#include "network/speak.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace stratolet::test::net;

TEST_CASE("Flavors of services and their profiles are kept as an administrator writes them", "[network][flavor]") {
    TestAppliance cloud;
    const auto admin = cloud.admin(), alice = cloud.member("alice");
    const auto profile =
        made(admin.posts(v2 + "service_profiles",
                         R"({"service_profile":{"description":"d","metainfo":"{'foo': 'bar'}","enabled":"true"}})"),
             "service_profile")
            .text("id");
    const auto flavor = creates(admin, "flavor", R"("name":"gold","service_type":"L3_ROUTER_NAT")");
    const auto one = v2 + "flavors/" + flavor, its = one + "/service_profiles",
               other = v2 + "service_profiles/" + profile;
    CHECK(made(alice.gets(one), "flavor", 200).text("name") == "gold"); // flavors are there to be chosen from
    CHECK(idsIn(alice.gets(v2 + "flavors?service_type=L3_ROUTER_NAT"), "flavors") == std::set{flavor});
    CHECK(refusal(alice.gets(other)) == "404 ServiceProfileNotFound");
    CHECK(idsIn(alice.gets(v2 + "service_profiles"), "service_profiles").empty());
    CHECK(refusal(alice.posts(v2 + "flavors", R"({"flavor":{"service_type":"x"}})")) == "403 PolicyNotAuthorized");

    const auto body = R"({"service_profile":{"id":)" + inQuotes(profile) + "}}";
    CHECK(made(admin.posts(its, body), "service_profile").text("id") == profile);
    CHECK(refusal(admin.posts(its, body)) == "409 FlavorServiceProfileBindingExists");
    CHECK(refusal(admin.posts(its, R"({"service_profile":{"id":"nothing"}})")) == "404 ServiceProfileNotFound");
    CHECK(refusal(alice.posts(its, body)) == "403 PolicyNotAuthorized");
    CHECK(made(alice.gets(one), "flavor", 200).array("service_profiles").items().at(0).text() == profile);
    CHECK(refusal(admin.deletes(other)) == "409 ServiceProfileInUse");

    // Who would serve it.
    const auto next = one + "/next_providers";
    const auto profileIs = [&](const std::string& what) {
        made(admin.puts(other, R"({"service_profile":{)" + what + "}}"), "service_profile", 200);
    };
    profileIs(R"("driver":"nobody")");
    CHECK(refusal(alice.gets(next)) == "404 ServiceProfileDriverNotFound");
    profileIs(R"("driver":"single_node")");
    const auto providers = alice.gets(next).json().array("next_providers");
    REQUIRE(providers.size() == 1);
    CHECK(providers.items().at(0).text("driver") == "single_node");
    CHECK(providers.items().at(0).text("provider") ==
          alice.gets(v2 + "service-providers").json().array("service_providers").items().at(0).text("name"));
    profileIs(R"("enabled":false)");
    CHECK(refusal(alice.gets(next)) == "503 ServiceProfileDisabled");
    profileIs(R"("enabled":true,"driver":"","metainfo":"{}")");
    CHECK(refusal(alice.gets(v2 + "flavors/" + profile + "/next_providers")) == "404 FlavorNotFound");
    CHECK(admin.deletes(its + "/" + profile).status == 204);
    CHECK(refusal(admin.deletes(its + "/" + profile)) == "404 FlavorServiceProfileBindingNotFound");
    CHECK(refusal(alice.gets(next)) == "404 FlavorServiceProfileBindingNotFound");

    CHECK_FALSE(made(admin.puts(one, R"({"flavor":{"enabled":false}})"), "flavor", 200).at("enabled").boolean());
    CHECK(refusal(admin.puts(one, R"({"flavor":{"service_type":"VPN"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(admin.posts(v2 + "flavors", R"({"flavor":{"name":"x"}})")) == "400 HTTPBadRequest");
    CHECK(refusal(admin.posts(v2 + "service_profiles", R"({"service_profile":{}})")) == "400 ServiceProfileEmpty");
    CHECK(refusal(admin.puts(other, R"({"service_profile":{"metainfo":""}})")) == "400 ServiceProfileEmpty");
    CHECK(made(admin.puts(other, R"({"service_profile":{"driver":"x"}})"), "service_profile", 200).text("driver") ==
          "x");
    CHECK(admin.deletes(other).status == 204);
    CHECK(admin.deletes(one).status == 204);
    CHECK(refusal(admin.gets(one)) == "404 FlavorNotFound");
}
