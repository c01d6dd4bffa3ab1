#include <catch2/catch.hpp>

#include <array>
#include <thread>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {
std::string made(const Answer& answer, std::string_view kind) {
    REQUIRE(answer.status == 201);
    return answer.json().object(kind).text("id");
}

std::vector<std::string> namesIn(const Answer& answer, std::string_view collection) {
    std::vector<std::string> names;
    for (const auto& each : answer.json().array(collection).items()) names.push_back(each.text("name"));
    return names;
}
}

TEST_CASE("A project is created, shown, changed and deleted", "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto id = made(root.posts("/identity/v3/projects",
                                    R"({"project":{"name":"one","description":"d","colour":"red","tags":["b","a"]}})"),
                         "project");
    const auto shown = root.gets("/identity/v3/projects/" + id).json().object("project");
    CHECK(shown.text("domain_id") == "default");
    CHECK(shown.text("parent_id") == "default");
    CHECK(shown.text("colour") == "red");
    CHECK(shown.array("tags").items().size() == 2);
    CHECK_THAT(shown.object("links").text("self"), Contains("/identity/v3/projects/" + id));
    CHECK(root.patches("/identity/v3/projects/" + id, R"({"project":{"name":"two","colour":"blue"}})")
              .json()
              .object("project")
              .text("colour") == "blue");
    CHECK(root.deletes("/identity/v3/projects/" + id).status == 204);
    CHECK(root.gets("/identity/v3/projects/" + id).status == 404);
    CHECK(cloud.announced("identity.project.deleted") == 1);
}

TEST_CASE("Names are unique in their domain, and only there", "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto domain = made(root.posts("/identity/v3/domains", R"({"domain":{"name":"D"}})"), "domain");
    CHECK(root.posts("/identity/v3/domains", R"({"domain":{"name":"D"}})").status == 409);
    made(root.posts("/identity/v3/projects", R"({"project":{"name":"one"}})"), "project");
    CHECK(root.posts("/identity/v3/projects", R"({"project":{"name":"one"}})").status == 409);
    made(root.posts("/identity/v3/projects", R"({"project":{"name":"one","domain_id":")" + domain + "\"}}"), "project");
    made(root.posts("/identity/v3/users", R"({"user":{"name":"u"}})"), "user");
    const auto again = root.posts("/identity/v3/users", R"({"user":{"name":"u"}})");
    CHECK(again.status == 409);
    CHECK(again.json().object("error").text("title") == "Conflict");
    made(root.posts("/identity/v3/users", R"({"user":{"name":"u","domain_id":")" + domain + "\"}}"), "user");
}

TEST_CASE("A domain is deleted only when it is disabled, with all that is in it", "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto domain = made(root.posts("/identity/v3/domains", R"({"domain":{"name":"D"}})"), "domain");
    const auto user =
        made(root.posts("/identity/v3/users", R"({"user":{"name":"u","domain_id":")" + domain + "\"}}"), "user");
    const auto project = made(
        root.posts("/identity/v3/projects", R"({"project":{"name":"p","domain_id":")" + domain + "\"}}"), "project");
    CHECK(root.deletes("/identity/v3/domains/" + domain).status == 403);
    root.patches("/identity/v3/domains/" + domain, R"({"domain":{"enabled":false}})");
    CHECK(root.deletes("/identity/v3/domains/" + domain).status == 204);
    CHECK(root.gets("/identity/v3/users/" + user).status == 404);
    CHECK(root.gets("/identity/v3/projects/" + project).status == 404);
}

