#pragma once

#include <string>

#include "network/core.hpp"

namespace stratolet::network {

/// What a subnet pool must know of the scope it is in.
struct ScopeFacts {
    int ipVersion;
    bool sharedWithAll;
};

Error addressScopeNotFound(const std::string& id);

/// Of a scope that the caller may see; Error(NotFound) otherwise.
ScopeFacts addressScopeIn(store::Reader& db, const identity::Caller& caller, const std::string& id);

void addAddressScopeRoutes(http::Routes& routes, Core& core);

}
