#pragma once

#include <memory>
#include <vector>

#include "identity/credential/application_credential.hpp"
#include "identity/token/token.hpp"

// What somebody may pass on: never more than the token has that asks for it.

namespace stratolet::identity {

/// The token of the caller as it is valid now; Error(Unauthenticated) where it isn't any more.
std::shared_ptr<const ValidToken> tokenOf(const Caller& caller, const Tokens& tokens);

/// Error(Forbidden) for a token of a restricted application credential, and for one of a trust unless `trustsMay`.
void refuseDelegated(const ValidToken& token, bool trustsMay = false);

/// Each role that `wanted` names, which must be one of `held`: Error(Invalid) for a reference that names none,
/// Error(NotFound) where there is no such role, Error(Forbidden) where it isn't held.
std::vector<RoleId> heldRoles(store::Reader& db, const std::vector<RoleReference>& wanted,
                              const std::vector<Role>& held);

/// {"id": …} or {"name": …}, at `json`.
std::vector<RoleReference> roleReferencesIn(const Json& list);

/// A time in the future, or nothing for null and absent. Error(Invalid) naming the field otherwise.
std::optional<Time> futureTimeIn(const Json& body, std::string_view name, Time now);

}
