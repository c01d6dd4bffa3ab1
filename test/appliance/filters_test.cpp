#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

// S37: scripts delete what a list shows them.

namespace {

/// A value of the same kind that the thing hasn't; empty where there is none to try.
std::string anotherThan(const Json& value) {
    if (value.isBoolean()) return value.boolean() ? "false" : "true";
    if (value.isInteger()) return std::to_string(value.integer() + 1234);
    if (value.isText()) return "00000000-0000-4000-8000-00000000abcd";
    return "";
}

/// Ids in an answer's list.
std::vector<std::string> idsIn(const Answer& answer, const std::string& list) {
    std::vector<std::string> ids;
    for (const auto& each : answer.json().array(list).items()) ids.push_back(each.text("id"));
    return ids;
}

bool has(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}

TEST_CASE("A list of network filters by every attribute that it shows, or refuses the filter", "[filters][S37]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const std::string v2 = "/network/v2.0/";
    const auto made = [&](const std::string& path, const std::string& envelope, const std::string& body) {
        const auto answer = admin.posts(v2 + path, "{\"" + envelope + "\":" + body + "}");
        INFO(answer.body);
        REQUIRE(answer.status == 201);
        return answer.json().object(envelope).text("id");
    };
    const auto network = made("networks", "network", R"({"name":"n","description":"d"})");
    const auto subnet = made("subnets", "subnet",
                             R"({"name":"s","ip_version":4,"cidr":"10.5.0.0/24","network_id":")" + network + "\"}");
    const std::vector<std::tuple<std::string, std::string, std::string>> things{
        {"networks", "network", network},
        {"subnets", "subnet", subnet},
        {"subnetpools", "subnetpool", made("subnetpools", "subnetpool", R"({"name":"p","prefixes":["10.0.0.0/8"]})")},
        {"ports", "port", made("ports", "port", R"({"name":"p","network_id":")" + network + "\"}")},
        {"routers", "router", made("routers", "router", R"({"name":"r"})")},
        {"security-groups", "security_group", made("security-groups", "security_group", R"({"name":"g"})")}};
    for (const auto& [path, envelope, id] : things) {
        std::string list = path;
        std::replace(list.begin(), list.end(), '-', '_');
        const auto thing = admin.gets(v2 + path + "/" + id).json().object(envelope);
        REQUIRE(has(idsIn(admin.gets(v2 + path), list), id));
        for (const auto& field : thing.names()) {
            const auto miss = anotherThan(thing.at(field));
            if (miss.empty()) continue;
            INFO(path << "?" << field << "=" << miss);
            const auto answer = admin.gets(v2 + path + "?" + http::percentEncoded(field) + "=" + miss);
            CHECK((answer.status == 200 || answer.status == 400));
            if (answer.status == 200) CHECK_FALSE(has(idsIn(answer, list), id));
        }
    }
}

TEST_CASE("A list of images filters by every property that it shows", "[filters][S37]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto made = alice.posts("/image/v2/images",
                                  R"({"name":"i","disk_format":"raw","container_format":"bare","os_distro":"x"})");
    REQUIRE(made.status == 201);
    const auto id = made.json().text("id");
    for (const auto& field : made.json().names()) {
        const auto miss = anotherThan(made.json().at(field));
        if (miss.empty() || field == "self" || field == "file" || field == "schema") continue;
        INFO(field);
        const auto answer = alice.gets("/image/v2/images?" + field + "=" + miss);
        CHECK((answer.status == 200 || answer.status == 400));
        if (answer.status == 200) CHECK_FALSE(has(idsIn(answer, "images"), id));
    }
}

TEST_CASE("Every filter of identity's lists that the API names filters", "[filters][S37]") {
    TestAppliance cloud;
    const auto admin = cloud.admin();
    const std::vector<std::pair<std::string, std::vector<std::string>>> lists{
        {"users", {"name", "domain_id", "enabled"}},
        {"projects", {"name", "domain_id", "parent_id", "enabled"}},
        {"groups", {"name", "domain_id"}},
        {"roles", {"name", "domain_id"}},
        {"domains", {"name", "enabled"}},
        {"services", {"name", "type"}},
        {"endpoints", {"service_id", "interface", "region_id"}},
        {"credentials", {"type", "user_id"}},
        {"regions", {"parent_region_id"}}};
    REQUIRE(admin.posts("/identity/v3/groups", R"({"group":{"name":"g"}})").status == 201);
    REQUIRE(admin
                .posts("/identity/v3/credentials",
                       R"({"credential":{"type":"t","blob":"{}","user_id":")" + admin.user + "\"}}")
                .status == 201);
    for (const auto& [list, filters] : lists) {
        REQUIRE(admin.gets("/identity/v3/" + list).json().array(list).size() > 0);
        for (const auto& filter : filters) {
            const auto answer =
                admin.gets("/identity/v3/" + list + "?" + filter + "=" + (filter == "enabled" ? "false" : "nothing"));
            INFO(list << "?" << filter << " -> " << answer.body);
            REQUIRE((answer.status == 200 || answer.status == 400));
            if (answer.status == 200) CHECK(answer.json().array(list).size() == 0);
        }
    }
}
