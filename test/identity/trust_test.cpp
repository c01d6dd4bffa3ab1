#include <catch2/catch.hpp>

#include "identity/support.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

const std::string impersonating = R"(,"impersonation":true)", plain = R"(,"impersonation":false)";
const std::string memberRole = R"([{"name":"member"}])", readerRole = R"([{"name":"reader"}])";

std::string idIn(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return answer.json().object("trust").text("id");
}

std::string pathOf(const std::string& id) { return "/identity/v3/OS-TRUST/trusts/" + id; }

}

TEST_CASE("A trust lets its trustee use roles of its trustor in a project, as the trustor where it impersonates",
          "[identity][trust]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto as =
        logsIn(cloud, passwordLogin(bob, trustScope(idIn(makesTrust(alice, bob, readerRole, impersonating)))));
    REQUIRE(as.status == 201);
    const auto token = as.json().object("token");
    CHECK(token.object("user").text("id") == alice.user);
    CHECK(token.object("project").text("id") == alice.project);
    CHECK(roleNames(as) == std::vector<std::string>{"reader"});
    CHECK(token.object("OS-TRUST:trust").boolean("impersonation", false));
    CHECK(token.object("OS-TRUST:trust").object("trustor_user").text("id") == alice.user);
    CHECK(token.object("OS-TRUST:trust").object("trustee_user").text("id") == bob.user);
    CHECK(with(alice, tokenOf(as)).gets("/network/v2.0/networks").status == 200);
    CHECK(with(alice, tokenOf(as)).posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").status ==
          403); // only a reader

    const auto own = logsIn(cloud, passwordLogin(bob, trustScope(idIn(makesTrust(alice, bob, memberRole, plain)))));
    CHECK(own.json().object("token").object("user").text("id") == bob.user);
    CHECK(roleNames(own) == std::vector<std::string>{"member", "reader"});
    CHECK(logsIn(cloud, tokenLogin(tokenOf(own), projectScope(bob.project))).status == 403);
    const auto unscoped = tokenOf(logsIn(cloud, passwordLogin(bob, "\"unscoped\"")));
    CHECK(logsIn(cloud, tokenLogin(unscoped, trustScope(idIn(makesTrust(alice, bob, memberRole, plain))))).status ==
          201);
    CHECK(logsIn(cloud, passwordLogin(alice, trustScope(idIn(makesTrust(alice, bob, memberRole, plain))))).status ==
          403);
}

TEST_CASE("A trust is made by its trustor alone, with roles that it has", "[identity][trust][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    CHECK(makesTrust(with(alice, bob.token), bob, memberRole, plain).status == 403);
    CHECK(makesTrust(with(alice, root.token), bob, memberRole, plain).status == 403);
    CHECK(makesTrust(alice, bob, R"([{"name":"admin"}])", plain).status == 403);
    CHECK(makesTrust(alice, bob, R"([{"name":"nothing"}])", plain).status == 404);
    CHECK(makesTrust(alice, bob, "[]", plain).status == 403);
    CHECK_THAT(makesTrust(alice, bob, memberRole, "").body, Contains("impersonation"));
    CHECK_THAT(makesTrust(alice, bob, memberRole, plain + R"(,"expires_at":"bad.123Z")").body, Contains("expires_at"));
    CHECK(makesTrust(alice, bob, memberRole, plain + R"(,"expires_at":"2001-01-01T00:00:00Z")").status == 400);
    CHECK(makesTrust(alice, bob, memberRole, plain + R"(,"remaining_uses":0)").status == 400);
    auto nobody = bob;
    nobody.user = "nobody";
    CHECK(makesTrust(alice, nobody, memberRole, plain).status == 404);
    auto elsewhere = alice;
    elsewhere.project = bob.project;
    CHECK(makesTrust(elsewhere, bob, memberRole, plain).status == 403);
}

