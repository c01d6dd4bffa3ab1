#include <algorithm>

#include "identity/login/auth.hpp"
#include "identity/login/password.hpp"
#include "identity/login/totp.hpp"
#include "identity/token/crypto.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

constexpr std::size_t methodsMax = 8;

/// A domain by the id or the name that `reference` has.
std::optional<Project> domainFrom(const Json& reference, store::Reader& db) {
    if (const auto id = reference.maybeText("id")) {
        auto found = projectTable.find(db, {*id});
        return found && found->isDomain ? found : std::nullopt;
    }
    return project_table::findDomainByName(db, reference.text("name"));
}

std::optional<User> userFrom(const Json& reference, store::Reader& db) {
    if (const auto id = reference.maybeText("id")) return userTable.find(db, {*id});
    const auto name = reference.text("name");
    const auto domain = domainFrom(reference.object("domain"), db);
    return domain ? user_table::findByName(db, {domain->id.text}, name) : std::nullopt;
}

std::optional<Project> projectFrom(const Json& reference, store::Reader& db) {
    if (const auto id = reference.maybeText("id")) return projectTable.find(db, {*id});
    const auto name = reference.text("name");
    const auto domain = domainFrom(reference.object("domain"), db);
    return domain ? project_table::findByName(db, {domain->id.text}, name) : std::nullopt;
}

/// The sets of methods of which this user has to show one; empty where any will do.
std::vector<std::vector<std::string>> rulesOf(const User& user) {
    if (user.options == "{}") return {};
    const Json options = Json::parse(user.options);
    const auto rules = options.find("multi_factor_auth_rules");
    if (!rules || !rules->isArray() || !options.boolean("multi_factor_auth_enabled", true)) return {};
    std::vector<std::vector<std::string>> sets;
    for (const auto& rule : rules->items()) {
        auto& set = sets.emplace_back();
        for (const auto& each : rule.items()) set.push_back(each.text());
    }
    return sets;
}

bool satisfies(const std::vector<std::string>& methods, const std::vector<std::vector<std::string>>& rules) {
    const auto shown = [&](const std::string& each) {
        return std::find(methods.begin(), methods.end(), each) != methods.end();
    };
    return rules.empty() || std::any_of(rules.begin(), rules.end(),
                                        [&](const auto& rule) { return std::all_of(rule.begin(), rule.end(), shown); });
}

void addMissing(std::vector<std::string>& methods, const std::vector<std::string>& more) {
    for (const auto& each : more)
        if (std::find(methods.begin(), methods.end(), each) == methods.end()) methods.push_back(each);
}

}

/// What the methods have shown so far.
struct Authentication::Proof {
    std::optional<User> user;
    std::vector<std::string> methods;
    std::shared_ptr<const ValidToken> previous;
    std::optional<ApplicationCredential> applicationCredential;
};

User Authentication::byPassword(const Json& method) {
    const Json reference = method.object("user");
    const auto password = reference.text("password");
    checkPasswordLength(password);
    auto user = userFrom(reference, core_.parts.store.reader());
    if (auto login = directories_.login(user, reference, password); login.inDirectory) {
        users_.admit(login.user ? login.user : user, login.user.has_value());
        return *std::move(login.user);
    }
    users_.authenticate(user, password);
    return *std::move(user);
}

bool Authentication::hashes(const http::Request& request) const {
    try {
        const Json identity = request.json().object("auth").object("identity");
        const auto methods = identity.array("methods").items();
        if (std::none_of(methods.begin(), methods.end(),
                         [](const Json& each) { return each.isText() && each.text() == "password"; }))
            return false;
        auto& db = core_.parts.store.reader();
        const Json reference = identity.object("password").object("user");
        return !directories_.answersFor(db, userFrom(reference, db), reference);
    } catch (const Error&) {
        return false; // no such body: it is refused before anything is hashed
    }
}

User Authentication::byTotp(const Json& method) {
    auto& db = core_.parts.store.reader();
    const Json reference = method.object("user");
    const auto code = reference.text("passcode");
    auto user = userFrom(reference, db);
    if (!user || !users_.mayLogIn(*user)) throw refused();
    const auto now = totpStepAt(core_.parts.ambient.now());
    std::optional<std::int64_t> shown;
    for (const auto& each : credentials_.ofUser(db, user->id, "totp")) {
        const auto secret = fromBase32(each.blob);
        if (!secret || secret->empty()) continue;
        for (auto step = now - options_.totpWindowsBefore; step <= now; ++step)
            if (sameSecret(totpCode(*secret, step), code)) shown = step;
    }
    // A passcode that somebody saw over a shoulder is good for nothing any more.
    if (!shown || !core_.parts.store.write(
                      [&](store::Transaction& tx) { return user_table::takeTotpStep(tx, user->id, *shown); })) {
        users_.countFailure(user);
        throw refused();
    }
    return *std::move(user);
}

