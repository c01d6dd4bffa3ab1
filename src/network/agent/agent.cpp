#include "network/agent/agent.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

constexpr auto aliveFor = std::chrono::seconds(75); ///< after a beat; Neutron's agent_down_time

struct KindOfAgent {
    std::string_view name, binary, topic;
    bool inZone;
};
constexpr std::array<KindOfAgent, 4> kinds{{{bridgeAgent, "neutron-linuxbridge-agent", "N/A", false},
                                            {dhcpAgent, "neutron-dhcp-agent", "dhcp_agent", true},
                                            {routerAgent, "neutron-l3-agent", "l3_agent", true},
                                            {metadataAgent, "neutron-metadata-agent", "N/A", false}}};

const KindOfAgent& kindNamed(std::string_view name) {
    return *std::find_if(kinds.begin(), kinds.end(), [&](const auto& each) { return each.name == name; });
}

/// As Neutron writes times of agents: "2017-09-12 19:40:38".
void showTime(JsonWriter& out, Time time) {
    auto text = isoSecondsZ(time);
    text.pop_back();
    text[10] = ' ';
    out.value(text);
}

const Table<Agent> agentTable(
    "agents", 'a',
    {attribute<&Agent::id>("id", Show | Find), attribute<&Agent::kind>("agent_type", Show | Find).in("kind"),
     computed<Agent>(
         "binary", Kind::Text, Show | Find, [](JsonWriter& out, const Agent& it) { out.value(it.binary); },
         "CASE $.kind WHEN 'Linux bridge agent' THEN 'neutron-linuxbridge-agent' WHEN 'DHCP agent' THEN "
         "'neutron-dhcp-agent' WHEN 'L3 agent' THEN 'neutron-l3-agent' ELSE 'neutron-metadata-agent' END"),
     computed<Agent>(
         "topic", Kind::Text, Show | Find, [](JsonWriter& out, const Agent& it) { out.value(it.topic); },
         "CASE $.kind WHEN 'DHCP agent' THEN 'dhcp_agent' WHEN 'L3 agent' THEN 'l3_agent' ELSE 'N/A' END"),
     attribute<&Agent::host>("host", Show | Find),
     attribute<&Agent::adminUp>("admin_state_up", Put | Show | Find).in("admin_up"),
     attribute<&Agent::standard, &Standard::created>("created_at", Show | Sort)
         .in("created")
         .shown([](JsonWriter& out, const Agent& it) { showTime(out, it.standard.created); }),
     computed<Agent>("started_at", Kind::Other, Show,
                     [](JsonWriter& out, const Agent& it) { showTime(out, it.report.started); }),
     computed<Agent>("heartbeat_timestamp", Kind::Other, Show,
                     [](JsonWriter& out, const Agent& it) { showTime(out, it.report.beat); }),
     computed<Agent>("alive", Kind::Truth, Show, [](JsonWriter& out, const Agent& it) { out.value(it.report.alive); }),
     computed<Agent>("configurations", Kind::Other, Show,
                     [](JsonWriter& out, const Agent& it) { out.raw(it.report.configurations); }),
     attribute<&Agent::description>("description", Put | Show | Find),
     computed<Agent>(
         "availability_zone", Kind::Text, Show | Find, [](JsonWriter& out, const Agent& it) { out.value(it.zone); },
         "CASE WHEN $.kind IN ('DHCP agent', 'L3 agent') THEN 'nova' ELSE '' END"),
     computed<Agent>("resources_synced", Kind::Other, Show, showNull)}); // none of them reports to placement

Error agentNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Agent ", id, " could not be found").as("AgentNotFound");
}

std::string asJson(const std::vector<std::pair<std::string_view, std::int64_t>>& counts,
                   const std::vector<std::pair<std::string_view, std::string_view>>& words) {
    std::string text;
    JsonWriter out(text);
    {
        const auto object = out.object();
        for (const auto& [name, count] : counts) out.field(name, count);
        for (const auto& [name, word] : words) out.field(name, word);
        out.field("log_agent_heartbeats", false);
    }
    return text;
}

