#include "compute/action/action.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

std::optional<std::string> orNull(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

const std::string columns = "SELECT number, server, action, event, request, user, project, host, started, updated, "
                            "finished, result, message, details FROM compute_server_actions";

ServerAction fromRow(const store::Row& row) {
    return {row.integer(0),    row.id<ServerId>(1),  row.text(2),       row.text(3),      row.text(4),
            row.id<UserId>(5), row.id<ProjectId>(6), row.text(7),       row.time(8),      row.time(9),
            row.maybeTime(10), row.maybeText(11),    row.maybeText(12), row.maybeText(13)};
}

}

Asker askerOf(const identity::Caller& caller) {
    return {.request = caller.requestId, .user = caller.user, .project = caller.project};
}

Asker ownAsker(Core& core, const Server& server) {
    return {.request = "req-" + core.parts.ambient.uuid(), .user = server.user, .project = server.project};
}

std::int64_t ActionTable::begin(store::Transaction& tx, const ServerAction& action) {
    tx.execute("INSERT INTO compute_server_actions (server, action, event, request, user, project, host, started, "
               "updated) VALUES (?, ?, "
               "?, ?, ?, ?, ?, ?, ?)",
               action.server, action.action, action.event, action.request, action.user, action.project, action.host,
               action.started, action.started);
    return tx.query("SELECT last_insert_rowid()").integer();
}

void ActionTable::end(store::Transaction& tx, std::int64_t number, bool success, const std::string& message,
                      const std::string& details, Time now) {
    tx.execute("UPDATE compute_server_actions SET finished = ?, updated = ?, result = ?, message = ?, details = ? "
               "WHERE number = ?",
               now, now, success ? "Success" : "Error", orNull(message), orNull(details), number);
}

void ActionTable::setSteps(store::Transaction& tx, std::int64_t number, const std::vector<jobs::Stage>& stages,
                           std::int64_t first) {
    std::int64_t position = first;
    for (const auto& each : stages)
        tx.execute("INSERT OR REPLACE INTO compute_action_events (action, position, step, started, finished, details) "
                   "VALUES (?, ?, ?, ?, ?, ?)",
                   number, position++, each.step, each.began, each.ended, orNull(each.error));
}

std::vector<ActionStep> ActionTable::stepsOf(store::Reader& db, std::int64_t number) {
    return db
        .query("SELECT step, started, finished, details FROM compute_action_events WHERE action = ? ORDER BY position",
               number)
        .all<ActionStep>([](const store::Row& row) {
            return ActionStep{row.text(0), row.time(1), row.maybeTime(2), row.maybeText(3)};
        });
}

std::vector<ServerAction> ActionTable::list(store::Reader& db, const ActionQuery& query) {
    store::Conditions where;
    where.add("server = ?", query.server);
    if (query.changedSince) where.add("updated >= ?", *query.changedSince);
    if (query.changedBefore) where.add("updated <= ?", *query.changedBefore);
    if (query.marker) {
        const auto last = find(db, query.server, *query.marker);
        if (!last) throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        where.add("(started, number) < (?, ?)", last->started, last->number);
    }
    auto values = where.values();
    values.emplace_back(query.limit);
    return db.run(columns + where.where() + " ORDER BY started DESC, number DESC LIMIT ?", values)
        .all<ServerAction>(fromRow);
}

std::optional<ServerAction> ActionTable::find(store::Reader& db, const ServerId& id, const std::string& request) {
    return db.query(columns + " WHERE server = ? AND request = ? ORDER BY number DESC LIMIT 1", id, request)
        .maybe<ServerAction>(fromRow);
}

std::int64_t beginAction(store::Transaction& tx, const Server& server, const Asker& asker, std::string_view action,
                         std::string_view event, Time now) {
    ServerAction begun;
    begun.server = server.id;
    begun.action = action;
    begun.event = event;
    begun.request = asker.request;
    begun.user = asker.user;
    begun.project = asker.project;
    begun.host = server.host;
    begun.started = begun.updated = now;
    return ActionTable::begin(tx, begun);
}

std::string payloadOf(std::int64_t action, const std::string& more) {
    return "{\"action\":" + std::to_string(action) + (more.empty() ? "" : "," + more) + "}";
}

}
