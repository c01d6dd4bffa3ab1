#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "identity/support.hpp"
#include "platform/policy/policy.hpp"
#include "platform/resources.hpp"
#include "platform/store/store.hpp"

using namespace stratolet;
using namespace stratolet::test;
using http::Method;

namespace {

std::string made(const Answer& answer, std::string_view noun) {
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return answer.json().object(noun).text("id");
}

/// Somebody of a domain of their own, with a token scoped to it. `project` is a project of that domain, on which they
/// have no role.
struct Steward : Member {
    std::string domain;
};
Steward steward(TestAppliance& cloud, const std::string& name, const std::string& role) {
    const auto root = cloud.admin();
    Steward who;
    who.appliance = &cloud;
    who.name = name;
    who.password = "secret";
    who.domain = made(root.posts("/identity/v3/domains", R"({"domain":{"name":")" + name + "'s\"}}"), "domain");
    const auto of = R"("domain_id":")" + who.domain + "\"";
    who.user =
        made(root.posts("/identity/v3/users", R"({"user":{"password":"secret","name":")" + name + "\"," + of + "}}"),
             "user");
    who.project =
        made(root.posts("/identity/v3/projects", R"({"project":{"name":")" + name + "\"," + of + "}}"), "project");
    REQUIRE(root.puts("/identity/v3/domains/" + who.domain + "/users/" + who.user + "/roles/" + roleId(root, role), "")
                .status == 204);
    who.token = tokenOf(logsIn(cloud, passwordLogin(who, R"({"domain":{"id":")" + who.domain + "\"}}")));
    REQUIRE_FALSE(who.token.empty());
    return who;
}

Member onSystem(TestAppliance& cloud) {
    auto root = cloud.admin();
    root.token = tokenOf(logsIn(cloud, passwordLogin(root, R"({"system":{"all":true}})")));
    REQUIRE_FALSE(root.token.empty());
    return root;
}

Member unscoped(TestAppliance& cloud, Member who) {
    who.token = tokenOf(logsIn(cloud, passwordLogin(who, R"("unscoped")")));
    REQUIRE_FALSE(who.token.empty());
    return who;
}

constexpr std::string_view services[] = {"identity", "image", "block-storage", "network", "compute"};

}

TEST_CASE("A token of a scope that a list's rule isn't for is refused, whatever its roles, in all services",
          "[identity][scope][S17]") {
    TestAppliance cloud;
    const auto onDomain = steward(cloud, "dora", "admin");
    const auto system = onSystem(cloud);
    int asked = 0;
    for (const auto& site : cloud.appliance().server().sites()) {
        const auto defaults = policyDefaults(site.name);
        if (defaults.empty()) continue;
        const auto policy = Policy::parse(defaults, site.name);
        for (const auto& route : site.routes) {
            if (route.method != Method::Get || route.pattern.find('{') != std::string::npos ||
                route.access.rule.empty())
                continue;
            const auto scopes = policy->scopesOf(route.access.rule);
            const auto isFor = [&](std::string_view scope) {
                return scopes.empty() || std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
            };
            const auto check = [&](const Member& who, std::string_view scope) {
                if (isFor(scope)) return;
                const auto answer = who.gets(site.prefix + route.pattern);
                INFO(scope << ": " << site.prefix << route.pattern << ": " << answer.status << " " << answer.body);
                CHECK(answer.status >= 400);
                CHECK(answer.status < 500);
                ++asked;
            };
            check(onDomain, "domain");
            check(system, "system");
        }
    }
    CHECK(asked > 80);
}