Agent update(Core& core, store::Transaction& tx, Agent agent, const Body& body) {
    const bool before = agent.adminUp;
    body.readInto(agent, agentTable);
    agentTable.update(tx, agent);
    if (agent.adminUp != before) core.changed(tx, std::string(wholePlan));
    return agent;
}

}

bool mayServe(store::Reader& db, std::string_view kind, const std::string& host, const std::string& object) {
    auto rows =
        db.query("SELECT a.admin_up AND coalesce((SELECT c.serves FROM agent_choices c WHERE c.agent = a.id AND "
                 "c.object = ?), 1) FROM agents a WHERE a.host = ? AND a.kind = ?",
                 object, host, kind);
    return !rows.next() || rows.row().boolean(0);
}

std::optional<bool> isServed(store::Reader& db, std::string_view table, std::string_view served,
                             const std::string& object) {
    auto rows =
        db.query("SELECT " + withAlias(served, 'x') + " FROM " + std::string(table) + " x WHERE x.id = ?", object);
    return rows.next() ? std::optional(rows.row().boolean(0)) : std::nullopt;
}

std::set<std::string> servedAmong(store::Reader& db, std::string_view table, std::string_view served,
                                  const Texts& ids) {
    std::set<std::string> found;
    auto rows = db.query("SELECT x.id FROM json_each(?) w JOIN " + std::string(table) + " x ON x.id = w.value WHERE " +
                             withAlias(served, 'x'),
                         store::asList(ids));
    while (rows.next()) found.insert(rows.row().text(0));
    return found;
}

void choose(Core& core, store::Transaction& tx, const Agent& agent, const std::string& object, bool serves) {
    tx.execute("INSERT OR REPLACE INTO agent_choices (agent, object, serves) VALUES (?, ?, ?)", agent.id, object,
               serves);
    core.changed(tx, object);
}

std::optional<bool> anyUp(store::Reader& db, std::string_view kind) {
    const auto up = db.query("SELECT coalesce(MAX(admin_up), -1) FROM agents WHERE kind = ?", kind).integer();
    return up < 0 ? std::nullopt : std::optional(up > 0);
}

Texts zonesIn(const Json& list) {
    const auto refuse = [&] {
        refuseInput("availability_zone_hints", "'" + list.dump() + "' is not a list of zones.");
    };
    if (!list.isArray()) refuse();
    Texts zones;
    for (const auto& each : list.items()) {
        if (!each.isText()) refuse();
        if (each.text() != defaultZone)
            throw Error(Failure::NotFound, "AvailabilityZone ", each.text(), " could not be found.")
                .as("AvailabilityZoneNotFound");
        if (std::find(zones.begin(), zones.end(), each.text()) == zones.end()) zones.push_back(each.text());
    }
    return zones;
}

Agents::Agents(Core& core) : core_(core), started_(core.now()) {
    for (auto& each : configurations_) each = asJson({}, {});
}

void Agents::ensure() {
    auto& store = core_.parts.store;
    const auto& host = core_.parts.cloud.host;
    if (store.reader().query("SELECT COUNT(*) FROM agents WHERE host = ?", host).integer() ==
        static_cast<std::int64_t>(kinds.size()))
        return;
    store.write([&](store::Transaction& tx) {
        for (const auto& each : kinds)
            tx.execute("INSERT OR IGNORE INTO agents (id, kind, host, admin_up, created) VALUES (?, ?, ?, 1, ?)",
                       core_.uuid(), each.name, host, core_.now());
    });
}

void Agents::beat(const NetworkPlan& plan, bool whole) {
    ensure();
    std::string said[4];
    if (whole) {
        std::int64_t devices = 0, served = 0, subnets = 0, feet = 0, gateways = 0, floating = 0, external = 0;
        for (const auto& each : plan.ports) devices += each.tapped ? 1 : 0;
        for (const auto& each : plan.networks) {
            external += each.external ? 1 : 0;
            if (!each.dhcp) continue;
            ++served;
            for (const auto& subnet : each.subnets) subnets += subnet.dhcp ? 1 : 0;
        }
        for (const auto& each : plan.routers) {
            feet += static_cast<std::int64_t>(each.interfaces.size());
            gateways += each.gateway ? 1 : 0;
            floating += static_cast<std::int64_t>(each.floatingIps.size());
        }
        const auto routers = static_cast<std::int64_t>(plan.routers.size());
        said[0] = asJson({{"devices", devices}}, {});
        said[1] =
            asJson({{"networks", served}, {"subnets", subnets}, {"ports", devices}, {"dhcp_lease_duration", 86400}},
                   {{"dhcp_driver", "dnsmasq"}});
        said[2] =
            asJson({{"routers", routers}, {"interfaces", feet}, {"ex_gw_ports", gateways}, {"floating_ips", floating}},
                   {{"agent_mode", "legacy"}, {"interface_driver", "linuxbridge"}});
        said[3] = asJson({{"networks", served}, {"routers", routers}}, {});
    }
    const auto now = core_.now();
    const std::lock_guard lock(mutex_);
    beat_ = now;
    for (std::size_t each = 0; whole && each < kinds.size(); ++each) configurations_[each] = std::move(said[each]);
}

