#include "identity/core.hpp"
#include "platform/metrics/gauge_rows.hpp"

namespace stratolet::identity {
namespace {

// Names and meanings are those of openstack-exporter.
const std::vector<RowGauges>& families() {
    static const std::vector<RowGauges> all{
        {"openstack_identity_domains", "Domains", {}, "SELECT count(*) FROM projects WHERE is_domain"},
        {"openstack_identity_projects", "Projects", {}, "SELECT count(*) FROM projects WHERE NOT is_domain"},
        {"openstack_identity_users", "Users", {}, "SELECT count(*) FROM users"},
        {"openstack_identity_groups", "Groups", {}, "SELECT count(*) FROM groups"},
        {"openstack_identity_regions", "Regions", {}, "SELECT count(*) FROM regions"},
        {"openstack_identity_up", "Whether it answers", {}, "SELECT 1"},
        {"openstack_identity_domain_info",
         "A domain",
         {"description", "enabled", "id", "name"},
         "SELECT coalesce(description, ''), iif(enabled, 'true', 'false'), id, name, 1 FROM projects WHERE is_domain",
         Metrics::For::Operators},
        {"openstack_identity_project_info",
         "A project",
         {"is_domain", "description", "domain_id", "enabled", "id", "name", "parent_id"},
         "SELECT 'false', coalesce(description, ''), domain_id, iif(enabled, 'true', 'false'), id, name, "
         "coalesce(parent_id, ''), 1 FROM projects WHERE NOT is_domain",
         Metrics::For::Operators},
    };
    return all;
}

}

void declareMetrics(const Parts& parts) { gaugeRows(parts.metrics, parts.store, families()); }

}
