#include <catch2/catch.hpp>

#include <set>

#include "platform/text/text.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using http::Method;

namespace {

/// Every list of every service, as paths of the one listener.
std::set<std::string> allLists(TestAppliance& cloud, const Member& who) {
    std::set<std::string> lists;
    for (const auto& site : cloud.appliance().server().sites())
        for (const auto& route : site.routes) {
            if (route.method != Method::Get || route.access.rule.empty()) continue;
            auto path = site.prefix + route.pattern;
            for (const auto* name : {"{project_id}", "{project}", "{tenant_id}"})
                if (const auto at = path.find(name); at != std::string::npos)
                    path.replace(at, std::string_view(name).size(), who.project);
            if (path.find('{') == std::string::npos) lists.insert(path);
        }
    return lists;
}

std::string repeated(std::string_view parameter, std::size_t times) {
    std::string query = "?";
    for (std::size_t each = 0; each < times; ++each) query.append(each ? "&" : "").append(parameter);
    return query;
}

}

TEST_CASE("A parameter that comes often is answered or refused by every list, and never breaks it",
          "[appliance][bounds]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const auto lists = allLists(cloud, admin);
    REQUIRE(lists.size() > 60);
    for (const auto& list : lists)
        for (const auto* parameter : {"tags=a",
                                      "tags-any=a",
                                      "not-tags=a",
                                      "not-tags-any=a",
                                      "fixed_ips=ip_address%3D10.0.0.1",
                                      "fixed_ips=subnet_id%3Dx",
                                      "sort_key=name",
                                      "sort_key=id&sort_dir=asc",
                                      "sort=name:asc",
                                      "name=a",
                                      "id=a",
                                      "fields=id",
                                      "tag=a",
                                      "status=a",
                                      "metadata=%7B%22a%22:%22b%22%7D",
                                      "marker=a",
                                      "device_id=a",
                                      "host=a",
                                      "ip=1",
                                      "flavor=a"}) {
            INFO(list << " " << parameter);
            CHECK(admin.gets(list + repeated(parameter, 100)).status < 500);
            CHECK(admin.gets(list + repeated(parameter, 256)).status < 500);
            CHECK(admin.gets(list + repeated(parameter, 256), {{"OpenStack-API-Version", "compute 2.90, volume 3.70"}})
                      .status < 500);
            CHECK(admin.gets(list + repeated(parameter, 257)).status == 400);
        }
}

TEST_CASE("A list with commas in a parameter, however long, breaks no list", "[appliance][bounds]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    std::string names, keys;
    for (int each = 0; each < 6000; ++each) {
        names += (each ? ",t" : "t") + std::to_string(each);
        keys += each ? ",name:asc" : "name:asc";
    }
    for (const auto& list : allLists(cloud, admin))
        for (const auto* parameter :
             {"tags", "tags-any", "not-tags", "not-tags-any", "fields", "name", "id", "status", "sort"}) {
            INFO(list << " " << parameter);
            const std::string value = parameter == std::string_view("sort") ? keys : names;
            for (const auto* newest : {"", "compute 2.90, volume 3.70"})
                for (const auto* before : {"=", "=in:"})
                    CHECK(admin.gets(list + "?" + parameter + before + value, {{"OpenStack-API-Version", newest}})
                              .status < 500);
            CHECK(admin
                      .gets(list + "?" + parameter + "=" + value.substr(0, value.find(",t850")),
                            {{"OpenStack-API-Version", "compute 2.90"}})
                      .status < 500);
        }
}

TEST_CASE("A list is sorted by each key once", "[appliance][bounds]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    for (const auto* list :
         {"/network/v2.0/networks?sort_key=name&sort_key=name",
          "/network/v2.0/ports?sort_key=id&sort_key=name&sort_key=id", "/image/v2/images?sort_key=name&sort_key=name",
          "/image/v2/images?sort=name:asc,name:desc", "/volume/v3/{project}/volumes?sort=name:asc,name:desc",
          "/compute/v2.1/servers?sort_key=uuid&sort_key=uuid"}) {
        INFO(list);
        CHECK(admin.gets(list).status == 400);
    }
    for (const auto* list :
         {"/network/v2.0/networks?sort_key=name&sort_key=id", "/image/v2/images?sort=name:asc,id:desc",
          "/volume/v3/{project}/volumes?sort=name:asc,id:desc",
          "/compute/v2.1/servers?sort_key=uuid&sort_key=display_name"}) {
        INFO(list);
        CHECK(admin.gets(list).status == 200);
    }
}

TEST_CASE("A text in a body has no NUL, whichever noun it is of", "[appliance][bounds]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    for (const auto& [path, before, after] : std::vector<std::array<std::string, 3>>{
             {"/identity/v3/projects", R"({"project":{"name":")", R"("}})"},
             {"/identity/v3/users", R"({"user":{"name":")", R"("}})"},
             {"/image/v2/images", R"({"name":")", R"("})"},
             {"/volume/v3/{project}/volumes", R"({"volume":{"size":1,"name":")", R"("}})"},
             {"/network/v2.0/networks", R"({"network":{"name":")", R"("}})"},
             {"/compute/v2.1/os-keypairs", R"({"keypair":{"name":")", R"("}})"}}) {
        INFO(path);
        CHECK(admin.posts(path, before + "a\\u0000b" + after).status == 400);
        CHECK(admin.posts(path, before + std::string("a\0b", 3) + after).status == 400);
        const auto slashes = admin.posts(path, before + R"(a\\u0000b)" + after).status; // a backslash and six letters
        CHECK((slashes == 400 ? path.ends_with("keypairs") : slashes < 300));
    }
    CHECK(admin.gets("/network/v2.0/networks?name=a%00b").status == 400);
    CHECK(admin.gets("/network/v2.0/networks/a%00b").status == 400);
}

TEST_CASE("A path that is no text comes back in no service's answer", "[appliance][bounds]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    for (const auto* path : {"/identity/v3/projects/%ff", "/image/v2/images/%ff", "/volume/v3/{project}/volumes/%ff",
                             "/network/v2.0/networks/%ff", "/compute/v2.1/servers/%ff", "/identity/%ff",
                             "/network/v2.0/%ff", "/%ff", "/network/v2.0/networks?name=%ff"}) {
        INFO(path);
        const auto answer = admin.gets(path);
        CHECK(answer.status == 400);
        CHECK(isUtf8(answer.body));
    }
}