TEST_CASE("Trustor, trustee and administrator see a trust; trustor and administrator delete it", "[identity][trust]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), eve = cloud.member("eve");
    const auto root = cloud.admin();
    const auto id = idIn(makesTrust(alice, bob, memberRole, impersonating));
    for (const auto* each : {&alice, &bob, &root}) {
        CHECK(each->gets(pathOf(id)).status == 200);
        CHECK(each->gets(pathOf(id) + "/roles").json().array("roles").items().at(0).text("name") == "member");
        CHECK(each->heads(pathOf(id) + "/roles/" + roleId(root, "member")).status == 200);
        CHECK(each->gets(pathOf(id) + "/roles/" + roleId(root, "reader")).status == 404);
    }
    CHECK(eve.gets(pathOf(id)).status == 403);
    const std::string all = "/identity/v3/OS-TRUST/trusts";
    CHECK(alice.gets(all + "?trustor_user_id=" + alice.user).json().array("trusts").size() == 1);
    CHECK(bob.gets(all + "?trustee_user_id=" + bob.user).json().array("trusts").size() == 1);
    CHECK(bob.gets(all + "?trustor_user_id=" + alice.user).status == 403);
    CHECK(alice.gets(all).status == 403);
    CHECK(root.gets(all).json().array("trusts").size() == 1);
    CHECK(eve.deletes(pathOf(id)).status == 403);
    CHECK(bob.deletes(pathOf(id)).status == 403);
    CHECK(alice.deletes(pathOf(id)).status == 204);
    CHECK(alice.gets(pathOf(id)).status == 404);
    CHECK(root.deletes(pathOf(idIn(makesTrust(alice, bob, memberRole, plain)))).status == 204);
}

TEST_CASE("A trust for so many uses gives so many tokens, and ends when it expires", "[identity][trust]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto twice = idIn(makesTrust(alice, bob, memberRole, plain + R"(,"remaining_uses":2)"));
    const auto first = logsIn(cloud, passwordLogin(bob, trustScope(twice)));
    CHECK(first.status == 201);
    CHECK(alice.gets(pathOf(twice)).json().object("trust").integer("remaining_uses") == 1);
    CHECK(logsIn(cloud, passwordLogin(bob, trustScope(twice))).status == 201);
    CHECK(logsIn(cloud, passwordLogin(bob, trustScope(twice))).status == 404);
    CHECK(alice.gets(pathOf(twice)).status == 404);
    CHECK(stateOf(cloud.admin(), tokenOf(first)) == 200); // what was given stays given

    const auto soon = isoMicros(RealAmbient().now() + std::chrono::minutes(5)) + "Z";
    const auto brief = idIn(makesTrust(alice, bob, memberRole, plain + R"(,"expires_at":")" + soon + "\""));
    const auto token = logsIn(cloud, passwordLogin(bob, trustScope(brief)));
    CHECK(token.json().object("token").text("expires_at") == soon);
    cloud.passes(std::chrono::minutes(6));
    CHECK(stateOf(cloud.admin(), tokenOf(token)) == 404);
    CHECK(logsIn(cloud, passwordLogin(bob, trustScope(brief))).status == 404);
    CHECK(alice.gets(pathOf(brief)).status == 404);
}

