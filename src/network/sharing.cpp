#include "network/sharing.hpp"

#include <algorithm>
#include <iterator>

#include <stratolet/error.hpp>

#include "network/common_api.hpp"
#include "network/l2/address_scope.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/subnet_pool.hpp"
#include "network/qos/qos.hpp"
#include "network/security/security_group.hpp"

namespace stratolet::network {

namespace {

// What the service's own ports need of a network nobody else's wish is.
constexpr Shareable shareables[] = {
    {"network", "networks",
     "SELECT project FROM ports WHERE network = ?1 AND owner NOT IN ('network:dhcp', 'network:floatingip', "
     "'network:router_gateway')",
     networkNotFound},
    {"subnetpool", "subnet_pools", "SELECT project FROM subnets WHERE subnet_pool = ?1", subnetPoolNotFound},
    {"address_scope", "address_scopes", "SELECT project FROM subnet_pools WHERE address_scope = ?1",
     addressScopeNotFound},
    {"security_group", "security_groups",
     "SELECT p.project FROM port_security_groups s JOIN ports p ON p.id = s.port WHERE s.security_group = ?1",
     securityGroupNotFound},
    {"address_group", "address_groups", "SELECT project FROM security_group_rules WHERE remote_address_group = ?1",
     addressGroupNotFound},
    {"qos_policy", "qos_policies",
     "SELECT project FROM networks WHERE qos_policy = ?1 UNION ALL SELECT project FROM ports WHERE qos_policy = ?1 "
     "UNION ALL SELECT project FROM floating_ips WHERE qos_policy = ?1 UNION ALL SELECT project FROM routers WHERE "
     "gateway_qos_policy = ?1",
     qosPolicyNotFound, "policy"},
};

/// Who has a router's gateway or a floating IP on the network.
constexpr std::string_view externalUsers =
    "SELECT r.project FROM ports p JOIN routers r ON r.gateway_port = p.id WHERE p.network = ?1 UNION ALL SELECT "
    "project FROM floating_ips WHERE network = ?1";

/// The columns that lists and the driver look at.
void followColumns(store::Transaction& tx, const Shareable& kind, const std::string& object) {
    const std::string exists = " = EXISTS (SELECT 1 FROM rbac_policies WHERE object = ?1 AND action = '";
    const auto table = "UPDATE " + std::string(kind.table) + " SET ";
    tx.execute(table + "shared" + exists + "access_as_shared' AND target = '*') WHERE id = ?1", object);
    if (kind.type == "network") tx.execute(table + "external" + exists + "access_as_external') WHERE id = ?1", object);
}

}

const Shareable* shareableNamed(std::string_view type) {
    const auto* found =
        std::find_if(std::begin(shareables), std::end(shareables), [&](const auto& each) { return each.type == type; });
    return found == std::end(shareables) ? nullptr : found;
}

std::string shareableTypes() {
    std::string all;
    for (const auto& each : shareables) all.append(all.empty() ? "" : ", ").append(each.type);
    return all;
}

bool filterShared(store::Conditions& conditions, const resource::TableText& table, const identity::Caller& caller,
                  bool wanted) {
    const auto* kind = std::find_if(std::begin(shareables), std::end(shareables),
                                    [&](const auto& each) { return each.table == table.name; });
    const bool onNetworks = table.name == "subnets";
    if (kind == std::end(shareables) && !onNetworks) return false;
    const auto id = onNetworks ? std::string(1, table.alias) + ".network" : table.id();
    conditions.append(id + (wanted ? " IN" : " NOT IN") + " (SELECT id FROM " + (onNetworks ? "networks" : table.name) +
                          " WHERE shared UNION ALL SELECT object FROM rbac_policies WHERE target = ? AND action = "
                          "'access_as_shared')",
                      {caller.project});
    return true;
}

void tellSharing(Target& target, const Sharing& sharing) {
    target["shared"] = sharing.withAll ? "True" : "False";
    if (!sharing.with.empty()) target["shared_with"] = sharing.with;
}

Target ownedAndShared(const std::string& project, const Sharing& sharing) {
    auto target = ownedBy(project);
    tellSharing(target, sharing);
    return target;
}

void showShared(JsonWriter& out, const Sharing& sharing, const http::Request& request) {
    if (resource::Fields(request.query).wants("shared"))
        out.field("shared", sharing.to(identity::callerOf(request).project.text));
}

void followPolicies(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object) {
    followColumns(tx, kind, object);
    if (kind.type == "network") core.changed(tx, object);
}

void share(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object,
           const std::string& project, std::string_view action, std::string_view target) {
    tx.execute("INSERT OR IGNORE INTO rbac_policies (id, project, object_type, object, action, target, created) VALUES "
               "(?, ?, ?, ?, ?, ?, ?)",
               core.uuid(), project, kind.type, object, action, target, core.now());
    followPolicies(core, tx, kind, object);
}

void withdraw(Core& core, store::Transaction& tx, const Shareable& kind, const std::string& object,
              std::string_view action, std::string_view target) {
    tx.execute("DELETE FROM rbac_policies WHERE object = ? AND action = ? AND target = ?", object, action, target);
    checkUsersAreServed(tx, kind, object, action);
    followPolicies(core, tx, kind, object);
}

void checkUsersAreServed(store::Reader& db, const Shareable& kind, const std::string& object, std::string_view action) {
    const auto users = action == accessExternal ? externalUsers : kind.users;
    if (users.empty()) return;
    const auto sql = "SELECT u.project FROM (" + std::string(users) +
                     ") u WHERE u.project <> '' AND u.project <> "
                     "(SELECT project FROM " +
                     std::string(kind.table) +
                     " WHERE id = ?1) AND NOT EXISTS (SELECT 1 FROM rbac_policies b WHERE b.object = ?1 AND b.action = "
                     "?2 AND b.target IN ('*', u.project)) LIMIT 1";
    if (db.query(sql, object, action).any())
        throw Error(Failure::Conflict, "RBAC policy on object ", object,
                    " cannot be removed because other objects depend on it.")
            .as("RbacPolicyInUse");
}

void followShared(Core& core, store::Transaction& tx, std::string_view type, const std::string& object,
                  const std::string& project, bool before, bool after, std::string_view action) {
    if (before == after) return;
    const auto& kind = *shareableNamed(type);
    after ? share(core, tx, kind, object, project, action) : withdraw(core, tx, kind, object, action, everybody);
}

}
