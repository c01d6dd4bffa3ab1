#include <catch2/catch.hpp>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "compute/cloud.hpp"
#include "platform/metrics/metrics.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

/// What openstack-exporter tells of the services that there are here, and so do we.
const std::set<std::string> asTheExporter{
    "openstack_cinder_limits_backup_max_gb",
    "openstack_cinder_limits_backup_used_gb",
    "openstack_cinder_limits_volume_max_gb",
    "openstack_cinder_limits_volume_used_gb",
    "openstack_cinder_pool_capacity_free_gb",
    "openstack_cinder_pool_capacity_total_gb",
    "openstack_cinder_snapshots",
    "openstack_cinder_up",
    "openstack_cinder_volume_gb",
    "openstack_cinder_volume_status_counter",
    "openstack_cinder_volumes",
    "openstack_glance_image_bytes",
    "openstack_glance_image_created_at",
    "openstack_glance_images",
    "openstack_glance_up",
    "openstack_identity_domain_info",
    "openstack_identity_domains",
    "openstack_identity_groups",
    "openstack_identity_project_info",
    "openstack_identity_projects",
    "openstack_identity_regions",
    "openstack_identity_up",
    "openstack_identity_users",
    "openstack_neutron_agent_state",
    "openstack_neutron_floating_ip",
    "openstack_neutron_floating_ips",
    "openstack_neutron_floating_ips_associated_not_active",
    "openstack_neutron_network",
    "openstack_neutron_networks",
    "openstack_neutron_ports",
    "openstack_neutron_ports_no_ips",
    "openstack_neutron_quota_floatingip",
    "openstack_neutron_quota_network",
    "openstack_neutron_quota_port",
    "openstack_neutron_quota_rbac_policy",
    "openstack_neutron_quota_router",
    "openstack_neutron_quota_security_group",
    "openstack_neutron_quota_security_group_rule",
    "openstack_neutron_quota_subnet",
    "openstack_neutron_quota_subnetpool",
    "openstack_neutron_router",
    "openstack_neutron_routers",
    "openstack_neutron_routers_not_active",
    "openstack_neutron_security_groups",
    "openstack_neutron_subnets",
    "openstack_neutron_up",
    "openstack_nova_agent_state",
    "openstack_nova_availability_zones",
    "openstack_nova_current_workload",
    "openstack_nova_flavor",
    "openstack_nova_flavors",
    "openstack_nova_free_disk_bytes",
    "openstack_nova_limits_instances_max",
    "openstack_nova_limits_instances_used",
    "openstack_nova_limits_memory_max",
    "openstack_nova_limits_memory_used",
    "openstack_nova_limits_vcpus_max",
    "openstack_nova_limits_vcpus_used",
    "openstack_nova_local_storage_available_bytes",
    "openstack_nova_local_storage_used_bytes",
    "openstack_nova_memory_available_bytes",
    "openstack_nova_memory_used_bytes",
    "openstack_nova_quota_cores",
    "openstack_nova_quota_fixed_ips",
    "openstack_nova_quota_floating_ips",
    "openstack_nova_quota_injected_file_content_bytes",
    "openstack_nova_quota_injected_file_path_bytes",
    "openstack_nova_quota_injected_files",
    "openstack_nova_quota_instances",
    "openstack_nova_quota_key_pairs",
    "openstack_nova_quota_metadata_items",
    "openstack_nova_quota_ram",
    "openstack_nova_quota_security_group_rules",
    "openstack_nova_quota_security_groups",
    "openstack_nova_quota_server_group_members",
    "openstack_nova_quota_server_groups",
    "openstack_nova_running_vms",
    "openstack_nova_server_local_gb",
    "openstack_nova_server_status",
    "openstack_nova_total_vms",
    "openstack_nova_up",
    "openstack_nova_vcpus_available",
    "openstack_nova_vcpus_used",
};

/// A page of metrics: each line's value by its name and labels.
std::map<std::string, double> linesOf(const std::string& page) {
    std::map<std::string, double> lines;
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);)
        if (!line.starts_with('#')) {
            const auto space = line.rfind(' ');
            CHECK(lines.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second);
        }
    return lines;
}

