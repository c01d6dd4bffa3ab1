#pragma once

#include <memory>
#include <string>
#include <vector>

#include "identity/credential/application_credential.hpp"
#include "identity/credential/credential.hpp"
#include "identity/directory/directory.hpp"
#include "identity/directory/user.hpp"
#include "identity/token/token.hpp"
#include "platform/json/json.hpp"

namespace stratolet::identity {

/// What the configuration says of logins.
struct AuthOptions {
    bool rescopeScoped = true;            ///< a token that has a scope may be exchanged for one with another
    std::chrono::seconds receiptLifetime; ///< between the steps of a login
    std::int64_t totpWindowsBefore = 1;   ///< passcodes of so many steps ago are taken, too
};

/// What came of a login: a token, or a receipt where more has to be shown.
struct Authenticated {
    std::shared_ptr<const ValidToken> token; ///< null where `receipt` says what is missing
    std::string text;                        ///< the sealed token or receipt
    Receipt receipt;
    std::vector<std::vector<std::string>> rules; ///< the sets of methods of which one must be shown
};

/// How somebody becomes known: proves by the methods of a login who it is, and gives the token for the scope that is
/// wanted.
class Authentication {
public:
    Authentication(Core& core, Tokens& tokens, Users& users, Directories& directories,
                   ApplicationCredentials& applicationCredentials, StoredCredentials& credentials, AuthOptions options)
        : core_(core),
          tokens_(tokens),
          users_(users),
          directories_(directories),
          applicationCredentials_(applicationCredentials),
          credentials_(credentials),
          options_(options) {}

    /// `auth` is the body's object of that name; `receipt` what Openstack-Auth-Receipt carries, empty where there is
    /// none. Error(Unauthenticated) in the same words whatever is wrong with the proof; Error(Invalid) naming the field
    /// for a body that is none.
    Authenticated logIn(const Json& auth, const std::string& receipt);

    /// True where a body of logIn() makes us hash a password.
    bool hashes(const http::Request& request) const;

    /// A token for who signed a request with an access key. The signature has been verified.
    Authenticated logInByKey(const Credential& key);

    /// A token without a scope for whom an identity provider has proven, which `from` names for a shadow user; or a
    /// receipt, where the user has to show more than that.
    struct Provider {
        std::string id, protocol;
    };
    Authenticated logInMapped(const User& user, const Provider& from);

    Tokens& tokens() { return tokens_; }
    Core& core() { return core_; }
    StoredCredentials& credentials() { return credentials_; }

private:
    struct Proof;
    void prove(const std::string& method, const Json& identity, Proof& proof);
    User byPassword(const Json& method);
    User byTotp(const Json& method);
    ApplicationCredential byApplicationCredential(const Json& method);
    void applyScope(TokenClaims& claims, const std::optional<Json>& scope, const Proof& proof);
    void applyTrust(TokenClaims& claims, const Json& reference, const Proof& proof);
    Authenticated begun(const TokenClaims& claims);
    std::optional<Authenticated> receiptFor(const User& user, const std::vector<std::string>& methods);
    Core& core_;
    Tokens& tokens_;
    Users& users_;
    Directories& directories_;
    ApplicationCredentials& applicationCredentials_;
    StoredCredentials& credentials_;
    AuthOptions options_;
};

/// A token, or a receipt; as the API answers a login.
http::Response loginAnswer(const http::Request& request, const Authenticated& result, store::Reader& db);

void addAuthRoutes(http::Routes& routes, Authentication& authentication);
void addKeyLoginRoutes(http::Routes& routes, Authentication& authentication);

}
