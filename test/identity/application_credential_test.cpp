#include <catch2/catch.hpp>

#include "identity/support.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

std::string pathOf(const Member& who, const std::string& id = "") {
    return "/identity/v3/users/" + who.user + "/application_credentials" + (id.empty() ? "" : "/" + id);
}

Member by(TestAppliance& cloud, const Member& who, const MadeCredential& made) {
    const auto answer = logsIn(cloud, credentialLogin(made.id, made.secret));
    REQUIRE(answer.status == 201);
    return with(who, tokenOf(answer));
}

}

TEST_CASE("An application credential's secret is told once and gets a token of its user in its project",
          "[identity][appcred]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "robot", R"(,"description":"for the nightly run")");
    const auto body = made.answer.json().object("application_credential");
    CHECK(made.secret.size() >= 43);
    CHECK(body.text("project_id") == alice.project);
    CHECK(body.boolean("unrestricted", true) == false);
    CHECK(body.at("expires_at").isNull());
    const auto shown = alice.gets(pathOf(alice, made.id));
    CHECK(shown.status == 200);
    CHECK_FALSE(shown.json().object("application_credential").has("secret"));
    CHECK_THAT(shown.body, !Contains(made.secret));

    const auto answer = logsIn(cloud, credentialLogin(made.id, made.secret));
    REQUIRE(answer.status == 201);
    const auto token = answer.json().object("token");
    CHECK(token.object("project").text("id") == alice.project);
    CHECK(token.object("user").text("id") == alice.user);
    CHECK(token.array("methods").items().at(0).text() == "application_credential");
    CHECK(token.object("application_credential").text("name") == "robot");
    CHECK(token.object("application_credential").boolean("restricted", false));
    CHECK(roleNames(answer) == std::vector<std::string>{"member", "reader"});

    const auto byName = [&](const std::string& user) {
        return logsIn(cloud,
                      login(R"(["application_credential"])", R"("application_credential":{"name":"robot","user":)" +
                                                                 user + R"(,"secret":)" + jsonText(made.secret) + "}"));
    };
    CHECK(byName(R"({"id":")" + alice.user + "\"}").status == 201);
    CHECK(byName(R"({"name":"alice","domain":{"id":"default"}})").status == 201);
    CHECK(byName(R"({"name":"bob","domain":{"id":"default"}})").status == 401);
}

TEST_CASE("An application credential proves nobody but its own user, whoever the body names",
          "[identity][appcred][S19]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "robot");
    const auto answer = logsIn(cloud, login(R"(["application_credential"])",
                                            R"("application_credential":{"id":")" + made.id + R"(","user":{"id":")" +
                                                cloud.admin().user + R"("},"secret":)" + jsonText(made.secret) + "}"));
    REQUIRE(answer.status == 201);
    CHECK(answer.json().object("token").object("user").text("id") == alice.user);
    CHECK(logsIn(cloud, credentialLogin(made.id, "wrong")).status == 401);
    CHECK(logsIn(cloud, credentialLogin("nothing", made.secret)).status == 401);
    CHECK(logsIn(cloud, credentialLogin(made.id, "wrong")).body ==
          logsIn(cloud, credentialLogin("nothing", "wrong")).body);
}

TEST_CASE("An application credential has the roles that were asked for, of those that its maker has",
          "[identity][appcred][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto reader = makesCredential(alice, "reader", R"(,"roles":[{"name":"reader"}])");
    CHECK(roleNames(logsIn(cloud, credentialLogin(reader.id, reader.secret))) == std::vector<std::string>{"reader"});
    CHECK(makesCredential(alice, "more", R"(,"roles":[{"name":"admin"}])").answer.status == 403);
    CHECK(makesCredential(alice, "none", R"(,"roles":[{"name":"nothing"}])").answer.status == 404);
    CHECK(makesCredential(alice, "reader").answer.status == 409);
    CHECK(makesCredential(alice, "").answer.status == 400);
    CHECK(alice.posts(pathOf(cloud.admin()), R"({"application_credential":{"name":"x"}})").status == 403);
    CHECK(alice.gets(pathOf(cloud.admin())).status == 403);
    CHECK(cloud.admin().gets(pathOf(alice, reader.id)).status == 200);
    CHECK(alice.gets(pathOf(alice) + "?name=reader").json().array("application_credentials").size() == 1);
    CHECK(alice.gets(pathOf(alice) + "?name=other").json().array("application_credentials").size() == 0);
}