TEST_CASE("A trust is passed on only as far as it allows, and never for more", "[identity][trust][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"), carol = cloud.member("carol");
    const auto soon = isoMicros(RealAmbient().now() + std::chrono::hours(1)) + "Z";
    const auto fixed = idIn(makesTrust(alice, bob, memberRole, impersonating));
    CHECK(makesTrust(with(alice, tokenOf(logsIn(cloud, passwordLogin(bob, trustScope(fixed))))), carol, readerRole,
                     impersonating)
              .status == 403);

    const auto open = idIn(makesTrust(
        alice, bob, memberRole,
        impersonating + R"(,"allow_redelegation":true,"redelegation_count":1,"expires_at":")" + soon + "\""));
    const auto asAlice = with(alice, tokenOf(logsIn(cloud, passwordLogin(bob, trustScope(open)))));
    CHECK(makesTrust(asAlice, carol, R"([{"name":"admin"}])", impersonating).status == 403);
    CHECK(makesTrust(asAlice, carol, readerRole, impersonating + R"(,"expires_at":"2100-01-01T00:00:00Z")").status ==
          403);
    const auto passed = makesTrust(asAlice, carol, readerRole, impersonating + R"(,"allow_redelegation":true)");
    const auto next = idIn(passed);
    CHECK(passed.json().object("trust").text("redelegated_trust_id") == open);
    CHECK(passed.json().object("trust").text("expires_at") == soon);
    CHECK(passed.json().object("trust").integer("redelegation_count") == 0);
    const auto given = logsIn(cloud, passwordLogin(carol, trustScope(next)));
    CHECK(given.json().object("token").object("user").text("id") == alice.user);
    CHECK(roleNames(given) == std::vector<std::string>{"reader"});
    CHECK(makesTrust(with(alice, tokenOf(given)), bob, readerRole, impersonating).status ==
          403); // the depth is used up
    CHECK(alice.deletes(pathOf(open)).status == 204);
    CHECK(stateOf(cloud.admin(), tokenOf(given)) == 404);
    CHECK(makesTrust(alice, bob, memberRole, plain + R"(,"allow_redelegation":true,"redelegation_count":9)").status ==
          403);
    CHECK(makesTrust(alice, bob, memberRole, plain + R"(,"allow_redelegation":true,"remaining_uses":1)").status == 400);
}

TEST_CASE("A token of a trust makes, sees and deletes no credentials, though it looks like the trustor",
          "[identity][trust][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto keys = "/identity/v3/users/" + alice.user + "/credentials/OS-EC2";
    REQUIRE(alice.posts(keys, R"({"tenant_id":")" + alice.project + "\"}").status == 201);
    const auto other = idIn(makesTrust(alice, bob, readerRole, plain));
    const auto asAlice = with(
        alice, tokenOf(logsIn(
                   cloud, passwordLogin(bob, trustScope(idIn(makesTrust(alice, bob, memberRole, impersonating)))))));
    CHECK(makesCredential(asAlice, "robot").answer.status == 403);
    CHECK(asAlice.posts(keys, R"({"tenant_id":")" + alice.project + "\"}").status == 403);
    CHECK(asAlice.gets(keys).status == 403);
    CHECK(asAlice.gets("/identity/v3/credentials").json().array("credentials").size() == 0); // as if there were none
    CHECK(asAlice.deletes(pathOf(other)).status == 403);
}

TEST_CASE("A trust's tokens are void, at once, when what they rest on has changed", "[identity][trust][revocation]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto id = idIn(makesTrust(
        alice, bob, memberRole, GENERATE(as<std::string>(), R"(,"impersonation":true)", R"(,"impersonation":false)")));
    const auto given = tokenOf(logsIn(cloud, passwordLogin(bob, trustScope(id))));
    CHECK(stateOf(root, given) == 200);
    const auto project = "/identity/v3/projects/" + alice.project;
    SECTION("the trust is deleted") { CHECK(alice.deletes(pathOf(id)).status == 204); }
    SECTION("the trustor is disabled") {
        root.patches("/identity/v3/users/" + alice.user, R"({"user":{"enabled":false}})");
    }
    SECTION("the trustor is deleted") { CHECK(root.deletes("/identity/v3/users/" + alice.user).status == 204); }
    SECTION("the trustor's password changes") {
        root.patches("/identity/v3/users/" + alice.user, R"({"user":{"password":"another"}})");
    }
    SECTION("the trustee is disabled") {
        root.patches("/identity/v3/users/" + bob.user, R"({"user":{"enabled":false}})");
    }
    SECTION("the trustor loses the role") {
        CHECK(root.deletes(project + "/users/" + alice.user + "/roles/" + roleId(root, "member")).status == 204);
    }
    SECTION("the project is disabled") { root.patches(project, R"({"project":{"enabled":false}})"); }
    CHECK(stateOf(root, given) == 404);
    CHECK(with(alice, given).gets("/network/v2.0/networks").status == 401);
}