TEST_CASE("Each rule that a route or a person asks says for which scopes it is", "[identity][scope][policy]") {
    // What other rules are made of, and what is about the token itself.
    const std::set<std::string, std::less<>> anybody = {
        "identity:get_auth_catalog", "identity:get_auth_projects",      "identity:get_auth_domains",
        "identity:get_auth_system",  "identity:list_projects_for_user", "identity:list_domains_for_user"};
    TestAppliance cloud;
    for (const auto& site : cloud.appliance().server().sites()) {
        const auto defaults = policyDefaults(site.name);
        if (defaults.empty()) continue;
        const auto policy = Policy::parse(defaults, site.name);
        for (const auto& route : site.routes) {
            const auto& rule = route.access.rule;
            if (rule.empty() || anybody.contains(rule)) continue;
            INFO(site.name << ": " << rule);
            CHECK_FALSE(policy->scopesOf(rule).empty());
        }
    }
    for (const auto service : services) {
        const auto policy = Policy::parse(policyDefaults(service), service);
        const std::string admin = service == "identity" ? "admin_required" : "context_is_admin";
        const auto scopes = policy->scopesOf(admin);
        INFO(service);
        CHECK_FALSE(scopes.empty()); // by reference or by name: no administrator of a domain is the cloud's
        CHECK(std::find(scopes.begin(), scopes.end(), "domain") == scopes.end());
    }
}

TEST_CASE("An administrator of a domain has power over that domain and nothing else", "[identity][scope][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto dora = steward(cloud, "dora", "admin");
    const std::string v3 = "/identity/v3/";
    const auto network = made(alice.posts("/network/v2.0/networks", R"({"network":{}})"), "network");
    const auto volume =
        alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})").json().object("volume").text("id");
    made(alice.posts(v3 + "credentials", R"({"credential":{"type":"totp","blob":"GEZDGNBVGY3TQOJQ"}})"), "credential");

    CHECK(dora.gets("/network/v2.0/networks").status == 403);
    CHECK(dora.gets("/network/v2.0/ports").status == 403);
    CHECK(dora.deletes("/network/v2.0/networks/" + network).status >= 400);
    CHECK(dora.deletes("/volume/v3/volumes/" + volume).status >= 400);
    CHECK(dora.deletes("/volume/v3/" + alice.project + "/volumes/" + volume).status >= 400);
    CHECK(dora.gets("/compute/v2.1/servers/detail?all_tenants=1").status == 403);
    CHECK(dora.gets("/image/v2/images").status == 403);
    CHECK(dora.posts(v3 + "services", R"({"service":{"type":"x"}})").status == 403);
    CHECK(dora.gets(v3 + "credentials?user_id=" + alice.user).status == 403);
    CHECK(dora.puts(v3 + "system/users/" + dora.user + "/roles/" + roleId(root, "admin"), "").status == 403);
    // Whoever has the role on any project is the cloud's administrator, so it is not a domain's to give.
    CHECK(dora.puts(v3 + "projects/" + dora.project + "/users/" + dora.user + "/roles/" + roleId(root, "admin"), "")
              .status == 403);
    CHECK(dora.puts(v3 + "OS-INHERIT/domains/" + dora.domain + "/users/" + dora.user + "/roles/" +
                        roleId(root, "admin") + "/inherited_to_projects",
                    "")
              .status == 403);
    CHECK(dora.patches(v3 + "users/" + alice.user, R"({"user":{"password":"mine"}})").status == 403);
    CHECK(dora.patches(v3 + "projects/" + alice.project, R"({"project":{"enabled":false}})").status == 403);
    CHECK(dora.patches(v3 + "projects/" + dora.domain, R"({"project":{"enabled":false}})").status == 403);
    CHECK(dora.puts(v3 + "projects/" + alice.project + "/users/" + dora.user + "/roles/" + roleId(root, "member"), "")
              .status == 403);
    CHECK(dora.posts(v3 + "users", R"({"user":{"name":"n","domain_id":"default"}})").status == 403);
    CHECK(dora.posts(v3 + "projects", R"({"project":{"name":"n","domain_id":"default"}})").status == 403);
    CHECK(dora.posts(v3 + "projects", R"({"project":{"name":"n","is_domain":true}})").status == 403);
    CHECK(dora.posts(v3 + "groups", R"({"group":{"name":"n","domain_id":"default"}})").status == 403);

    const auto user = made(dora.posts(v3 + "users", R"({"user":{"name":"n"}})"), "user");
    const auto project = made(dora.posts(v3 + "projects", R"({"project":{"name":"n"}})"), "project");
    const auto group = made(dora.posts(v3 + "groups", R"({"group":{"name":"n"}})"), "group");
    CHECK(root.gets(v3 + "users/" + user).json().object("user").text("domain_id") == dora.domain);
    CHECK(dora.puts(v3 + "groups/" + group + "/users/" + user, "").status == 204);
    CHECK(dora.puts(v3 + "groups/" + group + "/users/" + alice.user, "").status == 403);
    CHECK(dora.puts(v3 + "projects/" + project + "/users/" + user + "/roles/" + roleId(root, "member"), "").status ==
          204);
    CHECK(dora.puts(v3 + "projects/" + project + "/tags/x", "").status == 201);
    CHECK(dora.deletes(v3 + "users/" + user).status == 204);
    CHECK(dora.deletes(v3 + "projects/" + project).status == 204);
}

