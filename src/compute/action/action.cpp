#include "compute/action/action.hpp"

namespace stratolet::compute {
namespace {

std::optional<std::string> orNull(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}

Asker askerOf(const identity::Caller& caller) {
    return {.request = caller.requestId, .user = caller.user, .project = caller.project};
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

std::vector<ServerAction> ActionTable::of(store::Reader& db, const ServerId& id) {
    return db
        .query("SELECT number, server, action, event, request, user, project, host, started, updated, finished, "
               "result, message, details "
               "FROM compute_server_actions WHERE server = ? ORDER BY started DESC, number DESC",
               id)
        .all<ServerAction>([](const store::Row& row) {
            return ServerAction{row.integer(0),    row.id<ServerId>(1), row.text(2),          row.text(3),
                                row.text(4),       row.id<UserId>(5),   row.id<ProjectId>(6), row.text(7),
                                row.time(8),       row.time(9),         row.maybeTime(10),    row.maybeText(11),
                                row.maybeText(12), row.maybeText(13)};
        });
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