std::set<std::string> familiesOf(const std::string& page) {
    std::set<std::string> names;
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("# TYPE ")) names.insert(line.substr(7, line.find(' ', 7) - 7));
    return names;
}

std::string pageOf(TestAppliance& cloud) { return cloud.asks(Method::Get, "/metrics", "").body; }

}

TEST_CASE("Operators get what openstack-exporter would tell them, by its names", "[metrics]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "one");
    REQUIRE(cloud.alice.posts("/volume/v3/{project}/volumes", R"({"volume":{"size":2,"name":"data"}})").status == 202);
    cloud.appliance.settle();
    const auto answer = cloud.appliance.admin().gets("/v1/metrics");
    REQUIRE(answer.status == 200);
    const auto families = familiesOf(answer.body);
    for (const auto& each : asTheExporter) {
        INFO(each);
        CHECK(families.contains(each));
    }
    const auto lines = linesOf(answer.body);
    CHECK(lines.at("openstack_nova_total_vms") == 1);
    CHECK(lines.at("openstack_cinder_volumes") == 1);
    CHECK(lines.at(R"(openstack_cinder_volume_status_counter{status="available"})") == 1);
    CHECK(lines.at(R"(openstack_nova_limits_instances_used{tenant="alice",tenant_id=")" + cloud.alice.project +
                   "\"}") == 1);
    CHECK(lines.at(R"(openstack_nova_limits_instances_max{tenant="alice",tenant_id=")" + cloud.alice.project + "\"}") ==
          10);
    CHECK(lines.at(R"(openstack_cinder_limits_volume_used_gb{tenant="alice",tenant_id=")" + cloud.alice.project +
                   "\"}") == 2);
    CHECK(lines.at(R"(openstack_neutron_quota_network{tenant="alice",tenant_id=")" + cloud.alice.project +
                   R"(",type="limit"})") == 100);
    CHECK_THAT(answer.body, Contains(R"(openstack_nova_server_status{id=")" + server + R"(",status="ACTIVE")"));
    CHECK_THAT(answer.body, Contains(R"(openstack_cinder_volume_gb{id=")") && Contains(R"(name="data")"));
}

TEST_CASE("Whoever looks without a token sees counts, and no name of anything of anybody", "[metrics][security]") {
    Cloud cloud;
    const auto server = cloud.boots(cloud.alice, "very-own-name");
    const auto page = pageOf(cloud.appliance);
    CHECK(linesOf(page).at("openstack_nova_total_vms") == 1);
    CHECK(linesOf(page).at(R"(stratolet_guests{state="active"})") == 1);
    CHECK(linesOf(page).at(R"(stratolet_capacity{resource="vcpus",of="promised"})") == 1);
    for (const auto& secret : {server, cloud.alice.project, cloud.alice.user, std::string("very-own-name"),
                               std::string("alice"), std::string("hostname=")}) {
        INFO(secret);
        CHECK(page.find(secret) == std::string::npos);
    }
    CHECK(cloud.alice.gets("/v1/metrics").status == 403);
    CHECK(cloud.appliance.asks(Method::Get, "/v1/metrics", "").status == 401);
}

TEST_CASE("Requests are counted by service, method, route and status, with how long they took", "[metrics]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    for (int times = 0; times < 3; ++times) REQUIRE(alice.gets("/network/v2.0/networks").status == 200);
    REQUIRE(alice.gets("/network/v2.0/networks/none").status == 404);
    REQUIRE(alice.gets("/network/v2.0/nothing").status == 404);
    const auto lines = linesOf(pageOf(cloud));
    const std::string list = R"(service="network",method="GET",route="/v2.0/networks")";
    CHECK(lines.at("stratolet_http_requests_total{" + list + R"(,status="2xx"})") == 3);
    CHECK(lines.at("stratolet_http_request_seconds_count{" + list + "}") == 3);
    CHECK(lines.at("stratolet_http_request_seconds_bucket{" + list + R"(,le="+Inf"})") == 3);
    CHECK(lines.at("stratolet_http_request_seconds_bucket{" + list + R"(,le="10"})") == 3);
    CHECK(lines.at("stratolet_http_request_seconds_sum{" + list + "}") > 0);
    CHECK(lines.at(R"(stratolet_http_requests_total{service="network",status="4xx"})") == 1); // of no route
}

