#include "network/metrics.hpp"

#include <array>

#include "network/agent/agent.hpp"
#include "network/core.hpp"
#include "platform/metrics/gauge_rows.hpp"

namespace stratolet::network {
namespace {

// Names and meanings are those of openstack-exporter.
const std::vector<RowGauges>& families() {
    constexpr auto operators = Metrics::For::Operators;
    static const std::vector<RowGauges> all{
        {"openstack_neutron_up", "Whether it answers", {}, "SELECT 1"},
        {"openstack_neutron_networks", "Networks", {}, "SELECT count(*) FROM networks"},
        {"openstack_neutron_subnets", "Subnets", {}, "SELECT count(*) FROM subnets"},
        {"openstack_neutron_ports", "Ports", {}, "SELECT count(*) FROM ports"},
        {"openstack_neutron_ports_no_ips",
         "Ports that are active and have no address",
         {},
         "SELECT count(*) FROM ports p WHERE status = 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM fixed_ips f WHERE f.port "
         "= p.id)"},
        {"openstack_neutron_routers", "Routers", {}, "SELECT count(*) FROM routers"},
        {"openstack_neutron_routers_not_active",
         "Routers that the host could not make",
         {},
         "SELECT count(*) FROM routers r WHERE EXISTS (SELECT 1 FROM network_problems x WHERE x.subject = r.id)"},
        {"openstack_neutron_floating_ips", "Floating IPs", {}, "SELECT count(*) FROM floating_ips"},
        {"openstack_neutron_floating_ips_associated_not_active",
         "Floating IPs that lead to a port and don't work",
         {},
         "SELECT count(*) FROM floating_ips WHERE port IS NOT NULL AND status <> 'ACTIVE'"},
        {"openstack_neutron_security_groups", "Security groups", {}, "SELECT count(*) FROM security_groups"},
        {"openstack_neutron_floating_ip",
         "A floating IP",
         {"id", "floating_network_id", "router_id", "status", "project_id", "floating_ip_address"},
         "SELECT id, network, coalesce(router, ''), status, project, address, 1 FROM floating_ips",
         operators},
        {"openstack_neutron_network",
         "A network",
         {"id", "tenant_id", "name", "is_shared", "is_external", "status"},
         "SELECT id, project, name, iif(shared, 'true', 'false'), iif(external, 'true', 'false'), CASE WHEN EXISTS "
         "(SELECT 1 FROM network_problems x WHERE x.subject = n.id) THEN 'ERROR' ELSE 'ACTIVE' END, 0 FROM networks n",
         operators},
        {"openstack_neutron_router",
         "A router",
         {"id", "name", "project_id", "admin_state_up", "status", "external_network_id"},
         "SELECT r.id, r.name, r.project, iif(r.admin_up, 'true', 'false'), CASE WHEN EXISTS (SELECT 1 FROM "
         "network_problems x WHERE x.subject = r.id) THEN 'ERROR' ELSE 'ACTIVE' END, coalesce((SELECT p.network FROM "
         "ports p WHERE p.id = r.gateway_port), ''), 1 FROM routers r",
         operators},
    };
    return all;
}

}

void declareMetrics(Core& core, const Agents& agents) {
    auto& metrics = core.parts.metrics;
    auto& store = core.parts.store;
    gaugeRows(metrics, store, families());
    metrics.gauges(
        "openstack_neutron_agent_state", "Whether an agent is alive",
        [&store, &agents] { return agents.states(store.reader()); }, Metrics::For::Operators);
    static constexpr std::array resources{"network",    "subnet",         "subnetpool",          "port",       "router",
                                          "floatingip", "security_group", "security_group_rule", "rbac_policy"};
    std::vector<Metrics::Named> names;
    for (const auto* each : resources)
        names.push_back(
            {std::string("openstack_neutron_quota_") + each, "What a project may have and has; -1: no limit"});
    metrics.gauges(
        names,
        [&core] {
            auto& db = core.parts.store.reader();
            std::vector<Metrics::Samples> families(resources.size());
            for (const auto& [project, name] : core.identity.projects(db)) {
                const auto labels = metricLabel("tenant_id", project.text, metricLabel("tenant", name));
                for (std::size_t each = 0; each < resources.size(); ++each) {
                    const auto add = [&, &labels = labels](const char* type, std::int64_t value) {
                        families[each].push_back({metricLabel("type", type, labels), static_cast<double>(value)});
                    };
                    add("limit", core.quotas.limit(db, project.text, resources[each]));
                    add("used", core.used(db, project.text, resources[each]));
                    add("reserved", 0); // nothing is promised that isn't there
                }
            }
            return families;
        },
        Metrics::For::Operators);
}

}
