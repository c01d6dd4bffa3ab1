#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "identity/issuer.hpp"
#include "identity/support.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

const std::string base = "/identity/v3/OS-FEDERATION";
const std::string groupsRule =
    R"({"local":[{"user":{"name":"{0}","email":"{1}"}},{"groups":"{2}","domain":{"id":"default"}}],
    "remote":[{"type":"OIDC-sub"},{"type":"HTTP_OIDC_EMAIL"},{"type":"OIDC-groups"}]})";
const std::string nameRule = R"({"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"OIDC-sub"}]})";

std::string seconds(TestAppliance& cloud, int later) { return std::to_string(toMicros(cloud.now()) / 1000000 + later); }

/// A cloud that trusts one provider, "corp", whose users it calls by their subject.
struct Federated {
    Folder keys;
    Issuer issuer;
    TestAppliance cloud;
    Member root;

    explicit Federated(const std::string& rules = groupsRule, const std::string& more = "")
        : cloud({{"federation", "key_set_dir", keys.path()}, {"federation", "audience", "stratolet,other"}}),
          root(cloud.admin()) {
        writeKeys(issuer.keySet());
        REQUIRE(root.puts(base + "/mappings/people", R"({"mapping":{"rules":[)" + rules + "]}}").status == 201);
        REQUIRE(root.puts(base + "/identity_providers/corp",
                          R"({"identity_provider":{"enabled":true,"remote_ids":["https://corp.example"])" + more + "}}")
                    .status == 201);
        REQUIRE(root.puts(base + "/identity_providers/corp/protocols/openid", R"({"protocol":{"mapping_id":"people"}})")
                    .status == 201);
    }

    void writeKeys(const std::string& set) { std::ofstream(keys / "corp.json") << set; }

    std::string claims(const std::string& subject, const std::string& groups = "[]", const std::string& more = "") {
        return R"({"iss":"https://corp.example","aud":"stratolet","exp":)" + seconds(cloud, 300) + R"(,"sub":")" +
               subject + R"(","email":")" + subject + R"(@corp.example","groups":)" + groups + more + "}";
    }

    Answer shows(const std::string& token) {
        return cloud.asks(Method::Post, base + "/identity_providers/corp/protocols/openid/auth", "",
                          {{"Authorization", "Bearer " + token}});
    }
    Answer logsIn(const std::string& subject, const std::string& groups = "[]") {
        return shows(issuer.token(claims(subject, groups)));
    }

    /// A group of the default domain that has `role` on `project`.
    std::string group(const std::string& name, const std::string& project, const std::string& role = "member") {
        const auto id = root.posts("/identity/v3/groups", R"({"group":{"name":")" + name + "\"}}")
                            .json()
                            .object("group")
                            .text("id");
        REQUIRE(root.puts("/identity/v3/projects/" + project + "/groups/" + id + "/roles/" + roleId(root, role), "")
                    .status == 204);
        return id;
    }
};

std::string userIn(const Answer& answer) {
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return answer.json().object("token").object("user").text("id");
}

}

