#include "appliance/operator/operator_site.hpp"

#include <map>

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"

namespace stratolet {

using namespace http;

namespace {

constexpr int faultsMost = 10; // that one screen has room for

void writeServices(JsonWriter& out, const OperatorParts& parts, const std::string& administrator) {
    auto all = parts.health();
    all.emplace_back("administrator", administrator);
    const auto items = out.array("services");
    for (const auto& [name, complaint] : all) {
        const auto item = out.object();
        out.field("name", name);
        out.field("state", complaint.empty() ? "well" : "troubled");
        out.field("complaint", complaint);
    }
}

void writeCounts(JsonWriter& out, std::string_view name, store::Rows rows) {
    const auto counts = out.object(name);
    while (rows.next()) out.field(rows.row().text(0), rows.row().integer(1));
}

void writeJobCounts(JsonWriter& out, const std::vector<jobs::JobRecord>& unfinished) {
    std::map<std::pair<std::string, std::string>, std::pair<int, int>> counts; // by lane and state: all, tried again
    for (const auto& each : unfinished) {
        auto& [all, again] = counts[{each.lane, each.state}];
        ++all;
        again += each.error.empty() ? 0 : 1;
    }
    const auto items = out.array("jobs");
    for (const auto& [key, count] : counts) {
        const auto item = out.object();
        out.field("lane", key.first);
        out.field("state", key.second);
        out.field("count", count.first);
        out.field("failed_before", count.second);
    }
}

/// What has gone wrong and stays so, the newest first; what has no time of its own comes before.
void writeFaults(JsonWriter& out, store::Reader& db) {
    auto rows = db.query(
        "SELECT * FROM ("
        "SELECT 'server' AS kind, id, name, coalesce(fault, 'no reason was kept') AS what, fault_time AS time "
        "FROM compute_servers WHERE deleted IS NULL AND vm_state = 'error' "
        "UNION ALL SELECT 'volume', id, coalesce(name, ''), status, updated FROM volumes WHERE status LIKE 'error%' "
        "UNION ALL SELECT kind, subject, '', 'not wired as planned: ' || what, NULL FROM network_problems "
        "UNION ALL SELECT 'job', CAST(id AS TEXT), kind || ' of ' || subject, error, begun FROM jobs WHERE error <> '' "
        "UNION ALL SELECT 'stray ' || kind, id, place, 'the store knows nothing of it, it is kept', seen FROM strays"
        ") ORDER BY time IS NULL DESC, time DESC LIMIT ?",
        faultsMost);
    const auto items = out.array("faults");
    while (rows.next()) {
        const auto row = rows.row();
        const auto item = out.object();
        out.field("kind", row.text(0));
        out.field("id", row.text(1));
        out.field("name", row.text(2));
        out.field("what", row.text(3));
        const auto time = row.maybeTime(4);
        time ? out.field("time", isoSecondsZ(*time)) : out.field("time", nullptr);
    }
}

/// What the services know of hosts and storage; a cloud without its administrator has a status nevertheless.
struct Capacity {
    Json hosts = Json::parse("[]"), pools = Json::parse("[]");
    std::string complaint;
};

Capacity capacityOf(const OperatorParts& parts) {
    Capacity capacity;
    try {
        const AsAdministrator administrator(parts);
        capacity.hosts =
            administrator.gets("/compute/v2.1/os-hypervisors/detail", {{"OpenStack-API-Version", "compute 2.87"}})
                .array("hypervisors");
        capacity.pools =
            administrator.gets("/volume/v3/{project}/scheduler-stats/get_pools?detail=true").array("pools");
    } catch (const Error& problem) {
        capacity.complaint = problem.what();
    }
    return capacity;
}

Response show(const OperatorParts& parts) {
    const auto capacity = capacityOf(parts);
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("version", STRATOLET_VERSION);
        out.field("kind", parts.settings.sandbox ? "sandbox" : "serve");
        out.field("endpoint", parts.endpoint);
        out.field("state_dir", parts.stateDir.string());
        out.field("cloud", parts.cloud.id);
        out.field("host", parts.cloud.host);
        out.field("time", isoSecondsZ(parts.ambient.now()));
        writeServices(out, parts, capacity.complaint);
        out.rawField("hosts", capacity.hosts.dump());
        out.rawField("pools", capacity.pools.dump());
        parts.store.read([&](store::Reader& db) {
            writeCounts(out, "servers",
                        db.query("SELECT vm_state, count(*) FROM compute_servers WHERE deleted IS NULL GROUP BY "
                                 "vm_state ORDER BY vm_state"));
            writeJobCounts(out, parts.jobs.list(db));
            writeFaults(out, db);
        });
    });
}

}

void addStatusRoutes(Routes& routes, const OperatorParts& parts) {
    routes.push_back({Method::Get, "/v1/status", byTheSocket(), [parts](Request&) { return show(parts); }});
}

}
