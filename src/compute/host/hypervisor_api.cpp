#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/core.hpp"
#include "compute/host/host.hpp"
#include "compute/host/host_table.hpp"
#include "compute/host/hosts.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;
using Residents = std::vector<host_table::Resident>;

void writeId(JsonWriter& out, const Call& call, const std::string& uuid, std::int64_t number) {
    call.since(53) ? out.field("id", uuid) : out.field("id", number);
}

/// What hosts have, and what of it is taken.
struct Counts {
    std::int64_t vcpus = 0, vcpusUsed = 0, memory = 0, memoryUsed = 0, disk = 0, diskUsed = 0, tasks = 0, running = 0;

    void add(const Host& host) {
        vcpus += host.vcpus;
        vcpusUsed += host.load.vcpus;
        memory += host.memory.count;
        memoryUsed += host.load.ram.count + host.promises.reservedRam.count;
        disk += host.disk.count;
        diskUsed += host.load.disk.count;
        tasks += host.load.tasks;
        running += host.load.running;
    }
};

void write(JsonWriter& out, const Counts& counts) {
    out.field("vcpus", counts.vcpus);
    out.field("vcpus_used", counts.vcpusUsed);
    out.field("memory_mb", counts.memory);
    out.field("memory_mb_used", counts.memoryUsed);
    out.field("free_ram_mb", counts.memory - counts.memoryUsed);
    out.field("local_gb", counts.disk);
    out.field("local_gb_used", counts.diskUsed);
    out.field("free_disk_gb", counts.disk - counts.diskUsed);
    out.field("disk_available_least", std::max<std::int64_t>(counts.disk - counts.diskUsed, 0));
    out.field("current_workload", counts.tasks);
    out.field("running_vms", counts.running);
}

/// " 10:01:02 up 3 days,  4:05", as the API's examples have it.
std::string uptimeOf(const Host& host, Time now) {
    const std::int64_t minutes = std::chrono::duration_cast<std::chrono::minutes>(now - host.started).count();
    char text[96];
    std::snprintf(text, sizeof text, " %s up %lld days, %lld:%02lld", isoSecondsZ(now).substr(11, 8).c_str(),
                  static_cast<long long>(minutes / 1440), static_cast<long long>(minutes / 60 % 24),
                  static_cast<long long>(minutes % 60));
    return text;
}

void writeSummary(JsonWriter& out, const Call& call, const Host& host) {
    writeId(out, call, host.hypervisorId, host.number);
    out.field("hypervisor_hostname", host.hostname);
    out.field("state", host.up() ? "up" : "down");
    out.field("status", host.disabled ? "disabled" : "enabled");
}

void writeUptime(JsonWriter& out, const Host& host, Time now) {
    host.up() ? out.field("uptime", uptimeOf(host, now)) : out.field("uptime", nullptr);
}

void writeWhole(JsonWriter& out, const Call& call, const Host& host, Time now) {
    out.field("hypervisor_type", host.type);
    out.field("hypervisor_version", host.version);
    out.field("host_ip", host.address);
    if (!call.since(88)) {
        Counts counts;
        counts.add(host);
        write(out, counts);
        call.since(28) ? out.rawField("cpu_info", host.cpuInfo) : out.field("cpu_info", host.cpuInfo);
    } else {
        writeUptime(out, host, now);
    }
    const auto service = out.object("service");
    writeId(out, call, host.serviceId, host.number);
    out.field("host", host.name.text);
    out.field("disabled_reason", host.disabledReason);
}

void writeServers(JsonWriter& out, const Call& call, const Residents& residents) {
    if (residents.empty() && !call.since(75)) return;
    const auto items = out.array("servers");
    for (const auto& each : residents) {
        const auto item = out.object();
        out.field("uuid", each.id);
        out.field("name", each.name);
    }
}

enum class Wants { Little, Whole };

void write(JsonWriter& out, const Call& call, Core& core, const Host& host, Wants wants, const Residents* residents) {
    const auto scope = out.object();
    writeSummary(out, call, host);
    if (wants == Wants::Whole) writeWhole(out, call, host, core.now());
    if (residents != nullptr) writeServers(out, call, *residents);
}

bool wantsServers(const Call& call) {
    const auto given = call.since(53) ? call.request.query.find("with_servers") : std::nullopt;
    return given && booleanOf("with_servers", *given);
}

std::vector<Host> matching(const Core& core, store::Reader& db, const std::string& pattern) {
    auto hosts = core.hosts.all(db);
    std::erase_if(hosts, [&](const Host& each) { return each.hostname.find(pattern) == std::string::npos; });
    if (hosts.empty()) throw Error(Failure::NotFound, "No hypervisor matching '", pattern, "' could be found.");
    return hosts;
}

std::string idOf(const Call& call, const Host& host) {
    return call.since(53) ? host.hypervisorId : std::to_string(host.number);
}

/// The hosts of the page that the query asks for, and whether there are more behind it.
std::vector<Host> pageIn(const Call& call, std::vector<Host> hosts, bool& more) {
    const Page page = pageOf(call.request.query);
    if (page.marker) {
        const auto marked = std::find_if(hosts.begin(), hosts.end(),
                                         [&](const Host& each) { return idOf(call, each) == *page.marker; });
        if (marked == hosts.end()) throw Error(Failure::Invalid, "marker [", *page.marker, "] not found");
        hosts.erase(hosts.begin(), marked + 1);
    }
    const auto most = static_cast<std::size_t>(page.limit);
    more = most > 0 && hosts.size() > most && call.request.query.has("limit");
    if (hosts.size() > most) hosts.resize(most);
    return hosts;
}

