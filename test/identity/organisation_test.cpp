#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <set>

#include "identity/organisation/role.hpp"
#include "platform/store/store.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

/// An organisation to work on: the admin, and short words for what tests make.
struct Organisation {
    explicit Organisation(std::vector<TestOption> options = {}) : cloud(std::move(options)) {}

    TestAppliance cloud;
    Member root = cloud.admin();

    static std::string quoted(const std::string& text) { return jsonText(text); }

    std::string make(const std::string& path, const std::string& kind, const std::string& fields) const {
        const auto answer = root.posts("/identity/v3/" + path, "{\"" + kind + "\":{" + fields + "}}");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        return answer.json().object(kind).text("id");
    }
    std::string domain(const std::string& name) const { return make("domains", "domain", "\"name\":" + quoted(name)); }
    std::string group(const std::string& name, const std::string& domain = "default") const {
        return make("groups", "group", "\"name\":" + quoted(name) + ",\"domain_id\":" + quoted(domain));
    }
    std::string user(const std::string& name, const std::string& domain = "default") const {
        return make("users", "user",
                    R"("password":"secret","name":)" + quoted(name) + ",\"domain_id\":" + quoted(domain));
    }
    std::string role(const std::string& name, const std::string& domain = "") const {
        return make("roles", "role",
                    "\"name\":" + quoted(name) + (domain.empty() ? "" : ",\"domain_id\":" + quoted(domain)));
    }
    std::string project(const std::string& name, const std::string& parent = "") const {
        return make("projects", "project",
                    "\"name\":" + quoted(name) + (parent.empty() ? "" : ",\"parent_id\":" + quoted(parent)));
    }
    std::string service(const std::string& type) const {
        return make("services", "service", "\"type\":" + quoted(type));
    }
    std::string endpoint(const std::string& service, const std::string& url) const {
        return make("endpoints", "endpoint",
                    R"("interface":"public","service_id":)" + quoted(service) + ",\"url\":" + quoted(url));
    }

    int puts(const std::string& path) const { return root.puts("/identity/v3/" + path, "").status; }
    int heads(const std::string& path) const { return root.heads("/identity/v3/" + path).status; }
    int deletes(const std::string& path) const { return root.deletes("/identity/v3/" + path).status; }
    Answer gets(const std::string& path) const { return root.gets("/identity/v3/" + path); }

    std::set<std::string> listed(const std::string& path, const std::string& collection,
                                 const std::string& attribute = "name") const {
        std::set<std::string> values;
        const auto answer = gets(path);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array(collection).items()) values.insert(each.text(attribute));
        return values;
    }

    /// The roles in a token, or nothing where the login is refused.
    std::vector<std::string> rolesOf(const std::string& user, const std::string& scope) {
        const auto answer = cloud.asks(http::Method::Post, "/identity/v3/auth/tokens",
                                       R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":)" +
                                           quoted(user) + R"(,"password":"secret"}}},"scope":)" + scope + "}}");
        std::vector<std::string> names;
        if (answer.status == 201)
            for (const auto& each : answer.json().object("token").array("roles").items())
                names.push_back(each.text("name"));
        return names;
    }
    static std::string onProject(const std::string& id) { return R"({"project":{"id":)" + quoted(id) + "}}"; }
    static std::string onDomain(const std::string& id) { return R"({"domain":{"id":)" + quoted(id) + "}}"; }
};

using Names = std::vector<std::string>;
using Set = std::set<std::string>;

}

TEST_CASE("A group is made, changed and deleted, and its members come and go", "[identity][group]") {
    Organisation org;
    const auto group = org.group("staff"), alice = org.user("alice");
    CHECK(org.root.posts("/identity/v3/groups", R"({"group":{"name":"staff"}})").status == 409);
    CHECK(org.root.posts("/identity/v3/groups", R"({"group":{"name":"x","domain_id":"nowhere"}})").status == 404);
    CHECK(org.root.posts("/identity/v3/groups", R"({"group":{}})").status == 400);
    const auto changed =
        org.root.patches("/identity/v3/groups/" + group, R"({"group":{"name":"crew","description":"all","floor":3}})");
    CHECK(changed.json().object("group").text("name") == "crew");
    CHECK(changed.json().object("group").integer("floor") == 3);
    const auto member = "groups/" + group + "/users/" + alice;
    CHECK(org.heads(member) == 404);
    CHECK(org.puts(member) == 204);
    CHECK(org.puts(member) == 204);
    CHECK(org.heads(member) == 204);
    CHECK(org.listed("groups/" + group + "/users", "users") == Set{"alice"});
    CHECK(org.listed("users/" + alice + "/groups", "groups") == Set{"crew"});
    CHECK(org.puts("groups/" + group + "/users/nobody") == 404);
    CHECK(org.deletes(member) == 204);
    CHECK(org.deletes(member) == 404);
    CHECK(org.listed("groups/" + group + "/users", "users").empty());
    CHECK(org.deletes("groups/" + group) == 204);
    CHECK(org.gets("groups/" + group).status == 404);
    CHECK(org.cloud.member("bob").gets("/identity/v3/groups").status == 403);
}

TEST_CASE("A role given to a group is its members' role until they leave it", "[identity][group][role]") {
    Organisation org;
    const auto group = org.group("staff"), alice = org.user("alice"), project = org.project("p"),
               role = org.role("one");
    for (const auto& where : Names{"projects/" + project, "domains/default", "system"}) {
        const auto one = where + "/groups/" + group + "/roles/" + role;
        CHECK(org.heads(one) == 404);
        CHECK(org.puts(one) == 204);
        CHECK(org.heads(one) == 204);
        CHECK(org.listed(where + "/groups/" + group + "/roles", "roles") == Set{"one"});
    }
    CHECK(org.rolesOf(alice, org.onProject(project)).empty());
    org.puts("groups/" + group + "/users/" + alice);
    CHECK(org.rolesOf(alice, org.onProject(project)) == Names{"one"});
    CHECK(org.rolesOf(alice, org.onDomain("default")) == Names{"one"});
    CHECK(org.rolesOf(alice, R"({"system":{"all":true}})") == Names{"one"});
    CHECK(org.listed("users/" + alice + "/projects", "projects") == Set{"p"});

    const auto token = org.cloud.logsIn("alice", "secret", "p");
    const auto asks = [&] {
        return org.cloud.asks(http::Method::Get, "/identity/v3/auth/projects", "", {}, token).status;
    };
    CHECK(asks() == 200);
    org.deletes("groups/" + group + "/users/" + alice);
    CHECK(asks() == 401);
    org.puts("groups/" + group + "/users/" + alice);
    CHECK(org.deletes("projects/" + project + "/groups/" + group + "/roles/" + role) == 204);
    CHECK(org.rolesOf(alice, org.onProject(project)).empty());
    CHECK(org.deletes("groups/" + group) == 204);
    CHECK(org.rolesOf(alice, org.onDomain("default")).empty());
    CHECK(org.gets("role_assignments?scope.system").json().array("role_assignments").size() == 1); // the admin's own
}

