#include "identity/credential/delegation.hpp"
#include "identity/credential/trust.hpp"
#include "identity/token/revocation.hpp"

namespace stratolet::identity {
namespace {

constexpr std::int64_t redelegationsMax = 3; // Keystone's default

Error notFound(const TrustId& id) { return Error(Failure::NotFound, "Could not find trust: ", id, "."); }

Target targetOf(const Trust& trust) {
    return {{"target.trust.trustor_user_id", trust.trustor.text}, {"target.trust.trustee_user_id", trust.trustee.text}};
}

/// What a trust that is passed on may be at most.
void checkRedelegation(const Trust& parent, const NewTrust& wanted, Trust& made) {
    if (parent.redelegationCount <= 0)
        throw Error(Failure::Forbidden, "Remaining redelegation depth of 0 out of allowed range of [1..",
                    redelegationsMax, "].");
    if (wanted.redelegationCount.value_or(0) > parent.redelegationCount)
        throw Error(Failure::Forbidden, "The requested redelegation depth of ", *wanted.redelegationCount,
                    " is greater than allowed ", parent.redelegationCount, ".");
    if (wanted.impersonation && !parent.impersonation)
        throw Error(Failure::Forbidden,
                    "Impersonation is not allowed because redelegated trust does not specify impersonation.");
    if (wanted.project != parent.project)
        throw Error(Failure::Forbidden, "A trust can only be passed on for its own project.");
    made.parent = parent.id;
    made.redelegationCount = wanted.allowRedelegation ? parent.redelegationCount - 1 : 0;
    if (wanted.redelegationCount) made.redelegationCount = std::min(made.redelegationCount, *wanted.redelegationCount);
}

/// No later than `limit`: what is derived doesn't outlive what it was derived from.
void limitExpiry(std::optional<Time>& expires, const std::optional<Time>& limit) {
    if (!limit) return;
    if (expires && *expires > *limit)
        throw Error(Failure::Forbidden, "It cannot live longer than what it is derived from.");
    if (!expires) expires = limit;
}

}

bool isAlive(const Trust& trust, Time now) {
    return (!trust.expires || *trust.expires > now) && (!trust.remainingUses || *trust.remainingUses > 0);
}

Trust Trusts::create(const Caller& caller, const NewTrust& wanted) {
    caller.enforce({{"target.trust.trustor_user_id", wanted.trustor.text}});
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token, true);
    Trust trust;
    trust.id.text = core_.parts.ambient.hexId();
    trust.trustor = wanted.trustor;
    trust.trustee = wanted.trustee;
    trust.project = wanted.project;
    trust.impersonation = wanted.impersonation;
    trust.expires = wanted.expires;
    trust.remainingUses = wanted.remainingUses;
    trust.extra = wanted.extra;
    if (wanted.redelegationCount.value_or(0) > redelegationsMax)
        throw Error(Failure::Forbidden, "The requested redelegation depth of ", *wanted.redelegationCount,
                    " is greater than allowed ", redelegationsMax, ".");
    if (wanted.allowRedelegation) trust.redelegationCount = wanted.redelegationCount.value_or(redelegationsMax);
    if (token->trust) {
        checkRedelegation(*token->trust, wanted, trust);
        limitExpiry(trust.expires, token->trust->expires);
    }
    if (const auto& credential = token->applicationCredential) {
        if (credential->rules)
            throw Error(Failure::Forbidden, "An application credential with access rules cannot make a trust.");
        if (wanted.project != credential->project)
            throw Error(Failure::Forbidden, "An application credential can only make a trust for its own project.");
        trust.credential = credential->id;
        limitExpiry(trust.expires, credential->expires);
    }
    if (!wanted.project.empty() && wanted.roles.empty())
        throw Error(Failure::Forbidden, "At least one role should be specified.");
    if (wanted.project.empty() && !wanted.roles.empty())
        throw Error(Failure::Invalid,
                    "Invalid input for field 'roles': without a project there are no roles to delegate.");
    return core_.parts.store.write([&](store::Transaction& tx) {
        if (!userTable.find(tx, wanted.trustee))
            throw Error(Failure::NotFound, "Could not find user: ", wanted.trustee, ".");
        if (!wanted.project.empty()) {
            const auto project = projectTable.find(tx, wanted.project);
            if (!project || project->isDomain)
                throw Error(Failure::NotFound, "Could not find project: ", wanted.project, ".");
            // A derived token passes on what it has itself; anybody else all that the user has there.
            const bool derived = token->trust || token->applicationCredential;
            trust.roles = heldRoles(tx, wanted.roles,
                                    derived ? token->roles
                                            : role_table::effective(tx, wanted.trustor, Assignment::Scope::Project,
                                                                    wanted.project.text, core_.parts.ambient.now()));
        }
        trust_table::insert(tx, trust, core_.parts.ambient.now());
        return trust;
    });
}

Trust Trusts::show(const Caller& caller, const TrustId& id) {
    auto trust = trust_table::find(core_.parts.store.reader(), id);
    if (!trust || !isAlive(*trust, core_.parts.ambient.now())) throw notFound(id); // the rule is about whose it is
    caller.enforce(targetOf(*trust));
    return *std::move(trust);
}

std::vector<Trust> Trusts::list(const Caller& caller, const std::optional<std::string>& trustor,
                                const std::optional<std::string>& trustee) {
    store::Conditions conditions;
    if (!trustor && !trustee) caller.enforce();
    if (trustor) {
        caller.enforce("identity:list_trusts_for_trustor", {{"target.trust.trustor_user_id", *trustor}});
        conditions.add("trustor_id = ?", *trustor);
    }
    if (trustee) {
        caller.enforce("identity:list_trusts_for_trustee", {{"target.trust.trustee_user_id", *trustee}});
        conditions.add("trustee_id = ?", *trustee);
    }
    auto trusts = trust_table::list(core_.parts.store.reader(), conditions);
    std::erase_if(trusts, [now = core_.parts.ambient.now()](const Trust& each) { return !isAlive(each, now); });
    return trusts;
}

void Trusts::remove(const Caller& caller, const TrustId& id) {
    const auto trust = trust_table::find(core_.parts.store.reader(), id);
    if (!trust) throw notFound(id);
    caller.enforce(targetOf(*trust));
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token, true);
    // A trustee who appears as the trustor must not take back the trustor's other trusts.
    if (token->trust && token->trust->id != trust->parent)
        throw Error(Failure::Forbidden, "A token of a trust can only delete what it has passed on.");
    core_.parts.store.write([&](store::Transaction& tx) {
        if (!trust_table::find(tx, id)) throw notFound(id);
        trust_table::remove(tx, id);
        revocation_table::record(tx, {.trust = id.text}, core_.parts.ambient.now());
        core_.forgetValidated(tx);
    });
}

}