TEST_CASE("A token of an application credential has no other scope, and is no step to another token",
          "[identity][appcred]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "robot");
    auto body = credentialLogin(made.id, made.secret);
    body.insert(body.size() - 2, ",\"scope\":" + projectScope(alice.project));
    CHECK(logsIn(cloud, body).status == 401);
    CHECK(logsIn(cloud, tokenLogin(by(cloud, alice, made).token, projectScope(alice.project))).status == 403);
}

TEST_CASE("A restricted application credential makes, sees and deletes no credentials and no trusts",
          "[identity][appcred][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto robot = by(cloud, alice, makesCredential(alice, "robot"));
    const auto mine = alice.posts("/identity/v3/users/" + alice.user + "/credentials/OS-EC2",
                                  R"({"tenant_id":")" + alice.project + "\"}");
    const auto access = mine.json().object("credential").text("access");
    CHECK(makesCredential(robot, "child").answer.status == 403);
    CHECK(robot.deletes(pathOf(alice, makesCredential(alice, "other").id)).status == 403);
    CHECK(makesTrust(robot, bob, R"([{"name":"member"}])", R"(,"impersonation":true)").status == 403);
    CHECK(robot
              .posts("/identity/v3/users/" + alice.user + "/credentials/OS-EC2",
                     R"({"tenant_id":")" + alice.project + "\"}")
              .status == 403);
    CHECK(robot
              .posts("/identity/v3/credentials",
                     R"({"credential":{"type":"x","blob":"y","user_id":")" + alice.user + "\"}}")
              .status == 403);
    // Whoever reads an access key has more than this token.
    CHECK(robot.gets("/identity/v3/users/" + alice.user + "/credentials/OS-EC2").status == 403);
    CHECK(robot.gets("/identity/v3/users/" + alice.user + "/credentials/OS-EC2/" + access).status == 403);
    CHECK(robot.gets("/identity/v3/credentials").json().array("credentials").size() == 0); // as if there were none
}

TEST_CASE("What an unrestricted application credential makes has no more than itself, and goes with it",
          "[identity][appcred][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto parent = makesCredential(alice, "parent",
                                        R"(,"unrestricted":true,"roles":[{"name":"reader"}],"expires_at":")" +
                                            isoMicros(RealAmbient().now() + std::chrono::minutes(30)) + "\"");
    REQUIRE(parent.answer.status == 201);
    const auto robot = by(cloud, alice, parent);
    const auto later = R"(,"expires_at":")" + isoMicros(RealAmbient().now() + std::chrono::hours(2)) + "\"";
    CHECK(makesCredential(robot, "more", R"(,"roles":[{"name":"member"}])").answer.status == 403);
    CHECK(makesCredential(robot, "longer", later).answer.status == 403);
    const auto child = makesCredential(robot, "child");
    REQUIRE(child.answer.status == 201);
    CHECK(child.answer.json().object("application_credential").text("expires_at") ==
          parent.answer.json().object("application_credential").text("expires_at"));
    const auto childToken = by(cloud, alice, child).token;

    CHECK(makesTrust(robot, bob, R"([{"name":"member"}])", R"(,"impersonation":true)").status == 403);
    CHECK(makesTrust(robot, bob, R"([{"name":"reader"}])", R"(,"impersonation":true)" + later).status == 403);
    const auto trust = makesTrust(robot, bob, R"([{"name":"reader"}])", R"(,"impersonation":true)");
    REQUIRE(trust.status == 201);
    const auto trustLogin = passwordLogin(bob, trustScope(trust.json().object("trust").text("id")));
    const auto trustToken = tokenOf(logsIn(cloud, trustLogin));

    const auto root = cloud.admin();
    CHECK(stateOf(root, childToken) == 200);
    CHECK(stateOf(root, trustToken) == 200);
    CHECK(alice.deletes(pathOf(alice, parent.id)).status == 204);
    CHECK(stateOf(root, robot.token) == 404);
    CHECK(stateOf(root, childToken) == 404);
    CHECK(stateOf(root, trustToken) == 404);
    CHECK(logsIn(cloud, credentialLogin(child.id, child.secret)).status == 401);
    CHECK(logsIn(cloud, trustLogin).status == 404);
}

