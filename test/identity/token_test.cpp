#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "identity/identity.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/keeper.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

std::string passwordLogin(const std::string& user, const std::string& password, const std::string& scope) {
    return R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":)" + jsonText(user) +
           R"(,"domain":{"name":"Default"},"password":)" + jsonText(password) + "}}}" +
           (scope.empty() ? "" : ",\"scope\":" + scope) + "}}";
}

std::string tokenLogin(const std::string& token, const std::string& scope) {
    return R"({"auth":{"identity":{"methods":["token"],"token":{"id":)" + jsonText(token) + "}},\"scope\":" + scope +
           "}}";
}

Answer logsIn(TestAppliance& cloud, const std::string& body) {
    return cloud.asks(Method::Post, "/identity/v3/auth/tokens", body);
}
std::string tokenOf(const Answer& answer) { return std::string(answer.headers["X-Subject-Token"]); }

/// What the service says of somebody's token now.
int stateOf(const Member& asker, const std::string& token) {
    return asker.heads("/identity/v3/auth/tokens", {{"X-Subject-Token", token}}).status;
}

std::string projectScope(const std::string& id) { return R"({"project":{"id":")" + id + "\"}}"; }

}

TEST_CASE("A password gets a token whose roles include the implied ones, with the catalog", "[identity][token]") {
    TestAppliance cloud;
    const auto answer =
        logsIn(cloud, passwordLogin("admin", "secret", R"({"project":{"name":"admin","domain":{"id":"default"}}})"));
    REQUIRE(answer.status == 201);
    CHECK_THAT(tokenOf(answer), Catch::StartsWith("gAAAA"));
    const auto token = answer.json().object("token");
    std::vector<std::string> roles, types;
    for (const auto& each : token.array("roles").items()) roles.push_back(each.text("name"));
    for (const auto& each : token.array("catalog").items()) types.push_back(each.text("type"));
    CHECK(roles == std::vector<std::string>{"admin", "manager", "member", "reader"});
    CHECK(types == std::vector<std::string>{"block-storage", "compute", "identity", "image", "network", "placement",
                                            "volumev3"});
    CHECK(token.object("project").text("name") == "admin");
    CHECK(token.array("methods").items()[0].text() == "password");
}

TEST_CASE("A token has the scope that was asked for, and only where there is a role", "[identity][token]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto login = [&](const std::string& scope) {
        return logsIn(cloud, passwordLogin("alice", alice.password, scope));
    };
    CHECK_FALSE(login("").json().object("token").has("roles"));
    CHECK_FALSE(login(R"("unscoped")").json().object("token").has("project"));
    CHECK(login(projectScope(alice.project)).json().object("token").has("project"));
    CHECK(login(R"({"domain":{"id":"default"}})").status == 401);
    CHECK(login(R"({"system":{"all":true}})").status == 401);
    CHECK(login(projectScope(cloud.admin().project)).status == 401);
    CHECK(login(R"({"project":{"id":"x"},"domain":{"id":"default"}})").status == 400);
    const auto system = logsIn(cloud, passwordLogin("admin", "secret", R"({"system":{"all":true}})"));
    CHECK(system.json().object("token").object("system").boolean("all", false));
    CHECK(logsIn(cloud, tokenLogin(tokenOf(system), projectScope(cloud.admin().project))).status == 403);
}

TEST_CASE("Whatever is wrong with a login, the answer is the same", "[identity][token][S26]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto wrong = logsIn(cloud, passwordLogin("alice", "wrong", ""));
    const auto nobody = logsIn(cloud, passwordLogin("nobody", "wrong", ""));
    cloud.admin().patches("/identity/v3/users/" + alice.user, R"({"user":{"enabled":false}})");
    const auto disabled = logsIn(cloud, passwordLogin("alice", alice.password, ""));
    CHECK(wrong.status == 401);
    CHECK(nobody.status == 401);
    CHECK(disabled.status == 401);
    CHECK(wrong.body == nobody.body);
    CHECK(wrong.body == disabled.body);
    CHECK_THAT(std::string(wrong.headers["WWW-Authenticate"]), Contains("Keystone uri="));
}

