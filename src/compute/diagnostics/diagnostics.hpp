#pragma once

#include "compute/core.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// GET /servers/{id}/diagnostics: what the hypervisor has counted of a guest.
void addDiagnosticsRoutes(http::Routes& routes, Core& core);

}