TEST_CASE("An inherited role counts on every project below, and not on what it was given on", "[identity][role]") {
    Organisation org;
    const auto alice = org.user("alice"), group = org.group("staff"), role = org.role("one"), other = org.role("two");
    const auto top = org.project("top"), middle = org.project("middle", top), leaf = org.project("leaf", middle),
               aside = org.project("aside");
    const auto inherited =
        "OS-INHERIT/projects/" + top + "/users/" + alice + "/roles/" + role + "/inherited_to_projects";
    CHECK(org.heads(inherited) == 404);
    CHECK(org.puts(inherited) == 204);
    CHECK(org.heads(inherited) == 204);
    CHECK(org.gets(inherited).status == 204);
    CHECK(org.rolesOf(alice, org.onProject(top)).empty());
    CHECK(org.rolesOf(alice, org.onProject(middle)) == Names{"one"});
    CHECK(org.rolesOf(alice, org.onProject(leaf)) == Names{"one"});
    CHECK(org.rolesOf(alice, org.onProject(aside)).empty());
    CHECK(org.listed("users/" + alice + "/projects", "projects") == Set{"leaf", "middle"});
    CHECK(org.listed("projects/" + top + "/users/" + alice + "/roles", "roles").empty());

    org.puts("groups/" + group + "/users/" + alice);
    const auto ofDomain = "OS-INHERIT/domains/default/groups/" + group + "/roles";
    CHECK(org.puts(ofDomain + "/" + other + "/inherited_to_projects") == 204);
    CHECK(org.listed(ofDomain + "/inherited_to_projects", "roles") == Set{"two"});
    CHECK(org.rolesOf(alice, org.onDomain("default")).empty());
    CHECK(org.rolesOf(alice, org.onProject(aside)) == Names{"two"});
    CHECK(org.rolesOf(alice, org.onProject(leaf)) == Names{"one", "two"});

    const auto effective = org.gets("role_assignments?effective&user.id=" + alice + "&scope.project.id=" + leaf)
                               .json()
                               .array("role_assignments");
    REQUIRE(effective.size() == 2);
    for (const auto& each : effective.items()) {
        CHECK(each.object("scope").text("OS-INHERIT:inherited_to") == "projects");
        CHECK(each.object("scope").object("project").text("id") == leaf);
        CHECK_THAT(each.object("links").text("assignment"), Contains("/v3/OS-INHERIT/"));
        if (each.object("role").text("id") == other)
            CHECK_THAT(each.object("links").text("membership"), Contains("/groups/" + group + "/users/"));
    }
    CHECK(org.deletes(inherited) == 204);
    CHECK(org.deletes(inherited) == 404);
    CHECK(org.rolesOf(alice, org.onProject(leaf)) == Names{"two"});
}

TEST_CASE("Role assignments are listed by every filter, as made and as they come to", "[identity][role]") {
    Organisation org;
    const auto alice = org.user("alice"), bob = org.user("bob"), group = org.group("staff");
    const auto one = org.role("one"), two = org.role("two");
    const auto top = org.project("top"), leaf = org.project("leaf", top);
    org.puts("roles/" + one + "/implies/" + two);
    org.puts("groups/" + group + "/users/" + bob);
    org.puts("projects/" + top + "/users/" + alice + "/roles/" + one);
    org.puts("projects/" + leaf + "/groups/" + group + "/roles/" + one);
    org.puts("domains/default/users/" + alice + "/roles/" + two);
    org.puts("system/users/" + bob + "/roles/" + two);
    org.puts("OS-INHERIT/domains/default/users/" + bob + "/roles/" + two + "/inherited_to_projects");
    const auto count = [&](const std::string& query) {
        const auto answer = org.gets("role_assignments?" + query);
        INFO(query << answer.body);
        REQUIRE(answer.status == 200);
        return answer.json().array("role_assignments").size();
    };
    CHECK(count("user.id=" + alice) == 2);
    CHECK(count("group.id=" + group) == 1);
    CHECK(count("role.id=" + two) == 3);
    CHECK(count("scope.project.id=" + top) == 1);
    CHECK(count("scope.project.id=" + top + "&include_subtree=true") == 2);
    CHECK(count("scope.domain.id=default&user.id=" + alice) == 1);
    CHECK(count("scope.system=all&user.id=" + bob) == 1);
    CHECK(count("scope.OS-INHERIT:inherited_to=projects") == 1);
    CHECK(count("effective&user.id=" + alice) == 3);
    CHECK(count("effective&user.id=" + bob + "&scope.project.id=" + leaf) ==
          2); // one through the group; two by inheritance or implied
    CHECK(count("effective&role.id=" + two + "&scope.project.id=" + top) == 2);
    CHECK(count("effective&scope.project.id=" + top + "&include_subtree") == 5);
    for (const auto* bad : {"user.id=a&group.id=b", "scope.project.id=a&scope.domain.id=b", "include_subtree",
                            "effective&group.id=a", "scope.OS-INHERIT:inherited_to=domains",
                            "effective&scope.domain.id=a&scope.OS-INHERIT:inherited_to=projects"}) {
        INFO(bad);
        CHECK(org.gets("role_assignments?" + std::string(bad)).status == 400);
    }
    const auto named =
        org.gets("role_assignments?include_names&scope.project.id=" + leaf).json().array("role_assignments").items()[0];
    CHECK(named.object("group").text("name") == "staff");
    CHECK(named.object("group").object("domain").text("name") == "Default");
    CHECK(named.object("scope").object("project").text("name") == "leaf");
    CHECK(named.object("role").text("name") == "one");
    const auto implied =
        org.gets("role_assignments?effective&role.id=" + two + "&user.id=" + alice + "&scope.project.id=" + top)
            .json()
            .array("role_assignments")
            .items()[0];
    CHECK_THAT(implied.object("links").text("prior_role"), Contains(one + "/implies/" + two));
    CHECK(org.heads("role_assignments") == 200);
}

TEST_CASE("A role of a domain counts by what it implies, and only in its domain", "[identity][role]") {
    Organisation org;
    const auto domain = org.domain("D");
    const auto alice = org.user("alice"), global = org.role("global"), ours = org.role("ours", domain),
               same = org.role("global", domain);
    const auto inside = org.make("projects", "project", R"("name":"in","domain_id":)" + org.quoted(domain)),
               outside = org.project("out");
    CHECK(org.puts("projects/" + outside + "/users/" + alice + "/roles/" + ours) == 403);
    CHECK(org.puts("projects/" + inside + "/users/" + alice + "/roles/" + ours) == 204);
    CHECK(org.rolesOf(alice, org.onProject(inside)).empty());
    CHECK(org.puts("roles/" + global + "/implies/" + ours) == 403);
    CHECK(org.puts("roles/" + ours + "/implies/" + global) == 201);
    CHECK(org.rolesOf(alice, org.onProject(inside)) == Names{"global"});
    CHECK(org.listed("roles?domain_id=" + domain, "roles", "id") == Set{ours, same});
    CHECK(org.listed("roles", "roles", "id").count(ours) == 0);
    const auto effective = org.gets("role_assignments?effective&user.id=" + alice).json().array("role_assignments");
    REQUIRE(effective.size() == 1);
    CHECK(effective.items()[0].object("role").text("id") == global);
}