TEST_CASE("A token made from a token lives no longer and is revoked by itself", "[identity][token][S21]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto first = logsIn(cloud, passwordLogin("alice", alice.password, ""));
    const auto second = logsIn(cloud, tokenLogin(tokenOf(first), projectScope(alice.project)));
    REQUIRE(second.status == 201);
    const auto one = first.json().object("token"), two = second.json().object("token");
    CHECK(one.text("expires_at") == two.text("expires_at"));
    CHECK(two.array("audit_ids").items()[1].text() == one.array("audit_ids").items()[0].text());
    CHECK(two.array("methods").items().size() == 2);

    const auto root = cloud.admin();
    CHECK(alice.deletes("/identity/v3/auth/tokens", {{"X-Subject-Token", tokenOf(second)}}).status == 204);
    CHECK(stateOf(root, tokenOf(second)) == 404);
    CHECK(stateOf(root, tokenOf(first)) == 200);
    CHECK(logsIn(cloud, tokenLogin(tokenOf(second), projectScope(alice.project))).status ==
          404); // no token any more, as clients know it
}

TEST_CASE("A token means nothing any more, at once, when what it rests on has changed", "[identity][token]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const std::string role = root.gets("/identity/v3/roles?name=member").json().array("roles").items()[0].text("id");
    const auto user = "/identity/v3/users/" + alice.user, project = "/identity/v3/projects/" + alice.project;
    CHECK(stateOf(root, alice.token) == 200);
    SECTION("the role is taken away") {
        CHECK(root.deletes(project + "/users/" + alice.user + "/roles/" + role).status == 204);
    }
    SECTION("the user is disabled") { CHECK(root.patches(user, R"({"user":{"enabled":false}})").status == 200); }
    SECTION("the user is disabled and enabled again") {
        root.patches(user, R"({"user":{"enabled":false}})");
        root.patches(user, R"({"user":{"enabled":true}})");
    }
    SECTION("the user is deleted") { CHECK(root.deletes(user).status == 204); }
    SECTION("the project is disabled") {
        CHECK(root.patches(project, R"({"project":{"enabled":false}})").status == 200);
    }
    SECTION("the project is deleted") { CHECK(root.deletes(project).status == 204); }
    SECTION("the user changes the password") {
        CHECK(alice
                  .posts(user + "/password",
                         R"({"user":{"original_password":)" + jsonText(alice.password) + R"(,"password":"another"}})")
                  .status == 204);
    }
    SECTION("the administrator sets a password") {
        CHECK(root.patches(user, R"({"user":{"password":"another"}})").status == 200);
    }
    CHECK(stateOf(root, alice.token) == 404);
    CHECK(alice.gets("/identity/v3/auth/projects").status == 401);
}

TEST_CASE("A token that was not made here, or was changed, is none", "[identity][token]") {
    TestAppliance cloud;
    auto alice = cloud.member("alice");
    const auto good = alice.token;
    for (std::size_t at = 0; at < good.size(); at += 7) {
        alice.token = good;
        alice.token[at] = alice.token[at] == 'A' ? 'B' : 'A';
        CHECK(alice.gets("/identity/v3/auth/projects").status == 401);
    }
    for (const auto* bad : {"", "x", "gAAAAA", "gAAAAABrAzhN"}) {
        alice.token = bad;
        CHECK(alice.gets("/identity/v3/auth/projects").status == 401);
    }
    alice.token = good;
    CHECK(alice.gets("/identity/v3/auth/projects").status == 200);
}

TEST_CASE("Tokens outlive a restart; revoked ones stay revoked", "[identity][token]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    bob.deletes("/identity/v3/auth/tokens", {{"X-Subject-Token", bob.token}});
    cloud.restart();
    CHECK(alice.gets("/identity/v3/auth/projects").status == 200);
    CHECK(bob.gets("/identity/v3/auth/projects").status == 401);
}

TEST_CASE("Headers that only say who somebody is have no effect", "[identity][S23]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const HeaderList forged = {{"X-Roles", "admin"},
                               {"X-User-Id", cloud.admin().user},
                               {"X-Is-Admin-Project", "True"},
                               {"X-Forwarded-For", "127.0.0.1"},
                               {"X-Project-Id", cloud.admin().project}};
    CHECK(alice.gets("/identity/v3/users", forged).status == 403);
    CHECK(cloud.asks(Method::Get, "/identity/v3/users", "", forged).status == 401);
    CHECK_THAT(alice
                   .gets("/identity/v3/projects/" + alice.project,
                         {{"X-Forwarded-Host", "evil.test"}, {"X-Forwarded-Proto", "gopher"}})
                   .body,
               !Contains("evil") && !Contains("gopher"));
}

TEST_CASE("What a request says of a target changes no decision", "[identity][S18]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    CHECK(alice.gets("/identity/v3/users/" + bob.user + "?user_id=" + alice.user + "&target.user.id=" + alice.user)
              .status == 403);
    CHECK(alice
              .patches("/identity/v3/users/" + alice.user,
                       R"({"user":{"description":"x"},"target":{"user":{"domain_id":"default"}},"is_admin":true})")
              .status == 403);
    CHECK(alice
              .posts("/identity/v3/projects",
                     R"({"project":{"name":"x","is_admin":"True","project_id":")" + alice.project + "\"}}")
              .status == 403);
}

