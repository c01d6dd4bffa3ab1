#include "identity/directory/group.hpp"
#include "identity/noun.hpp"
#include "identity/organisation/role.hpp"

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

Assignment::Scope scopeOf(const std::string& name) {
    return name == "project"  ? Assignment::Scope::Project
           : name == "domain" ? Assignment::Scope::Domain
                              : Assignment::Scope::System;
}

// Who acts where a user does: the user, and the groups they are in. To be bound: the user three times, and the time.
const std::string actors = "actors (id) AS (SELECT ? UNION ALL " + std::string(group_table::groupsOfUser) + ")";

}

std::optional<Role> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    return findNamed(db, roleTable, domain, name);
}

std::vector<Role> list(store::Reader& db, const store::Conditions& conditions) {
    return roleTable.list(db, conditions, " ORDER BY r.name, r.id");
}

std::vector<Role> grantedLike(store::Reader& db, const Assignment& grant) {
    store::Conditions granted;
    granted.add(
        "id IN (SELECT role_id FROM assignments WHERE actor_id = ? AND scope = ? AND target_id = ? AND inherited = ?)",
        grant.actorId, nameOf(grant.scope), grant.target, grant.inherited);
    return list(db, granted);
}

std::vector<Role> priors(store::Reader& db) {
    store::Conditions implying;
    implying.add("id IN (SELECT prior_id FROM implied_roles)");
    return list(db, implying);
}

std::vector<Role> impliedBy(store::Reader& db, const RoleId& prior) {
    return roleTable.where(db, "WHERE id IN (SELECT implied_id FROM implied_roles WHERE prior_id = ?) ORDER BY name",
                           prior);
}

bool implies(store::Reader& db, const RoleId& prior, const RoleId& implied) {
    return db.query("SELECT 1 FROM implied_roles WHERE prior_id = ? AND implied_id = ?", prior, implied).any();
}

bool leadsTo(store::Reader& db, const RoleId& prior, const RoleId& implied) {
    return db
        .query("WITH RECURSIVE reached (id) AS (SELECT ? UNION SELECT implied_id FROM implied_roles JOIN reached ON "
               "prior_id = reached.id) "
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
        .query("SELECT 1 FROM assignments WHERE actor_id = ? AND scope = ? AND target_id = ? AND role_id = ? AND "
               "inherited = ?",
               assignment.actorId, nameOf(assignment.scope), assignment.target, assignment.role, assignment.inherited)
        .any();
}

void add(store::Transaction& tx, const Assignment& assignment) {
    tx.execute("INSERT OR IGNORE INTO assignments (actor_id, actor, scope, target_id, role_id, inherited) VALUES (?, "
               "?, ?, ?, ?, ?)",
               assignment.actorId, nameOf(assignment.actor), nameOf(assignment.scope), assignment.target,
               assignment.role, assignment.inherited);
}

bool remove(store::Transaction& tx, const Assignment& assignment) {
    return tx.execute("DELETE FROM assignments WHERE actor_id = ? AND scope = ? AND target_id = ? AND role_id = ? AND "
                      "inherited = ?",
                      assignment.actorId, nameOf(assignment.scope), assignment.target, assignment.role,
                      assignment.inherited) == 1;
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

std::vector<Role> effective(store::Reader& db, const UserId& user, Assignment::Scope scope, const std::string& target,
                            Time now) {
    // CROSS JOIN keeps the order of the loops: from the few actors and ancestors into the assignments' key. UNION ends
    // the last step even where implications go round.
    static const std::string sql =
        "WHERE r.id IN (WITH RECURSIVE " + actors +
        ", above (id) AS (SELECT parent_id FROM projects WHERE id = ? AND ? = 'project' AND parent_id IS NOT NULL "
        "UNION ALL SELECT parent_id FROM above JOIN projects ON projects.id = above.id WHERE parent_id IS NOT NULL), "
        "reached (id) AS ("
        "SELECT role_id FROM actors CROSS JOIN assignments WHERE actor_id = actors.id AND scope = ? AND target_id = ? "
        "AND inherited = 0 "
        "UNION SELECT role_id FROM actors CROSS JOIN above CROSS JOIN assignments WHERE actor_id = actors.id AND scope "
        "IN ('project', "
        "'domain') AND target_id = above.id AND inherited = 1 "
        "UNION SELECT implied_id FROM reached JOIN implied_roles ON prior_id = reached.id) SELECT id FROM reached) "
        "AND r.domain_id = '' ORDER BY r.name";
    return roleTable.where(db, sql, user, user, user, now, target, nameOf(scope), nameOf(scope), target);
}

void onlyThoseWithRole(store::Conditions& conditions, const UserId& user, Assignment::Scope scope, Time now) {
    static const std::string direct =
        "id IN (WITH " + actors +
        " SELECT target_id FROM actors CROSS JOIN assignments WHERE actor_id = actors.id AND scope = ? AND "
        "inherited = 0)";
    static const std::string below = "id IN (WITH RECURSIVE " + actors +
                                     ", below (id) AS (SELECT projects.id FROM actors CROSS JOIN assignments CROSS "
                                     "JOIN projects WHERE actor_id = actors.id AND "
                                     "inherited "
                                     "= 1 AND parent_id = target_id UNION SELECT projects.id FROM below JOIN projects "
                                     "ON parent_id = below.id) SELECT id FROM below)";
    if (scope == Assignment::Scope::Project)
        conditions.add(direct + " OR " + below, user, user, user, now, nameOf(scope), user, user, user, now);
    else
        conditions.add(direct, user, user, user, now, nameOf(scope));
}

}
}
