#include "identity/noun.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity::project_table {
namespace {

void replaceTags(store::Transaction& tx, const Project& project) {
    tx.execute("DELETE FROM project_tags WHERE project_id = ?", project.id);
    for (const auto& each : project.tags) tx.execute("INSERT INTO project_tags VALUES (?, ?)", project.id, each);
}

}

std::optional<Project> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    return findNamed(db, projectTable, domain, name, " AND is_domain = 0");
}

std::optional<Project> findDomainByName(store::Reader& db, const std::string& name) {
    auto found = projectTable.where(db, "WHERE name_key = ? AND is_domain = 1 ORDER BY name = ? DESC, id LIMIT 1",
                                    foldedName(name), name);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<Project> list(store::Reader& db, const store::Conditions& conditions) {
    return projectTable.list(db, conditions, " ORDER BY p.created, p.id");
}

void insert(store::Transaction& tx, Project project, Time now) {
    project.created = now;
    projectTable.insert(tx, project);
    replaceTags(tx, project);
}

void update(store::Transaction& tx, const Project& project) {
    projectTable.update(tx, project);
    replaceTags(tx, project);
}

void remove(store::Transaction& tx, const ProjectId& id) {
    tx.execute("UPDATE users SET default_project_id = NULL WHERE default_project_id = ?", id);
    tx.execute("DELETE FROM projects WHERE id = ?", id);
}

std::vector<ProjectId> children(store::Reader& db, const ProjectId& id) {
    return db.query("SELECT id FROM projects WHERE parent_id = ? ORDER BY id", id)
        .all<ProjectId>([](const store::Row& row) { return row.id<ProjectId>(0); });
}

std::vector<Project> above(store::Reader& db, const ProjectId& id, const UserId& user, Time now) {
    std::vector<Project> found;
    for (auto project = projectTable.find(db, id); project && !project->parent.empty();) {
        project = projectTable.find(db, project->parent);
        store::Conditions visible;
        visible.add("id = ?", project ? project->id : ProjectId());
        role_table::onlyThoseWithRole(visible, user, Assignment::Scope::Project, now);
        if (!list(db, visible).empty()) found.push_back(*project);
    }
    return found;
}

std::vector<Project> below(store::Reader& db, const ProjectId& id, const UserId& user, Time now) {
    store::Conditions visible;
    visible.add("id IN (WITH RECURSIVE below (id) AS (SELECT id FROM projects WHERE parent_id = ? UNION SELECT "
                "projects.id FROM below JOIN "
                "projects ON parent_id = below.id) SELECT id FROM below)",
                id);
    role_table::onlyThoseWithRole(visible, user, Assignment::Scope::Project, now);
    return list(db, visible);
}

void filterByTags(store::Conditions& conditions, const http::Query& query) {
    const auto apply = [&](std::string_view parameter, std::string_view comparison, bool all) {
        const auto wanted = query.find(parameter);
        if (!wanted) return;
        std::set<std::string> tags;
        for (const auto tag : split(*wanted, ',')) tags.emplace(tag);
        if (tags.size() > tagsMax)
            throw Error(Failure::Invalid, "Invalid input for query parameter ", parameter,
                        ": no project has more than ", tagsMax, " tags.");
        store::Conditions named;
        named.in("tag", {tags.begin(), tags.end()});
        conditions.append("(SELECT count(*) FROM project_tags" + named.where() + " AND project_id = p.id) " +
                              std::string(comparison) + (all ? std::to_string(tags.size()) : "0"),
                          named.values());
    };
    apply("tags", "= ", true);
    apply("tags-any", "> ", false);
    apply("not-tags", "< ", true);
    apply("not-tags-any", "= ", false);
}

}