TEST_CASE("The intermediate role of a policy override counts without a restart", "[identity][policy]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice"), boss = cloud.colleague(alice, "boss", "manager");
    CHECK(boss.gets("/identity/v3/users").status == 403);
    std::filesystem::create_directories(cloud.folder() / "policy");
    std::ofstream(cloud.folder() / "policy" / "identity.yaml") << "\"identity:list_users\": \"role:manager\"\n";
    for (int tries = 0; tries < 100 && boss.gets("/identity/v3/users").status != 200; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(boss.gets("/identity/v3/users").status == 200);
    CHECK(alice.gets("/identity/v3/users").status == 403);
}

TEST_CASE("A token is void, at once, when what its scope rests on has changed", "[identity][token][revocation]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto domain =
        root.posts("/identity/v3/domains", R"({"domain":{"name":"other"}})").json().object("domain").text("id");
    const auto project =
        root.posts("/identity/v3/projects", R"({"project":{"name":"p","domain_id":")" + domain + "\"}}")
            .json()
            .object("project")
            .text("id");
    const auto user =
        root.posts("/identity/v3/users", R"({"user":{"name":"u","password":"pw","domain_id":")" + domain + "\"}}")
            .json()
            .object("user")
            .text("id");
    const auto group = root.posts("/identity/v3/groups", R"({"group":{"name":"g","domain_id":")" + domain + "\"}}")
                           .json()
                           .object("group")
                           .text("id");
    const auto role =
        root.posts("/identity/v3/roles", R"({"role":{"name":"worker"}})").json().object("role").text("id");
    root.puts("/identity/v3/groups/" + group + "/users/" + user, "");
    root.puts("/identity/v3/projects/" + project + "/groups/" + group + "/roles/" + role, "");
    const auto given =
        tokenOf(logsIn(cloud, R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":")" + user +
                                  R"(","password":"pw"}}},"scope":)" + projectScope(project) + "}}"));
    CHECK(stateOf(root, given) == 200);
    SECTION("the group is left") {
        CHECK(root.deletes("/identity/v3/groups/" + group + "/users/" + user).status == 204);
    }
    SECTION("the group is deleted") { CHECK(root.deletes("/identity/v3/groups/" + group).status == 204); }
    SECTION("the group loses the role") {
        CHECK(root.deletes("/identity/v3/projects/" + project + "/groups/" + group + "/roles/" + role).status == 204);
    }
    SECTION("the role is deleted") { CHECK(root.deletes("/identity/v3/roles/" + role).status == 204); }
    SECTION("the domain is disabled") {
        CHECK(root.patches("/identity/v3/domains/" + domain, R"({"domain":{"enabled":false}})").status == 200);
    }
    SECTION("the domain is deleted") {
        root.patches("/identity/v3/domains/" + domain, R"({"domain":{"enabled":false}})");
        CHECK(root.deletes("/identity/v3/domains/" + domain).status == 204);
    }
    CHECK(stateOf(root, given) == 404);
}

TEST_CASE("A token without its catalog, and one that has expired, for those who ask so", "[identity][token]") {
    TestAppliance cloud({{"identity", "allow_expired_window", "600"}});
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto show = [&](const std::string& query) {
        return cloud.admin().gets("/identity/v3/auth/tokens" + query, {{"X-Subject-Token", alice.token}});
    };
    CHECK(show("").json().object("token").has("catalog"));
    CHECK_FALSE(show("?nocatalog").json().object("token").has("catalog"));
    cloud.passes(std::chrono::seconds(3601));
    CHECK(show("").status == 404);
    CHECK(show("?allow_expired=1").status == 200);
    CHECK(alice.gets("/identity/v3/auth/projects").status == 401);
    cloud.passes(std::chrono::seconds(600));
    CHECK(show("?allow_expired=1").status == 404);
}

TEST_CASE("A service may finish what a user began, with the user's token that has expired and its own",
          "[identity][token]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto robot = cloud.colleague(alice, "robot", "service"), other = cloud.colleague(alice, "other", "member");
    cloud.passes(std::chrono::seconds(3601));
    const auto fresh = [&](const Member& who) { return cloud.logsIn(who.name, who.password, "alice"); };
    CHECK(alice.gets("/network/v2.0/networks").status == 401);
    CHECK(alice.gets("/network/v2.0/networks", {{"X-Service-Token", fresh(robot)}}).status == 200);
    CHECK(alice.gets("/network/v2.0/networks", {{"X-Service-Token", fresh(other)}}).status == 401);
    CHECK(alice.gets("/network/v2.0/networks", {{"X-Service-Token", robot.token}}).status == 401); // expired itself
}

