#include "identity/credential/trust.hpp"

namespace stratolet::identity::trust_table {
namespace {

constexpr std::string_view select =
    "SELECT id, trustor_id, trustee_id, project_id, impersonation, expires, remaining_uses, "
    "redelegation_count, parent_id, credential_id, extra FROM trusts";

Trust fromRow(const store::Row& row) {
    return {row.id<TrustId>(0),  row.id<UserId>(1),
            row.id<UserId>(2),   row.id<ProjectId>(3),
            row.boolean(4),      row.maybeTime(5),
            row.maybeInteger(6), row.integer(7),
            row.id<TrustId>(8),  row.id<ApplicationCredentialId>(9),
            row.text(10),        {}};
}

Trust whole(store::Reader& db, Trust trust) {
    trust.roles = db.query("SELECT role_id FROM trust_roles WHERE trust_id = ? ORDER BY role_id", trust.id)
                      .all<RoleId>([](const store::Row& row) { return row.id<RoleId>(0); });
    return trust;
}

template <class AnId> std::optional<std::string> maybe(const AnId& id) {
    return id.empty() ? std::nullopt : std::optional(id.text);
}

}

std::optional<Trust> find(store::Reader& db, const TrustId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    auto found = db.query(sql, id).maybe<Trust>(fromRow);
    if (!found) return std::nullopt;
    return whole(db, *std::move(found));
}

std::vector<Trust> list(store::Reader& db, const store::Conditions& conditions) {
    auto found = db.run(std::string(select) + conditions.where() + " ORDER BY created, id", conditions.values())
                     .all<Trust>(fromRow);
    for (auto& each : found) each = whole(db, std::move(each));
    return found;
}

void insert(store::Transaction& tx, const Trust& trust, Time now) {
    tx.execute("INSERT INTO trusts (id, trustor_id, trustee_id, project_id, impersonation, expires, remaining_uses, "
               "redelegation_count, "
               "parent_id, credential_id, extra, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               trust.id, trust.trustor, trust.trustee, maybe(trust.project), trust.impersonation, trust.expires,
               trust.remainingUses, trust.redelegationCount, maybe(trust.parent), maybe(trust.credential), trust.extra,
               now);
    for (const auto& each : trust.roles) tx.execute("INSERT OR IGNORE INTO trust_roles VALUES (?, ?)", trust.id, each);
}

void remove(store::Transaction& tx, const TrustId& id) { tx.execute("DELETE FROM trusts WHERE id = ?", id); }

bool use(store::Transaction& tx, const TrustId& id) {
    return tx.execute("UPDATE trusts SET remaining_uses = remaining_uses - 1 WHERE id = ? AND (remaining_uses IS NULL "
                      "OR remaining_uses > 0)",
                      id) == 1;
}

std::vector<RoleId> reachedRoles(store::Reader& db, const TrustId& id) {
    return db
        .query("WITH RECURSIVE reached (id) AS (SELECT role_id FROM trust_roles WHERE trust_id = ? UNION "
               "SELECT implied_id FROM implied_roles JOIN reached ON prior_id = reached.id) SELECT id FROM reached",
               id)
        .all<RoleId>([](const store::Row& row) { return row.id<RoleId>(0); });
}

}
