#include "identity/federation/federation_table.hpp"

#include <stratolet/error.hpp>

#include <string_view>

namespace stratolet::identity::federation_table {
namespace {

constexpr std::string_view selectProtocols =
    "SELECT id, mapping_id, remote_id_attribute FROM federation_protocols WHERE provider_id = ?";

FederationProtocol protocolFrom(const store::Row& row) { return {row.text(0), row.text(1), row.maybeText(2)}; }

}

std::vector<FederationProtocol> protocolsOf(store::Reader& db, const std::string& provider) {
    return db.query(std::string(selectProtocols) + " ORDER BY id", provider).all<FederationProtocol>(protocolFrom);
}

std::optional<FederationProtocol> findProtocol(store::Reader& db, const std::string& provider, const std::string& id) {
    return db.query(std::string(selectProtocols) + " AND id = ?", provider, id).maybe<FederationProtocol>(protocolFrom);
}

std::vector<std::string> protocolsBy(store::Reader& db, const std::string& mapping) {
    return db.query("SELECT provider_id || '/' || id FROM federation_protocols WHERE mapping_id = ?", mapping).texts();
}

bool hasMapping(store::Reader& db, const std::string& id) {
    return db.query("SELECT 1 FROM mappings WHERE id = ?", id).any();
}

bool insertProtocol(store::Transaction& tx, const std::string& provider, const FederationProtocol& protocol) {
    return tx.execute("INSERT OR IGNORE INTO federation_protocols VALUES (?, ?, ?, ?)", provider, protocol.id,
                      protocol.mapping, protocol.remoteIdAttribute) != 0;
}

void updateProtocol(store::Transaction& tx, const std::string& provider, const FederationProtocol& protocol) {
    tx.execute(
        "UPDATE federation_protocols SET mapping_id = ?, remote_id_attribute = ? WHERE provider_id = ? AND id = ?",
        protocol.mapping, protocol.remoteIdAttribute, provider, protocol.id);
}

bool removeProtocol(store::Transaction& tx, const std::string& provider, const std::string& id) {
    return tx.execute("DELETE FROM federation_protocols WHERE provider_id = ? AND id = ?", provider, id) != 0;
}

void setRemoteIds(store::Transaction& tx, const std::string& provider, const std::vector<std::string>& remoteIds) {
    tx.execute("DELETE FROM identity_provider_remote_ids WHERE provider_id = ?", provider);
    for (const auto& each : remoteIds)
        if (tx.execute("INSERT OR IGNORE INTO identity_provider_remote_ids VALUES (?, ?)", each, provider) == 0)
            throw Error(Failure::Conflict,
                        "Conflict occurred attempting to store identity_provider - Duplicate remote ID: ", each, ".");
}

std::vector<std::string> removeIdentities(store::Transaction& tx, const std::string& provider,
                                          const std::optional<std::string>& protocol) {
    store::Conditions theirs;
    theirs.add("provider_id = ?", provider);
    if (protocol) theirs.add("protocol_id = ?", *protocol);
    auto users = tx.run("SELECT DISTINCT user_id FROM federated_users" + theirs.where(), theirs.values()).texts();
    tx.run("DELETE FROM federated_users" + theirs.where(), theirs.values()).next();
    return users;
}

bool isNobody(store::Reader& db, const std::string& user) {
    return db
        .query("SELECT 1 FROM users WHERE id = ? AND password = '' AND NOT EXISTS (SELECT 1 FROM federated_users WHERE "
               "user_id = id)",
               user)
        .any();
}

void removeMemberships(store::Transaction& tx, const std::string& provider, const std::optional<std::string>& user) {
    store::Conditions theirs;
    theirs.add("provider_id = ?", provider);
    if (user) theirs.add("user_id = ?", *user);
    tx.run("DELETE FROM federated_members" + theirs.where(), theirs.values()).next();
}

}
