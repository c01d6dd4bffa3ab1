#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/digest_key.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

class Tokens;
using ApplicationCredentialId = Id<struct ApplicationCredentialTag>;
using AccessRuleId = Id<struct AccessRuleTag>;

/// Requests that a credential may be used for. `path` is a pattern: "*" or "{name}" is one segment, "**" one or more.
struct AccessRule {
    AccessRuleId id;
    std::string service; ///< type in the catalog: "compute"
    std::string method;  ///< "GET"
    std::string path;    ///< below the service's address: "/v2.1/servers/*/ips"
};

bool pathMatches(std::string_view pattern, std::string_view path);

/// A secret of a program, by which it acts as a user in one project, with some of the user's roles there.
struct ApplicationCredential {
    ApplicationCredentialId id;
    UserId user;
    ProjectId project;
    std::string name;
    std::optional<std::string> description;
    std::string secret;        ///< its keyed digest
    bool unrestricted = false; ///< may make and delete trusts and credentials
    std::optional<Time> expires;
    ApplicationCredentialId parent; ///< whose token made it; it goes with its parent
    std::vector<RoleId> roles;
    std::optional<std::vector<AccessRule>> rules; ///< nothing: any request
};

namespace application_credential_table {
std::optional<ApplicationCredential> find(store::Reader& db, const ApplicationCredentialId& id);
std::optional<ApplicationCredential> findByName(store::Reader& db, const UserId& user, const std::string& name);
std::vector<ApplicationCredential> list(store::Reader& db, const store::Conditions& conditions);
void insert(store::Transaction& tx, const ApplicationCredential& credential, Time now);
void remove(store::Transaction& tx, const ApplicationCredentialId& id);

/// The roles of a credential and all that they imply.
std::vector<RoleId> reachedRoles(store::Reader& db, const ApplicationCredentialId& id);

std::optional<AccessRule> findRule(store::Reader& db, const UserId& user, const AccessRuleId& id);
std::optional<AccessRule> findRule(store::Reader& db, const UserId& user, const AccessRule& like);
std::vector<AccessRule> rules(store::Reader& db, const store::Conditions& conditions);
void insertRule(store::Transaction& tx, const UserId& user, const AccessRule& rule);
bool ruleIsUsed(store::Reader& db, const AccessRuleId& id);
void removeRule(store::Transaction& tx, const AccessRuleId& id);
}

/// A role as a request names it.
struct RoleReference {
    std::string id, name; ///< one of them
};

/// The application credential that a request wants.
struct NewApplicationCredential {
    std::string name;
    std::optional<std::string> description;
    std::optional<std::string> secret;
    bool unrestricted = false;
    std::optional<Time> expires;
    std::optional<std::vector<RoleReference>> roles; ///< nothing: all of the token's
    std::optional<std::vector<AccessRule>> rules;
};

/// The rules of application credentials. Owned by the module.
class ApplicationCredentials {
public:
    ApplicationCredentials(Core& core, Tokens& tokens, const DigestKey& digests)
        : core_(core),
          tokens_(tokens),
          digests_(digests) {}

    /// For the caller's own user and project, with no more than the caller's token allows. The second is the secret,
    /// told only once.
    std::pair<ApplicationCredential, std::string> create(const Caller& caller, const UserId& user,
                                                         NewApplicationCredential wanted);
    ApplicationCredential show(const Caller& caller, const UserId& user, const ApplicationCredentialId& id);
    std::vector<ApplicationCredential> list(const Caller& caller, const UserId& user, store::Conditions conditions);
    void remove(const Caller& caller, const UserId& user, const ApplicationCredentialId& id);

    std::vector<AccessRule> listRules(const Caller& caller, const UserId& user, store::Conditions conditions);
    AccessRule showRule(const Caller& caller, const UserId& user, const AccessRuleId& id);
    void removeRule(const Caller& caller, const UserId& user,
                    const AccessRuleId& id); ///< Error(Forbidden) while a credential has it

    /// The credential that this secret proves; nothing for anything else, and where it has expired.
    std::optional<ApplicationCredential> prove(const std::optional<ApplicationCredential>& claimed,
                                               const std::string& secret) const;

private:
    Core& core_;
    Tokens& tokens_;
    const DigestKey& digests_;
};

void addApplicationCredentialRoutes(http::Routes& routes, ApplicationCredentials& credentials, Core& core);

}
