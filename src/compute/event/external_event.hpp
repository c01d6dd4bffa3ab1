#pragma once

#include "compute/core.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// POST /os-server-external-events: what other services say has happened to servers.
void addExternalEventRoutes(http::Routes& routes, Core& core);

/// /os-assisted-volume-snapshots, which drivers of shared files ask compute for. There are none here: block storage has
/// the running guest's disk snapshot by itself, so each volume is refused by name.
void addAssistedSnapshotRoutes(http::Routes& routes);

}