TEST_CASE("A project with children, or an immutable one, is not deleted", "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto parent = made(root.posts("/identity/v3/projects", R"({"project":{"name":"parent"}})"), "project");
    const auto child =
        made(root.posts("/identity/v3/projects", R"({"project":{"name":"child","parent_id":")" + parent + "\"}}"),
             "project");
    CHECK(root.deletes("/identity/v3/projects/" + parent).status == 403);
    CHECK(root.patches("/identity/v3/projects/" + parent, R"({"project":{"enabled":false}})").status == 403);
    root.patches("/identity/v3/projects/" + child, R"({"project":{"options":{"immutable":true}}})");
    CHECK(root.deletes("/identity/v3/projects/" + child).status == 403);
    CHECK(root.patches("/identity/v3/projects/" + child, R"({"project":{"description":"x"}})").status == 403);
    CHECK(root.patches("/identity/v3/projects/" + child, R"({"project":{"options":{"immutable":false}}})").status ==
          200);
    CHECK(root.deletes("/identity/v3/projects/" + child).status == 204);
}

TEST_CASE("Who tags a project at the same time as others loses no tag of theirs, and a tag is there once",
          "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto tags = "/identity/v3/projects/" +
                      made(root.posts("/identity/v3/projects", R"({"project":{"name":"one"}})"), "project") + "/tags";
    std::vector<std::thread> taggers;
    std::array<int, 40> statuses{};
    for (std::size_t tagger = 0; tagger < 4; ++tagger)
        taggers.emplace_back([&, tagger] {
            for (auto each = tagger; each < statuses.size(); each += 4)
                statuses[each] = root.puts(tags + "/t" + std::to_string(each), "").status;
        });
    for (auto& each : taggers) each.join();
    CHECK(std::count(statuses.begin(), statuses.end(), 201) == 40);
    CHECK(root.gets(tags).json().array("tags").items().size() == 40);
    CHECK(root.puts(tags + "/t1", "").status == 400);
    CHECK(root.puts(tags + "//", "").status == 400);
    CHECK(root.gets(tags).json().array("tags").items().size() == 40);
    const auto twice = root.puts(tags, R"({"tags":["b","a","b"]})");
    CHECK(twice.status == 400);
    CHECK_THAT(twice.body, Contains("tags"));
}

TEST_CASE("A list is filtered by attributes, also by parts of a name and by tags", "[identity][project]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    for (const auto* each : {"alpha", "Alphabet", "beta_1", "betaX1"})
        made(root.posts("/identity/v3/projects",
                        R"({"project":{"name":")" + std::string(each) + R"(","tags":["all",")" + each + "\"]}}"),
             "project");
    const auto list = [&](const std::string& query) {
        return namesIn(root.gets("/identity/v3/projects?" + query), "projects");
    };
    CHECK(list("name=alpha") == std::vector<std::string>{"alpha"});
    CHECK(list("name__contains=lpha") == std::vector<std::string>{"alpha", "Alphabet"});
    CHECK(list("name__istartswith=ALPHA").size() == 2);
    CHECK(list("name__startswith=beta_") == std::vector<std::string>{"beta_1"});
    CHECK(list("name__endswith=1").size() == 2);
    CHECK(list("tags=all,beta_1") == std::vector<std::string>{"beta_1"});
    CHECK(list("tags-any=alpha,beta_1").size() == 2);
    CHECK(list("tags-any=alpha,beta_1&enabled=false").empty());
    CHECK(list("name=' OR 1=1 --").empty());
}

TEST_CASE("Bad input is refused by the name of the field, and nothing is kept", "[identity]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto before = namesIn(root.gets("/identity/v3/projects"), "projects");
    for (const auto& body : std::vector<std::string>{
             R"({"project":{}})", R"({"project":{"name":""}})", R"({"project":{"name":"  "}})",
             R"({"project":{"name":7}})", R"({"project":{"name":"x","enabled":"yes"}})",
             R"({"project":{"name":"x","tags":["a/b"]}})", R"({"project":{"name":"x","options":{"nonsense":1}}})",
             R"({"project":{"name":"x","domain_id":1}})", R"({"project":)", R"([])", R"({})", "", "nonsense"}) {
        INFO(body);
        const auto answer = root.posts("/identity/v3/projects", body);
        CHECK(answer.status == 400);
        CHECK(answer.json().object("error").integer("code") == 400);
    }
    CHECK(root.posts("/identity/v3/projects", R"({"project":{"name":")" + std::string(65, 'x') + "\"}}").status == 400);
    CHECK(root.posts("/identity/v3/projects", std::string(2 << 20, ' ')).status == 413);
    CHECK(root.posts("/identity/v3/projects", R"({"project":{"name":"x","domain_id":"nowhere"}})").status == 404);
    CHECK(namesIn(root.gets("/identity/v3/projects"), "projects") == before);
}

