#include "block/metrics.hpp"

#include <iterator>
#include <utility>

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

struct Limited {
    std::string_view what, resource, told;
};
constexpr Limited limits[] = {{"volume", "gigabytes", "volumes"}, {"backup", "backup_gigabytes", "backups"}};

/// What each has room for, and what of it is free.
std::vector<Metrics::Samples> ofPools(const std::vector<Pool>& pools) {
    Metrics::Samples total, free;
    for (const auto& pool : pools) {
        const auto capability = [&](const char* word) {
            const auto found = pool.capabilities.find(word);
            return found == pool.capabilities.end() ? std::string() : found->second;
        };
        const auto labels = metricLabel(
            "vendor_name", capability("vendor_name"),
            metricLabel("volume_backend_name", capability("volume_backend_name"), metricLabel("name", pool.name)));
        total.push_back({labels, pool.total});
        free.push_back({labels, pool.free});
    }
    return {total, free};
}

}

void declareMetrics(const Parts& parts, identity::Identity& identity, const VolumeQuotas& quotas,
                    const Scheduler& scheduler) {
    gaugeRows(parts.metrics, parts.store, families());
    parts.metrics.gauges(
        {{"openstack_cinder_pool_capacity_total_gb", "What a pool has room for, in GiB"},
         {"openstack_cinder_pool_capacity_free_gb", "What of it is free, in GiB"}},
        [&scheduler, &store = parts.store] { return ofPools(scheduler.pools(store.reader())); },
        Metrics::For::Operators);
    std::vector<Metrics::Named> names;
    for (const auto& [what, resource, told] : limits)
        for (const auto& [ending, help] :
             {std::pair("_max_gb", "What a project may have in " + std::string(told) + ", in GiB; -1: no limit"),
              {"_used_gb", "What it has"}})
            names.push_back({"openstack_cinder_limits_" + std::string(what) + ending, help});
    parts.metrics.gauges(
        names,
        [&identity, &quotas, &store = parts.store, many = names.size()] {
            std::vector<Metrics::Samples> families(many);
            for (const auto& [project, projectName] : identity.projects(store.reader())) {
                const auto labels = metricLabel("tenant_id", project.text, metricLabel("tenant", projectName));
                for (const auto& each : quotas.usage(project))
                    for (std::size_t limit = 0; limit < std::size(limits); ++limit) {
                        if (each.resource != limits[limit].resource) continue;
                        families[2 * limit].push_back({labels, static_cast<double>(each.limit)});
                        families[2 * limit + 1].push_back({labels, static_cast<double>(each.used)});
                    }
            }
            return families;
        },
        Metrics::For::Operators);
}

}