TEST_CASE("The tree around a project is shown as ids, and as a list of what the caller may see",
          "[identity][project]") {
    Organisation org;
    const auto top = org.project("top"), left = org.project("left", top), right = org.project("right", top),
               leaf = org.project("leaf", left);
    const auto ids = org.gets("projects/" + top + "?subtree_as_ids").json().object("project").object("subtree");
    CHECK(ids.object(left).find(leaf)->isNull());
    CHECK(ids.find(right)->isNull());
    const auto parents = org.gets("projects/" + leaf + "?parents_as_ids").json().object("project").object("parents");
    CHECK(parents.object(left).object(top).find("default")->isNull());
    const auto list = [&](const std::string& id, const std::string& what) {
        Set names;
        for (const auto& each :
             org.gets("projects/" + id + "?" + what + "_as_list").json().object("project").array(what).items())
            names.insert(each.object("project").text("name"));
        return names;
    };
    CHECK(list(top, "subtree").empty());
    const auto role = org.role("one");
    org.puts("projects/" + left + "/users/" + org.root.user + "/roles/" + role);
    org.puts("projects/" + leaf + "/users/" + org.root.user + "/roles/" + role);
    CHECK(list(top, "subtree") == Set{"left", "leaf"});
    CHECK(list(leaf, "parents") == Set{"left"});
    CHECK(org.gets("projects/" + top + "?subtree_as_ids&subtree_as_list").status == 400);
    CHECK(org.gets("projects/" + top + "?parents_as_ids&parents_as_list").status == 400);
}

TEST_CASE("A tree of projects has no more levels than are allowed", "[identity][project]") {
    Organisation org;
    std::string parent;
    for (int level = 1; level <= 5; ++level) parent = org.project("level" + std::to_string(level), parent);
    CHECK(org.root.posts("/identity/v3/projects", R"({"project":{"name":"level6","parent_id":")" + parent + "\"}}")
              .status == 403);
    CHECK(org.root.patches("/identity/v3/projects/" + parent, R"({"project":{"parent_id":"default"}})").status == 403);
}

TEST_CASE("Collections are sorted, and paged by marker and limit with a link to what follows", "[identity]") {
    Organisation org;
    for (const auto* name : {"b", "d", "a", "c"}) org.group(name);
    const auto ids = [&](const std::string& query) {
        Names names;
        const auto answer = org.gets("groups?" + query);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        for (const auto& each : answer.json().array("groups").items()) names.push_back(each.text("name"));
        return names;
    };
    CHECK(ids("") == Names{"a", "b", "c", "d"});
    CHECK(ids("sort_key=name&sort_dir=desc") == Names{"d", "c", "b", "a"});
    CHECK(ids("limit=2") == Names{"a", "b"});
    CHECK(ids("name__contains=c") == Names{"c"});

    std::string next = "/identity/v3/groups?limit=3&sort_key=name&sort_dir=desc";
    const auto first = org.root.gets(next).json();
    CHECK(first.array("groups").size() == 3);
    const auto link = first.object("links").text("next");
    CHECK_THAT(link, Contains("limit=3") && Contains("marker="));
    const auto second = org.root.gets(link.substr(link.find("/identity/"))).json();
    REQUIRE(second.array("groups").size() == 1);
    CHECK(second.array("groups").items()[0].text("name") == "a");
    CHECK(second.object("links").find("next")->isNull());

    for (const auto* path :
         {"groups", "users", "projects", "domains", "roles", "regions", "services", "endpoints", "policies", "limits",
          "registered_limits", "OS-OAUTH1/consumers", "OS-EP-FILTER/endpoint_groups"}) {
        INFO(path);
        CHECK(org.gets(path).json().object("links").find("next")->isNull());
        CHECK(org.gets(std::string(path) + "?limit=1&sort_key=id&sort_dir=desc").status == 200);
        for (const auto* bad : {"limit=0", "limit=x", "marker=nothing", "sort_key=nonsense", "sort_dir=up"})
            CHECK(org.gets(std::string(path) + "?" + bad).status == 400);
    }
}

TEST_CASE("Every list can be walked page by page, and nothing is lost or seen twice", "[identity]") {
    Organisation org;
    const auto& root = org.root;
    const auto project = org.project("p"), group = org.group("g"), service = org.service("thing"),
               endpoint = org.endpoint(service, "http://a");
    const auto filters = R"("filters":{"interface":"admin"},"name":)";
    const auto endpoints = org.make("OS-EP-FILTER/endpoint_groups", "endpoint_group", filters + org.quoted("1"));
    const auto policy = org.make("policies", "policy", R"("type":"t","blob":"b")");
    for (const auto* each : {"2", "3"}) {
        org.domain(each);
        org.user(each);
        org.group(each);
        org.endpoint(service, std::string("http://") + each);
        org.make("regions", "region", "\"id\":" + org.quoted(each));
        org.make("policies", "policy", R"("type":"t","blob":"b")");
        org.make("OS-OAUTH1/consumers", "consumer", "");
        org.make("OS-EP-FILTER/endpoint_groups", "endpoint_group", filters + org.quoted(each));
        org.make("credentials", "credential", R"("type":"x","blob":"b","user_id":)" + org.quoted(root.user));
        REQUIRE(root.posts("/identity/v3/users/" + root.user + "/credentials/OS-EC2",
                           R"({"tenant_id":")" + root.project + "\"}")
                    .status == 201);
        REQUIRE(root.posts("/identity/v3/users/" + root.user + "/application_credentials",
                           R"({"application_credential":{"name":")" + std::string(each) +
                               R"(","access_rules":[{"path":"/v2/)" + each +
                               R"(","method":"GET","service":"image"}]}})")
                    .status == 201);
        REQUIRE(root.posts("/identity/v3/registered_limits", R"({"registered_limits":[{"service_id":")" + service +
                                                                 R"(","resource_name":")" + each +
                                                                 R"(","default_limit":5}]})")
                    .status == 201);
        REQUIRE(root.posts("/identity/v3/limits", R"({"limits":[{"service_id":")" + service + R"(","project_id":")" +
                                                      project + R"(","resource_name":")" + each +
                                                      R"(","resource_limit":4}]})")
                    .status == 201);
        const auto role = org.role(each), user = org.user(std::string("u") + each), other = org.project(each);
        for (const auto* place : {"projects/", "OS-INHERIT/projects/"})
            for (const auto& actor : {"users/" + root.user, "groups/" + group})
                CHECK(org.puts(place + project + "/" + actor + "/roles/" + role +
                               (place[0] == 'O' ? "/inherited_to_projects" : "")) == 204);
        CHECK(org.puts("domains/default/users/" + root.user + "/roles/" + role) == 204);
        CHECK(org.puts("system/users/" + root.user + "/roles/" + role) == 204);
        CHECK(org.puts("groups/" + group + "/users/" + user) == 204);
        CHECK(org.puts("OS-EP-FILTER/projects/" + other + "/endpoints/" + endpoint) == 204);
        CHECK(org.puts("OS-EP-FILTER/endpoint_groups/" + endpoints + "/projects/" + other) == 204);
    }
    const auto user = "users/" + root.user, grants = "projects/" + project + "/";
    const std::pair<std::string, std::string> lists[] = {
        {"domains", "domains"},
        {"projects", "projects"},
        {"users", "users"},
        {"groups", "groups"},
        {"roles", "roles"},
        {"services", "services"},
        {"endpoints", "endpoints"},
        {"regions", "regions"},
        {"policies", "policies"},
        {"credentials", "credentials"},
        {"limits", "limits"},
        {"registered_limits", "registered_limits"},
        {"OS-OAUTH1/consumers", "consumers"},
        {"OS-EP-FILTER/endpoint_groups", "endpoint_groups"},
        {"OS-EP-FILTER/endpoints/" + endpoint + "/projects", "projects"},
        {"OS-EP-FILTER/endpoint_groups/" + endpoints + "/projects", "projects"},
        {user + "/projects", "projects"},
        {user + "/credentials/OS-EC2", "credentials"},
        {user + "/application_credentials", "application_credentials"},
        {user + "/access_rules", "access_rules"},
        {"groups/" + group + "/users", "users"},
        {"auth/projects", "projects"},
        {grants + user + "/roles", "roles"},
        {grants + "groups/" + group + "/roles", "roles"},
        {"OS-INHERIT/" + grants + user + "/roles/inherited_to_projects", "roles"},
        {"domains/default/" + user + "/roles", "roles"},
        {"system/" + user + "/roles", "roles"},
        {"role_assignments", "role_assignments"},
        {"role_assignments?effective&include_names=true", "role_assignments"},
        {"role_assignments?scope.project.id=" + project, "role_assignments"}};
    for (const auto& [path, collection] : lists) {
        INFO(path);
        const auto whole = org.gets(path).json().array(collection).items();
        REQUIRE(whole.size() >= 2);
        std::vector<std::string> walked, expected;
        for (const auto& each : whole) expected.push_back(each.dump());
        auto next =
            std::optional("/identity/v3/" + path + (path.find('?') == std::string::npos ? "?" : "&") + "limit=1");
        while (next && walked.size() <= whole.size()) {
            const auto page = root.gets(*next).json();
            REQUIRE(page.array(collection).size() == 1);
            walked.push_back(page.array(collection).items()[0].dump());
            next = page.object("links").maybeText("next");
            if (next) next->erase(0, next->find("/identity/"));
        }
        CHECK(walked == expected);
        CHECK(org.gets(path + (path.find('?') == std::string::npos ? "?" : "&") + "marker=nothing").status == 400);
    }
}