TEST_CASE("An application credential ends when it expires, and its tokens with it", "[identity][appcred][S21]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto soon = isoMicros(RealAmbient().now() + std::chrono::minutes(5));
    const auto made = makesCredential(alice, "short", R"(,"expires_at":")" + soon + "\"");
    const auto answer = logsIn(cloud, credentialLogin(made.id, made.secret));
    CHECK(answer.json().object("token").text("expires_at") == soon + "Z");
    cloud.passes(std::chrono::minutes(6));
    CHECK(stateOf(cloud.admin(), tokenOf(answer)) == 404);
    CHECK(logsIn(cloud, credentialLogin(made.id, made.secret)).status == 401);
    CHECK(makesCredential(alice, "past", R"(,"expires_at":")" + soon + "\"").answer.status == 400);
    CHECK_THAT(makesCredential(alice, "bad", R"(,"expires_at":"tomorrow")").answer.body, Contains("expires_at"));
}

TEST_CASE("Access rules limit a credential to the requests they describe, at every service",
          "[identity][appcred][rules]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "narrow", R"(,"access_rules":[
        {"service":"compute","method":"GET","path":"/v2.1/servers/*/ips"},
        {"service":"volumev3","method":"GET","path":"/v3/{project_id}/volumes/detail"},
        {"service":"network","method":"GET","path":"/v2.0/**"},
        {"service":"image","method":"POST","path":"/v2/images"}])");
    REQUIRE(made.answer.status == 201);
    const auto robot = by(cloud, alice, made);
    CHECK(robot.gets("/compute/v2.1/servers/f3c1a2b4-0000-4000-8000-000000000000/ips").status ==
          404); // allowed, but not there
    CHECK(robot.gets("/compute/v2.1/servers").status == 401);
    CHECK(robot.gets("/compute/v2.1/servers/a/b/ips").status == 404); // no such route for anybody
    CHECK(robot.gets("/compute/v2.1/servers/x%2Fips").status == 401);
    CHECK(robot.gets("/volume/v3/{project}/volumes/detail").status == 200);
    CHECK(robot.gets("/volume/v3/{project}/volumes").status == 401);
    CHECK(robot.gets("/network/v2.0/networks").status == 200);
    CHECK(robot.posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").status == 401);
    CHECK(robot.gets("/image/v2/images").status == 401);
    CHECK(robot.posts("/image/v2/images", R"({"name":"i","disk_format":"raw","container_format":"bare"})").status ==
          201);
    CHECK(robot.gets("/identity/v3/auth/projects").status == 401);
    const auto answer = cloud.admin().gets("/identity/v3/auth/tokens", {{"X-Subject-Token", robot.token}});
    CHECK(answer.json().object("token").object("application_credential").array("access_rules").size() == 4);
    const auto nothing = makesCredential(alice, "nothing", R"(,"access_rules":[])");
    CHECK(by(cloud, alice, nothing).gets("/network/v2.0/networks").status == 401);
}

TEST_CASE("An access rule is shared by credentials, and is deleted only when none has it",
          "[identity][appcred][rules]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string rule = R"(,"access_rules":[{"service":"compute","method":"GET","path":"/v2.1/servers"}])";
    const auto one = makesCredential(alice, "one", rule), two = makesCredential(alice, "two", rule);
    const auto rules = "/identity/v3/users/" + alice.user + "/access_rules";
    const auto list = alice.gets(rules).json().array("access_rules").items();
    REQUIRE(list.size() == 1);
    const auto id = list[0].text("id");
    CHECK(alice.gets(rules + "/" + id).json().object("access_rule").text("path") == "/v2.1/servers");
    CHECK(makesCredential(alice, "three", R"(,"access_rules":[{"id":")" + id + "\"}]").answer.status == 201);
    CHECK(makesCredential(alice, "four", R"(,"access_rules":[{"id":"nothing"}])").answer.status == 404);
    CHECK(alice.deletes(rules + "/" + id).status == 403);
    for (const auto& each : alice.gets(pathOf(alice)).json().array("application_credentials").items())
        CHECK(alice.deletes(pathOf(alice, each.text("id"))).status == 204);
    CHECK(alice.deletes(rules + "/" + id).status == 204);
    CHECK(alice.gets(rules + "/" + id).status == 404);
    CHECK(cloud.member("bob").gets(rules).status == 403);
    CHECK_THAT(makesCredential(alice, "x", R"(,"access_rules":[{"service":"compute","method":"FETCH","path":"/x"}])")
                   .answer.body,
               Contains("method"));
    CHECK_THAT(
        makesCredential(alice, "x", R"(,"access_rules":[{"service":"compute","method":"GET","path":"x"}])").answer.body,
        Contains("path"));
}