TEST_CASE("Somebody whom a provider vouches for gets a token, and acts by the groups it says",
          "[identity][federation]") {
    Federated corp;
    const auto alice = corp.cloud.member("alice");
    const auto staff = corp.group("staff", alice.project);
    const auto first = corp.logsIn("bob", R"(["staff","unknown"])");
    const auto bob = userIn(first);
    const auto token = first.json().object("token");
    CHECK_FALSE(token.has("project"));
    CHECK(token.array("methods").items().at(0).text() == "mapped");
    const auto federation = token.object("user").object("OS-FEDERATION");
    CHECK(federation.object("identity_provider").text("id") == "corp");
    CHECK(federation.object("protocol").text("id") == "openid");
    REQUIRE(federation.array("groups").items().size() == 1);
    CHECK(federation.array("groups").items()[0].text("id") == staff);

    // The user lives in the provider's domain.
    const auto provider = corp.root.gets(base + "/identity_providers/corp").json().object("identity_provider");
    const auto shown = corp.root.gets("/identity/v3/users/" + bob).json().object("user");
    CHECK(shown.text("domain_id") == provider.text("domain_id"));
    CHECK(shown.text("name") == "bob");
    CHECK(shown.text("email") == "bob@corp.example");
    CHECK(shown.array("federated").dump() ==
          R"([{"idp_id":"corp","protocols":[{"protocol_id":"openid","unique_id":"bob"}]}])");

    for (const auto* place : {"/identity/v3/auth/projects", "/identity/v3/OS-FEDERATION/projects"})
        CHECK_THAT(with(alice, tokenOf(first)).gets(place).body, Contains(alice.project));
    CHECK(
        with(alice, tokenOf(first)).gets("/identity/v3/OS-FEDERATION/domains").json().array("domains").items().empty());
    const auto scoped = logsIn(corp.cloud, tokenLogin(tokenOf(first), projectScope(alice.project)));
    REQUIRE(userIn(scoped) == bob);
    CHECK(roleNames(scoped) == std::vector<std::string>{"member", "reader"});
    CHECK(scoped.json().object("token").object("user").object("OS-FEDERATION").object("identity_provider").text("id") ==
          "corp");
    CHECK(with(alice, tokenOf(scoped)).posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").status == 201);

    // The same user the next time, another for another subject.
    CHECK(userIn(corp.logsIn("bob", R"(["other"])")) == bob);
    CHECK(userIn(corp.logsIn("carol", R"(["other"])")) != bob);
}

TEST_CASE("A bearer token is taken from the provider, for us, in its time, and else refused in the same words",
          "[identity][federation][S22]") {
    Federated corp(nameRule);
    const Issuer stranger;
    const auto good = corp.claims("bob");
    const auto changed = [&](const std::string& from, const std::string& to) {
        auto claims = good;
        return claims.replace(claims.find(from), from.size(), to);
    };
    const std::string audience = R"("aud":"stratolet")", end = R"("exp":)" + seconds(corp.cloud, 300);
    CHECK(corp.shows(corp.issuer.token(good)).status == 201);
    CHECK(corp.shows(corp.issuer.token(changed(audience, R"("aud":["somebody","other"])"))).status == 201);
    const auto refusal = corp.shows("").body;
    for (const auto& each :
         {std::string("x.y.z"), stranger.token(good), corp.issuer.token(changed(audience, R"("aud":"somebody")")),
          corp.issuer.token(changed(audience, R"("aud":["somebody"])")),
          corp.issuer.token(changed(audience, R"("aud":null)")), corp.issuer.token(changed(audience + ",", "")),
          corp.issuer.token(changed(end + ",", "")), corp.issuer.token(changed(end, R"("exp":"never")")),
          corp.issuer.token(changed(end, R"("exp":)" + seconds(corp.cloud, -70))),
          corp.issuer.token(corp.claims("bob", "[]", R"(,"nbf":)" + seconds(corp.cloud, 70))),
          corp.issuer.token(corp.claims("bob", "[]", R"(,"iat":)" + seconds(corp.cloud, 70)))}) {
        CAPTURE(each);
        const auto answer = corp.shows(each);
        CHECK(answer.status == 401);
        CHECK(answer.body == refusal);
    }
    const auto place = base + "/identity_providers/corp/protocols/openid/auth";
    CHECK(corp.cloud.asks(Method::Get, place, "").status == 401);
    CHECK(corp.cloud.asks(Method::Get, place, "", {{"Authorization", "Basic " + corp.issuer.token(good)}}).status ==
          401);
    CHECK(corp.cloud.asks(Method::Get, place, "", {{"Authorization", "bearer " + corp.issuer.token(good)}}).status ==
          201);

    // One whom the provider's key vouches for, but whose issuer is not the one registered.
    CHECK(corp.shows(corp.issuer.token(changed("https://corp.example", "https://evil.example"))).status == 403);
    CHECK(corp.shows(corp.issuer.token(corp.claims("bob", "[]", R"(,"ISS":"https://corp.example")"))).status == 400);

    CHECK(corp.cloud.asks(Method::Get, base + "/identity_providers/none/protocols/openid/auth", "").status == 404);
    CHECK(corp.cloud.asks(Method::Get, base + "/identity_providers/corp/protocols/none/auth", "").status == 404);
}

TEST_CASE("A provider's keys are read from their file, as it is now", "[identity][federation]") {
    Federated corp(nameRule);
    const Issuer next("RS256", "next");
    CHECK(corp.shows(next.token(corp.claims("bob"))).status == 401);
    corp.writeKeys(R"({"keys":[)" + corp.issuer.publicKey() + "," + next.publicKey() + "]}");
    CHECK(corp.shows(next.token(corp.claims("bob"))).status == 201);
    CHECK(corp.logsIn("bob").status == 201);
    for (const auto* broken : {"", "{", R"({"keys":[]})"}) {
        corp.writeKeys(broken);
        CHECK(corp.logsIn("bob").status == 401);
    }
    std::filesystem::remove(corp.keys / "corp.json");
    CHECK(corp.logsIn("bob").status == 401);
}

TEST_CASE("Without an audience in the configuration nobody is let in", "[identity][federation]") {
    Folder keys;
    const Issuer issuer;
    std::ofstream(keys / "corp.json") << issuer.keySet();
    TestAppliance cloud({{"federation", "key_set_dir", keys.path()}});
    const auto root = cloud.admin();
    root.puts(base + "/mappings/people", R"({"mapping":{"rules":[)" + nameRule + "]}}");
    root.puts(base + "/identity_providers/corp",
              R"({"identity_provider":{"enabled":true,"remote_ids":["https://corp.example"]}})");
    REQUIRE(root.puts(base + "/identity_providers/corp/protocols/openid", R"({"protocol":{"mapping_id":"people"}})")
                .status == 201);
    const auto token =
        issuer.token(R"({"iss":"https://corp.example","aud":"","sub":"bob","exp":)" + seconds(cloud, 300) + "}");
    CHECK(cloud
              .asks(Method::Post, base + "/identity_providers/corp/protocols/openid/auth", "",
                    {{"Authorization", "Bearer " + token}})
              .status == 401);
}

TEST_CASE("Who has left a group at the provider loses what it gave with the next login, in every token",
          "[identity][federation][S21]") {
    Federated corp;
    const auto alice = corp.cloud.member("alice");
    corp.group("staff", alice.project);
    corp.group("night", alice.project, "reader");
    const auto before = tokenOf(corp.logsIn("bob", R"(["staff"])"));
    const auto scoped = tokenOf(logsIn(corp.cloud, tokenLogin(before, projectScope(alice.project))));
    CHECK(with(alice, scoped).posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").status == 201);
    CHECK(corp.logsIn("bob", R"(["night"])").status == 201);
    CHECK(with(alice, scoped).posts("/network/v2.0/networks", R"({"network":{"name":"n"}})").status == 403);
    CHECK(with(alice, scoped).gets("/network/v2.0/networks").status == 200);
    CHECK(corp.logsIn("bob", "[]").status == 400); // no rule applies to somebody without groups: nothing has changed
    CHECK(corp.logsIn("bob", R"(["other"])").status == 201);
    CHECK(with(alice, scoped).gets("/network/v2.0/networks").status == 401);
    CHECK(stateOf(corp.root, before) == 200); // without a scope it needs no role
}

TEST_CASE(
    "A provider's word about groups holds as long as a token, or as long as the provider's authorization_ttl says",
    "[identity][federation]") {
    const bool longer = GENERATE(false, true);
    CAPTURE(longer);
    Federated corp(groupsRule, longer ? R"(,"authorization_ttl":120)" : "");
    const auto alice = corp.cloud.member("alice");
    const auto staff = corp.group("staff", alice.project);
    const auto login = corp.logsIn("bob", R"(["staff"])");
    Member bob = with(alice, tokenOf(logsIn(corp.cloud, tokenLogin(tokenOf(login), projectScope(alice.project)))));
    bob.user = userIn(login);
    const auto made = makesCredential(bob, "robot");
    REQUIRE(made.answer.status == 201);
    const auto logsInAsRobot = [&] { return logsIn(corp.cloud, credentialLogin(made.id, made.secret)).status; };
    const auto assigned = "/identity/v3/role_assignments?effective&user.id=" + bob.user;
    const auto size = [&](const std::string& path, const char* what) {
        return corp.cloud.admin().gets(path).json().array(what).items().size();
    };
    CHECK(logsInAsRobot() == 201);
    CHECK(size(assigned, "role_assignments") == 2);
    CHECK(size("/identity/v3/users/" + bob.user + "/groups", "groups") == 1);
    CHECK(size("/identity/v3/groups/" + staff + "/users", "users") == 1);
    corp.cloud.passes(std::chrono::minutes(59));
    const auto robot = tokenOf(logsIn(corp.cloud, credentialLogin(made.id, made.secret)));
    CHECK(with(alice, robot).gets("/network/v2.0/networks").status == 200);
    corp.cloud.passes(std::chrono::minutes(2));
    CHECK(with(alice, robot).gets("/network/v2.0/networks").status ==
          (longer ? 200 : 401)); // though it was found good before
    CHECK(logsInAsRobot() == (longer ? 201 : 401));
    CHECK(size(assigned, "role_assignments") == (longer ? 2 : 0));
    CHECK(size("/identity/v3/users/" + bob.user + "/groups", "groups") == (longer ? 1 : 0));
    CHECK(size("/identity/v3/groups/" + staff + "/users", "users") == (longer ? 1 : 0));
    corp.cloud.passes(std::chrono::hours(1));
    CHECK(logsInAsRobot() == 401);
}

TEST_CASE("A provider that is switched off vouches for nobody, and neither does its word of before",
          "[identity][federation][S21]") {
    Federated corp;
    const auto alice = corp.cloud.member("alice");
    corp.group("staff", alice.project);
    const auto login = corp.logsIn("bob", R"(["staff"])");
    Member bob = with(alice, tokenOf(logsIn(corp.cloud, tokenLogin(tokenOf(login), projectScope(alice.project)))));
    bob.user = userIn(login);
    const auto robot = makesCredential(bob, "robot");
    CHECK(corp.root.patches(base + "/identity_providers/corp", R"({"identity_provider":{"enabled":false}})").status ==
          200);
    CHECK(corp.logsIn("bob", R"(["staff"])").status == 403);
    CHECK(stateOf(corp.root, tokenOf(login)) == 404);
    CHECK(bob.gets("/network/v2.0/networks").status == 401);
    CHECK(logsIn(corp.cloud, credentialLogin(robot.id, robot.secret)).status == 401);
    CHECK(corp.root.patches(base + "/identity_providers/corp", R"({"identity_provider":{"enabled":true}})").status ==
          200);
    CHECK(userIn(corp.logsIn("bob", R"(["staff"])")) == bob.user);
}

TEST_CASE("With a provider or a protocol go the users who could log in by nothing else",
          "[identity][federation][S21]") {
    const std::string what = GENERATE("/identity_providers/corp", "/identity_providers/corp/protocols/openid");
    CAPTURE(what);
    Federated corp(nameRule);
    const auto bob = corp.logsIn("bob"), carol = corp.logsIn("carol");
    CHECK(corp.root.patches("/identity/v3/users/" + userIn(carol), R"({"user":{"password":"a password"}})").status ==
          200);
    CHECK(corp.root.deletes(base + what).status == 204);
    CHECK(corp.root.gets("/identity/v3/users/" + userIn(bob)).status == 404);
    CHECK(corp.root.gets("/identity/v3/users/" + userIn(carol)).status == 200);
    CHECK(stateOf(corp.root, tokenOf(bob)) == 404);
    CHECK(stateOf(corp.root, tokenOf(carol)) == 404);
    CHECK(corp.logsIn("bob").status == 404);
}

TEST_CASE("A mapping may lead to a user who is here already", "[identity][federation]") {
    Federated corp(
        R"({"local":[{"user":{"name":"{0}","type":"local","domain":{"id":"default"}}}],"remote":[{"type":"OIDC-sub"}]})");
    const auto alice = corp.cloud.member("alice");
    const auto login = corp.logsIn("alice");
    CHECK(userIn(login) == alice.user);
    CHECK_FALSE(login.json().object("token").object("user").has("OS-FEDERATION"));
    CHECK(logsIn(corp.cloud, tokenLogin(tokenOf(login), projectScope(alice.project))).status == 201);
    CHECK(corp.logsIn("nobody").status == 401);

    // What else the user has to show is not saved by the provider's word.
    const auto path = "/identity/v3/users/" + alice.user;
    CHECK(
        corp.root
            .patches(
                path,
                R"({"user":{"options":{"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["mapped","totp"]]}}})")
            .status == 200);
    const auto half = corp.logsIn("alice");
    CHECK(half.status == 401);
    CHECK(half.headers.has("Openstack-Auth-Receipt"));
    CHECK(corp.root.patches(path, R"({"user":{"options":{"multi_factor_auth_enabled":false}}})").status == 200);
    CHECK(corp.root.patches(path, R"({"user":{"enabled":false}})").status == 200);
    CHECK(corp.logsIn("alice").status == 401);
}

TEST_CASE("A mapping may give a project to each user, made at the first login", "[identity][federation]") {
    Federated corp(R"({"local":[{"user":{"name":"{0}"}},{"projects":[{"name":"of-{0}","roles":[{"name":"member"}]}]}],
                       "remote":[{"type":"OIDC-sub"}]})");
    const auto first = corp.logsIn("bob");
    const auto projects =
        with(corp.root, tokenOf(first)).gets("/identity/v3/auth/projects").json().array("projects").items();
    REQUIRE(projects.size() == 1);
    CHECK(projects[0].text("name") == "of-bob");
    CHECK(projects[0].text("domain_id") ==
          corp.root.gets("/identity/v3/users/" + userIn(first)).json().object("user").text("domain_id"));
    const auto again = tokenOf(corp.logsIn("bob"));
    CHECK(roleNames(logsIn(corp.cloud, tokenLogin(again, projectScope(projects[0].text("id"))))) ==
          std::vector<std::string>{"member", "reader"});

    CHECK(
        corp.root
            .patches(
                base + "/mappings/people",
                R"({"mapping":{"rules":[{"local":[{"user":{"name":"{0}"}},{"projects":[{"name":"p","roles":[{"name":"none"}]}]}],
                                                "remote":[{"type":"OIDC-sub"}]}]}})")
            .status == 200);
    const auto refused = corp.logsIn("carol");
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, Contains("none"));
    CHECK(corp.root.gets("/identity/v3/users?unique_id=carol").json().array("users").items().empty()); // nothing half
                                                                                                       // done
}

