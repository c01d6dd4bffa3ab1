#pragma once

#include "network/core.hpp"

namespace stratolet::network {

// The routes that belong to no area.

void addVersionRoutes(http::Routes& routes);
void addExtensionRoutes(http::Routes& routes);
Error addressGroupNotFound(const std::string& id);
Error addressScopeNotFound(const std::string& id);
void addAddressGroupRoutes(http::Routes& routes, Core& core);
/// What a subnet pool must know of the scope it is in.
struct ScopeFacts {
    int ipVersion;
    bool sharedWithAll;
};

/// Of a scope that the caller may see; Error(NotFound) otherwise.
ScopeFacts addressScopeIn(store::Reader& db, const identity::Caller& caller, const std::string& id);
void addAddressScopeRoutes(http::Routes& routes, Core& core);
void addIpAvailabilityRoutes(http::Routes& routes, Core& core);
void addQuotaRoutes(http::Routes& routes, Core& core);

}