TEST_CASE("A credential with access rules passes on none that it does not have", "[identity][appcred][rules][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto parent = makesCredential(alice, "parent", R"(,"unrestricted":true,"access_rules":[
        {"service":"identity","method":"POST","path":"/v3/users/*/application_credentials"},
        {"service":"compute","method":"GET","path":"/v2.1/servers"}])");
    const auto robot = by(cloud, alice, parent);
    CHECK(makesCredential(robot, "same").answer.json().object("application_credential").array("access_rules").size() ==
          2);
    CHECK(makesCredential(robot, "less",
                          R"(,"access_rules":[{"service":"compute","method":"GET","path":"/v2.1/servers"}])")
              .answer.status == 201);
    CHECK(makesCredential(robot, "more",
                          R"(,"access_rules":[{"service":"compute","method":"DELETE","path":"/v2.1/servers/*"}])")
              .answer.status == 403);
}

TEST_CASE("An application credential is void, at once, when what it rests on has changed",
          "[identity][appcred][revocation]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "robot");
    const auto robot = by(cloud, alice, made);
    CHECK(robot.gets("/network/v2.0/networks").status == 200);
    const auto user = "/identity/v3/users/" + alice.user, project = "/identity/v3/projects/" + alice.project;
    bool forEver = true;
    SECTION("it is deleted") { CHECK(alice.deletes(pathOf(alice, made.id)).status == 204); }
    SECTION("its user is disabled") { CHECK(root.patches(user, R"({"user":{"enabled":false}})").status == 200); }
    SECTION("its user is deleted") { CHECK(root.deletes(user).status == 204); }
    SECTION("its project is disabled") {
        CHECK(root.patches(project, R"({"project":{"enabled":false}})").status == 200);
    }
    SECTION("its project is deleted") { CHECK(root.deletes(project).status == 204); }
    SECTION("the role is taken away") {
        CHECK(root.deletes(project + "/users/" + alice.user + "/roles/" + roleId(root, "member")).status == 204);
    }
    SECTION("a role is taken away, while another is left") {
        CHECK(root.puts(project + "/users/" + alice.user + "/roles/" + roleId(root, "reader"), "").status == 204);
        CHECK(root.deletes(project + "/users/" + alice.user + "/roles/" + roleId(root, "member")).status == 204);
    }
    SECTION("the token is revoked") {
        CHECK(root.deletes("/identity/v3/auth/tokens", {{"X-Subject-Token", robot.token}}).status == 204);
        forEver = false;
    }
    CHECK(robot.gets("/network/v2.0/networks").status == 401);
    CHECK(stateOf(root, robot.token) == 404);
    CHECK(logsIn(cloud, credentialLogin(made.id, made.secret)).status == (forEver ? 401 : 201));
}

TEST_CASE("An application credential outlives a restart, and the store has no secret in it", "[identity][appcred]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = makesCredential(alice, "robot", R"(,"secret":"a secret of my own making")");
    CHECK(made.secret == "a secret of my own making");
    cloud.restart();
    CHECK(logsIn(cloud, credentialLogin(made.id, made.secret)).status == 201);
    CHECK(cloud.appliance()
              .store()
              .reader()
              .query("SELECT secret FROM application_credentials")
              .texts()
              .at(0)
              .find("secret of") == std::string::npos);
}
