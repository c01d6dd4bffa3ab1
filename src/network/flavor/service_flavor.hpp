#pragma once

#include "network/core.hpp"

namespace stratolet::network {

/// Flavors of services and the profiles of who provides them: records only.
void addServiceFlavorRoutes(http::Routes& routes, Core& core);

}
