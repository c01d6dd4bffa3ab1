#include "identity/role.hpp"

namespace stratolet::identity {

std::string_view nameOf(Assignment::Scope scope) {
    switch (scope) {
    case Assignment::Scope::Project: return "project";
    case Assignment::Scope::Domain: return "domain";
    case Assignment::Scope::System: return "system";
    }
    std::abort();
}

namespace role_table {
namespace {

constexpr std::string_view select = "SELECT id, name, domain_id, description, options, extra FROM roles";

Role fromRow(const store::Row& row) {
    return {row.id<RoleId>(0), row.text(1), row.id<DomainId>(2), row.maybeText(3), row.text(4), row.text(5)};
}

Assignment::Scope scopeOf(const std::string& name) {
    return name == "project" ? Assignment::Scope::Project : name == "domain" ? Assignment::Scope::Domain : Assignment::Scope::System;
}

// All that a set of roles leads to, itself included. UNION ends it even where implications go round.
constexpr std::string_view closure =
    "WITH RECURSIVE reached (id) AS (SELECT role_id FROM assignments WHERE user_id = ? AND scope = ? AND target_id = ? "
    "UNION SELECT implied_id FROM implied_roles JOIN reached ON prior_id = reached.id) ";

}

std::optional<Role> find(store::Reader& db, const RoleId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<Role>(fromRow);
}

std::vector<Role> list(store::Reader& db, const store::Conditions& conditions) {
    return db.run(std::string(select) + conditions.where() + " ORDER BY name, id", conditions.values()).all<Role>(fromRow);
}

void insert(store::Transaction& tx, const Role& role) {
    tx.execute("INSERT INTO roles VALUES (?, ?, ?, ?, ?, ?)", role.id, role.name, role.domain, role.description, role.options, role.extra);
}

void update(store::Transaction& tx, const Role& role) {
    tx.execute("UPDATE roles SET name = ?, description = ?, options = ?, extra = ? WHERE id = ?", role.name, role.description, role.options,
               role.extra, role.id);
}

void remove(store::Transaction& tx, const RoleId& id) { tx.execute("DELETE FROM roles WHERE id = ?", id); }

std::vector<Role> impliedBy(store::Reader& db, const RoleId& prior) {
    static const std::string sql =
        std::string(select) + " WHERE id IN (SELECT implied_id FROM implied_roles WHERE prior_id = ?) ORDER BY name";
    return db.query(sql, prior).all<Role>(fromRow);
}

bool implies(store::Reader& db, const RoleId& prior, const RoleId& implied) {
    return db.query("SELECT 1 FROM implied_roles WHERE prior_id = ? AND implied_id = ?", prior, implied).any();
}

bool leadsTo(store::Reader& db, const RoleId& prior, const RoleId& implied) {
    return db
        .query("WITH RECURSIVE reached (id) AS (SELECT ? UNION SELECT implied_id FROM implied_roles JOIN reached ON prior_id = reached.id) "
               "SELECT 1 FROM reached WHERE id = ?",
               prior, implied)
        .any();
}

void addImplication(store::Transaction& tx, const RoleId& prior, const RoleId& implied) {
    tx.execute("INSERT OR IGNORE INTO implied_roles VALUES (?, ?)", prior, implied);
}

bool removeImplication(store::Transaction& tx, const RoleId& prior, const RoleId& implied) {
    return tx.execute("DELETE FROM implied_roles WHERE prior_id = ? AND implied_id = ?", prior, implied) == 1;
}

bool has(store::Reader& db, const Assignment& assignment) {
    return db
        .query("SELECT 1 FROM assignments WHERE user_id = ? AND scope = ? AND target_id = ? AND role_id = ?", assignment.user,
               nameOf(assignment.scope), assignment.target, assignment.role)
        .any();
}

void add(store::Transaction& tx, const Assignment& assignment) {
    tx.execute("INSERT OR IGNORE INTO assignments VALUES (?, ?, ?, ?)", assignment.user, nameOf(assignment.scope), assignment.target,
               assignment.role);
}

bool remove(store::Transaction& tx, const Assignment& assignment) {
    return tx.execute("DELETE FROM assignments WHERE user_id = ? AND scope = ? AND target_id = ? AND role_id = ?", assignment.user,
                      nameOf(assignment.scope), assignment.target, assignment.role) == 1;
}

std::vector<Assignment> assignments(store::Reader& db, const store::Conditions& conditions) {
    return db
        .run("SELECT user_id, scope, target_id, role_id FROM assignments" + conditions.where() +
                 " ORDER BY user_id, scope, target_id, role_id",
             conditions.values())
        .all<Assignment>([](const store::Row& row) {
            return Assignment{row.id<UserId>(0), scopeOf(row.text(1)), row.text(2), row.id<RoleId>(3)};
        });
}

std::vector<Role> effective(store::Reader& db, const UserId& user, Assignment::Scope scope, const std::string& target) {
    static const std::string sql = std::string(closure) + std::string(select) + " WHERE id IN reached AND domain_id = '' ORDER BY name";
    return db.query(sql, user, nameOf(scope), target).all<Role>(fromRow);
}

}
}
