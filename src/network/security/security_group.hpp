#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "network/core.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

/// What a group lets through, as it is kept. Absent is any.
struct SecurityGroupRule {
    SecurityGroupRuleId id;
    SecurityGroupId group;
    Standard standard;     ///< without a name
    std::string direction; ///< "ingress", "egress"
    std::string ethertype; ///< "IPv4", "IPv6"
    std::optional<std::string> protocol;
    std::optional<std::int64_t> portMin, portMax;
    std::optional<std::string> prefix;
    std::optional<std::string> remoteGroup, remoteAddresses; ///< ids; the latter of an address group
};

/// A set of rules that ports have in common, as it is kept.
struct SecurityGroup {
    SecurityGroupId id;
    Standard standard;
    Sharing sharing;
    bool stateful = true;
    std::vector<SecurityGroupRule> rules; ///< oldest first; only for an answer
};

/// The number of a protocol by name or number; nothing where there is no such protocol.
std::optional<int> protocolNumber(const std::string& text, bool six);

extern const resource::Table<SecurityGroup> securityGroupTable;         ///< alias g
extern const resource::Table<SecurityGroupRule> securityGroupRuleTable; ///< alias r
std::vector<SecurityGroupRule> rulesOf(store::Reader& db, const SecurityGroupId& group);
std::unordered_map<std::string, std::string> projectsOf(store::Reader& db,
                                                        const Texts& groups);                 ///< of many, by their ids
std::unordered_map<std::string, std::string> namesOf(store::Reader& db, const Texts& groups); ///< of many, by their ids

Error securityGroupNotFound(const std::string& id);

/// The rules about security groups. Used on the writer's thread; owned by the module.
class SecurityGroups {
public:
    explicit SecurityGroups(Core& core) : core_(core) {}

    SecurityGroup create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    SecurityGroup update(store::Transaction& tx, SecurityGroup group, const Body& body);
    /// An administrator may also remove a default group: it comes back when it is needed.
    void remove(store::Transaction& tx, const identity::Caller& caller, const SecurityGroup& group);
    SecurityGroupRule createRule(store::Transaction& tx, const SecurityGroup& group, const std::string& project,
                                 const Body& body);
    void removeRule(store::Transaction& tx, const SecurityGroupRule& rule);

    /// The project's default group, made when first needed.
    SecurityGroup ensureDefault(store::Transaction& tx, const std::string& project);

    Core& core() { return core_; }

private:
    Core& core_;
};

/// The default group of a project in a transaction of somebody else's.
SecurityGroup ensureDefaultGroup(Core& core, store::Transaction& tx, const std::string& project);

/// A caller's project has a default group, made when somebody first looks.
void ensureDefaultOf(const identity::Caller& caller, SecurityGroups& groups);

/// A group that the caller may see.
SecurityGroup securityGroupIn(store::Reader& db, const identity::Caller& caller, const std::string& id);

void addSecurityGroupRuleRoutes(http::Routes& routes, SecurityGroups& groups);
void addSecurityGroupRoutes(http::Routes& routes, SecurityGroups& groups);

}