TEST_CASE("Without enforcement of scopes the roles alone count", "[identity][scope]") {
    TestAppliance cloud({{"policy", "enforce_scope", "false"}});
    CHECK(steward(cloud, "dora", "admin").gets("/network/v2.0/networks").status == 200);
}

TEST_CASE("A reader of a domain sees nothing of other domains, by whatever path", "[identity][scope]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const auto rita = steward(cloud, "rita", "reader");
    const std::string v3 = "/identity/v3/";
    const auto foreign = made(root.posts(v3 + "groups", R"({"group":{"name":"foreign"}})"), "group");
    const auto own =
        made(root.posts(v3 + "groups", R"({"group":{"name":"own","domain_id":")" + rita.domain + "\"}}"), "group");
    for (const auto& group : {foreign, own})
        for (const auto& user : {alice.user, rita.user})
            REQUIRE(root.puts(v3 + "groups/" + group + "/users/" + user, "").status == 204);
    REQUIRE(root.puts(v3 + "projects/" + alice.project + "/users/" + rita.user + "/roles/" + roleId(root, "reader"), "")
                .status == 204);

    const auto ids = [&](const std::string& path, const std::string& collection) {
        std::set<std::string> found;
        const auto answer = rita.gets(v3 + path);
        INFO(path << ": " << answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array(collection).items()) found.insert(each.text("id"));
        return found;
    };
    CHECK(ids("users/" + rita.user + "/groups", "groups") == std::set{own});
    CHECK(ids("groups/" + own + "/users", "users") == std::set{rita.user});
    CHECK(ids("users/" + rita.user + "/projects", "projects").empty());
    CHECK(rita.gets(v3 + "groups/" + foreign + "/users").status == 403);
    CHECK(rita.gets(v3 + "users/" + alice.user + "/groups").status == 403);
    CHECK(rita.gets(v3 + "role_assignments?include_subtree&scope.project.id=" + alice.project).status == 403);
    CHECK(rita.gets(v3 + "role_assignments?include_subtree&scope.project.id=" + rita.project).status == 200);
    CHECK(
        rita.gets(v3 + "role_assignments?scope.project.id=" + alice.project).json().array("role_assignments").size() ==
        0);
}