TEST_CASE("The service's own address tells its versions, with and without the last slash", "[identity]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    for (const auto* path : {"/identity", "/identity/"}) {
        const auto answer = alice.gets(path);
        CHECK(answer.status == 300);
        CHECK(answer.json().object("versions").array("values").size() == 1);
    }
    for (const auto* path : {"/image", "/volume"}) CHECK(alice.gets(path).status == 300);
    for (const auto* path : {"/network", "/compute"}) CHECK(alice.gets(path).status == 200);
}

TEST_CASE("Unknown routes, wrong methods and missing tokens get their own answers", "[identity]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    CHECK(root.gets("/identity/v3/nonsense").status == 404);
    CHECK(root.puts("/identity/v3/projects", "{}").status == 405);
    CHECK(root.gets("/identity/v3/OS-FEDERATION/saml2/metadata").status == 404); // what isn't built
    CHECK(cloud.asks(Method::Get, "/identity/v3/projects", "").status == 401);
    CHECK(cloud.asks(Method::Get, "/identity/", "").status == 300);
    CHECK(cloud.asks(Method::Get, "/identity/v3", "").json().object("version").text("id") == "v3.14");
    CHECK_THAT(std::string(root.gets("/identity/v3/projects").headers["x-openstack-request-id"]),
               Catch::StartsWith("req-"));
}

TEST_CASE("A member sees their own project and themselves, and nobody else", "[identity]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    CHECK(alice.gets("/identity/v3/projects/" + alice.project).status == 200);
    CHECK(alice.gets("/identity/v3/projects/" + bob.project).status == 403);
    CHECK(alice.gets("/identity/v3/users/" + alice.user).status == 200);
    CHECK(alice.gets("/identity/v3/users/" + bob.user).status == 403);
    CHECK(alice.gets("/identity/v3/users/" + std::string(32, '0')).status == 403);
    CHECK(cloud.admin().gets("/identity/v3/users/" + std::string(32, '0')).status == 404);
    for (const auto* each :
         {"/identity/v3/projects", "/identity/v3/users", "/identity/v3/roles", "/identity/v3/domains",
          "/identity/v3/services", "/identity/v3/endpoints", "/identity/v3/role_assignments"})
        CHECK(alice.gets(each).status == 403);
    CHECK(namesIn(alice.gets("/identity/v3/auth/projects"), "projects") == std::vector<std::string>{"alice"});
}

TEST_CASE("A password is never shown, and wrong old ones change nothing", "[identity][user]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    CHECK_THAT(root.gets("/identity/v3/users/" + alice.user).body,
               !Contains("password\"") && Contains("password_expires_at"));
    const auto path = "/identity/v3/users/" + alice.user + "/password";
    CHECK(alice.posts(path, R"({"user":{"original_password":"wrong","password":"new"}})").status == 401);
    CHECK(alice.gets("/identity/v3/auth/projects").status == 200);
    CHECK(alice.posts(path, R"({"user":{"original_password":)" + jsonText(alice.password) + R"(,"password":"new"}})")
              .status == 204);
    CHECK_NOTHROW(cloud.logsIn("alice", "new", "alice"));
}