TEST_CASE("A name that another user has is not taken over", "[identity][federation][S20]") {
    Federated corp(nameRule, R"(,"domain_id":"default")");
    const auto refused = corp.logsIn("admin");
    CHECK(refused.status == 409);
    const auto bob = userIn(corp.logsIn("bob"));
    // Nor by a change of the name at the provider, whose user stays the same by its id.
    CHECK(corp.root
              .patches(base + "/mappings/people", R"({"mapping":{"rules":[{"local":[{"user":{"id":"{0}","name":"{1}"}}],
                                                  "remote":[{"type":"OIDC-sub"},{"type":"OIDC-nick"}]}]}})")
              .status == 200);
    const auto named = [&](const std::string& nick) {
        const auto id = userIn(corp.shows(corp.issuer.token(corp.claims("bob", "[]", R"(,"nick":")" + nick + "\""))));
        CHECK(id == bob);
        return corp.root.gets("/identity/v3/users/" + id).json().object("user").text("name");
    };
    CHECK(named("robert") == "robert");
    CHECK(named("admin") == "robert");
}

TEST_CASE("An administrator may say beforehand whom a provider will know, and find them by it",
          "[identity][federation]") {
    Federated corp(nameRule);
    const auto federated = [](const std::string& provider, const std::string& name) {
        return R"("federated":[{"idp_id":")" + provider + R"(","protocols":[{"protocol_id":"openid","unique_id":")" +
               name + "\"}]}]";
    };
    const auto make = [&](const std::string& name, const std::string& more) {
        return corp.root.posts("/identity/v3/users", R"({"user":{"name":")" + name + "\"," + more + "}}");
    };
    const auto made = make("Robert", federated("corp", "bob"));
    REQUIRE(made.status == 201);
    const auto id = made.json().object("user").text("id");
    CHECK(userIn(corp.logsIn("bob")) == id);
    CHECK(make("Other", federated("corp", "bob")).status == 409);
    CHECK(make("Other", federated("none", "bob")).status == 400);
    const auto found = [&](const std::string& query) {
        return corp.root.gets("/identity/v3/users?" + query).json().array("users").items().size();
    };
    CHECK(found("idp_id=corp") == 1);
    CHECK(found("idp_id=corp&protocol_id=openid&unique_id=bob") == 1);
    CHECK(found("unique_id=carol") == 0);
    CHECK(corp.root.patches("/identity/v3/users/" + id, R"({"user":{"description":"kept"}})")
              .json()
              .object("user")
              .has("federated"));
    CHECK(corp.root.patches("/identity/v3/users/" + id, "{\"user\":{" + federated("corp", "robert") + "}}").status ==
          200);
    CHECK(userIn(corp.logsIn("robert")) == id);
    CHECK(userIn(corp.logsIn("bob")) != id);
}

