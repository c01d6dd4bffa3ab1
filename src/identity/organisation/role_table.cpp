#include "identity/organisation/role.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {

std::string_view nameOf(Assignment::Scope scope) {
    switch (scope) {
    case Assignment::Scope::Project: return "project";
    case Assignment::Scope::Domain: return "domain";
    case Assignment::Scope::System: return "system";
    }
    std::abort();
}

std::string_view nameOf(Assignment::Actor actor) { return actor == Assignment::Actor::User ? "user" : "group"; }

namespace role_table {
namespace {

constexpr std::string_view select = "SELECT id, name, domain_id, description, options, extra FROM roles";

Role fromRow(const store::Row& row) {
    return {row.id<RoleId>(0), row.text(1), row.id<DomainId>(2), row.maybeText(3), row.text(4), row.text(5)};
}

Assignment::Scope scopeOf(const std::string& name) {
    return name == "project" ? Assignment::Scope::Project : name == "domain" ? Assignment::Scope::Domain : Assignment::Scope::System;
}

// Who acts where a user does: the user, and the groups they are in. To be bound: the user three times, and the time.
constexpr std::string_view actors = "actors (id) AS (SELECT ? UNION ALL SELECT group_id FROM group_members WHERE user_id = ? UNION ALL "
                                    "SELECT group_id FROM federated_members WHERE user_id = ? AND expires > ?)";

}

std::optional<Role> find(store::Reader& db, const RoleId& id) {
    static const std::string sql = std::string(select) + " WHERE id = ?";
    return db.query(sql, id).maybe<Role>(fromRow);
}

std::optional<Role> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = std::string(select) + " WHERE domain_id = ? AND name_key = ? ORDER BY name = ? DESC, id LIMIT 1";
    return db.query(sql, domain, foldedName(name), name).maybe<Role>(fromRow);
}

std::vector<Role> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<Role>(fromRow);
}

void insert(store::Transaction& tx, const Role& role) {
    tx.execute("INSERT INTO roles (id, name, domain_id, description, options, extra, name_key) VALUES (?, ?, ?, ?, ?, ?, ?)", role.id,
               role.name, role.domain, role.description, role.options, role.extra, foldedName(role.name));
}

void update(store::Transaction& tx, const Role& role) {
    tx.execute("UPDATE roles SET name = ?, name_key = ?, description = ?, options = ?, extra = ? WHERE id = ?", role.name,
               foldedName(role.name), role.description, role.options, role.extra, role.id);
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
    tx.execute("INSERT INTO implied_roles VALUES (?, ?)", prior, implied);
}

bool removeImplication(store::Transaction& tx, const RoleId& prior, const RoleId& implied) {
    return tx.execute("DELETE FROM implied_roles WHERE prior_id = ? AND implied_id = ?", prior, implied) == 1;
}

bool has(store::Reader& db, const Assignment& assignment) {
    return db
        .query("SELECT 1 FROM assignments WHERE actor_id = ? AND scope = ? AND target_id = ? AND role_id = ? AND inherited = ?",
               assignment.actorId, nameOf(assignment.scope), assignment.target, assignment.role, assignment.inherited)
        .any();
}

void add(store::Transaction& tx, const Assignment& assignment) {
    tx.execute("INSERT OR IGNORE INTO assignments (actor_id, actor, scope, target_id, role_id, inherited) VALUES (?, ?, ?, ?, ?, ?)",
               assignment.actorId, nameOf(assignment.actor), nameOf(assignment.scope), assignment.target, assignment.role,
               assignment.inherited);
}

bool remove(store::Transaction& tx, const Assignment& assignment) {
    return tx.execute("DELETE FROM assignments WHERE actor_id = ? AND scope = ? AND target_id = ? AND role_id = ? AND inherited = ?",
                      assignment.actorId, nameOf(assignment.scope), assignment.target, assignment.role, assignment.inherited) == 1;
}

std::vector<Assignment> assignments(store::Reader& db, const store::Conditions& conditions) {
    return db
        .run("SELECT actor, actor_id, scope, target_id, role_id, inherited FROM assignments" + conditions.where() +
                 " ORDER BY actor_id, scope, target_id, role_id, inherited",
             conditions.values())
        .all<Assignment>([](const store::Row& row) {
            return Assignment{row.text(0) == "group" ? Assignment::Actor::Group : Assignment::Actor::User,
                              row.text(1),
                              scopeOf(row.text(2)),
                              row.text(3),
                              row.id<RoleId>(4),
                              row.boolean(5)};
        });
}

std::vector<Role> effective(store::Reader& db, const UserId& user, Assignment::Scope scope, const std::string& target, Time now) {
    // CROSS JOIN keeps the order of the loops: from the few actors and ancestors into the assignments' key. UNION ends the last step even
    // where implications go round.
    static const std::string sql =
        "WITH RECURSIVE " + std::string(actors) +
        ", above (id) AS (SELECT parent_id FROM projects WHERE id = ? AND ? = 'project' AND parent_id IS NOT NULL "
        "UNION ALL SELECT parent_id FROM above JOIN projects ON projects.id = above.id WHERE parent_id IS NOT NULL), "
        "reached (id) AS ("
        "SELECT role_id FROM actors CROSS JOIN assignments WHERE actor_id = actors.id AND scope = ? AND target_id = ? AND inherited = 0 "
        "UNION SELECT role_id FROM actors CROSS JOIN above CROSS JOIN assignments WHERE actor_id = actors.id AND scope IN ('project', "
        "'domain') AND target_id = above.id AND inherited = 1 "
        "UNION SELECT implied_id FROM reached JOIN implied_roles ON prior_id = reached.id) " +
        std::string(select) + " WHERE id IN reached AND domain_id = '' ORDER BY name";
    return db.query(sql, user, user, user, now, target, nameOf(scope), nameOf(scope), target).all<Role>(fromRow);
}

void onlyThoseWithRole(store::Conditions& conditions, const UserId& user, Assignment::Scope scope, Time now) {
    static const std::string direct = "id IN (WITH " + std::string(actors) +
                                      " SELECT target_id FROM actors CROSS JOIN assignments WHERE actor_id = actors.id AND scope = ? AND "
                                      "inherited = 0)";
    static const std::string below =
        "id IN (WITH RECURSIVE " + std::string(actors) +
        ", below (id) AS (SELECT projects.id FROM actors CROSS JOIN assignments CROSS JOIN projects WHERE actor_id = actors.id AND "
        "inherited "
        "= 1 AND parent_id = target_id UNION SELECT projects.id FROM below JOIN projects ON parent_id = below.id) SELECT id FROM below)";
    if (scope == Assignment::Scope::Project)
        conditions.add(direct + " OR " + below, user, user, user, now, nameOf(scope), user, user, user, now);
    else
        conditions.add(direct, user, user, user, now, nameOf(scope));
}

}
}