/// Their servers by the name of their host; nothing where they aren't wanted.
store::ByOwner<host_table::Resident> residentsOf(store::Reader& db, const std::vector<Host>& hosts, bool wanted) {
    return wanted ? host_table::serversOn(db, hosts) : store::ByOwner<host_table::Resident>();
}

std::vector<Host> hostsFor(const Call& call, const Core& core, store::Reader& db, bool& more) {
    const auto pattern = call.since(53) ? call.request.query.find("hypervisor_hostname_pattern") : std::nullopt;
    if (!pattern) return call.since(33) ? pageIn(call, core.hosts.all(db), more) : core.hosts.all(db);
    if (call.request.query.has("limit") || call.request.query.has("marker"))
        throw Error(Failure::Invalid, "Paging over hypervisors with the hypervisor_hostname_pattern query parameter is "
                                      "not supported.");
    return matching(core, db, *pattern);
}

Response list(Call& call, Core& core, Wants wants) {
    call.caller.enforce();
    if (call.since(53))
        call.asksOnly({"hypervisor_hostname_pattern", "limit", "marker", "with_servers"});
    else if (call.since(33))
        call.asksOnly({"limit", "marker"});
    const bool servers = wantsServers(call);
    bool more = false;
    std::vector<Host> hosts;
    store::ByOwner<host_table::Resident> residents;
    core.parts.store.read([&](store::Reader& db) {
        hosts = hostsFor(call, core, db, more);
        residents = residentsOf(db, hosts, servers);
    });
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("hypervisors");
            for (const auto& each : hosts)
                write(out, call, core, each, wants, servers ? &residents[each.name.text] : nullptr);
        }
        if (more) call.nextLink(out, "hypervisors_links", idOf(call, hosts.back()));
    });
}

Response show(Call& call, Core& core) {
    call.caller.enforce();
    if (call.since(53)) call.asksOnly({"with_servers"});
    return core.parts.store.read([&](store::Reader& db) {
        const auto host = core.hosts.hypervisor(db, call.param("id"), call.since(53));
        const bool servers = wantsServers(call);
        auto residents = residentsOf(db, {host}, servers);
        return http::jsonResponse(200, "hypervisor", [&](JsonWriter& out) {
            write(out, call, core, host, Wants::Whole, servers ? &residents[host.name.text] : nullptr);
        });
    });
}

/// GET /os-hypervisors/{id}/uptime, until 2.88 made it a field of the hypervisor.
Response uptime(Call& call, Core& core) {
    call.caller.enforce();
    const auto host = core.hosts.hypervisor(core.reader(), call.param("id"), call.since(53));
    if (!host.up()) throw Error(Failure::Invalid, "Service is unavailable at this time.");
    return http::jsonResponse(200, "hypervisor", [&](JsonWriter& out) {
        const auto item = out.object();
        writeSummary(out, call, host);
        writeUptime(out, host, core.now());
    });
}

/// GET /os-hypervisors/{pattern}/search and /servers, until 2.53 made them parameters of the list.
Response search(Call& call, Core& core, bool servers) {
    call.caller.enforce();
    return core.parts.store.read([&](store::Reader& db) {
        const auto hosts = matching(core, db, call.param("id"));
        auto residents = residentsOf(db, hosts, servers);
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            const auto items = out.array("hypervisors");
            for (const auto& each : hosts)
                write(out, call, core, each, Wants::Little, servers ? &residents[each.name.text] : nullptr);
        });
    });
}

/// Of those that get servers: the disabled ones count for nothing (Nova, compute_node_statistics).
Response statistics(Call& call, Core& core) {
    call.caller.enforce();
    const auto hosts = core.hosts.all(core.reader());
    Counts counts;
    std::int64_t count = 0;
    for (const auto& each : hosts) {
        if (each.disabled) continue;
        counts.add(each);
        ++count;
    }
    return http::jsonResponse(200, "hypervisor_statistics", [&](JsonWriter& out) {
        const auto item = out.object();
        out.field("count", count);
        write(out, counts);
    });
}

}

void addHypervisorRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-hypervisors:", path = "/os-hypervisors";
    addRoute(routes, Method::Get, path, rule + "list", [&](Call& call) { return list(call, core, Wants::Little); });
    addRoute(routes, Method::Get, path + "/detail", rule + "list-detail",
             [&](Call& call) { return list(call, core, Wants::Whole); });
    addRoute(routes, Method::Get, path + "/statistics", rule + "statistics",
             [&](Call& call) { return statistics(call, core); }, {.until = 87});
    addRoute(routes, Method::Get, path + "/{id}", rule + "show", [&](Call& call) { return show(call, core); });
    addRoute(routes, Method::Get, path + "/{id}/uptime", rule + "uptime",
             [&](Call& call) { return uptime(call, core); }, {.until = 87});
    addRoute(routes, Method::Get, path + "/{id}/search", rule + "search",
             [&](Call& call) { return search(call, core, false); }, {.until = 52});
    addRoute(routes, Method::Get, path + "/{id}/servers", rule + "servers",
             [&](Call& call) { return search(call, core, true); }, {.until = 52});
}

}