TEST_CASE("Providers, protocols and mappings are kept by administrators and seen by readers of the system",
          "[identity][federation]") {
    Federated corp(nameRule);
    const auto alice = corp.cloud.member("alice");
    auto auditor = corp.cloud.member("auditor");
    CHECK(corp.root.puts("/identity/v3/system/users/" + auditor.user + "/roles/" + roleId(corp.root, "reader"), "")
              .status == 204);
    auditor.token = tokenOf(logsIn(corp.cloud, passwordLogin(auditor, R"({"system":{"all":true}})")));
    const auto provider = base + "/identity_providers/corp", protocol = provider + "/protocols/openid",
               mapping = base + "/mappings/people";
    for (const auto& [path, noun] :
         {std::pair{provider, "identity_provider"}, {protocol, "protocol"}, {mapping, "mapping"}}) {
        CAPTURE(path);
        const auto shown = corp.root.gets(path);
        REQUIRE(shown.status == 200);
        CHECK_THAT(shown.json().object(noun).object("links").text("self"), Catch::EndsWith(path));
        CHECK(corp.root.gets(path.substr(0, path.rfind('/'))).json().array(noun + std::string("s")).items().size() ==
              1);
        CHECK(corp.root.gets(path + "x").status == 404);
        CHECK(corp.root.patches(path + "x", std::string("{\"") + noun + R"(":{"rules":[]}})").status >= 400);
        CHECK(corp.root.deletes(path + "x").status == 404);
        CHECK(auditor.gets(path).status == 200);
        CHECK(auditor.deletes(path).status == 403);
        CHECK(alice.gets(path).status == 403);
        CHECK(alice.puts(path, std::string("{\"") + noun + "\":{}}").status == 403);
        CHECK(alice.patches(path, std::string("{\"") + noun + "\":{}}").status == 403);
        CHECK(alice.deletes(path).status == 403);
    }
    const auto shown = corp.root.gets(provider).json().object("identity_provider");
    CHECK(shown.array("remote_ids").dump() == R"(["https://corp.example"])");
    CHECK_THAT(shown.object("links").text("protocols"), Catch::EndsWith(provider + "/protocols"));
    CHECK(
        corp.root.gets(base + "/identity_providers?enabled=false").json().array("identity_providers").items().empty());
    CHECK(corp.root.gets(mapping).json().object("mapping").array("rules").items().at(0).dump() ==
          Json::parse(nameRule).dump());

    const auto put = [&](const std::string& path, const std::string& body) {
        return corp.root.puts(base + path, body).status;
    };
    const std::string rules = R"({"mapping":{"rules":[)" + nameRule + "]}}";
    CHECK(put("/mappings/people", rules) == 409);
    CHECK(put("/mappings/bad", R"({"mapping":{"rules":[]}})") == 400);
    CHECK(put("/mappings/new", R"({"mapping":{"schema_version":"9.9","rules":[)" + nameRule + "]}}") == 400);
    CHECK(put("/identity_providers/corp", R"({"identity_provider":{}})") == 409);
    CHECK(put("/identity_providers/second", R"({"identity_provider":{"remote_ids":["https://corp.example"]}})") == 409);
    CHECK(put("/identity_providers/second", R"({"identity_provider":{"domain_id":"none"}})") == 404);
    CHECK(put("/identity_providers/second", R"({"identity_provider":{"enabled":"yes"}})") == 400);
    CHECK(put("/identity_providers/second", R"({"identity_provider":{"authorization_ttl":-1}})") == 400);
    CHECK(put("/identity_providers/second", R"({"identity_provider":{"color":"red"}})") == 400);
    for (const auto* id : {"..", "%2e%2e", "..%2fx", ".hidden", "a%20b", "a%00", "%C3%A4"}) {
        CAPTURE(id);
        CHECK(put(std::string("/identity_providers/") + id, R"({"identity_provider":{}})") >= 400);
    }
    CHECK(put("/identity_providers/second", R"({"identity_provider":{}})") == 201);
    CHECK_FALSE(corp.root.gets(base + "/identity_providers/second")
                    .json()
                    .object("identity_provider")
                    .boolean("enabled", true));
    CHECK(put("/identity_providers/corp/protocols/openid", R"({"protocol":{"mapping_id":"people"}})") == 409);
    CHECK(put("/identity_providers/corp/protocols/saml2", R"({"protocol":{"mapping_id":"none"}})") == 400);
    CHECK(put("/identity_providers/none/protocols/openid", R"({"protocol":{"mapping_id":"people"}})") == 404);
    CHECK(corp.root.deletes(mapping).status == 409); // in use
    CHECK(corp.root.patches(protocol, R"({"protocol":{"mapping_id":"none"}})").status == 400);
    CHECK(corp.root.patches(protocol, R"({"protocol":{"remote_id_attribute":"OIDC-tenant"}})").status == 200);
    CHECK(corp.logsIn("bob").status == 403);
    CHECK(corp.shows(corp.issuer.token(corp.claims("bob", "[]", R"(,"tenant":"https://corp.example")"))).status == 201);
    CHECK(corp.root.patches(provider, R"({"identity_provider":{"remote_ids":[],"description":"d"}})").status == 200);
    CHECK(corp.logsIn("bob").status == 403); // nobody whom it could be
    CHECK(corp.root.deletes(protocol).status == 204);
    CHECK(corp.root.deletes(mapping).status == 204);
    CHECK(corp.root.deletes(provider).status == 204);
}

TEST_CASE("With its domain a provider goes", "[identity][federation]") {
    Federated corp(nameRule);
    const auto bob = corp.logsIn("bob");
    const auto domain =
        corp.root.gets(base + "/identity_providers/corp").json().object("identity_provider").text("domain_id");
    CHECK(corp.root.patches("/identity/v3/domains/" + domain, R"({"domain":{"enabled":false}})").status == 200);
    CHECK(stateOf(corp.root, tokenOf(bob)) == 404);
    CHECK(corp.logsIn("bob").status == 401);
    CHECK(corp.root.deletes("/identity/v3/domains/" + domain).status == 204);
    CHECK(corp.root.gets(base + "/identity_providers/corp").status == 404);
}