TEST_CASE("A reader of a domain lists what is in that domain, and nothing else", "[identity]") {
    Organisation org;
    const auto domain = org.domain("D");
    const auto carol = org.user("carol", domain);
    org.group("theirs", domain);
    org.group("others");
    org.make("projects", "project", R"("name":"in","domain_id":)" + org.quoted(domain));
    const auto reader = *org.listed("roles?name=reader", "roles", "id").begin();
    org.puts("domains/" + domain + "/users/" + carol + "/roles/" + reader);
    const auto answer =
        org.cloud.asks(http::Method::Post, "/identity/v3/auth/tokens",
                       R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":")" + carol +
                           R"(","password":"secret"}}},"scope":)" + org.onDomain(domain) + "}}");
    REQUIRE(answer.status == 201);
    Member inside = org.root;
    inside.token = std::string(answer.headers["X-Subject-Token"]);
    const auto names = [&](const std::string& collection) {
        Set found;
        const auto list = inside.gets("/identity/v3/" + collection);
        INFO(list.body);
        REQUIRE(list.status == 200);
        for (const auto& each : list.json().array(collection).items()) found.insert(each.text("name"));
        return found;
    };
    CHECK(names("users") == Set{"carol"});
    CHECK(names("groups") == Set{"theirs"});
    CHECK(names("projects") == Set{"in"});
    const auto assignments = inside.gets("/identity/v3/role_assignments").json().array("role_assignments");
    CHECK(assignments.size() == 1);
    CHECK(inside.gets("/identity/v3/domains").status == 403);
    CHECK(inside.gets("/identity/v3/domains/" + domain).status == 200);
}

TEST_CASE("A project with endpoints of its own sees those only in its catalog", "[identity][catalog]") {
    Organisation org;
    const auto service = org.service("thing"), other = org.service("other");
    const auto one = org.endpoint(service, "http://one/"), two = org.endpoint(service, "http://two/"),
               three = org.endpoint(other, "http://three/");
    const auto catalog = [&] { return org.gets("auth/catalog").body; };
    CHECK_THAT(catalog(), Contains("http://one/") && Contains("http://two/") && Contains("http://three/"));

    const auto mine = "OS-EP-FILTER/projects/" + org.root.project + "/endpoints";
    CHECK(org.heads(mine + "/" + one) == 404);
    CHECK(org.puts(mine + "/" + one) == 204);
    CHECK(org.heads(mine + "/" + one) == 204);
    CHECK_THAT(catalog(), Contains("http://one/") && !Contains("http://two/") && !Contains("http://three/") &&
                              !Contains("compute"));
    CHECK(org.listed("OS-EP-FILTER/endpoints/" + one + "/projects", "projects") == Set{"admin"});

    const auto group = org.make("OS-EP-FILTER/endpoint_groups", "endpoint_group",
                                R"("name":"g","filters":{"service_id":")" + other + "\"}");
    CHECK(org.listed("OS-EP-FILTER/endpoint_groups/" + group + "/endpoints", "endpoints", "id") == Set{three});
    const auto pair = "OS-EP-FILTER/endpoint_groups/" + group + "/projects/" + org.root.project;
    CHECK(org.gets(pair).status == 404);
    CHECK(org.puts(pair) == 204);
    CHECK(org.gets(pair).json().object("endpoint_group").text("name") == "g");
    CHECK_THAT(catalog(), Contains("http://one/") && !Contains("http://two/") && Contains("http://three/"));
    CHECK(org.listed(mine, "endpoints", "id") == Set{one, three});
    CHECK(org.listed("OS-EP-FILTER/projects/" + org.root.project + "/endpoint_groups", "endpoint_groups") == Set{"g"});
    CHECK(org.listed("OS-EP-FILTER/endpoint_groups/" + group + "/projects", "projects") == Set{"admin"});
    CHECK(org.root
              .patches("/identity/v3/OS-EP-FILTER/endpoint_groups/" + group,
                       R"({"endpoint_group":{"filters":{"interface":"admin"}}})")
              .status == 200);
    CHECK_THAT(catalog(), !Contains("http://three/"));
    CHECK(org.root
              .patches("/identity/v3/OS-EP-FILTER/endpoint_groups/" + group,
                       R"({"endpoint_group":{"filters":{"colour":"red"}}})")
              .status == 400);

    CHECK(org.deletes(pair) == 204);
    CHECK(org.deletes(pair) == 404);
    CHECK(org.deletes(mine + "/" + one) == 204);
    CHECK_THAT(catalog(), Contains("http://two/"));
    org.root.patches("/identity/v3/services/" + service, R"({"service":{"enabled":false}})");
    CHECK_THAT(catalog(), !Contains("http://two/"));
}

