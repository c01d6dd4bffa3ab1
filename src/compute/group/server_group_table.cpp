#include "compute/group/server_group_table.hpp"

#include <stratolet/error.hpp>

#include "platform/store/many.hpp"

namespace stratolet::compute::server_group_table {
namespace {

constexpr std::string_view columns =
    "SELECT id, project, user, name, policy, per_host, created FROM compute_server_groups ";

ServerGroup fromRow(const store::Row& row) {
    const auto policy = groupPolicyOf(row.text(4));
    if (!policy) throw Error(Failure::Broken, "a server group's row has the policy '", row.text(4), "'");
    return {.id = row.id<ServerGroupId>(0),
            .project = row.id<ProjectId>(1),
            .user = row.id<UserId>(2),
            .name = row.text(3),
            .policy = *policy,
            .perHost = row.maybeInteger(5),
            .created = row.time(6)};
}

void addMembers(store::Reader& db, std::vector<ServerGroup>& groups) {
    std::vector<std::string> ids;
    for (const auto& each : groups) ids.push_back(each.id.text);
    auto members = store::many<std::string>(
        db,
        "SELECT m.server_group, m.server FROM json_each(?) w JOIN compute_server_group_members m "
        "ON m.server_group = w.value ORDER BY m.server",
        ids, [](const store::Row& row) { return row.text(1); });
    for (auto& each : groups) each.members = store::takeOf(members, each.id.text);
}

}

std::optional<ServerGroup> find(store::Reader& db, const ServerGroupId& id) {
    auto found = db.query(std::string(columns) + "WHERE id = ?", id).all<ServerGroup>(fromRow);
    if (found.empty()) return std::nullopt;
    addMembers(db, found);
    return std::move(found.front());
}

std::vector<ServerGroup> list(store::Reader& db, const ServerGroupQuery& query) {
    store::Conditions where;
    if (query.project) where.add("project = ?", *query.project);
    auto found = db.run(std::string(columns) + where.where() + " ORDER BY created, id LIMIT " +
                            std::to_string(query.limit) + " OFFSET " + std::to_string(query.offset),
                        where.values())
                     .all<ServerGroup>(fromRow);
    addMembers(db, found);
    return found;
}

std::int64_t count(store::Reader& db, const ProjectId& project, const std::optional<UserId>& user) {
    return db
        .query("SELECT count(*) FROM compute_server_groups WHERE project = ?1 AND (?2 IS NULL OR user = ?2)", project,
               user)
        .integer();
}

std::int64_t membersOf(store::Reader& db, const ServerGroupId& id) {
    return db.query("SELECT count(*) FROM compute_server_group_members WHERE server_group = ?", id).integer();
}

void insert(store::Transaction& tx, const ServerGroup& group) {
    tx.execute("INSERT INTO compute_server_groups (id, project, user, name, policy, per_host, created) "
               "VALUES (?, ?, ?, ?, ?, ?, ?)",
               group.id, group.project, group.user, group.name, nameOf(group.policy), group.perHost, group.created);
}

void remove(store::Transaction& tx, const ServerGroupId& id) {
    tx.execute("DELETE FROM compute_server_group_members WHERE server_group = ?", id);
    tx.execute("DELETE FROM compute_server_groups WHERE id = ?", id);
}

void join(store::Transaction& tx, const ServerId& server, const ServerGroupId& group) {
    tx.execute("INSERT INTO compute_server_group_members (server, server_group) VALUES (?, ?)", server, group);
}

std::optional<ServerGroupId> groupOf(store::Reader& db, const ServerId& server) {
    const auto id =
        db.query("SELECT server_group FROM compute_server_group_members WHERE server = ?", server).maybeText();
    if (!id) return std::nullopt;
    return ServerGroupId{*id};
}

std::map<std::string, std::int64_t> hostsOf(store::Reader& db, const ServerGroupId& id, const ServerId& without) {
    std::map<std::string, std::int64_t> found;
    auto rows =
        db.query("SELECT s.host, count(*) FROM compute_server_group_members m "
                 "JOIN compute_servers s ON s.id = m.server "
                 "WHERE m.server_group = ? AND s.id <> ? AND s.host <> '' AND s.deleted IS NULL GROUP BY s.host",
                 id, without);
    while (rows.next()) found[rows.row().text(0)] = rows.row().integer(1);
    return found;
}

}
