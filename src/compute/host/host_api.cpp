#include "compute/host/host.hpp"

#include <algorithm>

#include "compute/api.hpp"
#include "compute/server/server_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

using Load = ServerTable::HostLoad;

Hypervisors::Facts theHost(Hypervisors& hosts) { return hosts.facts(hosts.next()); }

void writeId(JsonWriter& out, const Call& call, const std::string& uuid, std::int64_t number) {
    call.since(53) ? out.field("id", uuid) : out.field("id", number);
}

void writeCounts(JsonWriter& out, const Hypervisors::Facts& facts, const Load& load) {
    const auto& has = facts.report;
    const auto disk = facts.disk.count;
    out.field("vcpus", has.vcpus);
    out.field("vcpus_used", load.used.cores);
    out.field("memory_mb", has.memory.count);
    out.field("memory_mb_used", load.used.ram);
    out.field("free_ram_mb", has.memory.count - load.used.ram);
    out.field("local_gb", disk);
    out.field("local_gb_used", load.disk);
    out.field("free_disk_gb", disk - load.disk);
    out.field("disk_available_least", std::max<std::int64_t>(disk - load.disk, 0));
    out.field("current_workload", 0);
    out.field("running_vms", load.running);
}

/// "10:01:02 up 3 days, 4:05", as the API's examples have it.
std::string uptimeText(Time now, std::chrono::seconds up) {
    const std::int64_t minutes = up.count() / 60;
    char text[96];
    std::snprintf(text, sizeof text, " %s up %lld days, %lld:%02lld", isoSecondsZ(now).substr(11, 8).c_str(),
                  static_cast<long long>(minutes / 1440), static_cast<long long>(minutes / 60 % 24),
                  static_cast<long long>(minutes % 60));
    return text;
}

void writeSummary(JsonWriter& out, const Call& call, const Hypervisors::Facts& facts) {
    writeId(out, call, facts.hypervisorId, facts.number);
    out.field("hypervisor_hostname", facts.report.hostname);
    out.field("state", "up");
    out.field("status", "enabled");
}

void writeServers(JsonWriter& out, const Call& call, const Load& load) {
    if (load.servers.empty() && !call.since(75)) return;
    const auto items = out.array("servers");
    for (const auto& [id, name] : load.servers) {
        const auto item = out.object();
        out.field("uuid", id);
        out.field("name", name);
    }
}

void writeHypervisor(JsonWriter& out, const Call& call, Hypervisors& hosts, const Hypervisors::Facts& facts,
                     const Load& load, bool whole, bool withServers) {
    const auto scope = out.object();
    writeSummary(out, call, facts);
    if (whole) {
        out.field("hypervisor_type", facts.report.type);
        out.field("hypervisor_version", facts.report.version);
        out.field("host_ip", nullptr);
        if (!call.since(88)) {
            writeCounts(out, facts, load);
            if (call.since(28))
                out.rawField("cpu_info", "{}");
            else
                out.field("cpu_info", "{}");
        } else {
            out.field("uptime", uptimeText(hosts.ambient().now(), facts.uptime()));
        }
        const auto service = out.object("service");
        writeId(out, call, facts.serviceId, facts.number);
        out.field("host", facts.name.text);
        out.field("disabled_reason", nullptr);
    }
    if (withServers) writeServers(out, call, load);
}

bool wantsServers(const Call& call) {
    const auto given = call.since(53) ? call.request.query.find("with_servers") : std::nullopt;
    return given && booleanOf("with_servers", *given);
}

Response hypervisors(Call& call, Hypervisors& hosts, bool whole) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    const auto load = ServerTable::loadOf(hosts.store().reader(), facts.name);
    const std::string pattern = call.since(53) ? call.request.query.text("hypervisor_hostname_pattern") : "";
    const bool matches = facts.report.hostname.find(pattern) != std::string::npos;
    if (!matches) throw Error(Failure::NotFound, "No hypervisor matching '", pattern, "' could be found.");
    const Page page = call.since(33) ? pageOf(call.request.query) : Page{};
    if (page.marker && *page.marker != facts.hypervisorId && *page.marker != std::to_string(facts.number))
        throw Error(Failure::Invalid, "marker [", *page.marker, "] not found");
    const bool shown = page.limit > 0 && !page.marker;
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("hypervisors");
        if (shown) writeHypervisor(out, call, hosts, facts, load, whole, wantsServers(call));
    });
}

/// Error(NotFound) unless the path names this host, by its number or, from 2.53 on, its UUID.
void mustBe(const Call& call, const Hypervisors::Facts& facts) {
    if (call.param("id") == (call.since(53) ? facts.hypervisorId : std::to_string(facts.number))) return;
    if (call.since(53) && !isUuid(call.param("id"))) throw Error(Failure::Invalid, "Invalid uuid ", call.param("id"));
    throw Error(Failure::NotFound, "Compute host ", call.param("id"), " could not be found.");
}

