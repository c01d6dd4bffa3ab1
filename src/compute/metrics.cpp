#include "compute/metrics.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "compute/core.hpp"
#include "compute/host/hosts.hpp"
#include "compute/quota/compute_quotas.hpp"
#include "compute/server/server.hpp"
#include "identity/identity.hpp"
#include "platform/metrics/gauge_rows.hpp"

namespace stratolet::compute {
namespace {

// Names and meanings are those of openstack-exporter, where they begin with openstack_.
const std::vector<RowGauges>& families() {
    constexpr auto operators = Metrics::For::Operators;
    static const std::vector<RowGauges> all{
        {"openstack_nova_up", "Whether it answers", {}, "SELECT 1"},
        {"openstack_nova_flavors", "Flavors", {}, "SELECT count(*) FROM compute_flavors"},
        {"openstack_nova_total_vms", "Servers", {}, "SELECT count(*) FROM compute_servers WHERE deleted IS NULL"},
        {"stratolet_guests",
         "Servers by their state",
         {"state"},
         "SELECT vm_state, count(*) FROM compute_servers WHERE deleted IS NULL GROUP BY vm_state"},
        {"openstack_nova_flavor",
         "A flavor",
         {"id", "name", "vcpus", "ram", "disk", "is_public"},
         "SELECT id, name, vcpus, ram, disk, iif(is_public, 'true', 'false'), 1 FROM compute_flavors",
         operators},
        {"openstack_nova_running_vms",
         "Servers that are active",
         {"hostname", "availability_zone", "aggregates", "tenant_id"},
         "SELECT host, zone, '', project, count(*) FROM compute_servers WHERE deleted IS NULL AND vm_state = 'active' "
         "GROUP BY host, zone, project",
         operators},
        {"openstack_nova_server_local_gb",
         "A server's own disks, in GiB",
         {"name", "id", "tenant_id"},
         "SELECT name, id, project, disk + ephemeral FROM compute_servers WHERE deleted IS NULL",
         operators},
    };
    return all;
}

/// What stands for each status in openstack_nova_server_status, by its place.
constexpr std::string_view statusNumbers[] = {
    "ACTIVE",        "BUILD",     "BUILD(spawning)", "DELETED",       "ERROR",   "HARD_REBOOT",       "PASSWORD",
    "REBOOT",        "REBUILD",   "RESCUE",          "RESIZE",        "SHUTOFF", "SUSPENDED",         "UNKNOWN",
    "VERIFY_RESIZE", "MIGRATING", "PAUSED",          "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED"};

Metrics::Samples serverStates(store::Reader& db) {
    Metrics::Samples samples;
    auto rows = db.query("SELECT id, project, user, name, vm_state, coalesce(task_state, ''), access_v4, access_v6, "
                         "host, zone, flavor, number FROM compute_servers WHERE deleted IS NULL");
    while (rows.next()) {
        const auto row = rows.row();
        Server server;
        server.project.text = row.text(1);
        server.vm = vmStateOf(row.text(4));
        server.task = taskStateOf(row.text(5));
        server.host = row.text(8);
        server.number = row.integer(11);
        const auto status = statusOf(server);
        std::string labels;
        for (const auto& [label, value] : {std::pair<std::string_view, std::string>("id", row.text(0)),
                                           {"status", std::string(status)},
                                           {"name", row.text(3)},
                                           {"tenant_id", row.text(1)},
                                           {"user_id", row.text(2)},
                                           {"address_ipv4", row.text(6)},
                                           {"address_ipv6", row.text(7)},
                                           {"host_id", hostIdOf(server)},
                                           {"hypervisor_hostname", server.host},
                                           {"uuid", row.text(0)},
                                           {"availability_zone", row.text(9)},
                                           {"flavor_id", row.text(10)},
                                           {"instance_libvirt", instanceName(server)}})
            labels = metricLabel(label, value, labels);
        samples.push_back({std::move(labels),
                           static_cast<double>(std::find(std::begin(statusNumbers), std::end(statusNumbers), status) -
                                               std::begin(statusNumbers))});
    }
    return samples;
}

constexpr double mebi = 1 << 20, gibi = 1 << 30;

struct OfHost {
    std::string_view name, help;
    std::function<double(const Host&)> value;
};
const std::vector<OfHost>& ofHosts() {
    static const std::vector<OfHost> all{
        {"vcpus_available", "Processors of a host", [](const Host& it) { return static_cast<double>(it.vcpus); }},
        {"vcpus_used", "Processors of its servers", [](const Host& it) { return static_cast<double>(it.load.vcpus); }},
        {"memory_available_bytes", "Memory of a host",
         [](const Host& it) { return static_cast<double>(it.memory.count) * mebi; }},
        {"memory_used_bytes", "Memory of its servers, and what is kept for itself",
         [](const Host& it) { return static_cast<double>(it.load.ram.count + it.promises.reservedRam.count) * mebi; }},
        {"local_storage_available_bytes", "Room for disks of a host",
         [](const Host& it) { return static_cast<double>(it.disk.count) * gibi; }},
        {"local_storage_used_bytes", "Disks of its servers",
         [](const Host& it) { return static_cast<double>(it.load.disk.count) * gibi; }},
        {"free_disk_bytes", "What its servers' disks leave",
         [](const Host& it) { return static_cast<double>(it.disk.count - it.load.disk.count) * gibi; }},
        {"current_workload", "Servers to which something is being done",
         [](const Host& it) { return static_cast<double>(it.load.tasks); }},
    };
    return all;
}

/// The availability zones, and what all hosts together have, may promise and have promised.
std::vector<Metrics::Samples> ofAll(const std::vector<Host>& hosts) {
    std::set<std::string> zones;
    for (const auto& each : hosts) zones.insert(each.zone);
    double vcpus[3] = {}, ram[3] = {}, disk[3] = {};
    for (const auto& each : hosts) {
        vcpus[0] += static_cast<double>(each.vcpus);
        vcpus[1] += static_cast<double>(each.vcpusMost());
        vcpus[2] += static_cast<double>(each.load.vcpus);
        ram[0] += static_cast<double>(each.memory.count) * mebi;
        ram[1] += static_cast<double>(each.ramMost()) * mebi;
        ram[2] += static_cast<double>(each.load.ram.count) * mebi;
        disk[0] += static_cast<double>(each.disk.count) * gibi;
        disk[1] += static_cast<double>(each.diskMost()) * gibi;
        disk[2] += static_cast<double>(each.load.disk.count) * gibi;
    }
    Metrics::Samples samples;
    for (const auto& [resource, values] : {std::pair("vcpus", vcpus), {"memory_bytes", ram}, {"disk_bytes", disk}})
        for (const auto& [of, value] :
             {std::pair("had", values[0]), {"promisable", values[1]}, {"promised", values[2]}})
            samples.push_back({metricLabel("of", of, metricLabel("resource", resource)), value});
    return {{{"", static_cast<double>(zones.size())}}, samples};
}

/// Of each host what ofHosts() names, and whether its service answers.
std::vector<Metrics::Samples> ofEach(const std::vector<Host>& hosts) {
    std::vector<Metrics::Samples> families(ofHosts().size() + 1);
    for (const auto& host : hosts) {
        auto labels = metricLabel("aggregates", "",
                                  metricLabel("availability_zone", host.zone, metricLabel("hostname", host.hostname)));
        for (std::size_t each = 0; each < ofHosts().size(); ++each)
            families[each].push_back({labels, ofHosts()[each].value(host)});
        labels = metricLabel("hostname", host.name.text, metricLabel("id", host.serviceId));
        labels = metricLabel("adminState", host.disabled ? "disabled" : "enabled",
                             metricLabel("service", "nova-compute", labels));
        labels =
            metricLabel("disabledReason", host.disabledReason.value_or(""), metricLabel("zone", host.zone, labels));
        families.back().push_back({std::move(labels), host.up() ? 1.0 : 0.0});
    }
    return families;
}

/// What has names of its own beside those of quotas.
constexpr std::pair<std::string_view, std::string_view> limits[] = {
    {"vcpus", "cores"}, {"memory", "ram"}, {"instances", "instances"}};

/// What each project may have and has: by each resource, and of some of them again as limits.
void declareQuotas(Core& core, identity::Identity& identity) {
    const auto resources = core.quotas.resources();
    std::vector<Metrics::Named> names;
    for (const auto& each : resources)
        names.push_back({"openstack_nova_quota_" + each, "What a project may have and has; -1: no limit"});
    for (const auto& [name, resource] : limits)
        for (const auto& [ending, help] :
             {std::pair("_max", "What a project may have; -1: no limit"), {"_used", "What a project has"}})
            names.push_back({"openstack_nova_limits_" + std::string(name) + ending, help});
    core.parts.metrics.gauges(
        names,
        [&core, &identity, resources, many = names.size()] {
            auto& db = core.parts.store.reader();
            std::vector<Metrics::Samples> families(many);
            for (const auto& [project, projectName] : identity.projects(db)) {
                const auto labels = metricLabel("tenant_id", project.text, metricLabel("tenant", projectName));
                auto asLimit = families.begin() + static_cast<std::ptrdiff_t>(resources.size());
                std::map<std::string_view, std::pair<double, double>> known; // limit, used
                for (std::size_t each = 0; each < resources.size(); ++each) {
                    const auto& [limit, used] = known[resources[each]] = {
                        static_cast<double>(core.quotas.limit(db, project.text, resources[each])),
                        static_cast<double>(core.quotas.used(db, QuotaOwner{project}, resources[each]))};
                    families[each].push_back({metricLabel("type", "limit", labels), limit});
                    families[each].push_back({metricLabel("type", "in_use", labels), used});
                    // Nothing is promised that isn't there.
                    families[each].push_back({metricLabel("type", "reserved", labels), 0});
                }
                for (const auto& [name, resource] : limits) {
                    (asLimit++)->push_back({labels, known.at(resource).first});
                    (asLimit++)->push_back({labels, known.at(resource).second});
                }
            }
            return families;
        },
        Metrics::For::Operators);
}

}

void declareMetrics(Core& core, identity::Identity& identity) {
    auto& metrics = core.parts.metrics;
    gaugeRows(metrics, core.parts.store, families());
    const auto hosts = [&core] { return core.hosts.all(core.parts.store.reader()); };
    metrics.gauges({{"openstack_nova_availability_zones", "Availability zones"},
                    {"stratolet_capacity", "What all hosts have, may promise, and have promised to servers"}},
                   [hosts] { return ofAll(hosts()); });
    std::vector<Metrics::Named> names;
    for (const auto& each : ofHosts())
        names.push_back({"openstack_nova_" + std::string(each.name), std::string(each.help)});
    names.push_back({"openstack_nova_agent_state", "Whether a host's service answers"});
    metrics.gauges(
        names, [hosts] { return ofEach(hosts()); }, Metrics::For::Operators);
    metrics.gauges(
        "openstack_nova_server_status", "A server's status, as a number",
        [&store = core.parts.store] { return serverStates(store.reader()); }, Metrics::For::Operators);

    declareQuotas(core, identity);
}

}