TEST_CASE("What isn't there is told to everybody of some nouns, and of the others to those whom the rule lets in",
          "[identity][S26]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    struct Asked {
        Method method;
        std::string path;
        int byAnybody;
    };
    const Asked asked[] = {
        {Method::Patch, "domains/nope", 404},
        {Method::Delete, "domains/nope", 404},
        {Method::Get, "domains/nope", 403},
        {Method::Get, "endpoints/nope", 404},
        {Method::Patch, "endpoints/nope", 404},
        {Method::Delete, "endpoints/nope", 404},
        {Method::Get, "roles/nope", 404},
        {Method::Patch, "roles/nope", 404},
        {Method::Delete, "roles/nope", 404},
        {Method::Get, "roles/nope/implies", 404},
        {Method::Put, "roles/nope/implies/nope", 404},
        {Method::Delete, "groups/nope", 404},
        {Method::Get, "groups/nope", 403},
        {Method::Patch, "groups/nope", 403},
        {Method::Get, "groups/nope/users", 403},
        {Method::Patch, "limits/nope", 404},
        {Method::Delete, "limits/nope", 404},
        {Method::Get, "limits/nope", 403},
        {Method::Get, "services/nope", 403},
        {Method::Patch, "services/nope", 403},
        {Method::Delete, "services/nope", 403},
        {Method::Get, "projects/nope", 403},
        {Method::Patch, "projects/nope", 403},
        {Method::Delete, "projects/nope", 403},
        {Method::Get, "users/nope", 403},
        {Method::Patch, "users/nope", 403},
        {Method::Delete, "users/nope", 403},
        {Method::Get, "users/nope/groups", 403},
        {Method::Get, "users/nope/projects", 403},
        {Method::Get, "credentials/nope", 403},
        {Method::Patch, "credentials/nope", 403},
        {Method::Delete, "credentials/nope", 403},
        {Method::Get, "OS-TRUST/trusts/nope", 404},
        {Method::Get, "users/" + alice.user + "/credentials/OS-EC2/nope", 404},
        {Method::Delete, "users/" + alice.user + "/credentials/OS-EC2/nope", 404},
        {Method::Put, "projects/nope/users/nope/roles/nope", 404},
    };
    for (const auto& each : asked) {
        const auto path = "/identity/v3/" + each.path;
        const auto noun = each.path.substr(0, each.path.find('/'));
        const auto body =
            each.method == Method::Patch ? "{\"" + noun.substr(0, noun.size() - 1) + "\":{}}" : std::string();
        INFO(http::nameOf(each.method) << " " << path);
        CHECK(alice.asks(each.method, path, body).status == each.byAnybody);
        CHECK(root.asks(each.method, path, body).status == 404);
    }
}

