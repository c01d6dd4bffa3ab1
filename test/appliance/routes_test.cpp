#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using http::Method;

namespace {

constexpr std::string_view nothing = "0123456789abcdef0123456789abcdef";

/// "/compute" and "/v2.1/servers/{id}/action" with an id in every place: that of `ids` whose collection stands before
/// it, or one of nothing.
std::string pathOf(const http::Site& site, const http::Route& route,
                   const std::map<std::string, std::string, std::less<>>& ids) {
    std::string path = site.prefix + route.pattern;
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{')) {
        const auto before = path.substr(0, open);
        std::string id(nothing);
        for (const auto& [collection, known] : ids)
            if (before.ends_with(collection + "/")) id = known;
        path.replace(open, path.find('}', open) - open + 1, id);
    }
    return path;
}

}

TEST_CASE("Whoever asks any route for what isn't there gets no server error, and learns nothing of the host",
          "[appliance][S17][S28]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string secrets[] = {cloud.folder().string(), "/usr/", "/var/", "sqlite", "SELECT"};
    const Member callers[] = {cloud.colleague(alice, "rita", "reader"), alice, cloud.admin()};
    for (const auto& site : cloud.appliance().server().sites())
        for (const auto& route : site.routes)
            for (const auto& caller : callers)
                for (const auto* body : {"", "{}", "[]", R"({"a":{"b":[null]}})"}) {
                    const auto path = pathOf(site, route, {});
                    if (path == "/identity/v3/auth/tokens" && route.method == Method::Delete) continue;
                    const auto answer = caller.asks(route.method, path, body);
                    INFO(http::nameOf(route.method) << " " << path << " " << body << " as " << caller.name << ": "
                                                    << answer.status << " " << answer.body);
                    CHECK(answer.status < 500);
                    if (answer.status >= 400)
                        for (const auto& secret : secrets) CHECK(answer.body.find(secret) == std::string::npos);
                }
}

