#include "identity/credential/application_credential.hpp"

namespace stratolet::identity::application_credential_table {
namespace {

constexpr std::string_view select =
    "SELECT id, user_id, project_id, name, description, secret, unrestricted, expires, parent_id, ruled "
    "FROM application_credentials a";

AccessRule ruleFromRow(const store::Row& row) {
    return {row.id<AccessRuleId>(0), row.text(1), row.text(2), row.text(3)};
}

ApplicationCredential fromRow(const store::Row& row) {
    ApplicationCredential credential{row.id<ApplicationCredentialId>(0),
                                     row.id<UserId>(1),
                                     row.id<ProjectId>(2),
                                     row.text(3),
                                     row.maybeText(4),
                                     row.text(5),
                                     row.boolean(6),
                                     row.maybeTime(7),
                                     row.id<ApplicationCredentialId>(8),
                                     {},
                                     {}};
    if (row.boolean(9)) credential.rules.emplace();
    return credential;
}

/// With its roles and rules.
ApplicationCredential whole(store::Reader& db, ApplicationCredential credential) {
    credential.roles =
        db.query("SELECT role_id FROM application_credential_roles WHERE credential_id = ? ORDER BY role_id",
                 credential.id)
            .all<RoleId>([](const store::Row& row) { return row.id<RoleId>(0); });
    if (credential.rules)
        credential.rules = db.query("SELECT id, service, method, path FROM access_rules JOIN "
                                    "application_credential_rules ON rule_id = id "
                                    "WHERE credential_id = ? ORDER BY id",
                                    credential.id)
                               .all<AccessRule>(ruleFromRow);
    return credential;
}

std::optional<ApplicationCredential> maybeWhole(store::Reader& db, std::optional<ApplicationCredential> credential) {
    if (!credential) return std::nullopt;
    return whole(db, *std::move(credential));
}

std::optional<std::string> maybe(const ApplicationCredentialId& id) {
    return id.empty() ? std::nullopt : std::optional(id.text);
}

}

std::optional<ApplicationCredential> find(store::Reader& db, const ApplicationCredentialId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return maybeWhole(db, db.query(sql, id).maybe<ApplicationCredential>(fromRow));
}

std::optional<ApplicationCredential> findByName(store::Reader& db, const UserId& user, const std::string& name) {
    static const std::string sql = std::string(select) + " WHERE user_id = ? AND name = ?";
    return maybeWhole(db, db.query(sql, user, name).maybe<ApplicationCredential>(fromRow));
}

std::vector<ApplicationCredential> list(store::Reader& db, const store::Conditions& conditions) {
    auto found = db.run(std::string(select) + conditions.where() + " ORDER BY created, id", conditions.values())
                     .all<ApplicationCredential>(fromRow);
    for (auto& each : found) each = whole(db, std::move(each));
    return found;
}

void insert(store::Transaction& tx, const ApplicationCredential& credential, Time now) {
    tx.execute("INSERT INTO application_credentials (id, user_id, project_id, name, description, secret, unrestricted, "
               "ruled, expires, "
               "parent_id, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               credential.id, credential.user, credential.project, credential.name, credential.description,
               credential.secret, credential.unrestricted, credential.rules.has_value(), credential.expires,
               maybe(credential.parent), now);
    for (const auto& each : credential.roles)
        tx.execute("INSERT OR IGNORE INTO application_credential_roles VALUES (?, ?)", credential.id, each);
    if (credential.rules)
        for (const auto& each : *credential.rules)
            tx.execute("INSERT OR IGNORE INTO application_credential_rules VALUES (?, ?)", credential.id, each.id);
}

void remove(store::Transaction& tx, const ApplicationCredentialId& id) {
    tx.execute("DELETE FROM application_credentials WHERE id = ?", id);
}

std::vector<RoleId> reachedRoles(store::Reader& db, const ApplicationCredentialId& id) {
    return db
        .query("WITH RECURSIVE reached (id) AS (SELECT role_id FROM application_credential_roles WHERE credential_id = "
               "? UNION "
               "SELECT implied_id FROM implied_roles JOIN reached ON prior_id = reached.id) SELECT id FROM reached",
               id)
        .all<RoleId>([](const store::Row& row) { return row.id<RoleId>(0); });
}

std::optional<AccessRule> findRule(store::Reader& db, const UserId& user, const AccessRuleId& id) {
    return db.query("SELECT id, service, method, path FROM access_rules WHERE user_id = ? AND id = ?", user, id)
        .maybe<AccessRule>(ruleFromRow);
}

std::optional<AccessRule> findRule(store::Reader& db, const UserId& user, const AccessRule& like) {
    return db
        .query("SELECT id, service, method, path FROM access_rules WHERE user_id = ? AND service = ? AND method = ? "
               "AND path = ?",
               user, like.service, like.method, like.path)
        .maybe<AccessRule>(ruleFromRow);
}

std::vector<AccessRule> rules(store::Reader& db, const store::Conditions& conditions) {
    return db
        .run("SELECT id, service, method, path FROM access_rules a" + conditions.where() + " ORDER BY id",
             conditions.values())
        .all<AccessRule>(ruleFromRow);
}

void insertRule(store::Transaction& tx, const UserId& user, const AccessRule& rule) {
    tx.execute("INSERT INTO access_rules VALUES (?, ?, ?, ?, ?)", rule.id, user, rule.service, rule.method, rule.path);
}

bool ruleIsUsed(store::Reader& db, const AccessRuleId& id) {
    return db.query("SELECT 1 FROM application_credential_rules WHERE rule_id = ?", id).any();
}

void removeRule(store::Transaction& tx, const AccessRuleId& id) {
    tx.execute("DELETE FROM access_rules WHERE id = ?", id);
}

}
