#include <stratolet/error.hpp>

#include "compute/migration/migration.hpp"

namespace stratolet::compute {
namespace {

Migration fromRow(const store::Row& row) {
    return {.number = row.integer(0),
            .id = row.text(1),
            .server = row.id<ServerId>(2),
            .kind = row.text(3),
            .status = row.text(4),
            .source = row.text(5),
            .destination = row.text(6),
            .oldFlavor = row.id<FlavorId>(7),
            .newFlavor = row.id<FlavorId>(8),
            .user = row.id<UserId>(9),
            .project = row.id<ProjectId>(10),
            .created = row.time(11),
            .updated = row.time(12)};
}

store::Conditions conditionsOf(const MigrationQuery& query) {
    store::Conditions where;
    if (query.server) where.add("server = ?", *query.server);
    if (query.status) where.add("status = ?", *query.status);
    if (query.kind) where.add("kind = ?", *query.kind);
    if (query.source) where.add("source = ?", *query.source);
    if (query.host) where.add("(source = ? OR destination = ?)", *query.host, *query.host);
    if (query.user) where.add("user = ?", *query.user);
    if (query.project) where.add("project = ?", *query.project);
    if (query.changedSince) where.add("updated >= ?", *query.changedSince);
    if (query.changedBefore) where.add("updated <= ?", *query.changedBefore);
    return where;
}

}

bool MigrationTable::evacuatedFrom(store::Reader& db, const ServerId& server, const std::string& host) {
    return db
        .query("SELECT 1 FROM compute_migrations WHERE server = ? AND source = ? AND kind = 'evacuation' AND status = "
               "'done'",
               server, host)
        .any();
}

void MigrationTable::insert(store::Transaction& tx, const Migration& migration) {
    tx.execute("INSERT INTO compute_migrations (id, server, kind, status, source, destination, old_flavor, new_flavor, "
               "user, project, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               migration.id, migration.server, migration.kind, migration.status, migration.source,
               migration.destination, migration.oldFlavor, migration.newFlavor, migration.user, migration.project,
               migration.created, migration.updated);
}

void MigrationTable::setStatus(store::Transaction& tx, const std::string& id, std::string_view status, Time now) {
    tx.execute("UPDATE compute_migrations SET status = ?, updated = ? WHERE id = ?", status, now, id);
}

std::vector<Migration> MigrationTable::list(store::Reader& db, const MigrationQuery& query) {
    auto where = conditionsOf(query);
    if (query.marker) {
        if (!db.query("SELECT 1 FROM compute_migrations WHERE id = ?", *query.marker).any())
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        where.add("(created, number) < (SELECT created, number FROM compute_migrations WHERE id = ?)", *query.marker);
    }
    auto values = where.values();
    values.emplace_back(query.limit);
    // What has changed of late is little: found by that, and put in order, rather than looked for in the list's order.
    const std::string order = query.changedSince ? " ORDER BY +created DESC" : " ORDER BY created DESC";
    return db
        .run("SELECT number, id, server, kind, status, source, destination, old_flavor, new_flavor, user, project, "
             "created, updated FROM compute_migrations" +
                 where.where() + order + ", number DESC LIMIT ?",
             values)
        .all<Migration>(fromRow);
}

}