namespace {

std::string made(const Answer& answer, std::string_view noun) {
    INFO(answer.body);
    REQUIRE((answer.status == 200 || answer.status == 201 || answer.status == 202));
    return answer.json().object(noun).text("id");
}

/// A thing of each kind that belongs to a project, by the collection that stands before its id in a path.
std::map<std::string, std::string, std::less<>> thingsOf(TestAppliance& cloud, const Member& owner) {
    std::map<std::string, std::string, std::less<>> ids{
        {"/projects", owner.project}, {"/users", owner.user}, {"/v2.1", owner.project}, {"/v3", owner.project}};
    const auto root = cloud.admin();
    const auto outside = made(
        root.posts("/network/v2.0/networks", R"({"network":{"name":"outside","router:external":true}})"), "network");
    REQUIRE(root.posts("/network/v2.0/subnets",
                       R"({"subnet":{"ip_version":4,"cidr":"192.0.2.0/24","network_id":")" + outside + "\"}}")
                .status == 201);
    const auto network = ids["/networks"] = made(owner.posts("/network/v2.0/networks", R"({"network":{}})"), "network");
    const auto of = R"("network_id":")" + network + "\"";
    ids["/subnets"] =
        made(owner.posts("/network/v2.0/subnets", R"({"subnet":{"ip_version":4,"cidr":"10.0.0.0/24",)" + of + "}}"),
             "subnet");
    ids["/ports"] = made(owner.posts("/network/v2.0/ports", R"({"port":{)" + of + "}}"), "port");
    const auto carrier = made(owner.posts("/network/v2.0/ports", R"({"port":{)" + of + "}}"), "port");
    ids["/trunks"] = made(owner.posts("/network/v2.0/trunks", R"({"trunk":{"port_id":")" + carrier + "\"}}"), "trunk");
    ids["/routers"] = made(owner.posts("/network/v2.0/routers", R"({"router":{}})"), "router");
    ids["/floatingips"] =
        made(owner.posts("/network/v2.0/floatingips", R"({"floatingip":{"floating_network_id":")" + outside + "\"}}"),
             "floatingip");
    ids["/subnetpools"] =
        made(owner.posts("/network/v2.0/subnetpools", R"({"subnetpool":{"name":"p","prefixes":["10.0.0.0/8"]}})"),
             "subnetpool");
    const auto group = ids["/security-groups"] =
        made(owner.posts("/network/v2.0/security-groups", R"({"security_group":{"name":"g"}})"), "security_group");
    ids["/security-group-rules"] =
        made(owner.posts("/network/v2.0/security-group-rules",
                         R"({"security_group_rule":{"direction":"ingress","security_group_id":")" + group + "\"}}"),
             "security_group_rule");
    ids["/volumes"] = made(owner.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})"), "volume");
    cloud.settle();
    const auto offered = made(owner.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":1}})"), "volume");
    cloud.settle();
    for (const auto* each : {"/volume-transfers", "/os-volume-transfer"})
        ids[each] = ids.contains("/volume-transfers")
                        ? ids["/volume-transfers"]
                        : made(owner.posts("/volume/v3/{project}/volume-transfers",
                                           R"({"transfer":{"volume_id":")" + offered + "\"}}"),
                               "transfer");
    const auto image = owner.posts("/image/v2/images", R"({"name":"i","disk_format":"raw","container_format":"bare"})")
                           .json()
                           .text("id");
    REQUIRE(owner
                .puts("/image/v2/images/" + image + "/file", std::string(1024, '\0'),
                      {{"Content-Type", "application/octet-stream"}})
                .status == 204);
    ids["/images"] = image;
    const auto flavor =
        made(root.posts("/compute/v2.1/flavors", R"({"flavor":{"name":"f","ram":64,"vcpus":1,"disk":1}})"), "flavor");
    ids["/servers"] = made(owner.posts("/compute/v2.1/servers", R"({"server":{"name":"s","imageRef":")" + image +
                                                                    R"(","flavorRef":")" + flavor +
                                                                    R"(","networks":[{"uuid":")" + network + "\"}]}}"),
                           "server");
    REQUIRE(owner.posts("/compute/v2.1/os-keypairs", R"({"keypair":{"name":"k"}})").status / 100 == 2);
    ids["/os-keypairs"] = "k";
    ids["/application_credentials"] = made(owner.posts("/identity/v3/users/" + owner.user + "/application_credentials",
                                                       R"({"application_credential":{"name":"a"}})"),
                                           "application_credential");
    ids["/credentials"] =
        made(owner.posts("/identity/v3/credentials",
                         R"({"credential":{"type":"cert","blob":"b","user_id":")" + owner.user + "\"}}"),
             "credential");
    cloud.settle();
    return ids;
}

}

TEST_CASE("What belongs to a project is not there for users of others, and not changed by its readers",
          "[appliance][S17]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob"),
               rita = cloud.colleague(alice, "rita", "reader");
    const auto ids = thingsOf(cloud, alice);
    int seen = 0, kept = 0;
    for (const auto& site : cloud.appliance().server().sites())
        for (const auto& route : site.routes) {
            if (route.access.rule.empty()) continue;
            const auto path = pathOf(site, route, ids);
            const bool reads = route.method == Method::Get || route.method == Method::Head;
            const auto refused = [&](const Member& caller) {
                const auto answer = caller.asks(route.method, path, reads ? "" : "{}");
                INFO(caller.name << ": " << http::nameOf(route.method) << " " << path << ": " << answer.status << " "
                                 << answer.body);
                CHECK(answer.status >= 400);
                CHECK(answer.status < 500);
                return answer.status >= 400;
            };
            if (!reads) kept += refused(rita);
            const bool named = route.pattern.find('{') != std::string::npos && path.find(nothing) == std::string::npos;
            if (named && reads && alice.asks(route.method, path, "").status < 300) seen += refused(bob);
            if (named && !reads) kept += refused(bob);
        }
    CHECK(seen > 30); // there was something to be refused
    CHECK(kept > 300);
}
