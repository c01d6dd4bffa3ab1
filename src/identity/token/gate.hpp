#pragma once

#include <memory>
#include <string_view>

#include "identity/caller.hpp"
#include "identity/token/token.hpp"
#include "platform/http/http.hpp"
#include "platform/policy/policy.hpp"

namespace stratolet::identity {

/// Who sends a request to the service of this name, by the token in X-Auth-Token. A token that has expired is still
/// good, for a while, for what another service does on the user's behalf, which shows its own token in X-Service-Token.
/// Error(Unauthenticated) for anybody else, and where the access rules of an application credential don't match.
/// Error(Forbidden) where the route's rule isn't for tokens of that scope.
std::shared_ptr<const Caller> callerBehind(const http::Request& request, std::string_view service, const Tokens& tokens,
                                           const Policies& policies);

}
