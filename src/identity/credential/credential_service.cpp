#include "identity/credential/credential.hpp"
#include "identity/credential/delegation.hpp"
#include "identity/token/crypto.hpp"
#include "identity/token/revocation.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

Error notFound(const std::string& named) { return Error(Failure::NotFound, "Could not find credential: ", named, "."); }

Target targetOf(const UserId& user) { return {{"target.credential.user_id", user.text}, {"user_id", user.text}}; }

/// What has to be true of any credential; Error(Invalid) or Error(NotFound) otherwise.
void check(store::Reader& db, const Credential& credential) {
    if (!userTable.find(db, credential.user))
        throw Error(Failure::NotFound, "Could not find user: ", credential.user, ".");
    if (!credential.project.empty() && !projectTable.find(db, credential.project))
        throw Error(Failure::NotFound, "Could not find project: ", credential.project, ".");
    if (credential.type != "ec2") return;
    if (credential.project.empty())
        throw Error(Failure::Invalid, "Invalid input for field 'project_id': type ec2 needs a project.");
    if (!accessKeyIn(credential))
        throw Error(Failure::Invalid,
                    "Invalid input for field 'blob': type ec2 needs a JSON object with access and secret in it.");
}

/// What an access key was made with stays: who takes it off would have more than the token that made it.
void refuseOtherScope(const Credential& before, const std::string& blob) {
    if (before.type != "ec2") return;
    const auto part = [](const std::string& text, std::string_view name) -> std::string {
        try {
            const auto found = Json::parse(text).find(name);
            return found && !found->isNull() ? found->dump() : std::string();
        } catch (const Error&) {
            return {}; // no JSON, which is refused for itself
        }
    };
    for (const std::string_view fixed : {"trust_id", "app_cred_id", "access_token_id", "access_id"})
        if (part(before.blob, fixed) != part(blob, fixed))
            throw Error(Failure::Invalid, "Invalid input for field 'blob': ", fixed, " cannot be changed.");
}

/// Credentials show secrets that stand for their user. A derived token sees, makes and changes only what it can do
/// itself.
void limit(store::Conditions& conditions, const ValidToken& token) {
    if (token.trust) conditions.add("0"); // it is not asked for its trustor's secrets, nor for its trustee's
    if (token.applicationCredential) conditions.add("application_credential_id = ?", token.applicationCredential->id);
}

}

std::optional<AccessKey> accessKeyIn(const Credential& credential) {
    if (credential.type != "ec2") return std::nullopt;
    try {
        const Json blob = Json::parse(credential.blob);
        auto access = blob.maybeText("access"), secret = blob.maybeText("secret");
        if (!access || !secret || access->empty()) return std::nullopt;
        return AccessKey{*access, *secret};
    } catch (const Error&) {
        return std::nullopt; // not JSON, or of other types
    }
}

/// The one that was found, once the caller may see it.
Credential StoredCredentials::demand(const Caller& caller, const std::optional<Credential>& found,
                                     const std::string& named, Absence told) {
    caller.demand(found, found ? targetOf(found->user) : Target(), notFound(named), told);
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token);
    if (token->applicationCredential && token->applicationCredential->id != found->applicationCredential)
        throw notFound(named);
    return *found;
}

Credential StoredCredentials::create(const Caller& caller, Credential wanted) {
    if (wanted.user.empty()) wanted.user = caller.user;
    caller.enforce(targetOf(wanted.user));
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token);
    if (const auto& credential = token->applicationCredential) {
        if (wanted.user != credential->user || (!wanted.project.empty() && wanted.project != credential->project) ||
            credential->rules)
            throw Error(Failure::Forbidden,
                        "An application credential can only make credentials for its own user and project.");
        wanted.applicationCredential = credential->id;
    }
    const auto key = accessKeyIn(wanted);
    wanted.id.text = key ? hexOf(sha256(key->access)) : core_.parts.ambient.hexId();
    core_.parts.store.write([&](store::Transaction& tx) {
        check(tx, wanted);
        if (credential_table::find(tx, core_.sealing, wanted.id) ||
            (key && credential_table::findByAccess(tx, core_.sealing, key->access)))
            throw Error(Failure::Conflict,
                        "Conflict occurred attempting to store credential - Duplicate entry found with ID ", wanted.id,
                        ".");
        credential_table::insert(tx, core_.sealing, wanted, core_.parts.ambient.now());
    });
    return wanted;
}

Credential StoredCredentials::show(const Caller& caller, const CredentialId& id) {
    return demand(caller, credential_table::find(core_.parts.store.reader(), core_.sealing, id), id.text);
}

