#pragma once

#include "compute/core.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// What projects have used: hours of servers and their sizes, also of servers that are gone.

namespace stratolet::compute {

/// /os-simple-tenant-usage.
void addUsageRoutes(http::Routes& routes, Core& core);

/// /os-instance_usage_audit_log.
void addUsageAuditRoutes(http::Routes& routes, Core& core);

/// Forgets what is too old for anybody's bill: servers that ended more than 400 days ago.
void purgeUsage(store::Transaction& tx, Core& core);

}