TEST_CASE("A policy is kept as it came, and found for an endpoint by it, its service or its region",
          "[identity][policy]") {
    Organisation org;
    CHECK(org.root.posts("/identity/v3/policies", R"({"policy":{"type":"t"}})").status == 400);
    const auto policy = [&](const std::string& type) {
        return org.make("policies", "policy", R"("blob":{"a":"b"},"type":")" + type + "\"");
    };
    const auto general = policy("general"), regional = policy("regional"), own = policy("own");
    CHECK(org.gets("policies/" + general).json().object("policy").object("blob").text("a") == "b");
    CHECK(org.listed("policies?type=own", "policies", "id") == Set{own});
    const auto service = org.service("thing");
    CHECK(org.puts("regions/R") == 400);
    CHECK(org.root.puts("/identity/v3/regions/R", R"({"region":{}})").status == 201);
    CHECK(org.root.puts("/identity/v3/regions/R1", R"({"region":{"parent_region_id":"R"}})").status == 201);
    const auto endpoint =
        org.make("endpoints", "endpoint",
                 R"("interface":"public","url":"http://x/","region_id":"R1","service_id":")" + service + "\"");
    const auto found = [&] {
        const auto answer = org.gets("endpoints/" + endpoint + "/OS-ENDPOINT-POLICY/policy");
        return answer.status == 200 ? answer.json().object("policy").text("type") : std::to_string(answer.status);
    };
    CHECK(found() == "404");
    const auto ofService = "/OS-ENDPOINT-POLICY/services/" + service;
    CHECK(org.puts("policies/" + general + ofService) == 204);
    CHECK(found() == "general");
    CHECK(org.puts("policies/" + regional + ofService + "/regions/R") == 204);
    CHECK(found() == "regional");
    CHECK(org.puts("policies/" + own + "/OS-ENDPOINT-POLICY/endpoints/" + endpoint) == 204);
    CHECK(found() == "own");
    CHECK(org.listed("policies/" + own + "/OS-ENDPOINT-POLICY/endpoints", "endpoints", "id") == Set{endpoint});
    CHECK(org.listed("policies/" + general + "/OS-ENDPOINT-POLICY/endpoints", "endpoints", "id").empty());
    CHECK(org.gets("policies/" + general + ofService).status == 204);
    CHECK(org.gets("policies/" + own + ofService).status == 404);
    CHECK(org.deletes("policies/" + own + "/OS-ENDPOINT-POLICY/endpoints/" + endpoint) == 204);
    CHECK(found() == "regional");
    CHECK(org.deletes("policies/" + regional) == 204);
    CHECK(found() == "general");
}

TEST_CASE("A limit needs a registered one, is unique, and holds it in place", "[identity][limit]") {
    Organisation org;
    const auto service = org.service("thing"), project = org.project("p");
    const auto registers = [&](const std::string& fields) {
        return org.root.posts("/identity/v3/registered_limits",
                              R"({"registered_limits":[{"service_id":")" + service + "\"," + fields + "}]}");
    };
    const auto made = registers(R"("resource_name":"cores","default_limit":10)");
    REQUIRE(made.status == 201);
    const auto registered = made.json().array("registered_limits").items()[0].text("id");
    CHECK(registers(R"("resource_name":"cores","default_limit":20)").status == 409);
    CHECK(registers(R"("resource_name":"cores","default_limit":20,"region_id":"nowhere")").status == 400);
    CHECK(registers(R"("resource_name":"cores","default_limit":20,"region_id":"RegionOne")").status == 201);
    CHECK(registers(R"("resource_name":"ram","default_limit":"many")").status == 400);
    CHECK(registers(R"("resource_name":"ram","default_limit":-2)").status == 400);
    // One that is wrong and none is kept.
    CHECK(
        org.root
            .posts(
                "/identity/v3/registered_limits",
                R"({"registered_limits":[{"service_id":")" + service +
                    R"(","resource_name":"disk","default_limit":1},{"service_id":"none","resource_name":"x","default_limit":1}]})")
            .status == 400);
    CHECK(org.listed("registered_limits?service_id=" + service, "registered_limits", "resource_name") == Set{"cores"});

    const auto limits = [&](const std::string& fields) {
        return org.root.posts("/identity/v3/limits",
                              R"({"limits":[{"service_id":")" + service + "\"," + fields + "}]}");
    };
    const auto ofProject = "\"project_id\":\"" + project + "\",";
    CHECK(limits(ofProject + R"("resource_name":"ram","resource_limit":1)").status == 403);
    CHECK(limits(R"("resource_name":"cores","resource_limit":1)").status == 400);
    const auto limit = limits(ofProject + R"("resource_name":"cores","resource_limit":99)");
    REQUIRE(limit.status == 201);
    const auto id = limit.json().array("limits").items()[0].text("id");
    CHECK(limits(ofProject + R"("resource_name":"cores","resource_limit":1)").status == 409);
    CHECK(org.root.patches("/identity/v3/limits/" + id, R"({"limit":{"resource_limit":5,"description":"five"}})")
              .json()
              .object("limit")
              .integer("resource_limit") == 5);
    CHECK(org.root.patches("/identity/v3/limits/" + id, R"({"limit":{"project_id":"other"}})").status == 400);
    CHECK(org.deletes("registered_limits/" + registered) == 403);
    CHECK(org.root
              .patches("/identity/v3/registered_limits/" + registered,
                       R"({"registered_limit":{"resource_name":"other"}})")
              .status == 403);
    CHECK(
        org.root.patches("/identity/v3/registered_limits/" + registered, R"({"registered_limit":{"default_limit":3}})")
            .status == 200);
    CHECK(org.gets("limits/model").json().object("model").text("name") == "flat");

    const auto bob = org.cloud.member("bob");
    CHECK(bob.gets("/identity/v3/limits").json().array("limits").size() == 0);
    CHECK(bob.gets("/identity/v3/limits/" + id).status == 403);
    CHECK(bob.gets("/identity/v3/registered_limits").json().array("registered_limits").size() == 2);
    CHECK(bob.posts("/identity/v3/limits", R"({"limits":[]})").status == 403);
    CHECK(org.listed("limits?project_id=" + project, "limits", "id") == Set{id});
    CHECK(org.deletes("limits/" + id) == 204);
    CHECK(org.gets("limits/" + id).status == 404);
    CHECK(org.deletes("registered_limits/" + registered) == 204);
}

