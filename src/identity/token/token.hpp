#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "identity/core.hpp"
#include "identity/credential/application_credential.hpp"
#include "identity/credential/trust.hpp"
#include "identity/directory/user.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/fernet.hpp"

namespace stratolet::identity {

/// What a token is for; the number stands in the token.
enum class TokenScope : std::uint8_t {
    Unscoped = 0,
    Domain = 1,
    Project = 2,
    System = 8
}; // the values are Keystone's payload kinds

/// What a token itself carries; everything else is looked up when it is validated, so a change counts at once.
struct TokenClaims {
    TokenScope scope = TokenScope::Unscoped;
    UserId user;                                   ///< who has logged in: of a trust, the trustee
    std::string target;                            ///< id of the project or domain
    TrustId trust;                                 ///< empty unless the token is one of a trust
    ApplicationCredentialId applicationCredential; ///< empty unless it was made with one
    std::string provider, protocol; ///< the identity provider that has proven its own user; empty for everybody else
    std::vector<std::string> methods;
    Time issued, expires;
    std::vector<std::string> auditIds; ///< its own, then that of the token it came from
};

/// A token and what it means now.
struct ValidToken {
    TokenClaims claims;
    User user; ///< who the token speaks for: of a trust that impersonates, the trustor
    std::string userDomainName;
    Project project; ///< of the project scope, or the domain of the domain scope
    std::string projectDomainName;
    std::vector<Role> roles;
    std::vector<std::string> roleNames;
    std::optional<Trust> trust;
    std::optional<ApplicationCredential> applicationCredential;
    std::vector<GroupId> groups; ///< by the word of the identity provider
    Time goodUntil;              ///< when it expires, or may mean something else: such a group has been left
    std::shared_ptr<const Credentials> credentials;
};

/// A step of a login that needs more than one: these methods have been shown, within this time.
struct Receipt {
    UserId user;
    std::vector<std::string> methods;
    Time issued, expires;
};

/// What the claims mean now; nothing where they mean nothing any more (disabled, revoked, deleted, no role left).
/// Expiry isn't looked at.
std::shared_ptr<const ValidToken> examine(store::Reader& db, const TokenClaims& claims, Time now);

/// Makes tokens and reads them. Any thread; owned by the module.
class Tokens {
public:
    /// How long tokens live, and for how long after that a service may still ask about one (?allow_expired,
    /// X-Service-Token).
    struct Lifetimes {
        std::chrono::seconds token, expiredWindow;
    };

    Tokens(Core& core, std::filesystem::path keys, Lifetimes lifetimes)
        : core_(core),
          fernet_(std::move(keys), core.parts.ambient, core.parts.store.durable()),
          lifetimes_(lifetimes) {}

    /// A validated token from this thread's cache, or examined anew.
    std::shared_ptr<const ValidToken> validate(const std::string& token) const;

    /// The same for one that may have expired, though not longer ago than the window.
    std::shared_ptr<const ValidToken> validateExpired(const std::string& token) const;

    std::string seal(const TokenClaims& claims) const;

    /// Claims for a new token, with an audit id of its own.
    TokenClaims fresh(const UserId& user, std::vector<std::string> methods) const;

    void revoke(const TokenClaims& claims);

    std::string seal(const Receipt& receipt) const;
    std::optional<Receipt> openReceipt(const std::string& text) const; ///< nothing for what is none, or has expired

    KeyRepository& keys() { return fernet_.repository(); }
    const Lifetimes& lifetimes() const { return lifetimes_; }

private:
    std::optional<TokenClaims> opened(const std::string& token) const;
    Core& core_;
    Fernet fernet_;
    Lifetimes lifetimes_;
};

/// For the decoder's own tests: the payload of a token, and what is read from one (nothing where it is none).
std::string payloadOf(const TokenClaims& claims);
std::optional<TokenClaims> claimsIn(std::string_view payload);

/// {"token": …} as the API shows it.
void writeToken(JsonWriter& out, const ValidToken& token, store::Reader& db, bool withCatalog);

}
