#include <catch2/catch.hpp>

#include "compute/cloud.hpp"

using namespace stratolet;
using namespace stratolet::test;

namespace {

/// Names of the servers that a query finds, in order.
std::string finds(const Member& who, const std::string& query, const std::string& version = "2.1") {
    const auto answer = who.gets("/compute/v2.1/servers?" + query, {{"OpenStack-API-Version", "compute " + version}});
    INFO(query << " -> " << answer.body);
    REQUIRE(answer.status == 200);
    std::string names;
    for (const auto& server : answer.json().array("servers").items()) names += server.text("name") + " ";
    return names;
}

}

// S37: scripts delete what a list shows them.
TEST_CASE("Every filter of servers that is known filters", "[compute][server][list]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    const auto server = cloud.boots(cloud.alice, "web", R"(,"description":"a shop","accessIPv4":"192.0.2.7")");
    const auto created = cloud.shows(cloud.alice, server).text("created");
    const auto launched = cloud.shows(cloud.alice, server).text("OS-SRV-USG:launched_at");
    const auto all = [&](const std::string& query) { return finds(admin, "all_tenants=1&" + query); };
    for (const auto& [filter, hit, miss] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {"progress", "0", "50"},
             {"launch_index", "0", "7"},
             {"locked_by", "", "owner"},
             {"created_at", created, "2001-01-01T00:00:00Z"},
             {"launched_at", launched, "2001-01-01T00:00:00Z"},
             {"updated_at", "", "2001-01-01T00:00:00Z"},
             {"terminated_at", "", "2001-01-01T00:00:00Z"},
             {"created_at", created, "yesterday"},
             {"root_device_name", "/dev/vda", "/dev/sda"},
             {"kernel_id", "", "5d1e"},
             {"ramdisk_id", "", "5d1e"},
             {"access_ip_v4", "192.0.2.7", "192.0.2.8"},
             {"access_ip_v6", "", "2001:db8::1"},
             {"auto_disk_config", "MANUAL", "AUTO"},
             {"disk_config", "False", "True"},
             {"display_name", "w.b", "db"},
             {"image_ref", cloud.image, "00000000-0000-4000-8000-000000000000"},
             {"instance_type_id", "1", "2"},
             {"description", "shop", "bakery"},
             {"display_description", "shop", "bakery"},
             {"hostname", "^web$", "^db$"},
             {"uuid", server, "00000000-0000-4000-8000-000000000000"},
             {"availability_zone", "nova", "moon"},
             {"config_drive", "", "true"},
             {"key_name", "", "mine"},
             {"power_state", "1", "4"},
             {"task_state", "", "deleting"},
             {"vm_state", "active", "stopped"},
             {"user_id", cloud.alice.user, admin.user},
             {"host", "", "elsewhere"},
             {"node", "", "elsewhere"},
             {"reservation_id", "", "r-none"},
             {"project_id", cloud.alice.project, admin.project},
             {"tenant_id", cloud.alice.project, admin.project}}) {
        INFO(filter);
        if (!hit.empty()) CHECK(all(filter + "=" + hit) == "web ");
        CHECK(all(filter + "=" + miss).empty());
    }
    CHECK(finds(cloud.alice, "progress=50") == "web ");            // not heard before 2.83, as in compute
    CHECK(finds(cloud.alice, "progress=50", "2.83").empty());      // and heard from then on
    CHECK(finds(cloud.alice, "launch_index=7", "2.93") == "web "); // an administrator's
}

TEST_CASE("Servers are sorted by any key, and their pages lose nothing", "[compute][server][list]") {
    Cloud cloud;
    const auto admin = cloud.appliance.admin();
    for (const auto* name : {"b", "a", "c"}) cloud.boots(cloud.alice, name);
    for (const auto* key : {"access_ip_v4",
                            "auto_disk_config",
                            "availability_zone",
                            "created_at",
                            "display_description",
                            "display_name",
                            "host",
                            "hostname",
                            "image_ref",
                            "instance_type_id",
                            "key_name",
                            "launch_index",
                            "launched_at",
                            "locked_by",
                            "node",
                            "power_state",
                            "project_id",
                            "root_device_name",
                            "task_state",
                            "terminated_at",
                            "updated_at",
                            "user_id",
                            "uuid",
                            "vm_state"})
        for (const auto* direction : {"asc", "desc"}) {
            const std::string sort = std::string("all_tenants=1&sort_key=") + key + "&sort_dir=" + direction;
            INFO(sort);
            std::string paged, marker;
            for (int page = 0; page < 3; ++page) {
                const auto answer = admin.gets("/compute/v2.1/servers?limit=1&" + sort + marker);
                REQUIRE(answer.status == 200);
                const auto servers = answer.json().array("servers").items();
                REQUIRE(servers.size() == 1);
                paged += servers.front().text("name") + " ";
                marker = "&marker=" + servers.front().text("id");
            }
            CHECK(paged == finds(admin, sort));
        }
}

// S39: a row that is not in the list says nothing of itself by where it would stand.
TEST_CASE("Another project's server is no marker", "[compute][server][list][security]") {
    Cloud cloud;
    const auto bob = cloud.appliance.member("bob");
    const auto server = cloud.boots(cloud.alice, "m-secret");
    const auto path = "/compute/v2.1/servers?sort_key=display_name&marker=" + server;
    CHECK(bob.gets(path).status == 400);
    CHECK(bob.gets(path).body.find("m-secret") == std::string::npos);
    CHECK(bob.gets(path).body.find("not found") != std::string::npos);
    CHECK(cloud.alice.gets(path).status == 200);
    CHECK(cloud.appliance.admin().gets(path + "&all_tenants=1").status == 200);
    CHECK(cloud.appliance.admin().gets(path).status == 400);
}