TEST_CASE("A domain's configuration is kept by group and option, and its password is never shown",
          "[identity][domain]") {
    Organisation org;
    const auto domain = org.domain("D"), path = "/identity/v3/domains/" + domain + "/config";
    CHECK(org.root.gets(path).status == 404);
    CHECK(org.root.puts(path, R"({"config":{"nonsense":{"a":1}}})").status == 403);
    CHECK(org.root.puts(path, R"({"config":{"ldap":{"nonsense":1}}})").status == 403);
    CHECK(org.root.puts(path, R"({"config":{}})").status == 403);
    const auto config = R"({"config":{"ldap":{"url":"ldap://x","password":"hidden"},"identity":{"driver":"ldap"}}})";
    CHECK(org.root.puts(path, config).status == 201);
    CHECK(org.root.puts(path, config).status == 200);
    CHECK_THAT(org.root.gets(path).body, Contains("ldap://x") && !Contains("hidden"));
    CHECK(org.root.gets(path + "/ldap/password").status == 404);
    CHECK(org.root.gets(path + "/ldap/url").json().object("config").text("url") == "ldap://x");
    CHECK(org.root.patches(path + "/ldap/url", R"({"config":{"url":"ldap://y"}})")
              .json()
              .object("config")
              .object("ldap")
              .text("url") == "ldap://y");
    CHECK(org.root.patches(path + "/ldap/url", R"({"config":{"suffix":"dc=x"}})").status == 403);
    CHECK(org.root.patches(path + "/ldap/suffix", R"({"config":{"suffix":"dc=x"}})").status == 404);
    CHECK(org.root.patches(path + "/ldap", R"({"config":{"ldap":{"suffix":"dc=x"}}})")
              .json()
              .object("config")
              .object("ldap")
              .text("suffix") == "dc=x");
    CHECK_THAT(org.root.patches(path + "/ldap/password", R"({"config":{"password":"other"}})").body,
               !Contains("other"));
    CHECK(org.root.patches(path, R"({"config":{"identity":{"list_limit":7}}})")
              .json()
              .object("config")
              .object("identity")
              .integer("list_limit") == 7);
    CHECK(org.root.deletes(path + "/identity/list_limit").status == 204);
    CHECK(org.root.deletes(path + "/identity/list_limit").status == 404);
    CHECK(org.root.deletes(path + "/identity").status == 204);
    CHECK(org.root.gets(path + "/identity").status == 404);
    CHECK(org.root.deletes(path).status == 204);
    CHECK(org.root.deletes(path).status == 404);
    CHECK(org.gets("domains/config/default").json().object("config").object("ldap").text("user_objectclass") ==
          "inetOrgPerson");
    CHECK_THAT(org.gets("domains/config/default").body, !Contains("password"));
    CHECK(org.gets("domains/config/identity/driver/default").json().object("config").text("driver") == "sql");
    CHECK(org.gets("domains/config/nonsense/default").status == 403);
    const auto bob = org.cloud.member("bob");
    CHECK(bob.gets(path).status == 403);
    CHECK(bob.gets("/identity/v3/domains/default/config/security_compliance")
              .json()
              .object("config")
              .object("security_compliance")
              .size() == 2);
    CHECK(bob.gets("/identity/v3/domains/default/config/security_compliance/password_regex").status == 200);
    CHECK(bob.gets("/identity/v3/domains/default/config/security_compliance/lockout_duration").status == 403);
    CHECK(bob.gets(path + "/security_compliance").status == 403);
}

TEST_CASE("Only those whom the rules name change the organisation, whatever a request says about them",
          "[identity][policy]") {
    Organisation org;
    const auto domain = org.domain("D"), group = org.group("g"), role = org.role("r"), project = org.project("p"),
               user = org.user("u");
    const auto service = org.service("s"), endpoint = org.endpoint(service, "http://x/");
    const auto member = org.cloud.member("bob"), reader = org.cloud.member("rita", "reader"),
               manager = org.cloud.member("mary", "manager");
    struct Change {
        http::Method method;
        std::string path, body;
    };
    using http::Method;
    const std::vector<Change> changes = {
        {Method::Post, "domains", R"({"domain":{"name":"x"}})"},
        {Method::Patch, "domains/" + domain, R"({"domain":{"name":"x"}})"},
        {Method::Delete, "domains/" + domain, ""},
        {Method::Put, "domains/" + domain + "/config", R"({"config":{"ldap":{"url":"ldap://x"}}})"},
        {Method::Patch, "domains/" + domain + "/config", R"({"config":{"ldap":{"url":"ldap://x"}}})"},
        {Method::Delete, "domains/" + domain + "/config", ""},
        {Method::Post, "projects", R"({"project":{"name":"x"}})"},
        {Method::Patch, "projects/" + project, R"({"project":{"name":"x"}})"},
        {Method::Delete, "projects/" + project, ""},
        {Method::Put, "projects/" + project + "/tags", R"({"tags":["x"]})"},
        {Method::Put, "projects/" + project + "/tags/x", ""},
        {Method::Delete, "projects/" + project + "/tags", ""},
        {Method::Post, "groups", R"({"group":{"name":"x"}})"},
        {Method::Patch, "groups/" + group, R"({"group":{"name":"x"}})"},
        {Method::Delete, "groups/" + group, ""},
        {Method::Put, "groups/" + group + "/users/" + user, ""},
        {Method::Delete, "groups/" + group + "/users/" + user, ""},
        {Method::Post, "roles", R"({"role":{"name":"x"}})"},
        {Method::Post, "roles", R"({"role":{"name":"x","domain_id":"default"}})"},
        {Method::Patch, "roles/" + role, R"({"role":{"name":"x"}})"},
        {Method::Delete, "roles/" + role, ""},
        {Method::Put, "roles/" + role + "/implies/" + role, ""},
        {Method::Delete, "roles/" + role + "/implies/" + role, ""},
        {Method::Put, "projects/" + project + "/users/" + user + "/roles/" + role, ""},
        {Method::Delete, "projects/" + project + "/groups/" + group + "/roles/" + role, ""},
        {Method::Put, "domains/" + domain + "/groups/" + group + "/roles/" + role, ""},
        {Method::Put, "system/users/" + user + "/roles/" + role, ""},
        {Method::Put, "system/groups/" + group + "/roles/" + role, ""},
        {Method::Put, "OS-INHERIT/domains/" + domain + "/users/" + user + "/roles/" + role + "/inherited_to_projects",
         ""},
        {Method::Put,
         "OS-INHERIT/projects/" + project + "/groups/" + group + "/roles/" + role + "/inherited_to_projects", ""},
        {Method::Post, "regions", R"({"region":{"id":"x"}})"},
        {Method::Put, "regions/x", R"({"region":{}})"},
        {Method::Patch, "regions/RegionOne", R"({"region":{"description":"x"}})"},
        {Method::Delete, "regions/RegionOne", ""},
        {Method::Post, "services", R"({"service":{"type":"x"}})"},
        {Method::Patch, "services/" + service, R"({"service":{"type":"x"}})"},
        {Method::Delete, "services/" + service, ""},
        {Method::Post, "endpoints",
         R"({"endpoint":{"interface":"public","url":"http://x/","service_id":")" + service + "\"}}"},
        {Method::Patch, "endpoints/" + endpoint, R"({"endpoint":{"url":"http://y/"}})"},
        {Method::Delete, "endpoints/" + endpoint, ""},
        {Method::Post, "OS-EP-FILTER/endpoint_groups",
         R"({"endpoint_group":{"name":"x","filters":{"interface":"public"}}})"},
        {Method::Put, "OS-EP-FILTER/projects/" + project + "/endpoints/" + endpoint, ""},
        {Method::Post, "policies", R"({"policy":{"type":"x","blob":"x"}})"},
        {Method::Put, "policies/x/OS-ENDPOINT-POLICY/endpoints/" + endpoint, ""},
        {Method::Post, "registered_limits", R"({"registered_limits":[]})"},
        {Method::Post, "limits", R"({"limits":[]})"},
        {Method::Post, "OS-OAUTH1/consumers", R"({"consumer":{}})"},
    };
    const auto claims = "?domain_id=default&user_id=" + org.root.user +
                        "&target.domain_id=default&roles=admin&is_admin=1&system_scope=all";
    const HeaderList forged = {{"X-Roles", "admin"}, {"X-User-Id", org.root.user}, {"X-Is-Admin-Project", "True"}};
    for (const auto& [method, path, body] : changes) {
        INFO(http::nameOf(method) << " " << path);
        CHECK(org.cloud.asks(method, "/identity/v3/" + path, body).status == 401);
        for (const auto* each : {&member, &reader, &manager}) {
            CHECK(each->asks(method, "/identity/v3/" + path, body).status == 403);
            CHECK(each->asks(method, "/identity/v3/" + path + claims, body, forged).status == 403);
        }
    }
    CHECK(org.listed("projects?name=p", "projects") == Set{"p"});
    for (const auto* list : {"domains", "projects", "groups", "roles", "role_assignments", "services", "endpoints",
                             "policies", "role_inferences", "OS-EP-FILTER/endpoint_groups", "OS-OAUTH1/consumers"}) {
        INFO(list);
        CHECK(org.cloud.asks(Method::Get, "/identity/v3/" + std::string(list), "").status == 401);
        for (const auto* each : {&member, &reader, &manager}) {
            CHECK(each->gets("/identity/v3/" + std::string(list)).status == 403);
            CHECK(each->gets("/identity/v3/" + std::string(list) + claims, forged).status == 403);
        }
    }
}

TEST_CASE("A consumer's secret is chosen here and shown once", "[identity]") {
    Organisation org;
    const auto path = std::string("/identity/v3/OS-OAUTH1/consumers");
    CHECK(org.root.posts(path, R"({"consumer":{"secret":"mine"}})").status == 400);
    const auto made = org.root.posts(path, R"({"consumer":{"description":"d"}})");
    REQUIRE(made.status == 201);
    const auto id = made.json().object("consumer").text("id"), secret = made.json().object("consumer").text("secret");
    CHECK(secret.size() == 32);
    CHECK_THAT(org.root.gets(path + "/" + id).body, !Contains(secret));
    CHECK(org.root.patches(path + "/" + id, R"({"consumer":{"description":"e"}})")
              .json()
              .object("consumer")
              .text("description") == "e");
    CHECK(org.root.patches(path + "/" + id, R"({"consumer":{"secret":"s"}})").status == 400);
    CHECK(org.root.deletes(path + "/" + id).status == 204);
    CHECK(org.root.gets(path + "/" + id).status == 404);
}

TEST_CASE("In the strict model of limits no project has more than its domain", "[identity][limit]") {
    Organisation org({{"identity", "enforcement_model", "strict_two_level"}});
    const auto domain = org.domain("D"), service = org.service("thing");
    const auto inside = org.make("projects", "project", R"("name":"in","domain_id":)" + org.quoted(domain));
    const auto deeper = org.project("deeper", inside);
    const auto registered =
        org.root.posts("/identity/v3/registered_limits", R"({"registered_limits":[{"service_id":")" + service +
                                                             R"(","resource_name":"cores","default_limit":10}]})");
    REQUIRE(registered.status == 201);
    const auto registeredId = registered.json().array("registered_limits").items()[0].text("id");
    const auto limits = [&](const std::string& target, int limit) {
        return org.root.posts("/identity/v3/limits", R"({"limits":[{"resource_name":"cores","service_id":")" + service +
                                                         "\"," + target + R"(,"resource_limit":)" +
                                                         std::to_string(limit) + "}]}");
    };
    const auto ofProject = "\"project_id\":\"" + inside + "\"", ofDomain = "\"domain_id\":\"" + domain + "\"";
    CHECK(org.gets("limits/model").json().object("model").text("name") == "strict_two_level");
    CHECK(limits(ofProject, 11).status == 403);
    CHECK(limits(ofProject, -1).status == 403);
    CHECK(limits("\"project_id\":\"" + deeper + "\"", 1).status == 403);
    const auto project = limits(ofProject, 8);
    REQUIRE(project.status == 201);
    const auto id = project.json().array("limits").items()[0].text("id");
    CHECK(limits(ofDomain, 7).status == 403);
    const auto whole = limits(ofDomain, 20);
    REQUIRE(whole.status == 201);
    const auto patch = [&](const std::string& limit, int to) {
        return org.root
            .patches("/identity/v3/limits/" + limit, R"({"limit":{"resource_limit":)" + std::to_string(to) + "}}")
            .status;
    };
    CHECK(patch(id, 20) == 200);
    CHECK(patch(id, 21) == 403);
    CHECK(patch(whole.json().array("limits").items()[0].text("id"), 19) == 403);
    CHECK(org.deletes("limits/" + whole.json().array("limits").items()[0].text("id")) ==
          403); // the default is less than the project has
    CHECK(patch(id, 9) == 200);
    CHECK(org.deletes("limits/" + whole.json().array("limits").items()[0].text("id")) == 204);
    CHECK(org.root
              .patches("/identity/v3/registered_limits/" + registeredId, R"({"registered_limit":{"default_limit":8}})")
              .status == 403);
}

