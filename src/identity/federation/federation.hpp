#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "identity/core.hpp"
#include "identity/directory/user.hpp"
#include "identity/login/auth.hpp"
#include "platform/config/config.hpp"

namespace stratolet::identity {

std::vector<ConfigOption> federationOptions();

/// Logins of people whom an OpenID Connect provider vouches for: it signs a JSON Web Token, which a client shows as
/// bearer. The provider's public keys are a file of ours, KEY_SET_DIR/PROVIDER.json, which is read at each login.
class Federation {
public:
    Federation(Core& core, Users& users, Authentication& authentication);

    /// A token without a scope for whom the bearer speaks for, by the mapping of this provider's protocol. A shadow
    /// user is made at the first login, and brought up to date at each: name, groups, projects. Error(NotFound) where
    /// there is no such provider or protocol, Error(Forbidden) where the provider is disabled or the token was issued
    /// by somebody else, Error(Unauthenticated) in the same words whatever is wrong with the token, Error(Invalid)
    /// where the mapping does not fit what it says.
    Authenticated logIn(const std::string& provider, const std::string& protocol, std::string_view bearer);

private:
    Json claimsOf(const std::string& provider, std::string_view bearer);

    Core& core_;
    Users& users_;
    Authentication& authentication_;
};

void addFederationRoutes(http::Routes& routes, Federation& federation, Core& core);

}