namespace {

/// A domain with one of each thing that belongs to it or to somebody in it. `ids` has them by the collection that
/// stands before the id in a path, `hidden` what nobody of elsewhere may read, `fields` what bodies and queries may
/// name them by.
struct Foreign {
    Member owner; ///< a member of the domain's project
    std::map<std::string, std::string, std::less<>> ids;
    std::vector<std::string> hidden;
    std::vector<std::pair<std::string, std::string>> fields;
};

Foreign foreignDomain(TestAppliance& cloud) {
    const auto root = cloud.admin();
    const std::string v3 = "/identity/v3/";
    Foreign all;
    auto& owner = all.owner;
    owner.appliance = &cloud;
    owner.name = "olga";
    owner.password = "secret";
    const auto domain = made(root.posts(v3 + "domains", R"({"domain":{"name":"Elsewhere"}})"), "domain");
    const auto of = R"("domain_id":")" + domain + "\"";
    owner.project =
        made(root.posts(v3 + "projects", R"({"project":{"name":"hidden project","tags":["hidden-tag"],)" + of + "}}"),
             "project");
    owner.user =
        made(root.posts(v3 + "users", R"({"user":{"name":"hidden olga","password":"secret",)" + of + "}}"), "user");
    const auto group = made(root.posts(v3 + "groups", R"({"group":{"name":"hidden group",)" + of + "}}"), "group");
    const auto role = made(root.posts(v3 + "roles", R"({"role":{"name":"hidden role",)" + of + "}}"), "role");
    REQUIRE(root.puts(v3 + "groups/" + group + "/users/" + owner.user, "").status == 204);
    for (const auto& each : {roleId(root, "member"), role})
        REQUIRE(root.puts(v3 + "projects/" + owner.project + "/users/" + owner.user + "/roles/" + each, "").status ==
                204);
    owner.token = tokenOf(logsIn(cloud, passwordLogin(owner, projectScope(owner.project))));
    const auto credential =
        made(owner.posts(v3 + "credentials", R"({"credential":{"type":"totp","blob":"HIDDENBLOB"}})"), "credential");
    const auto robot = makesCredential(owner, "hidden robot");
    const auto trust = made(makesTrust(owner, root, R"([{"name":"member"}])", R"(,"impersonation":true)"), "trust");
    REQUIRE(root.puts(v3 + "domains/" + domain + "/config", R"({"config":{"ldap":{"url":"ldap://hidden"}}})").status ==
            201);
    const auto service = made(root.posts(v3 + "services", R"({"service":{"type":"open service"}})"), "service");
    const auto endpoint =
        made(root.posts(v3 + "endpoints",
                        R"({"endpoint":{"interface":"public","url":"http://open/","service_id":")" + service + "\"}}"),
             "endpoint");
    all.ids = {{"/domains", domain},
               {"/projects", owner.project},
               {"/users", owner.user},
               {"/groups", group},
               {"/roles", role},
               {"/credentials", credential},
               {"/application_credentials", robot.id},
               {"/trusts", trust},
               {"/services", service},
               {"/endpoints", endpoint}};
    all.hidden = {"hidden", "HIDDENBLOB", owner.user, owner.project, group, role, credential, robot.id, trust};
    all.fields = {{"user_id", owner.user},
                  {"user.id", owner.user},
                  {"trustor_user_id", owner.user},
                  {"trustee_user_id", owner.user},
                  {"project_id", owner.project},
                  {"tenant_id", owner.project},
                  {"default_project_id", owner.project},
                  {"scope.project.id", owner.project},
                  {"parent_id", domain},
                  {"domain_id", domain},
                  {"scope.domain.id", domain},
                  {"group.id", group},
                  {"role.id", role},
                  {"service_id", service},
                  {"endpoint_id", endpoint},
                  {"marker", owner.user}};
    return all;
}

std::string pathOf(const http::Route& route, const Foreign& foreign) {
    std::string path = "/identity" + route.pattern;
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
        std::string id = "nothing";
        for (const auto& [collection, known] : foreign.ids)
            if (path.substr(0, open).ends_with(collection + "/")) id = known;
        path.replace(open, path.find('}', open) - open + 1, id);
    }
    return path;
}

/// A body for any route: the same for each noun.
std::string bodyFor(const Foreign& foreign, const std::string& self) {
    std::string fields =
        R"("name":"taken","type":"taken","blob":"{}","password":"taken","enabled":false,"impersonation":true,)"
        R"("trustee_user_id":")" +
        self +
        R"(","roles":[{"name":"member"}],"description":"taken","url":"http://taken/",)"
        R"("interface":"public","resource_name":"taken","resource_limit":1,"default_limit":1,"remaining_uses":1)";
    for (const auto& [name, id] : foreign.fields)
        if (name.find('.') == std::string::npos && name != "trustee_user_id" && name != "marker")
            fields += ",\"" + name + "\":\"" + id + "\"";
    std::string body = R"("tenant_id":")" + foreign.owner.project + R"(","tags":["taken"])";
    for (const auto* noun : {"user", "project", "domain", "group", "role", "credential", "application_credential",
                             "trust", "service", "endpoint", "region", "policy", "consumer", "identity_provider",
                             "mapping", "protocol", "endpoint_group", "limit", "registered_limit"})
        body += std::string(",\"") + noun + "\":{" + fields + "}";
    return "{" + body + R"(,"limits":[{)" + fields + R"(}],"registered_limits":[{)" + fields +
           R"(}],"config":{"ldap":{"url":"ldap://taken"}}})";
}

