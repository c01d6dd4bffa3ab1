#include <algorithm>

#include "identity/credential/delegation.hpp"
#include "identity/token/revocation.hpp"

namespace stratolet::identity {
namespace {

constexpr std::size_t secretCharacters = 64; // some 380 bits

Error notFound(const ApplicationCredentialId& id) {
    return Error(Failure::NotFound, "Could not find Application Credential: ", id, ".");
}

/// About the user in the path, never about what the request says otherwise.
Target targetOf(const UserId& user) { return {{"user_id", user.text}, {"target.user.id", user.text}}; }

bool isSame(const AccessRule& left, const AccessRule& right) {
    return left.service == right.service && left.method == right.method && left.path == right.path;
}

/// What is made with an application credential's token can do no more than that one, and goes with it.
void limitTo(const ApplicationCredential& parent, NewApplicationCredential& wanted) {
    if (parent.expires && wanted.expires && *wanted.expires > *parent.expires)
        throw Error(Failure::Forbidden, "An application credential cannot outlive the one that makes it.");
    if (!wanted.expires) wanted.expires = parent.expires;
    if (!parent.rules) return;
    if (!wanted.rules) wanted.rules = parent.rules;
    for (const auto& each : *wanted.rules)
        if (std::none_of(parent.rules->begin(), parent.rules->end(),
                         [&](const AccessRule& rule) { return isSame(rule, each); }))
            throw Error(Failure::Forbidden,
                        "An application credential cannot give access that it does not have: ", each.method, " ",
                        each.path, ".");
}

/// The rules as they are kept: one row for the same rule of a user, however many credentials have it.
std::vector<AccessRule> kept(store::Transaction& tx, const UserId& user, const std::vector<AccessRule>& wanted,
                             Ambient& ambient) {
    std::vector<AccessRule> rules;
    for (auto rule : wanted) {
        if (!rule.id.empty()) {
            const auto found = application_credential_table::findRule(tx, user, rule.id);
            if (!found) throw Error(Failure::NotFound, "Could not find Access Rule: ", rule.id, ".");
            rules.push_back(*found);
        } else if (const auto found = application_credential_table::findRule(tx, user, rule)) {
            rules.push_back(*found);
        } else {
            rule.id.text = ambient.hexId();
            application_credential_table::insertRule(tx, user, rule);
            rules.push_back(std::move(rule));
        }
    }
    return rules;
}

}

std::pair<ApplicationCredential, std::string> ApplicationCredentials::create(const Caller& caller, const UserId& user,
                                                                             NewApplicationCredential wanted) {
    caller.enforce(targetOf(user));
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token);
    if (token->claims.scope != TokenScope::Project)
        throw Error(Failure::Forbidden, "An application credential is for the project of the token that makes it.");
    auto& ambient = core_.parts.ambient;
    ApplicationCredential made;
    if (const auto& parent = token->applicationCredential) {
        // A rule named by its id is compared by what it says.
        if (wanted.rules)
            for (auto& each : *wanted.rules)
                if (!each.id.empty())
                    if (const auto found =
                            application_credential_table::findRule(core_.parts.store.reader(), user, each.id))
                        each = *found;
        limitTo(*parent, wanted);
        made.parent = parent->id;
    }
    made.id.text = ambient.hexId();
    made.user = user;
    made.project = token->project.id;
    made.name = wanted.name;
    made.description = wanted.description;
    made.unrestricted = wanted.unrestricted;
    made.expires = wanted.expires;
    const auto secret = wanted.secret.value_or(ambient.secret(secretCharacters));
    made.secret = digests_.of(secret);
    core_.parts.store.write([&](store::Transaction& tx) {
        if (application_credential_table::findByName(tx, user, made.name))
            throw Error(
                Failure::Conflict,
                "Conflict occurred attempting to store application_credential - Duplicate entry found with name ",
                made.name, ".");
        if (wanted.roles)
            made.roles = heldRoles(tx, *wanted.roles, token->roles);
        else
            for (const auto& each : token->roles) made.roles.push_back(each.id);
        if (wanted.rules) made.rules = kept(tx, user, *wanted.rules, ambient);
        application_credential_table::insert(tx, made, ambient.now());
    });
    return {made, secret};
}

ApplicationCredential ApplicationCredentials::show(const Caller& caller, const UserId& user,
                                                   const ApplicationCredentialId& id) {
    caller.enforce(targetOf(user));
    auto found = application_credential_table::find(core_.parts.store.reader(), id);
    if (!found || found->user != user) throw notFound(id);
    return *std::move(found);
}

std::vector<ApplicationCredential> ApplicationCredentials::list(const Caller& caller, const UserId& user,
                                                                store::Conditions conditions) {
    caller.enforce(targetOf(user));
    conditions.add("user_id = ?", user);
    return application_credential_table::list(core_.parts.store.reader(), conditions);
}

void ApplicationCredentials::remove(const Caller& caller, const UserId& user, const ApplicationCredentialId& id) {
    caller.enforce(targetOf(user));
    refuseDelegated(*tokenOf(caller, tokens_));
    core_.parts.store.write([&](store::Transaction& tx) {
        const auto found = application_credential_table::find(tx, id);
        if (!found || found->user != user) throw notFound(id);
        application_credential_table::remove(tx, id);
        revocation_table::record(tx, {.user = user.text, .project = found->project.text}, core_.parts.ambient.now());
        core_.forgetValidated(tx);
    });
}

std::vector<AccessRule> ApplicationCredentials::listRules(const Caller& caller, const UserId& user,
                                                          store::Conditions conditions) {
    caller.enforce(targetOf(user));
    conditions.add("user_id = ?", user);
    return application_credential_table::rules(core_.parts.store.reader(), conditions);
}

AccessRule ApplicationCredentials::showRule(const Caller& caller, const UserId& user, const AccessRuleId& id) {
    caller.enforce(targetOf(user));
    auto found = application_credential_table::findRule(core_.parts.store.reader(), user, id);
    if (!found) throw Error(Failure::NotFound, "Could not find Access Rule: ", id, ".");
    return *std::move(found);
}

void ApplicationCredentials::removeRule(const Caller& caller, const UserId& user, const AccessRuleId& id) {
    caller.enforce(targetOf(user));
    refuseDelegated(*tokenOf(caller, tokens_));
    core_.parts.store.write([&](store::Transaction& tx) {
        if (!application_credential_table::findRule(tx, user, id))
            throw Error(Failure::NotFound, "Could not find Access Rule: ", id, ".");
        if (application_credential_table::ruleIsUsed(tx, id))
            throw Error(Failure::Forbidden, "The access rule ", id, " is used by an application credential.");
        application_credential_table::removeRule(tx, id);
    });
}

std::optional<ApplicationCredential> ApplicationCredentials::prove(const std::optional<ApplicationCredential>& claimed,
                                                                   const std::string& secret) const {
    const bool right = digests_.proves(secret, claimed ? claimed->secret : std::string());
    if (!right || !claimed) return std::nullopt;
    if (claimed->expires && *claimed->expires <= core_.parts.ambient.now()) return std::nullopt;
    return claimed;
}

}