TEST_CASE("A token that has a scope gets no other scope where that is switched off", "[identity][token]") {
    TestAppliance cloud({{"identity", "allow_rescope_scoped_token", "false"}});
    const auto alice = cloud.member("alice");
    CHECK(logsIn(cloud, tokenLogin(alice.token, projectScope(alice.project))).status == 403);
    const auto unscoped = tokenOf(logsIn(cloud, passwordLogin("alice", alice.password, "\"unscoped\"")));
    CHECK(logsIn(cloud, tokenLogin(unscoped, projectScope(alice.project))).status == 201);
}

TEST_CASE("Revocations are listed for those who keep tokens, and the list of old is not there",
          "[identity][token][revocation]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto audit = root.gets("/identity/v3/auth/tokens", {{"X-Subject-Token", alice.token}})
                           .json()
                           .object("token")
                           .array("audit_ids")
                           .items()[0]
                           .text();
    alice.deletes("/identity/v3/auth/tokens", {{"X-Subject-Token", alice.token}});
    root.patches("/identity/v3/users/" + alice.user, R"({"user":{"enabled":false}})");
    root.patches("/identity/v3/projects/" + alice.project, R"({"project":{"enabled":false}})");
    const auto events = root.gets("/identity/v3/OS-REVOKE/events").json().array("events").items();
    REQUIRE(events.size() == 3);
    CHECK(events[2].text("project_id") == alice.project);
    CHECK(events[0].text("audit_id") == audit);
    CHECK(events[1].text("user_id") == alice.user);
    CHECK(root.gets("/identity/v3/OS-REVOKE/events?since=2100-01-01T00:00:00Z").json().array("events").size() == 0);
    CHECK(root.gets("/identity/v3/OS-REVOKE/events?since=then").status == 400);
    CHECK(cloud.member("bob").gets("/identity/v3/OS-REVOKE/events").status == 403);
    CHECK(root.gets("/identity/v3/auth/tokens/OS-PKI/revoked").status == 404);
}

TEST_CASE("Keys rotate while the cloud runs, and no token is refused", "[identity][token][keys]") {
    TestAppliance cloud;
    auto alice = cloud.member("alice");
    const auto keysIn = [&] {
        std::vector<std::string> names;
        for (const auto& each : std::filesystem::directory_iterator(cloud.folder() / "fernet-keys"))
            names.push_back(each.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    };
    CHECK(keysIn() == std::vector<std::string>{"0", "1", "lock"});
    std::vector<std::string> tokens{alice.token};
    const Config config(identity::configOptions());
    for (int round = 0; round < 5; ++round) {
        identity::rotateTokenKeys(cloud.folder(), config);
        for (int each = 0; each < 30; ++each) { // over the moment in which the running cloud notices
            tokens.push_back(cloud.logsIn("alice", alice.password, "alice"));
            alice.token = tokens.back();
            REQUIRE(alice.gets("/identity/v3/auth/projects").status == 200);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
    for (const auto& each : tokens) {
        alice.token = each;
        CHECK(alice.gets("/identity/v3/auth/projects").status == 200);
    }
    // More than three are kept as long as a token that they sealed may be asked about, and no longer.
    CHECK(keysIn().size() == 8);
}

TEST_CASE("Keys that sealed nothing that still lives are thrown away", "[identity][keys]") {
    const Folder folder;
    struct : RealAmbient {
        Time time = RealAmbient::now();
        Time now() override { return time; }
    } ambient;
    identity::Fernet fernet(folder / "keys", ambient);
    const auto first = fernet.seal("one");
    for (int round = 0; round < 5; ++round) {
        ambient.time += std::chrono::hours(1);
        fernet.repository().rotate(3, std::chrono::minutes(90));
    }
    CHECK(fernet.repository().keys()->size() == 4); // staged, primary, and two that were primary within the time
    CHECK_FALSE(fernet.open(first));
    CHECK(fernet.open(fernet.seal("two")) == "two");
}

TEST_CASE("Token keys rotate by themselves where that is asked for", "[identity][keys]") {
    TestAppliance cloud({{"identity", "fernet_rotation_interval", "3600"}});
    CHECK_FALSE(std::filesystem::exists(cloud.folder() / "fernet-keys" / "2"));
    cloud.passes(std::chrono::seconds(3601));
    for (int tries = 0; tries < 300 && !std::filesystem::exists(cloud.folder() / "fernet-keys" / "2"); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(std::filesystem::exists(cloud.folder() / "fernet-keys" / "2"));
}