ApplicationCredential Authentication::byApplicationCredential(const Json& method) {
    auto& db = core_.parts.store.reader();
    const auto secret = method.text("secret");
    std::optional<ApplicationCredential> claimed;
    if (const auto id = method.maybeText("id")) {
        claimed =
            application_credential_table::find(db, {*id}); // whose it is stands in there, whatever else the body says
    } else {
        const auto name = method.text("name");
        if (const auto user = userFrom(method.object("user"), db))
            claimed = application_credential_table::findByName(db, user->id, name);
    }
    auto proven = applicationCredentials_.prove(claimed, secret);
    if (!proven) throw refused();
    return *std::move(proven);
}

void Authentication::prove(const std::string& method, const Json& identity, Proof& proof) {
    std::optional<User> found;
    if (method == "password") {
        found = byPassword(identity.object("password"));
    } else if (method == "totp") {
        found = byTotp(identity.object("totp"));
    } else if (method == "application_credential") {
        proof.applicationCredential = byApplicationCredential(identity.object("application_credential"));
        found = userTable.find(core_.parts.store.reader(), proof.applicationCredential->user);
        if (!found || !found->enabled) throw refused();
    } else if (method == "token") {
        proof.previous = tokens_.validate(identity.object("token").text("id"));
        if (!proof.previous) throw Error(Failure::NotFound, "Could not find token.");
        if (proof.previous->trust) throw Error(Failure::Forbidden, "A token of a trust cannot be rescoped.");
        if (proof.previous->applicationCredential)
            throw Error(Failure::Forbidden, "A token of an application credential cannot be rescoped.");
        if (!options_.rescopeScoped && proof.previous->claims.scope != TokenScope::Unscoped)
            throw Error(Failure::Forbidden, "A token that has a scope cannot be rescoped.");
        found = proof.previous->user;
    } else {
        throw Error(Failure::Unauthenticated, "Attempted to authenticate with an unsupported method.");
    }
    if (proof.user && proof.user->id != found->id) throw refused(); // two methods, two people
    proof.user = std::move(found);
    addMissing(proof.methods, {method});
}

void Authentication::applyTrust(TokenClaims& claims, const Json& reference, const Proof& proof) {
    const auto id = reference.text("id");
    const auto trust = trust_table::find(core_.parts.store.reader(), {id});
    if (!trust || !isAlive(*trust, core_.parts.ambient.now()))
        throw Error(Failure::NotFound, "Could not find trust: ", id, ".");
    if (trust->trustee != proof.user->id) throw Error(Failure::Forbidden, "User is not a trustee.");
    claims.trust = trust->id;
    claims.scope = trust->project.empty() ? TokenScope::Unscoped : TokenScope::Project;
    claims.target = trust->project.text;
    if (trust->expires) claims.expires = std::min(claims.expires, *trust->expires);
}

/// Puts the scope that the request wants on the claims.
void Authentication::applyScope(TokenClaims& claims, const std::optional<Json>& scope, const Proof& proof) {
    auto& db = core_.parts.store.reader();
    if (proof.applicationCredential) {
        if (scope) throw Error(Failure::Unauthenticated, "Application credentials cannot request a scope.");
        claims.scope = TokenScope::Project;
        claims.target = proof.applicationCredential->project.text;
        claims.applicationCredential = proof.applicationCredential->id;
        if (proof.applicationCredential->expires)
            claims.expires = std::min(claims.expires, *proof.applicationCredential->expires);
        return;
    }
    if (scope && scope->isText()) {
        if (scope->text() != "unscoped") scope->refuse("It must be an object, or \"unscoped\".");
        return;
    }
    if (scope && scope->has("unscoped")) return;
    if (!scope) {
        if (proof.user->defaultProject.empty()) return;
        TokenClaims wanted = claims;
        wanted.scope = TokenScope::Project;
        wanted.target = proof.user->defaultProject.text;
        if (examine(db, wanted, core_.parts.ambient.now())) claims = wanted; // else unscoped, as if there were none
        return;
    }
    if (scope->size() != 1)
        throw Error(Failure::Invalid,
                    "Expecting to find exactly one of project, domain, system, OS-TRUST:trust in scope.");
    if (const auto trust = scope->find("OS-TRUST:trust")) {
        applyTrust(claims, *trust, proof);
    } else if (const auto project = scope->find("project")) {
        claims.scope = TokenScope::Project;
        const auto found = projectFrom(*project, db);
        if (!found) throw refused();
        claims.target = found->id.text;
    } else if (const auto domain = scope->find("domain")) {
        claims.scope = TokenScope::Domain;
        const auto found = domainFrom(*domain, db);
        if (!found) throw refused();
        claims.target = found->id.text;
    } else if (const auto system = scope->find("system")) {
        if (!system->boolean("all", false)) system->refuse("It must be {\"all\": true}.");
        claims.scope = TokenScope::System;
    } else {
        throw Error(Failure::Invalid, "Expecting to find one of project, domain, system, OS-TRUST:trust in scope.");
    }
    if (proof.previous && proof.previous->claims.scope == TokenScope::System && claims.scope != TokenScope::System)
        throw Error(Failure::Forbidden, "A token scoped to the system cannot be rescoped to a project or domain.");
}