Response hypervisor(Call& call, Hypervisors& hosts) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    mustBe(call, facts);
    return http::jsonResponse(200, "hypervisor", [&](JsonWriter& out) {
        writeHypervisor(out, call, hosts, facts, ServerTable::loadOf(hosts.store().reader(), facts.name), true,
                        wantsServers(call));
    });
}

/// GET /os-hypervisors/{id}/uptime, until 2.88 made it a field of the hypervisor.
Response uptime(Call& call, Hypervisors& hosts) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    mustBe(call, facts);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto item = out.object("hypervisor");
        writeSummary(out, call, facts);
        out.field("uptime", uptimeText(hosts.ambient().now(), facts.uptime()));
    });
}

/// GET /os-hypervisors/{pattern}/search and /servers, until 2.53 made them parameters of the list.
Response search(Call& call, Hypervisors& hosts, bool withServers) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    const std::string& pattern = call.param("id");
    if (facts.report.hostname.find(pattern) == std::string::npos)
        throw Error(Failure::NotFound, "No hypervisor matching '", pattern, "' could be found.");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("hypervisors");
        const auto item = out.object();
        writeSummary(out, call, facts);
        if (withServers) writeServers(out, call, ServerTable::loadOf(hosts.store().reader(), facts.name));
    });
}

Response statistics(Call& call, Hypervisors& hosts) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto item = out.object("hypervisor_statistics");
        out.field("count", 1);
        writeCounts(out, facts, ServerTable::loadOf(hosts.store().reader(), facts.name));
    });
}

Response services(Call& call, Hypervisors& hosts) {
    call.caller.enforce();
    const auto facts = theHost(hosts);
    const auto& query = call.request.query;
    const bool shown = query.text("host", facts.name.text) == facts.name.text &&
                       query.text("binary", "nova-compute") == "nova-compute";
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("services");
        if (!shown) return;
        const auto item = out.object();
        writeId(out, call, facts.serviceId, facts.number);
        out.field("binary", "nova-compute");
        out.field("host", facts.name.text);
        out.field("zone", defaultZone);
        out.field("status", "enabled");
        out.field("state", "up"); // it is this very program
        out.field("updated_at", isoTime(hosts.ambient().now(), true, ""));
        out.field("disabled_reason", nullptr);
        if (call.since(11)) out.field("forced_down", false);
    });
}

Response zones(Call& call, Hypervisors& hosts, bool whole) {
    call.caller.enforce();
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto items = out.array("availabilityZoneInfo");
        const auto zone = out.object();
        out.field("zoneName", defaultZone);
        {
            const auto state = out.object("zoneState");
            out.field("available", true);
        }
        if (!whole) {
            out.field("hosts", nullptr);
            return;
        }
        const auto members = out.object("hosts");
        const auto one = out.object(theHost(hosts).name.text);
        const auto service = out.object("nova-compute");
        out.field("available", true);
        out.field("active", true);
        out.field("updated_at", isoTime(hosts.ambient().now(), true, ""));
    });
}

}

// The machine is asked for its size once: not on a thread that reads requests.
void addHostRoutes(http::Routes& routes, Hypervisors& hosts) {
    const std::string rule = "os_compute_api:os-hypervisors:";
    addRoute(
        routes, Method::Get, "/os-hypervisors", rule + "list",
        [&](Call& call) { return hypervisors(call, hosts, false); }, {}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/detail", rule + "list-detail",
        [&](Call& call) { return hypervisors(call, hosts, true); }, {}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/statistics", rule + "statistics",
        [&](Call& call) { return statistics(call, hosts); }, {.until = 87}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/{id}", rule + "show", [&](Call& call) { return hypervisor(call, hosts); },
        {}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/{id}/uptime", rule + "uptime",
        [&](Call& call) { return uptime(call, hosts); }, {.until = 87}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/{id}/search", rule + "search",
        [&](Call& call) { return search(call, hosts, false); }, {.until = 52}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-hypervisors/{id}/servers", rule + "servers",
        [&](Call& call) { return search(call, hosts, true); }, {.until = 52}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-services", "os_compute_api:os-services:list",
        [&](Call& call) { return services(call, hosts); }, {}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-availability-zone", "os_compute_api:os-availability-zone:list",
        [&](Call& call) { return zones(call, hosts, false); }, {}, http::Runs::Worker);
    addRoute(
        routes, Method::Get, "/os-availability-zone/detail", "os_compute_api:os-availability-zone:detail",
        [&](Call& call) { return zones(call, hosts, true); }, {}, http::Runs::Worker);
}

}
