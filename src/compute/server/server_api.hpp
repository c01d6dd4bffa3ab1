#pragma once

#include "compute/api.hpp"
#include "compute/core.hpp"

namespace stratolet::compute {

/// All routes below /servers.
void addServerRoutes(http::Routes& routes, Core& core);

/// POST /servers.
http::Response createServer(Call& call, Core& core);

/// POST /servers/{id}/action.
void addServerActionRoutes(http::Routes& routes, Core& core);

}
