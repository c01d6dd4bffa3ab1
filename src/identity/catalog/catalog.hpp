#pragma once

#include <string>
#include <string_view>

#include "identity/core.hpp"
#include "identity/identity.hpp"
#include "platform/http/http.hpp"

namespace stratolet::identity {

/// Writes the services and endpoints that a token of this project (empty: none) gets to see, as the list `catalog` of a
/// token. Endpoints whose address needs a project are left out where there is none; disabled ones are hidden. A project
/// that endpoints or groups of endpoints have been associated with gets to see those only.
void writeCatalog(JsonWriter& out, store::Reader& db, const ProjectId& project);

/// Our own services and endpoints, made where they are missing and pointed at `wanted.endpoint`.
void ensureCatalog(store::Transaction& tx, Ambient& ambient, const Bootstrap& wanted);

/// Error(Invalid) where it does not exist: what a body names makes the request wrong, not missing.
void refuseMissingService(store::Reader& db, const std::string& id);
void refuseMissingRegion(store::Reader& db, const std::string& id);

/// Error(NotFound) where it does not exist.
void demandService(store::Reader& db, const std::string& id);
void demandRegion(store::Reader& db, const std::string& id);

void addRegionRoutes(http::Routes& routes, Core& core);
void addServiceRoutes(http::Routes& routes, Core& core);
void addCatalogRoutes(http::Routes& routes, Core& core); ///< those, and of endpoints, their groups and their policies

}
