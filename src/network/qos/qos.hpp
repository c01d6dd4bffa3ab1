#pragma once

#include <stratolet/driver/network.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/core.hpp"
#include "network/sharing.hpp"
#include "resource/table.hpp"

namespace stratolet::network {

using QosRuleId = Id<struct QosRuleTag>;
using QosPolicyId = Id<struct QosPolicyTag>;

/// A kind of rule: what the API calls its columns, and what they may hold. All that is said about the kinds is here;
/// the rest is the same for all.
struct QosKind {
    std::string_view type;                         ///< "bandwidth_limit"
    std::string_view amount;                       ///< attribute: "max_kbps"
    std::string_view burst = {};                   ///< attribute; empty: the kind has none
    std::vector<std::string_view> directions = {}; ///< the first where a body says none; empty: the kind has none
    std::vector<std::int64_t> amounts = {};        ///< all that there are; empty: 0 and more
    std::string_view least = {}, most = {};        ///< the kind whose amounts this one's may not be below, or above

    std::string noun() const { return std::string(type) + "_rule"; }
};
const std::vector<QosKind>& qosKinds();
const QosKind* qosKindNamed(std::string_view type); ///< null where there is no such kind

/// A rule of a policy as it is kept.
struct QosRule {
    QosRuleId id;
    QosPolicyId policy;
    std::string type;      ///< of QosKind
    std::string direction; ///< seen from the port: "ingress", "egress", "any"; empty where the kind has none
    std::int64_t amount = 0, burst = 0;
    Time created;
};

/// The rules of one kind, with the kind's words; alias k.
const resource::Table<QosRule>& qosRuleTable(const QosKind& kind);

/// How networks, ports, floating IPs and router gateways that have it are served.
struct QosPolicy {
    QosPolicyId id;
    Standard standard;
    Sharing sharing;
    bool isDefault = false;     ///< new networks of its project have it
    std::vector<QosRule> rules; ///< oldest first; only for an answer
};
extern const resource::Table<QosPolicy> qosPolicyTable; ///< alias y

Error qosPolicyNotFound(const std::string& id);

/// The policy that a body's `value` of qos_policy_id names, one that the caller may see; empty: none. `before`: what
/// the thing has now, and keeps where there is no value. Error(Forbidden) where that is nobody's to take away who may
/// not see it.
std::string qosPolicyIn(store::Reader& db, const identity::Caller& caller, const std::optional<Json>& value,
                        const std::string& before = {});

/// The policy of a project's new networks; empty where it has none.
std::string defaultQosPolicy(store::Reader& db, const std::string& project);

/// What the policy, or in its place the one of the network, does to packets; nothing where neither is.
PlannedQos plannedQos(store::Reader& db, const std::string& policy, const std::string& ofNetwork);

/// What is served by a policy on hosts, be it its own or that of its network.
struct QosUsers {
    std::vector<std::string> ports, routers; ///< ids
};
QosUsers qosUsersOf(store::Reader& db, const std::string& policy);
QosUsers qosUsersOn(store::Reader& db, const NetworkId& network); ///< what its policy may serve

/// Which networks have a policy, by id; of all or of one.
std::map<NetworkId, std::string> networkQos(store::Reader& db);
std::string networkQosOf(store::Reader& db, const NetworkId& network);

void addQosRoutes(http::Routes& routes, Core& core);

/// The routes of the kinds' rules, and what a driver can do.
void addQosRuleRoutes(http::Routes& routes, Core& core);

}
