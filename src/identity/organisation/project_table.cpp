#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity::project_table {
namespace {

constexpr std::string_view select = "SELECT id, name, domain_id, parent_id, is_domain, enabled, description, options, extra, "
                                    "(SELECT group_concat(tag) FROM project_tags WHERE project_id = projects.id) "
                                    "FROM projects";

/// A tag has no comma in it.
std::set<std::string> tagsIn(const std::optional<std::string>& joined) {
    std::set<std::string> tags;
    if (joined)
        for (const auto each : split(*joined, ',')) tags.emplace(each);
    return tags;
}

void replaceTags(store::Transaction& tx, const Project& project) {
    tx.execute("DELETE FROM project_tags WHERE project_id = ?", project.id);
    for (const auto& each : project.tags) tx.execute("INSERT INTO project_tags VALUES (?, ?)", project.id, each);
}

Project fromRow(const store::Row& row) {
    return {row.id<ProjectId>(0), row.text(1), row.id<DomainId>(2), row.id<ProjectId>(3), row.boolean(4),
            row.boolean(5),       row.text(6), row.text(7),         row.text(8),          tagsIn(row.maybeText(9))};
}

std::string selectWhere(std::string_view condition) { return std::string(select) + " WHERE " + std::string(condition); }

}

std::optional<Project> find(store::Reader& db, const ProjectId& id) {
    static const std::string sql = selectWhere("id = ?");
    return db.query(sql, id).maybe<Project>(fromRow);
}

std::optional<Project> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = selectWhere("domain_id = ? AND name_key = ? AND is_domain = 0 ORDER BY name = ? DESC, id LIMIT 1");
    return db.query(sql, domain, foldedName(name), name).maybe<Project>(fromRow);
}

std::optional<Project> findDomainByName(store::Reader& db, const std::string& name) {
    static const std::string sql = selectWhere("name_key = ? AND is_domain = 1 ORDER BY name = ? DESC, id LIMIT 1");
    return db.query(sql, foldedName(name), name).maybe<Project>(fromRow);
}

std::vector<Project> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<Project>(fromRow);
}

void insert(store::Transaction& tx, const Project& project, Time now) {
    tx.execute("INSERT INTO projects (id, name, domain_id, parent_id, is_domain, enabled, description, options, extra, created, name_key) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               project.id, project.name, project.domain,
               project.isDomain ? std::optional<std::string>() : std::optional(project.parent.text), project.isDomain, project.enabled,
               project.description, project.options, project.extra, now, foldedName(project.name));
    replaceTags(tx, project);
}

void update(store::Transaction& tx, const Project& project) {
    tx.execute("UPDATE projects SET name = ?, name_key = ?, enabled = ?, description = ?, options = ?, extra = ? WHERE id = ?",
               project.name, foldedName(project.name), project.enabled, project.description, project.options, project.extra, project.id);
    replaceTags(tx, project);
}

void remove(store::Transaction& tx, const ProjectId& id) {
    tx.execute("UPDATE users SET default_project_id = NULL WHERE default_project_id = ?", id);
    tx.execute("DELETE FROM projects WHERE id = ?", id);
}

std::vector<ProjectId> children(store::Reader& db, const ProjectId& id) {
    return db.query("SELECT id FROM projects WHERE parent_id = ? ORDER BY id", id).all<ProjectId>([](const store::Row& row) {
        return row.id<ProjectId>(0);
    });
}

std::vector<Project> above(store::Reader& db, const ProjectId& id, const UserId& user, Time now) {
    std::vector<Project> found;
    for (auto project = find(db, id); project && !project->parent.empty();) {
        project = find(db, project->parent);
        store::Conditions visible;
        visible.add("id = ?", project ? project->id : ProjectId());
        role_table::onlyThoseWithRole(visible, user, Assignment::Scope::Project, now);
        if (!list(db, visible).empty()) found.push_back(*project);
    }
    return found;
}

std::vector<Project> below(store::Reader& db, const ProjectId& id, const UserId& user, Time now) {
    store::Conditions visible;
    visible.add("id IN (WITH RECURSIVE below (id) AS (SELECT id FROM projects WHERE parent_id = ? UNION SELECT projects.id FROM below JOIN "
                "projects ON parent_id = below.id) SELECT id FROM below)",
                id);
    role_table::onlyThoseWithRole(visible, user, Assignment::Scope::Project, now);
    return list(db, visible);
}

}
