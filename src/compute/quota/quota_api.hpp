#pragma once

#include "compute/quota/compute_quotas.hpp"
#include "identity/identity.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// A limit as the API shows it. Those of addresses and rules are network's by now: what an old client sets is kept for
/// it to read, and holds nobody back.
struct QuotaResource {
    std::string_view name;
    int setsUntil;                 ///< the last minor of 2.x at which quota sets have it
    int classesFrom, classesUntil; ///< and quota classes
};

/// /os-quota-sets and /os-quota-class-sets. All that it is given outlives the routes.
void addQuotaRoutes(http::Routes& routes, store::Store& store, const ComputeQuotas& quotas,
                    identity::Identity& identity);

/// /limits.
void addLimitRoutes(http::Routes& routes, store::Store& store, const ComputeQuotas& quotas);

}
