#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "identity/credential/application_credential.hpp"
#include "identity/organisation/role.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

namespace stratolet::identity {

using TrustId = Id<struct TrustTag>;

/// A user (the trustor) lets another (the trustee) use some of the roles it has in a project.
struct Trust {
    TrustId id;
    UserId trustor, trustee;
    ProjectId project;          ///< empty: no project, and then no roles
    bool impersonation = false; ///< the trustee appears as the trustor
    std::optional<Time> expires;
    std::optional<std::int64_t> remainingUses; ///< tokens that may still be made; nothing: any number
    std::int64_t redelegationCount = 0;        ///< how many times it may be passed on
    TrustId parent;                            ///< the trust that was passed on; it goes with its parent
    ApplicationCredentialId credential;        ///< whose token made it; it goes with that, too
    std::string extra = "{}";
    std::vector<RoleId> roles;
};

namespace trust_table {
std::optional<Trust> find(store::Reader& db, const TrustId& id);
std::vector<Trust> list(store::Reader& db, const store::Conditions& conditions);
void insert(store::Transaction& tx, const Trust& trust, Time now);
void remove(store::Transaction& tx, const TrustId& id);
bool use(store::Transaction& tx, const TrustId& id); ///< false where no use was left

/// The roles of a trust and all that they imply.
std::vector<RoleId> reachedRoles(store::Reader& db, const TrustId& id);
}

/// Usable now: neither expired nor used up.
bool isAlive(const Trust& trust, Time now);

/// The trust that a request wants.
struct NewTrust {
    UserId trustor, trustee;
    ProjectId project;
    bool impersonation = false;
    bool allowRedelegation = false;
    std::optional<Time> expires;
    std::optional<std::int64_t> remainingUses, redelegationCount;
    std::vector<RoleReference> roles;
    std::string extra = "{}";
};

/// The rules of trusts: who lets whom act for them, how often and till when. Owned by the module.
class Trusts {
public:
    Trusts(Core& core, Tokens& tokens) : core_(core), tokens_(tokens) {}

    Trust create(const Caller& caller, const NewTrust& wanted);
    Trust show(const Caller& caller, const TrustId& id);
    std::vector<Trust> list(const Caller& caller, const std::optional<std::string>& trustor,
                            const std::optional<std::string>& trustee);
    void remove(const Caller& caller, const TrustId& id);

private:
    Core& core_;
    Tokens& tokens_;
};

void addTrustRoutes(http::Routes& routes, Trusts& trusts, Core& core);

}