TEST_CASE("Roles imply roles, without going round", "[identity][role]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto role = [&](const std::string& name) {
        return made(root.posts("/identity/v3/roles", R"({"role":{"name":")" + name + "\"}}"), "role");
    };
    const auto one = role("one"), two = role("two"), three = role("three");
    const auto imply = [&](const std::string& prior, const std::string& implied) {
        return root.puts("/identity/v3/roles/" + prior + "/implies/" + implied, "").status;
    };
    CHECK(imply(one, two) == 201);
    CHECK(imply(two, three) == 201);
    CHECK(imply(three, one) == 400);
    CHECK(imply(one, root.gets("/identity/v3/roles?name=admin").json().array("roles").items()[0].text("id")) == 403);
    CHECK(root.heads("/identity/v3/roles/" + one + "/implies/" + two).status == 204);
    CHECK(root.heads("/identity/v3/roles/" + one + "/implies/" + three).status == 404);
    const auto alice = cloud.member("alice");
    root.puts("/identity/v3/projects/" + alice.project + "/users/" + alice.user + "/roles/" + one, "");
    std::vector<std::string> names;
    for (const auto& each : root.gets("/identity/v3/auth/tokens", {{"X-Subject-Token", alice.token}})
                                .json()
                                .object("token")
                                .array("roles")
                                .items())
        names.push_back(each.text("name"));
    CHECK(names == std::vector<std::string>{"member", "one", "reader", "three", "two"});
    const auto effective = root.gets("/identity/v3/role_assignments?effective&include_names&user.id=" + alice.user)
                               .json()
                               .array("role_assignments");
    CHECK(effective.size() == 5);
    CHECK(root.gets("/identity/v3/role_assignments?user.id=" + alice.user).json().array("role_assignments").size() ==
          2);
}

TEST_CASE("A grant can be checked, listed and taken back, on projects, domains and the system", "[identity][role]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const auto role = made(root.posts("/identity/v3/roles", R"({"role":{"name":"one"}})"), "role");
    for (const auto& where :
         std::vector<std::string>{"projects/" + alice.project, std::string("domains/default"), std::string("system")}) {
        INFO(where);
        const auto list = "/identity/v3/" + where + "/users/" + alice.user + "/roles", one = list + "/" + role;
        CHECK(root.heads(one).status == 404);
        CHECK(root.puts(one, "").status == 204);
        CHECK(root.puts(one, "").status == 204);
        CHECK(root.heads(one).status == 204);
        CHECK_THAT(namesIn(root.gets(list), "roles"), Catch::Matchers::VectorContains(std::string("one")));
        CHECK(alice.puts(one, "").status == 403);
        CHECK(root.deletes(one).status == 204);
        CHECK(root.deletes(one).status == 404);
    }
    CHECK(root.puts("/identity/v3/projects/" + alice.project + "/users/nobody/roles/" + role, "").status == 404);
}

TEST_CASE("Regions, services and endpoints make the catalog", "[identity][catalog]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto service =
        made(root.posts("/identity/v3/services", R"({"service":{"type":"thing","name":"things"}})"), "service");
    CHECK(root.puts("/identity/v3/regions/R2", R"({"region":{"description":"second"}})").status == 201);
    const auto endpoint =
        made(root.posts("/identity/v3/endpoints",
                        R"({"endpoint":{"service_id":")" + service +
                            R"(","interface":"public","url":"http://things/%(project_id)s","region_id":"R2"}})"),
             "endpoint");
    CHECK_THAT(root.gets("/identity/v3/auth/catalog").body, Contains("http://things/" + root.project));
    CHECK(root.deletes("/identity/v3/regions/R2").status == 403);
    root.patches("/identity/v3/endpoints/" + endpoint, R"({"endpoint":{"enabled":false}})");
    CHECK_THAT(root.gets("/identity/v3/auth/catalog").body, !Contains("http://things/"));
    CHECK(root.posts("/identity/v3/endpoints",
                     R"({"endpoint":{"service_id":")" + service + R"(","interface":"odd","url":"http://x"}})")
              .status == 400);
    CHECK(root.posts("/identity/v3/endpoints",
                     R"({"endpoint":{"service_id":"none","interface":"public","url":"http://x"}})")
              .status == 400);
    CHECK(root.deletes("/identity/v3/services/" + service).status == 204);
    CHECK(root.gets("/identity/v3/endpoints/" + endpoint).status == 404);
    CHECK(root.deletes("/identity/v3/regions/R2").status == 204);
}