TEST_CASE("Jobs are counted by kind and outcome, and what is left of them by lane", "[metrics]") {
    Cloud cloud;
    cloud.boots(cloud.alice, "one");
    const auto lines = linesOf(pageOf(cloud.appliance));
    CHECK(lines.at(R"(stratolet_jobs_total{kind="compute.server.create",result="done"})") == 1);
    CHECK(lines.at(R"(stratolet_job_seconds_count{kind="compute.server.create",result="done"})") == 1);
    CHECK(lines.at(R"(stratolet_jobs_unfinished{lane="host"})") == 0);
}

TEST_CASE("The dashboard that is shipped asks for metrics that there are", "[metrics]") {
    Cloud cloud;
    cloud.boots(cloud.alice, "one");
    const auto page = pageOf(cloud.appliance);
    const auto families = familiesOf(page);
    const auto board = contentOf(STRATOLET_SOURCE "/../packaging/grafana/stratolet.json");
    const std::regex name("(stratolet|openstack)_[a-z_]+");
    std::size_t asked = 0;
    for (const auto& panel : Json::parse(board).array("panels").items())
        for (const auto& target : panel.array("targets").items()) {
            const auto expression = target.text("expr");
            for (std::sregex_iterator each(expression.begin(), expression.end(), name), end; each != end; ++each) {
                auto family = each->str();
                if (family.ends_with("_bucket")) family.resize(family.size() - 7);
                INFO(expression);
                CHECK(families.contains(family));
                ++asked;
            }
        }
    CHECK(asked >= 20);
}

TEST_CASE("A histogram counts each value under every bound that it is not above", "[metrics]") {
    Metrics metrics;
    auto& histogram = metrics.histogram("wait_seconds", "Waiting", metricLabel("where", "a \"door\"\\\n"));
    histogram.observe(std::chrono::milliseconds(1));
    histogram.observe(std::chrono::milliseconds(30));
    histogram.observe(std::chrono::seconds(60));
    const auto page = metrics.text();
    CHECK_THAT(page, Contains("# TYPE wait_seconds histogram\n"));
    const std::string where = R"(where="a \"door\"\\\n")";
    const auto bucket = [&](const std::string& bound) {
        return linesOf(page).at("wait_seconds_bucket{" + where + ",le=\"" + bound + "\"}");
    };
    CHECK(bucket("0.0005") == 0);
    CHECK(bucket("0.001") == 1);
    CHECK(bucket("0.025") == 1);
    CHECK(bucket("0.05") == 2);
    CHECK(bucket("10") == 2);
    CHECK(bucket("+Inf") == 3);
    CHECK(linesOf(page).at("wait_seconds_count{" + where + "}") == 3);
    CHECK(linesOf(page).at("wait_seconds_sum{" + where + "}") == Approx(60.031));
}

TEST_CASE("A gauge that can't be read is left out, and the others are there", "[metrics]") {
    Metrics metrics;
    metrics.gauge("broken", "Throws", []() -> double { throw std::runtime_error("no"); });
    metrics.gauge("whole", "Does not", [] { return 2.5; });
    CHECK(metrics.text() == "# HELP whole Does not\n# TYPE whole gauge\nwhole 2.500000\n");
}

TEST_CASE("Families that one reading tells of are read once a look, and left out together", "[metrics]") {
    Metrics metrics;
    int looks = 0;
    metrics.gauges({{"b_first", "One"}, {"a_second", "Other"}}, [&] {
        if (++looks == 2) throw std::runtime_error("no");
        return std::vector<Metrics::Samples>{{{"", 1}}, {{metricLabel("of", "x"), 2}}};
    });
    CHECK(linesOf(metrics.text()) == std::map<std::string, double>{{"b_first", 1}, {R"(a_second{of="x"})", 2}});
    CHECK(looks == 1);
    CHECK(metrics.text().empty());
    CHECK(linesOf(metrics.text()).size() == 2);
    CHECK(looks == 3);
}
