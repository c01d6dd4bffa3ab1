#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/core.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

/// All tokens that have these attributes and were issued before are void. A record for those who keep tokens of ours
/// for a while (GET /v3/OS-REVOKE/events); what is valid here is decided by what the token rests on.
struct Revocation {
    std::optional<std::string> audit = {}, user = {}, project = {}, domain = {}, role = {}, trust = {};
    Time issuedBefore = {}, revoked = {};
};

namespace revocation_table {
/// From now on; forgets what is older than any token can be.
void record(store::Transaction& tx, Revocation revocation, Time now);
std::vector<Revocation> since(store::Reader& db, std::optional<Time> time);
}

void addRevocationRoutes(http::Routes& routes, Core& core);

}
