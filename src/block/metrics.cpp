#include "block/metrics.hpp"

#include "block/quota/volume_quotas.hpp"
#include "block/scheduler/scheduler.hpp"
#include "identity/identity.hpp"
#include "platform/metrics/gauge_rows.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {
namespace {

// Names and meanings are those of openstack-exporter.
const std::vector<RowGauges>& families() {
    static const std::vector<RowGauges> all{
        {"openstack_cinder_volumes", "Volumes", {}, "SELECT count(*) FROM volumes WHERE deleted IS NULL"},
        {"openstack_cinder_snapshots", "Snapshots of volumes", {}, "SELECT count(*) FROM volume_snapshots"},
        {"openstack_cinder_up", "Whether it answers", {}, "SELECT 1"},
        {"openstack_cinder_volume_status_counter",
         "Volumes by status",
         {"status"},
         "SELECT column1, (SELECT count(*) FROM volumes WHERE status = column1 AND deleted IS NULL) FROM (VALUES "
         "('creating'), "
         "('available'), ('reserved'), ('attaching'), ('detaching'), ('in-use'), ('maintenance'), ('deleting'), "
         "('awaiting-transfer'), ('error'), ('error_deleting'), ('backing-up'), ('restoring-backup'), "
         "('error_backing-up'), ('error_restoring'), ('error_extending'), ('downloading'), ('uploading'), "
         "('retyping'), ('extending'))"},
        {"openstack_cinder_volume_gb",
         "A volume's size in GiB",
         {"id", "name", "status", "bootable", "tenant_id", "user_id", "volume_type", "server_id"},
         "SELECT v.id, coalesce(v.name, ''), v.status, iif(v.bootable, 'true', 'false'), v.project_id, v.user_id, "
         "coalesce((SELECT t.name FROM volume_types t WHERE t.id = v.type_id), ''), coalesce((SELECT a.server_id FROM "
         "volume_attachments a WHERE a.volume_id = v.id LIMIT 1), ''), v.size FROM volumes v WHERE v.deleted IS NULL",
         Metrics::For::Operators},
    };
    return all;
}

}

void declareMetrics(const Parts& parts, identity::Identity& identity, const VolumeQuotas& quotas,
                    const Scheduler& scheduler) {
    gaugeRows(parts.metrics, parts.store, families());
    const auto pools = [&](std::string_view name, std::string_view help, double Pool::*value) {
        parts.metrics.gauges(
            name, help,
            [&scheduler, &store = parts.store, value] {
                Metrics::Samples samples;
                for (const auto& pool : scheduler.pools(store.reader())) {
                    const auto capability = [&](const char* word) {
                        const auto found = pool.capabilities.find(word);
                        return found == pool.capabilities.end() ? std::string() : found->second;
                    };
                    samples.push_back({metricLabel("vendor_name", capability("vendor_name"),
                                                   metricLabel("volume_backend_name", capability("volume_backend_name"),
                                                               metricLabel("name", pool.name))),
                                       pool.*value});
                }
                return samples;
            },
            Metrics::For::Operators);
    };
    pools("openstack_cinder_pool_capacity_total_gb", "What a pool has room for, in GiB", &Pool::total);
    pools("openstack_cinder_pool_capacity_free_gb", "What of it is free, in GiB", &Pool::free);
    const auto limits = [&](std::string_view name, std::string_view help, std::string_view resource,
                            std::int64_t VolumeQuotas::Usage::*value) {
        parts.metrics.gauges(
            name, help,
            [&identity, &quotas, &store = parts.store, resource, value] {
                Metrics::Samples samples;
                for (const auto& [project, projectName] : identity.projects(store.reader()))
                    for (const auto& each : quotas.usage(project))
                        if (each.resource == resource)
                            samples.push_back(
                                {metricLabel("tenant_id", project.text, metricLabel("tenant", projectName)),
                                 static_cast<double>(each.*value)});
                return samples;
            },
            Metrics::For::Operators);
    };
    limits("openstack_cinder_limits_volume_max_gb", "What a project may have in volumes, in GiB; -1: no limit",
           "gigabytes", &VolumeQuotas::Usage::limit);
    limits("openstack_cinder_limits_volume_used_gb", "What it has", "gigabytes", &VolumeQuotas::Usage::used);
    limits("openstack_cinder_limits_backup_max_gb", "What a project may have in backups, in GiB; -1: no limit",
           "backup_gigabytes", &VolumeQuotas::Usage::limit);
    limits("openstack_cinder_limits_backup_used_gb", "What it has", "backup_gigabytes", &VolumeQuotas::Usage::used);
}

}