/// All that the store has of identity, but for what counts logins.
std::string identityStore(TestAppliance& cloud) {
    auto& db = cloud.appliance().store().reader();
    std::string all;
    for (const auto* table : {"projects",
                              "project_tags",
                              "users",
                              "roles",
                              "implied_roles",
                              "groups",
                              "group_members",
                              "assignments",
                              "regions",
                              "services",
                              "endpoints",
                              "project_endpoints",
                              "endpoint_groups",
                              "policies",
                              "registered_limits",
                              "limits",
                              "domain_configs",
                              "consumers",
                              "access_rules",
                              "application_credentials",
                              "trusts",
                              "credentials",
                              "revoked_tokens",
                              "mappings",
                              "identity_providers",
                              "federation_protocols"}) {
        std::string columns;
        for (const auto& each : db.query("SELECT name FROM pragma_table_info(?)", table).texts())
            columns += (columns.empty() ? "quote(" : " || ',' || quote(") + each + ")";
        all += std::string(table) + ":\n";
        for (const auto& row : db.query("SELECT " + columns + " FROM " + table + " ORDER BY 1").texts())
            all += row + "\n";
    }
    return all;
}

}

TEST_CASE("Nobody of elsewhere sees or changes what is in a domain, by ids in paths, bodies or queries",
          "[identity][scope][S17][S39]") {
    TestAppliance cloud;
    const auto foreign = foreignDomain(cloud);
    auto reader = foreign.owner;
    {
        const auto root = cloud.admin();
        reader.name = "rita";
        reader.user =
            made(root.posts("/identity/v3/users", R"({"user":{"name":"rita","password":"secret","domain_id":")" +
                                                      foreign.ids.at("/domains") + "\"}}"),
                 "user");
        REQUIRE(root.puts("/identity/v3/projects/" + reader.project + "/users/" + reader.user + "/roles/" +
                              roleId(root, "reader"),
                          "")
                    .status == 204);
        reader.token = tokenOf(logsIn(cloud, passwordLogin(reader, projectScope(reader.project))));
    }
    const auto bob = cloud.member("bob");
    struct Caller {
        Member who;
        bool inside = false;
    };
    auto stranger = bob;
    stranger.token.clear();
    const std::pair<std::string, Caller> callers[] = {
        {"a member of another project", {bob}},
        {"a reader of the project", {reader, true}},
        {"the administrator of another domain", {steward(cloud, "dan", "admin")}},
        {"a token without a scope", {unscoped(cloud, bob)}},
        {"nobody", {stranger}}};
    const auto before = identityStore(cloud);
    const auto& sites = cloud.appliance().server().sites();
    const auto& site =
        *std::find_if(sites.begin(), sites.end(), [](const auto& each) { return each.name == "identity"; });
    int refused = 0, empty = 0;
    for (const auto& [name, caller] : callers) {
        const auto& who = caller.who;
        const auto body = bodyFor(foreign, who.user);
        for (const auto& route : site.routes) {
            if (route.access.rule.empty()) continue;
            const auto path = pathOf(route, foreign);
            const bool reads = route.method == Method::Get || route.method == Method::Head;
            const auto answer =
                who.asks(route.method, path, reads ? "" : body, {{"X-Subject-Token", foreign.owner.token}});
            INFO(name << ": " << http::nameOf(route.method) << " " << path << ": " << answer.status << " "
                      << answer.body);
            if (who.token.empty()) CHECK(answer.status == 401);
            CHECK(answer.status < 500);
            if (!reads) CHECK(answer.status >= 400);
            refused += answer.status >= 400;
            if (answer.status < 300 && !caller.inside)
                for (const auto& each : foreign.hidden) CHECK(answer.body.find(each) == std::string::npos);
            if (!reads || route.pattern.find('{') != std::string::npos || caller.inside) continue;
            for (const auto& [parameter, value] : foreign.fields) {
                const auto query = parameter + "=" + value;
                auto list = who.gets(path + "?" + query);
                INFO(query << ": " << list.status << " " << list.body);
                CHECK(list.status < 500);
                if (list.status >= 300) continue;
                ++empty;
                for (auto at = list.body.find(query); at != std::string::npos; at = list.body.find(query))
                    list.body.erase(at, query.size());
                for (const auto& each : foreign.hidden) CHECK(list.body.find(each) == std::string::npos);
            }
        }
    }
    CHECK(identityStore(cloud) == before);
    CHECK(refused > 800);
    CHECK(empty > 50);
}
