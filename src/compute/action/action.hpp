#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/ids.hpp>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/store/store.hpp"

// Instance actions: what has been done to a server, by whom, and how it ended. Each begins in the transaction that
// begins the verb, and ends in the one that ends it. They go with their server's row.

namespace stratolet::compute {

/// What was done to a server, and how it ended, as it is kept.
struct ServerAction {
    std::int64_t number = 0;
    ServerId server;
    std::string action, event,
        request; ///< "reboot", "compute_reboot_instance", and the id of the request that asked for it
    UserId user;
    ProjectId project;
    std::string host;
    Time started, updated;
    std::optional<Time> finished;
    std::optional<std::string> result, message, details; ///< "Success" or "Error"; why is for those who run the host
};

/// A part of an action: a step of its job.
struct ActionStep {
    std::string step;
    Time started;
    std::optional<Time> finished;
    std::optional<std::string> details; ///< why it failed
};

/// Which of a server's actions a list has, newest first.
struct ActionQuery {
    ServerId server;
    std::optional<Time> changedSince = {}, changedBefore = {};
    std::optional<std::string> marker = {}; ///< the request of the last one of the page before
    std::int64_t limit = 1000;
};

/// Who wants an action, as it is recorded.
struct Asker {
    std::string request;
    UserId user;
    ProjectId project;
};
Asker askerOf(const identity::Caller& caller);
/// For what nobody asked for: in the name of who made the server.
Asker ownAsker(Core& core, const Server& server);

/// SQL of actions, and nothing else.
struct ActionTable {
    static std::int64_t begin(store::Transaction& tx, const ServerAction& action); ///< its number
    static void end(store::Transaction& tx, std::int64_t number, bool success, const std::string& message,
                    const std::string& details, Time now);
    static void setSteps(store::Transaction& tx, std::int64_t number, const std::vector<jobs::Stage>& stages,
                         std::int64_t first = 0); ///< behind so many that an earlier job of it has set
    static std::vector<ServerAction> list(store::Reader& db,
                                          const ActionQuery& query); ///< Error(Invalid) where the marker isn't there
    static std::optional<ServerAction> find(store::Reader& db, const ServerId& id,
                                            const std::string& request); ///< the last one of that request
    static std::vector<ActionStep> stepsOf(store::Reader& db, std::int64_t number);
};

/// The number of the action that begins with this.
std::int64_t beginAction(store::Transaction& tx, const Server& server, const Asker& asker, std::string_view action,
                         std::string_view event, Time now);

/// What a job of a verb is told: the action to end, and `more` members of a JSON object.
std::string payloadOf(std::int64_t action, const std::string& more = "");

/// GET /servers/{id}/os-instance-actions and one of them.
void addActionRoutes(http::Routes& routes, Core& core);

}
