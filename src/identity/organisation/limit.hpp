#pragma once

#include "identity/core.hpp"
#include "platform/http/http.hpp"

namespace stratolet::identity {

/// Unified limits: what a service's resource is limited to for everybody (registered limits), and for one project or
/// domain (limits). The services that count the resources ask for them; nothing is counted here.
void addLimitRoutes(http::Routes& routes, Core& core);

}
