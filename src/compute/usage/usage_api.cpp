#include <algorithm>
#include <chrono>

#include <stratolet/error.hpp>

#include "compute/api.hpp"
#include "compute/usage/usage.hpp"
#include "compute/usage/usage_table.hpp"

namespace stratolet::compute {
namespace {

using http::Method;
using http::Response;

/// "2016-10-12T18:22:04", also with a fraction, and a blank in its middle. A missing one is now.
Time timeOf(const Call& call, std::string_view parameter, Time now) {
    const std::string text = call.request.query.text(parameter);
    if (text.empty()) return now;
    const auto time = text.size() > 10 ? parseIsoTime(text) : std::nullopt;
    if (!time) throw Error(Failure::Invalid, "Invalid datetime string: Datetime is in invalid format");
    return *time;
}

/// Of the time of the query that is over.
UsageQuery queryOf(const Call& call, Core& core, std::initializer_list<std::string_view> known) {
    if (call.since(75)) call.asksOnly(known);
    const Time now = core.now();
    UsageQuery query;
    query.start = timeOf(call, "start", now);
    query.stop = timeOf(call, "end", now);
    const bool said = call.request.query.has("start") || call.request.query.has("end");
    if (said && query.start >= query.stop)
        throw Error(Failure::Invalid, "Invalid start time. The start time cannot occur after the end time.");
    query.stop = std::min(query.stop, now);
    if (call.since(40)) {
        const Page page = pageOf(call.request.query);
        query.limit = page.limit > 0 ? page.limit : 1000;
        query.marker = page.marker;
    }
    return query;
}

double hoursOf(const Usage& usage, const UsageQuery& query) {
    const Time from = std::max(usage.launched, query.start);
    const Time until = std::min(usage.ended.value_or(query.stop), query.stop);
    return until > from ? std::chrono::duration<double, std::ratio<3600>>(until - from).count() : 0.0;
}

struct Total {
    double hours = 0, disk = 0, ram = 0, vcpus = 0;
    void add(const Usage& usage, double its) {
        hours += its;
        disk += its * static_cast<double>(usage.disk);
        ram += its * static_cast<double>(usage.ram);
        vcpus += its * static_cast<double>(usage.vcpus);
    }
};

void writeServer(JsonWriter& out, const Usage& usage, double hours, Time now) {
    const auto scope = out.object();
    out.field("instance_id", usage.server);
    out.field("name", usage.name);
    out.field("tenant_id", usage.project);
    out.field("flavor", usage.flavor);
    out.field("vcpus", usage.vcpus);
    out.field("memory_mb", usage.ram);
    out.field("local_gb", usage.disk);
    out.field("hours", hours);
    out.field("started_at", isoMicros(usage.launched));
    usage.ended ? out.field("ended_at", isoMicros(*usage.ended)) : out.field("ended_at", nullptr);
    out.field("state", usage.state);
    out.field("uptime",
              std::chrono::duration_cast<std::chrono::seconds>(usage.ended.value_or(now) - usage.launched).count());
}

/// The usages of one project: from `begin`, and where those of the next begin.
using Each = std::vector<Usage>::const_iterator;

void writeProject(JsonWriter& out, Each begin, Each end, const UsageQuery& query, bool detailed, Time now) {
    const auto scope = out.object();
    Total total;
    for (auto each = begin; each != end; ++each) total.add(*each, hoursOf(*each, query));
    out.field("tenant_id", begin->project);
    out.field("start", isoMicros(query.start));
    out.field("stop", isoMicros(query.stop));
    out.field("total_hours", total.hours);
    out.field("total_local_gb_usage", total.disk);
    out.field("total_memory_mb_usage", total.ram);
    out.field("total_vcpus_usage", total.vcpus);
    if (!detailed) return;
    const auto servers = out.array("server_usages");
    for (auto each = begin; each != end; ++each) writeServer(out, *each, hoursOf(*each, query), now);
}

void writeLink(JsonWriter& out, const Call& call, std::string_view name, const UsageQuery& query,
               const std::vector<Usage>& found) {
    if (call.since(40) && static_cast<std::int64_t>(found.size()) == query.limit)
        call.nextLink(out, name, found.back().server.text);
}

Response list(Call& call, Core& core) {
    call.caller.enforce();
    call.requireNoBlankId();
    UsageQuery query = queryOf(call, core, {"start", "end", "detailed", "limit", "marker"});
    const bool detailed = call.request.query.text("detailed") == "1";
    if (!call.since(40) && !detailed) query.limit = -1; // a sum that some are missing in is none
    const auto found = UsageTable::list(core.reader(), query);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto projects = out.array("tenant_usages");
            for (auto begin = found.begin(); begin != found.end();) {
                const auto end =
                    std::find_if(begin, found.end(), [&](const Usage& each) { return each.project != begin->project; });
                writeProject(out, begin, end, query, detailed, core.now());
                begin = end;
            }
        }
        writeLink(out, call, "tenant_usages_links", query, found);
    });
}

Response show(Call& call, Core& core) {
    const ProjectId project{call.param("id")};
    call.caller.enforce({{"project_id", project.text}});
    UsageQuery query = queryOf(call, core, {"start", "end", "limit", "marker"});
    query.project = project;
    const auto found = UsageTable::list(core.reader(), query);
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("tenant_usage");
        if (found.empty())
            static_cast<void>(out.object());
        else
            writeProject(out, found.begin(), found.end(), query, true, core.now());
        writeLink(out, call, "tenant_usage_links", query, found);
    });
}

}

void purgeUsage(store::Transaction& tx, Core& core) {
    constexpr std::chrono::hours kept{400 * 24};
    UsageTable::purge(tx, core.now() - kept);
}

void addUsageRoutes(http::Routes& routes, Core& core) {
    const std::string rule = "os_compute_api:os-simple-tenant-usage:";
    addRoute(routes, Method::Get, "/os-simple-tenant-usage", rule + "list",
             [&](Call& call) { return list(call, core); });
    addRoute(routes, Method::Get, "/os-simple-tenant-usage/{id}", rule + "show",
             [&](Call& call) { return show(call, core); });
}

}