TEST_CASE("A manager whom the policy lets publish makes an image public without being an admin", "[identity][policy]") {
    TestAppliance cloud;
    const auto publishes = [&](const Member& member) {
        return member
            .posts("/image/v2/images",
                   R"({"name":"shared","visibility":"public","disk_format":"raw","container_format":"bare"})")
            .status;
    };
    auto manager = cloud.member("mary", "manager"), member = cloud.colleague(manager, "mark", "member");
    CHECK(publishes(manager) == 403);
    std::filesystem::create_directories(cloud.folder() / "policy");
    std::ofstream(cloud.folder() / "policy" / "image.yaml") << "\"publicize_image\": \"role:admin or role:manager\"\n";
    cloud.restart();
    manager.token = cloud.logsIn(manager.name, manager.password, "mary");
    member.token = cloud.logsIn(member.name, member.password, "mary");
    CHECK(publishes(manager) == 201);
    CHECK(publishes(member) == 403);
    CHECK(manager.gets("/identity/v3/users").status == 403); // a manager is no admin
    const auto roles = manager.gets("/identity/v3/auth/tokens", {{"X-Subject-Token", manager.token}})
                           .json()
                           .object("token")
                           .array("roles");
    CHECK(roles.size() == 3); // manager, and what that implies: member, reader
}

TEST_CASE("What a user may do somewhere is found at once among 50,000 assignments", "[identity][role][time]") {
    Organisation org;
    const auto role = org.role("one"), alice = org.user("alice"), group = org.group("staff"),
               project = org.project("p");
    org.puts("groups/" + group + "/users/" + alice);
    org.puts("OS-INHERIT/domains/default/groups/" + group + "/roles/" + role + "/inherited_to_projects");
    auto& store = org.cloud.appliance().store();
    const auto takes = [&] { // the least of some rounds, since a busy machine may take any one of them from us
        double least = 1e9;
        for (int round = 0; round < 10; ++round) {
            const auto began = std::chrono::steady_clock::now();
            constexpr int times = 50;
            for (int each = 0; each < times; ++each)
                REQUIRE(identity::role_table::effective(store.reader(), {alice}, identity::Assignment::Scope::Project,
                                                        project, Time())
                            .size() == 1);
            least = std::min(
                least,
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count() / times);
        }
        return least;
    };
    const auto among1 = takes();
    store.write([&](store::Transaction& tx) {
        tx.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO "
                   "assignments (actor_id, "
                   "actor, scope, target_id, role_id, inherited) SELECT 'user' "
                   "|| (i % "
                   "10000), 'user', CASE i % 3 WHEN 0 THEN 'domain' ELSE 'project' END, CASE i % 3 WHEN 0 THEN "
                   "'default' ELSE ? END, ?, i "
                   "% 2 FROM "
                   "n WHERE true ON CONFLICT DO NOTHING",
                   project, role);
        tx.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO "
                   "assignments (actor_id, "
                   "actor, scope, target_id, role_id, inherited) SELECT 'other' || i, "
                   "'user', 'project', ?, ?, 0 FROM n",
                   project, role);
    });
    CHECK(store.reader().query("SELECT count(*) FROM assignments").integer() > 50000);
    const auto among50000 = takes();
    INFO(among1 << " and " << among50000 << " microseconds each");
    CHECK(among50000 < 3 * among1 + 20); // a look at every assignment takes thousands
}

