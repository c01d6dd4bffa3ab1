#pragma once

#include <stratolet/ids.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/core.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// Migrations: a server that goes, or went, to another host or another flavor. Whoever makes it go writes the row in the
// transactions that change the server; the API only reads.

namespace stratolet::compute {

/// As it is kept. The words of `kind` and `status` are the API's.
struct Migration {
    std::int64_t number = 0;
    std::string id; ///< a UUID
    ServerId server;
    std::string kind;                ///< "resize", "migration", "live-migration", "evacuation"
    std::string status;              ///< "migrating", "finished", "confirmed", "reverted", "error", "running", …
    std::string source, destination; ///< hosts
    FlavorId oldFlavor, newFlavor;
    UserId user; ///< who asked for it
    ProjectId project;
    Time created, updated;
};

/// Which migrations a list has, newest first.
struct MigrationQuery {
    std::optional<std::string> server = {}, status = {}, kind = {}, source = {}, user = {}, project = {};
    std::optional<std::string> host = {}; ///< either of both
    std::optional<Time> changedSince = {}, changedBefore = {};
    std::optional<std::string> marker = {}; ///< the id of the last one of the page before
    std::int64_t limit = 1000;
};

/// SQL of migrations, and nothing else.
struct MigrationTable {
    static void insert(store::Transaction& tx, const Migration& migration); ///< `number` is the store's to give
    static void setStatus(store::Transaction& tx, const std::string& id, std::string_view status, Time now);
    /// Whether the server was made anew elsewhere because that host was down.
    static bool evacuatedFrom(store::Reader& db, const ServerId& server, const std::string& host);
    static std::vector<Migration> list(store::Reader& db,
                                       const MigrationQuery& query); ///< Error(Invalid) where the marker isn't there
};

/// /os-migrations and /servers/{id}/migrations.
void addMigrationRoutes(http::Routes& routes, Core& core);

}