/// What the claims mean, once; a trust that is only good for so many tokens has one less then.
Authenticated Authentication::begun(const TokenClaims& claims) {
    auto token = examine(core_.parts.store.reader(), claims, core_.parts.ambient.now());
    if (!token)
        throw claims.trust.empty()
            ? refused()
            : Error(Failure::Forbidden,
                    "The trust gives nothing any more: its trustor has lost a role, or is disabled.");
    if (token->trust && token->trust->remainingUses &&
        !core_.parts.store.write([&](store::Transaction& tx) { return trust_table::use(tx, claims.trust); }))
        throw Error(Failure::Forbidden, "No remaining uses for trust: ", claims.trust, ".");
    return {std::move(token), tokens_.seal(claims), {}, {}};
}

Authenticated Authentication::logIn(const Json& auth, const std::string& receiptText) {
    const Json identity = auth.object("identity");
    std::vector<std::string> methods;
    for (const auto& each : identity.array("methods").items()) addMissing(methods, {each.text()});
    if (methods.empty()) identity.at("methods").refuse("It must name a method.");
    if (methods.size() > methodsMax) identity.at("methods").refuse("It names too many methods.");

    Proof proof;
    std::optional<Receipt> receipt;
    if (!receiptText.empty()) {
        receipt = tokens_.openReceipt(receiptText);
        if (!receipt) throw refused();
    }
    for (const auto& each : methods) prove(each, identity, proof);
    if (receipt) {
        // A password that was changed since makes the step before worth nothing.
        if (receipt->user != proof.user->id || receipt->issued < proof.user->tokensValidAfter) throw refused();
        addMissing(proof.methods, receipt->methods);
    }
    if (proof.previous) addMissing(proof.methods, proof.previous->claims.methods);

    if (auto unfinished = receiptFor(*proof.user, proof.methods)) return *std::move(unfinished);
    TokenClaims claims = tokens_.fresh(proof.user->id, proof.methods);
    if (proof.previous) {
        claims.expires = proof.previous->claims.expires; // a token cannot prolong its own life
        claims.auditIds.push_back(proof.previous->claims.auditIds.back());
        claims.provider = proof.previous->claims.provider;
        claims.protocol = proof.previous->claims.protocol;
    }
    applyScope(claims, auth.find("scope"), proof);
    return begun(claims);
}

/// Where the methods are not enough for this user: what stands for them until more is shown.
std::optional<Authenticated> Authentication::receiptFor(const User& user, const std::vector<std::string>& methods) {
    auto rules = rulesOf(user);
    if (satisfies(methods, rules)) return std::nullopt;
    const auto now = core_.parts.ambient.now();
    const Receipt receipt{user.id, methods, now, now + options_.receiptLifetime};
    return Authenticated{nullptr, tokens_.seal(receipt), receipt, std::move(rules)};
}

Authenticated Authentication::logInMapped(const User& user, const Provider& from) {
    TokenClaims claims = tokens_.fresh(user.id, {"mapped"});
    if (auto unfinished = receiptFor(user, claims.methods)) return *std::move(unfinished);
    claims.provider = from.id;
    claims.protocol = from.protocol;
    return begun(claims);
}

Authenticated Authentication::logInByKey(const Credential& key) {
    TokenClaims claims = tokens_.fresh(key.user, {"ec2credential"});
    claims.scope = TokenScope::Project;
    claims.target = key.project.text;
    if (!key.applicationCredential.empty()) {
        const auto parent = application_credential_table::find(core_.parts.store.reader(), key.applicationCredential);
        if (!parent || (parent->expires && *parent->expires <= core_.parts.ambient.now())) throw refused();
        claims.applicationCredential = parent->id;
        if (parent->expires) claims.expires = std::min(claims.expires, *parent->expires);
    }
    return begun(claims);
}

}
