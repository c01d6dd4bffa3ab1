#pragma once

#include "network/core.hpp"

namespace stratolet::network {

// The routes that belong to no area.

void addVersionRoutes(http::Routes& routes);
void addExtensionRoutes(http::Routes& routes);
Error addressGroupNotFound(const std::string& id);
void addAddressGroupRoutes(http::Routes& routes, Core& core);
void addFloatingIpPoolRoutes(http::Routes& routes, Core& core);
void addIpAvailabilityRoutes(http::Routes& routes, Core& core);
void addQuotaRoutes(http::Routes& routes, Core& core);

}
