#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "network/core.hpp"
#include "network/l2/network_record.hpp"
#include "network/l3/router.hpp"
#include "platform/metrics/metrics.hpp"
#include "resource/collection.hpp"

// Whatever Neutron has agents for, this program does itself. What it does on a host is told as one agent of each kind,
// whose heart-beats are the runs that made the host as the plan says.

namespace stratolet::network {

// The kinds, as the API calls them.
inline constexpr std::string_view bridgeAgent = "Linux bridge agent";
inline constexpr std::string_view dhcpAgent = "DHCP agent";
inline constexpr std::string_view routerAgent = "L3 agent";
inline constexpr std::string_view metadataAgent = "Metadata agent";

inline constexpr std::string_view defaultZone = "nova"; ///< the one availability zone that there is

/// What an agent last said of itself.
struct AgentReport {
    Time started, beat;
    std::string configurations = "{}"; ///< JSON
    bool alive = false;
};

/// An agent as it is kept, with its last report.
struct Agent {
    Id<Agent> id;
    Standard standard; ///< when it was made
    std::string kind, host;
    bool adminUp = true; ///< serves what it is there to serve
    std::optional<std::string> description;
    std::string binary, topic; ///< as the kind has it
    std::optional<std::string> zone;
    AgentReport report; ///< only for an answer
};

/// Whether the agent of a kind on a host serves a network or a router, as far as administrators have a say: not where
/// the agent is down by their word, or the object was taken from it. Where nobody said anything, it does.
bool mayServe(store::Reader& db, std::string_view kind, const std::string& host, const std::string& object);

/// The zones of a body's availability_zone_hints; Error(NotFound) where one of them is none.
Texts zonesIn(const Json& list);
template <class Record> void readZones(Record& record, const Json& list, const resource::Reading&) {
    record.zoneHints = zonesIn(list);
}

/// The zones of the agents that serve it.
template <class Record> void showZones(JsonWriter& out, const Record& record) {
    const auto list = out.array();
    if (record.served) out.value(defaultZone);
}

/// SQL: whether the network ("$") has DHCP, the router ("$") something to route: the agents of `host`, which are in the
/// default zone, serve it unless somebody took it from them.
inline constexpr std::string_view networkIsServed =
    "coalesce((SELECT c.serves FROM agent_choices c JOIN agents g ON g.id = c.agent WHERE c.object = $.id AND g.kind = "
    "'DHCP agent'), EXISTS (SELECT 1 FROM subnets u WHERE u.network = $.id AND u.dhcp))";
inline constexpr std::string_view routerIsServed =
    "coalesce((SELECT c.serves FROM agent_choices c JOIN agents g ON g.id = c.agent WHERE c.object = $.id AND g.kind = "
    "'L3 agent'), $.gateway_port IS NOT NULL OR EXISTS (SELECT 1 FROM ports u WHERE u.router = $.id AND u.router <> "
    "''))";

/// Whether a network or router is there at all (nothing: no), and served, by one of the two above; `table` is where it
/// is kept.
std::optional<bool> isServed(store::Reader& db, std::string_view table, std::string_view served,
                             const std::string& object);

/// Of those with these ids.
std::set<std::string> servedAmong(store::Reader& db, std::string_view table, std::string_view served, const Texts& ids);

/// The same, into `served` of each.
template <class Record>
void completeServed(store::Reader& db, std::string_view table, std::string_view served, std::vector<Record>& all) {
    const auto those = servedAmong(db, table, served, idsOf(all));
    for (auto& each : all) each.served = those.contains(each.id.text);
}

/// An administrator says that the agent serves the network or router, or doesn't. The host is to follow.
void choose(Core& core, store::Transaction& tx, const Agent& agent, const std::string& object, bool serves);

/// Whether an agent of the kind may serve; nothing where there is none.
std::optional<bool> anyUp(store::Reader& db, std::string_view kind);

/// The agents of this host: that they are there, and what they report. Owned by the module; any thread.
class Agents {
public:
    explicit Agents(Core& core);

    void ensure(); ///< a row of each kind for this host; writes only where one is missing

    /// The host is as the plan says: all of them are alive. `whole`: the plan was read anew, and is counted.
    void beat(const NetworkPlan& plan, bool whole);

    AgentReport reportOf(const Agent& agent) const;
    bool alive() const;
    Metrics::Samples states(store::Reader& db) const; ///< 1 of each agent that is alive, else 0

    Core& core() { return core_; }

private:
    Core& core_;
    mutable std::mutex mutex_;
    Time started_;
    std::optional<Time> beat_;
    std::string configurations_[4]; ///< of each kind, in the order above
};

void addAgentRoutes(http::Routes& routes, Agents& agents,
                    const std::shared_ptr<const resource::CollectionApi<NetworkRecord>>& networks,
                    const std::shared_ptr<const RouterApi>& routers);

using AgentApi = resource::CollectionApi<Agent>;

/// What an agent serves, and who serves a thing.
void addSchedulerRoutes(http::Routes& routes, Agents& agents, const std::shared_ptr<const AgentApi>& api,
                        const std::shared_ptr<const resource::CollectionApi<NetworkRecord>>& networks,
                        const std::shared_ptr<const RouterApi>& routers);

/// The availability zones: that of the agents.
void addZoneRoutes(http::Routes& routes, Agents& agents);

}
