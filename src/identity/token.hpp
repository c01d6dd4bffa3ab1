#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "identity/core.hpp"
#include "identity/fernet.hpp"
#include "identity/project.hpp"
#include "identity/role.hpp"
#include "identity/user.hpp"

namespace stratolet::identity {

enum class TokenScope : std::uint8_t { Unscoped = 0, Domain = 1, Project = 2, System = 8 }; // the values are Keystone's payload kinds

/// What a token itself carries; everything else is looked up when it is validated, so a change counts at once.
struct TokenClaims {
    TokenScope scope = TokenScope::Unscoped;
    UserId user;
    std::string target; ///< id of the project or domain
    std::vector<std::string> methods;
    Time issued, expires;
    std::vector<std::string> auditIds; ///< its own, then that of the token it came from
};

/// A token and what it means now.
struct ValidToken {
    TokenClaims claims;
    User user;
    std::string userDomainName;
    Project project; ///< of the project scope, or the domain of the domain scope
    std::string projectDomainName;
    std::vector<Role> roles;
    std::vector<std::string> roleNames;
    std::shared_ptr<const Credentials> credentials;
};

class Tokens {
public:
    Tokens(Core& core, std::filesystem::path keys, std::chrono::seconds lifetime)
        : core_(core),
          fernet_(std::move(keys), core.parts.ambient),
          lifetime_(lifetime) {}

    /// Looks up what the claims mean now; nothing where they mean nothing any more (disabled, revoked, no role left, expired).
    std::shared_ptr<const ValidToken> examine(store::Reader& db, const TokenClaims& claims) const;

    /// A validated token from this thread's cache, or examined anew.
    std::shared_ptr<const ValidToken> validate(const std::string& token) const;

    std::string seal(const TokenClaims& claims) const;

    /// Claims for a new token, with an audit id of its own.
    TokenClaims fresh(const UserId& user, std::vector<std::string> methods) const;

    void revoke(const TokenClaims& claims);

private:
    Core& core_;
    Fernet fernet_;
    std::chrono::seconds lifetime_;
};

/// {"token": …} as the API shows it.
void writeToken(JsonWriter& out, const ValidToken& token, store::Reader& db, bool withCatalog);

void addAuthRoutes(http::Routes& routes, Tokens& tokens, Users& users, Core& core);

}
