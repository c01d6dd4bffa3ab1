#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/core.hpp"
#include "identity/wire.hpp"
#include "platform/http/http.hpp"

namespace stratolet::identity {

/// A kind of thing that is one row of one table and is shown as it stands there: a region, an endpoint, a limit.
struct RecordKind {
    std::string name;       ///< "region": the key of an answer, and the end of the rules' names
    std::string collection; ///< "regions"
    std::string path;       ///< below /v3: "regions", "OS-OAUTH1/consumers"
    std::string table;      ///< what a condition and a marker look at
    std::string select;     ///< "SELECT id, … FROM …": the first column is the id
    std::vector<Filter> filters;
    void (*write)(JsonWriter& out, const http::Request& request, const store::Row& row);
    Absence changesTold = Absence::ToWhoMay; ///< of who would change or delete one that isn't there
    Absence readsTold = Absence::ToWhoMay;   ///< of who would see it
};

Error notFound(const RecordKind& kind, const std::string& id);

/// Asks the route's rule about the one in the path ("id") that is to be changed; Error(NotFound) where there is none.
void demandToChange(const http::Request& request, const RecordKind& kind, Core& core);

/// {"<name>": …} of the one with this id; Error(NotFound) where there is none.
http::Response recordAnswer(const http::Request& request, int status, const RecordKind& kind, const std::string& id, Core& core);

/// A page of those that meet `conditions` and the query's filters, as {"<collection>": […]}.
http::Response recordList(const http::Request& request, const RecordKind& kind, store::Conditions conditions, Core& core);

/// The routes that list and show, each with the rule identity:list_… or identity:get_….
void addReadingRoutes(http::Routes& routes, const RecordKind& kind, Core& core);

/// The route that deletes; `before` may refuse, in the same transaction.
void addDeletingRoute(http::Routes& routes, const RecordKind& kind, Core& core,
                      std::function<void(store::Transaction& tx, const std::string& id)> before = {});

}