std::vector<Credential> StoredCredentials::list(const Caller& caller, store::Conditions conditions) {
    const auto token = tokenOf(caller, tokens_);
    // Who may not see everybody's sees their own: the store is not asked for more.
    if (!caller.may(caller.rule, {{"target.credential.user_id", ""}})) {
        caller.enforce(targetOf(caller.user));
        conditions.add("user_id = ?", caller.user);
    }
    limit(conditions, *token);
    return credential_table::list(core_.parts.store.reader(), core_.sealing, conditions);
}

Credential StoredCredentials::update(const Caller& caller, const CredentialId& id, const CredentialChange& change) {
    const auto before = demand(caller, credential_table::find(core_.parts.store.reader(), core_.sealing, id), id.text);
    const auto token = tokenOf(caller, tokens_);
    if (change.user) caller.enforce(targetOf(*change.user)); // to give it to somebody is to make it theirs
    if (token->applicationCredential &&
        ((change.user && *change.user != before.user) || (change.project && *change.project != before.project)))
        throw Error(Failure::Forbidden,
                    "An application credential cannot give credentials to another user or project.");
    return core_.parts.store.write([&](store::Transaction& tx) {
        auto credential = credential_table::find(tx, core_.sealing, id);
        if (!credential || credential->user != before.user) throw notFound(id.text);
        if (change.type && *change.type != credential->type)
            throw Error(Failure::Invalid, "Invalid input for field 'type': it cannot be changed.");
        if (change.blob) refuseOtherScope(*credential, *change.blob);
        if (change.blob) credential->blob = *change.blob;
        if (change.user) credential->user = *change.user;
        if (change.project) credential->project = *change.project;
        check(tx, *credential);
        if (const auto key = accessKeyIn(*credential))
            if (const auto other = credential_table::findByAccess(tx, core_.sealing, key->access);
                other && other->id != id)
                throw Error(Failure::Conflict,
                            "Conflict occurred attempting to store credential - Duplicate entry found with ID ",
                            other->id, ".");
        credential_table::update(tx, core_.sealing, *credential);
        return *credential;
    });
}

void StoredCredentials::remove(const Caller& caller, const CredentialId& id) {
    demand(caller, credential_table::find(core_.parts.store.reader(), core_.sealing, id), id.text);
    core_.parts.store.write([&](store::Transaction& tx) {
        if (!credential_table::find(tx, core_.sealing, id)) throw notFound(id.text);
        credential_table::remove(tx, id);
    });
}

Credential StoredCredentials::createAccessKey(const Caller& caller, const UserId& user, const ProjectId& project) {
    Credential wanted;
    wanted.user = user;
    wanted.project = project;
    wanted.type = "ec2";
    JsonWriter out(wanted.blob);
    {
        const auto blob = out.object();
        out.field("access", core_.parts.ambient.hexId());
        out.field("secret", core_.parts.ambient.hexId());
        out.field("trust_id", nullptr);
    }
    return create(caller, std::move(wanted));
}

std::vector<Credential> StoredCredentials::listAccessKeys(const Caller& caller, const UserId& user) {
    caller.enforce(targetOf(user));
    const auto token = tokenOf(caller, tokens_);
    refuseDelegated(*token);
    if (!userTable.find(core_.parts.store.reader(), user))
        throw Error(Failure::NotFound, "Could not find user: ", user, ".");
    store::Conditions conditions;
    conditions.add("user_id = ? AND type = 'ec2'", user);
    limit(conditions, *token);
    return credential_table::list(core_.parts.store.reader(), core_.sealing, conditions);
}

Credential StoredCredentials::showAccessKey(const Caller& caller, const UserId& user, const std::string& access) {
    caller.enforce(targetOf(user));
    auto found = credential_table::findByAccess(core_.parts.store.reader(), core_.sealing, access);
    if (found && found->user != user) found.reset();
    return demand(caller, found, access, Absence::ToAnybody); // of those who may ask about this user's
}

void StoredCredentials::removeAccessKey(const Caller& caller, const UserId& user, const std::string& access) {
    remove(caller, showAccessKey(caller, user, access).id);
}

std::vector<Credential> StoredCredentials::ofUser(store::Reader& db, const UserId& user,
                                                  const std::string& type) const {
    store::Conditions conditions;
    conditions.add("user_id = ? AND type = ?", user, type);
    return credential_table::list(db, core_.sealing, conditions);
}

std::optional<Credential> StoredCredentials::byAccess(store::Reader& db, const std::string& access) const {
    return credential_table::findByAccess(db, core_.sealing, access);
}

}
