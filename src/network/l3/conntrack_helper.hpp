#pragma once

#include <string>
#include <vector>

#include "network/core.hpp"
#include "platform/store/many.hpp"

namespace stratolet::network {

/// A protocol whose further connections a router knows to belong to those that it lets through, as it is kept.
struct ConntrackHelper {
    Id<ConntrackHelper> id;
    std::string parent; ///< the router
    std::string protocol;
    int port = 0;
    std::string helper; ///< "ftp"
    Time created;
};

extern const resource::Table<ConntrackHelper> conntrackHelperTable; ///< alias h

/// Of many routers, by their ids, oldest first.
store::ByOwner<ConntrackHelper> helpersOf(store::Reader& db, const Texts& routers);

/// In answers about a router.
void writeHelpers(JsonWriter& out, const std::vector<ConntrackHelper>& all);

void addConntrackHelperRoutes(http::Routes& routes, Core& core);

}
