#pragma once

#include "identity/identity.hpp"
#include "platform/http/http.hpp"
#include "platform/quota/quota.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// The limits every project has unless told otherwise.
Quotas computeQuotas();

/// /limits and /os-quota-sets.
void addQuotaRoutes(http::Routes& routes, store::Store& store, const Quotas& quotas, identity::Identity& identity);

}
