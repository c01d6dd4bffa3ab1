#include "identity/project.hpp"

namespace stratolet::identity::project_table {
namespace {

constexpr std::string_view select = "SELECT id, name, domain_id, parent_id, is_domain, enabled, description, options, extra FROM projects";

Project fromRow(const store::Row& row) {
    return {row.id<ProjectId>(0), row.text(1), row.id<DomainId>(2), row.id<ProjectId>(3), row.boolean(4),
            row.boolean(5),       row.text(6), row.text(7),         row.text(8)};
}

std::string selectWhere(std::string_view condition) { return std::string(select) + " WHERE " + std::string(condition); }

}

std::optional<Project> find(store::Reader& db, const ProjectId& id) {
    static const std::string sql = selectWhere("id = ?");
    return db.query(sql, id).maybe<Project>(fromRow);
}

std::optional<Project> findByName(store::Reader& db, const DomainId& domain, const std::string& name) {
    static const std::string sql = selectWhere("domain_id = ? AND name = ? AND is_domain = 0");
    return db.query(sql, domain, name).maybe<Project>(fromRow);
}

std::optional<Project> findDomainByName(store::Reader& db, const std::string& name) {
    static const std::string sql = selectWhere("name = ? AND is_domain = 1");
    return db.query(sql, name).maybe<Project>(fromRow);
}

std::vector<Project> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(std::string(select) + conditions.where() + order, conditions.values()).all<Project>(fromRow);
}

void insert(store::Transaction& tx, const Project& project, Time now) {
    tx.execute("INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", project.id, project.name, project.domain,
               project.isDomain ? std::optional<std::string>() : std::optional(project.parent.text), project.isDomain, project.enabled,
               project.description, project.options, project.extra, now);
}

void update(store::Transaction& tx, const Project& project) {
    tx.execute("UPDATE projects SET name = ?, enabled = ?, description = ?, options = ?, extra = ? WHERE id = ?", project.name,
               project.enabled, project.description, project.options, project.extra, project.id);
}

void remove(store::Transaction& tx, const ProjectId& id) { tx.execute("DELETE FROM projects WHERE id = ?", id); }

bool hasChildren(store::Reader& db, const ProjectId& id) { return db.query("SELECT 1 FROM projects WHERE parent_id = ?", id).any(); }

std::vector<std::string> tags(store::Reader& db, const ProjectId& id) {
    return db.query("SELECT tag FROM project_tags WHERE project_id = ? ORDER BY tag", id).texts();
}

void setTags(store::Transaction& tx, const ProjectId& id, const std::vector<std::string>& tags) {
    tx.execute("DELETE FROM project_tags WHERE project_id = ?", id);
    for (const auto& each : tags) tx.execute("INSERT OR IGNORE INTO project_tags VALUES (?, ?)", id, each);
}

}