TEST_CASE("The roles that a cloud begins with stay as they are, and so does whatever is made immutable",
          "[identity][role]") {
    Organisation org;
    for (const std::string name : {"admin", "manager", "member", "reader", "service"}) {
        const auto id = *org.listed("roles?name=" + name, "roles", "id").begin();
        const auto path = "/identity/v3/roles/" + id;
        INFO(name);
        CHECK(org.root.deletes(path).status == 403);
        CHECK(org.root.patches(path, R"({"role":{"name":"other"}})").status == 403);
        CHECK(org.root.patches(path, R"({"role":{"name":"other","options":{"immutable":false}}})").status ==
              403); // one step at a time
        CHECK(org.root.patches(path, R"({"role":{"options":{"immutable":true}}})").status == 200);
    }
    const auto domain = org.domain("D"), project = org.project("P"), role = org.role("R");
    const std::pair<std::string, std::string> things[] = {{"role", role}, {"project", project}, {"domain", domain}};
    for (const auto& [noun, id] : things) {
        const auto path = "/identity/v3/" + noun + "s/" + id;
        const auto patch = [&, &kind = noun](const std::string& fields) {
            return org.root.patches(path, "{\"" + kind + "\":{" + fields + "}}").status;
        };
        INFO(noun);
        CHECK(patch(R"("options":{"immutable":true})") == 200);
        CHECK(patch(R"("description":"d")") == 403);
        CHECK(org.root.deletes(path).status == 403);
        CHECK(patch(R"("options":{"immutable":false},"description":"d")") == 403);
        CHECK(patch(R"("options":{"immutable":null})") == 200);
        CHECK(patch(R"("description":"d")") == 200);
    }
}

TEST_CASE("A role of a domain is for that domain's projects; on a domain nobody compares, and the system has none",
          "[identity][role]") {
    Organisation org;
    const auto domain = org.domain("D"), other = org.domain("E"), user = org.user("u"), role = org.role("R", domain);
    const auto project = org.make("projects", "project", R"("name":"P","domain_id":)" + org.quoted(other));
    CHECK(org.puts("domains/" + other + "/users/" + user + "/roles/" + role) == 204);
    CHECK(org.puts("projects/" + project + "/users/" + user + "/roles/" + role) == 403);
    CHECK(org.puts("system/users/" + user + "/roles/" + role) == 400);
}

TEST_CASE("What is put twice is a conflict", "[identity]") {
    Organisation org;
    const auto prior = org.role("one"), implied = org.role("two"), project = org.project("P");
    const auto endpoint = org.endpoint(org.service("thing"), "http://one/");
    const auto group =
        org.make("OS-EP-FILTER/endpoint_groups", "endpoint_group", R"("name":"g","filters":{"interface":"public"})");
    const std::pair<std::string, int> puts[] = {
        {"roles/" + prior + "/implies/" + implied, 201},
        {"OS-EP-FILTER/projects/" + project + "/endpoints/" + endpoint, 204},
        {"OS-EP-FILTER/endpoint_groups/" + group + "/projects/" + project, 204}};
    for (const auto& [path, status] : puts) {
        INFO(path);
        CHECK(org.puts(path) == status);
        CHECK(org.puts(path) == 409);
    }
}

TEST_CASE("Registered limits outlive the service and the region they are for, and a region takes those below it along",
          "[identity][limit]") {
    Organisation org;
    const auto service = org.service("thing");
    const auto region = org.make("regions", "region", R"("id":"north")"),
               below = org.make("regions", "region", R"("id":"n1","parent_region_id":"north")");
    org.make("regions", "region", R"("id":"n1a","parent_region_id":"n1")");
    const auto made = org.root.posts("/identity/v3/registered_limits",
                                     R"({"registered_limits":[{"service_id":)" + org.quoted(service) +
                                         R"(,"region_id":"n1","resource_name":"cores","default_limit":3}]})");
    REQUIRE(made.status == 201);
    const auto limit = made.json().array("registered_limits").items()[0].text("id");
    const auto held =
        org.make("endpoints", "endpoint",
                 R"("interface":"public","url":"http://x/","region_id":"n1a","service_id":)" + org.quoted(service));
    CHECK(org.deletes("regions/" + region) == 403); // an endpoint is below it
    CHECK(org.deletes("endpoints/" + held) == 204);
    CHECK(org.deletes("regions/" + region) == 204);
    CHECK(org.gets("regions/" + below).status == 404);
    CHECK(org.gets("regions/n1a").status == 404);
    CHECK(org.deletes("services/" + service) == 204);
    CHECK(org.gets("registered_limits/" + limit).json().object("registered_limit").integer("default_limit") == 3);
    CHECK(org.deletes("registered_limits/" + limit) == 204);
}

TEST_CASE("Lists take no more of a query than they can use, and lengths count characters", "[identity][S35]") {
    Organisation org;
    const auto project = org.project("P");
    std::string names = "name=nobody", tags = "tags=t", keys = "sort_key=name";
    for (int each = 0; each < 200; ++each) {
        names += "&name=nobody&name__contains=x";
        tags += ",t" + std::to_string(each);
        keys += "&sort_key=name";
    }
    CHECK(org.listed("projects?" + names, "projects").empty());
    CHECK(org.listed("users?" + names, "users").empty());
    CHECK(org.gets("projects?" + tags).status == 400);
    CHECK(org.gets("projects?" + keys).status == 200);
    CHECK(org.gets("projects?" + names + names + names).status == 400);
    std::string umlauts;
    for (int each = 0; each < 255; ++each) umlauts += "ü";
    const auto tag = [&](const std::string& text) {
        return org.puts("projects/" + project + "/tags/" + http::percentEncoded(text));
    };
    CHECK(tag(umlauts) == 201);
    CHECK(tag(umlauts + "ü") == 400);
    CHECK(org.root.puts("/identity/v3/regions/" + http::percentEncoded(umlauts), R"({"region":{}})").status == 201);
    CHECK(org.root.puts("/identity/v3/regions/" + http::percentEncoded(umlauts + "ü"), R"({"region":{}})").status ==
          400);
}

TEST_CASE("A marker that isn't in the caller's list is not there", "[identity]") {
    Organisation org;
    const auto domain = org.domain("D");
    const auto rita = org.user("rita", domain), foreign = org.user("foreign");
    org.user("zoe", domain);
    org.puts("domains/" + domain + "/users/" + rita + "/roles/" +
             *org.listed("roles?name=reader", "roles", "id").begin());
    Member inside = org.root;
    inside.token =
        std::string(org.cloud
                        .asks(http::Method::Post, "/identity/v3/auth/tokens",
                              R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":")" + rita +
                                  R"(","password":"secret"}}},"scope":)" + org.onDomain(domain) + "}}")
                        .headers["X-Subject-Token"]);
    CHECK(inside.gets("/identity/v3/users?sort_key=name&marker=" + rita).status == 200);
    CHECK(inside.gets("/identity/v3/users?sort_key=name&marker=" + foreign).status == 400);
    CHECK(inside.gets("/identity/v3/users?name=zoe&marker=" + rita).status == 400);
}