bool Agents::alive() const {
    const auto now = core_.now();
    const std::lock_guard lock(mutex_);
    return beat_ && now - *beat_ <= aliveFor;
}

Metrics::Samples Agents::states(store::Reader& db) const {
    Metrics::Samples samples;
    auto rows = db.query("SELECT id, host, kind, iif(admin_up, 'up', 'down') FROM agents ORDER BY host, kind");
    while (rows.next()) {
        const auto row = rows.row();
        const auto& kind = kindNamed(row.text(2));
        auto labels = metricLabel("hostname", row.text(1), metricLabel("id", row.text(0)));
        labels = metricLabel("adminState", row.text(3), metricLabel("service", kind.binary, labels));
        samples.push_back({metricLabel("availability_zone", kind.inZone ? defaultZone : "", labels),
                           row.text(1) == core_.parts.cloud.host && alive() ? 1.0 : 0.0});
    }
    return samples;
}

AgentReport Agents::reportOf(const Agent& agent) const {
    if (agent.host != core_.parts.cloud.host) return {agent.standard.created, agent.standard.created, "{}", false};
    AgentReport report;
    report.alive = alive();
    const std::lock_guard lock(mutex_);
    report.started = started_;
    report.beat = beat_.value_or(started_);
    report.configurations = configurations_[&kindNamed(agent.kind) - kinds.data()];
    return report;
}

void addAgentRoutes(http::Routes& routes, Agents& agents,
                    const std::shared_ptr<const CollectionApi<NetworkRecord>>& networks,
                    const std::shared_ptr<const RouterApi>& routers) {
    using Tx = store::Transaction;
    using identity::Caller;
    auto& core = agents.core();
    const auto filterAlive = [&agents](store::Conditions& conditions, const std::vector<std::string>& values) {
        const bool any = std::any_of(values.begin(), values.end(),
                                     [&](const auto& each) { return truthIn("alive", each) == agents.alive(); });
        // Agents of other hosts have none who could beat for them.
        const bool dead =
            std::any_of(values.begin(), values.end(), [](const auto& each) { return !truthIn("alive", each); });
        conditions.append("CASE a.host WHEN ? THEN ? ELSE ? END", {agents.core().parts.cloud.host, any, dead});
        return store::Begin::WithEither;
    };
    const auto api = addNoun<Agent>(
        routes, core,
        {.noun = "agent",
         .table = agentTable,
         .missing = agentNotFound,
         .concern = {},
         .complete =
             [&agents](store::Reader&, std::vector<Agent>& all) {
                 for (auto& each : all) {
                     const auto& kind = kindNamed(each.kind);
                     each.binary = kind.binary;
                     each.topic = kind.topic;
                     if (kind.inZone) each.zone = defaultZone;
                     each.report = agents.reportOf(each);
                 }
             },
         .update = [&core](Tx& tx, const Caller&, const Agent& agent,
                           const Body& body) { return update(core, tx, agent, body); },
         .remove =
             [&core](Tx& tx, const Caller&, const Agent& agent) {
                 agentTable.remove(tx, agent.id); // where it lives, its next beat brings it back as it is by itself
                 core.changed(tx, std::string(wholePlan));
             },
         .filters = {{"alive", filterAlive}},
         .tagged = false});
    addSchedulerRoutes(routes, agents, api, networks, routers);
    addZoneRoutes(routes, agents);
}

}
