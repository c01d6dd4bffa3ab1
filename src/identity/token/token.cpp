#include "identity/token/token.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <unordered_map>

#include "identity/catalog/catalog.hpp"
#include "identity/directory/group.hpp"
#include "identity/token/revocation.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

// The first byte says what follows; another number is another layout.
constexpr char tokenLayout = 2, receiptLayout = 65;
constexpr std::array<std::string_view, 6> methodNames = {"password",      "token", "totp", "application_credential",
                                                         "ec2credential", "mapped"};
constexpr unsigned hasTrust = 0x10, hasApplicationCredential = 0x20, hasProvider = 0x40,
                   scopeBits = 0x0F;    // of the scope's byte
constexpr std::size_t cachedMax = 8192; // tokens a thread remembers

// Texts are length and bytes; an id of 32 hexadecimal digits is packed into 16 bytes behind the length 0xFF.

constexpr char packedId = '\xff';

int digitOf(char each) {
    return each >= '0' && each <= '9' ? each - '0' : each >= 'a' && each <= 'f' ? each - 'a' + 10 : -1;
}

void putText(std::string& out, std::string_view text) {
    const bool packable =
        text.size() == 32 && std::all_of(text.begin(), text.end(), [](char each) { return digitOf(each) >= 0; });
    if (!packable) {
        assert(text.size() < 255);
        out.append(1, static_cast<char>(text.size())).append(text);
        return;
    }
    out += packedId;
    for (std::size_t at = 0; at < text.size(); at += 2)
        out += static_cast<char>(digitOf(text[at]) * 16 + digitOf(text[at + 1]));
}

void putTime(std::string& out, Time time) {
    const auto micros = static_cast<std::uint64_t>(toMicros(time));
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(micros >> shift);
}

/// Takes parts off the front; `broken` where there is less than wanted.
struct PayloadReader {
    std::string_view rest;
    bool broken = false;

    std::string_view take(std::size_t count) {
        if (rest.size() < count) broken = true;
        const auto part = rest.substr(0, broken ? 0 : count);
        rest.remove_prefix(part.size());
        return part;
    }
    std::uint8_t byte() {
        const auto part = take(1);
        return part.empty() ? 0 : static_cast<std::uint8_t>(part[0]);
    }
    std::string text() {
        const auto length = byte();
        if (length != static_cast<std::uint8_t>(packedId)) return std::string(take(length));
        return hexOf(take(16));
    }
    Time time() {
        std::uint64_t micros = 0;
        for (const char each : take(8)) micros = micros << 8 | static_cast<unsigned char>(each);
        return fromMicros(static_cast<std::int64_t>(micros));
    }
};

std::uint8_t bitsOf(const std::vector<std::string>& methods) {
    unsigned bits = 0;
    for (std::size_t each = 0; each < methodNames.size(); ++each)
        if (std::find(methods.begin(), methods.end(), methodNames[each]) != methods.end()) bits |= 1U << each;
    return static_cast<std::uint8_t>(bits);
}

std::vector<std::string> methodsOf(std::uint8_t bits) {
    std::vector<std::string> methods;
    for (std::size_t each = 0; each < methodNames.size(); ++each)
        if (bits & 1U << each) methods.emplace_back(methodNames[each]);
    return methods;
}

bool isScope(unsigned value) {
    return value == static_cast<unsigned>(TokenScope::Unscoped) || value == static_cast<unsigned>(TokenScope::Domain) ||
           value == static_cast<unsigned>(TokenScope::Project) || value == static_cast<unsigned>(TokenScope::System);
}

std::shared_ptr<const Credentials> credentialsOf(const ValidToken& token) {
    auto who = std::make_shared<Credentials>();
    who->roles = token.roleNames;
    auto& attributes = who->attributes;
    attributes["user_id"] = token.user.id.text;
    attributes["user_domain_id"] = token.user.domain.text;
    switch (token.claims.scope) {
    case TokenScope::Project:
        attributes["project_id"] = attributes["tenant_id"] = token.project.id.text;
        attributes["project_domain_id"] = attributes["token.project.domain.id"] = token.project.domain.text;
        break;
    case TokenScope::Domain: attributes["domain_id"] = attributes["token.domain.id"] = token.project.id.text; break;
    case TokenScope::System: attributes["system_scope"] = "all"; break;
    case TokenScope::Unscoped: break;
    }
    if (token.trust) {
        attributes["trust_id"] = token.trust->id.text;
        attributes["trustor_id"] = token.trust->trustor.text;
        attributes["trustee_id"] = token.trust->trustee.text;
    }
    // Older rules speak of is_admin; it means the role.
    const bool admin = std::find(token.roleNames.begin(), token.roleNames.end(), "admin") != token.roleNames.end();
    attributes["is_admin"] = admin ? "True" : "False";
    return who;
}

Assignment::Scope assignmentScopeOf(TokenScope scope) {
    return scope == TokenScope::Project  ? Assignment::Scope::Project
           : scope == TokenScope::Domain ? Assignment::Scope::Domain
                                         : Assignment::Scope::System;
}

/// Somebody who may still act, and whose tokens of that time have not been revoked; with the name of the domain.
std::optional<std::pair<User, std::string>> activeUser(store::Reader& db, const UserId& id, Time issued) {
    auto user = userTable.find(db, id);
    if (!user || !user->enabled || issued < user->tokensValidAfter) return std::nullopt;
    const auto domain = projectTable.find(db, {user->domain.text});
    if (!domain || !domain->enabled) return std::nullopt;
    return std::pair(*std::move(user), domain->name);
}

/// The provider still takes part, and still knows the user.
bool isVouchedFor(store::Reader& db, const TokenClaims& claims) {
    return db
        .query("SELECT 1 FROM federated_users JOIN identity_providers ON id = provider_id WHERE provider_id = ? AND "
               "protocol_id = ? AND "
               "user_id = ? AND enabled = 1",
               claims.provider, claims.protocol, claims.user)
        .any();
}

void writeFederation(JsonWriter& out, const ValidToken& token) {
    const auto object = out.object("OS-FEDERATION");
    const auto writeId = [&](std::string_view key, const std::string& id) {
        const auto inner = out.object(key);
        out.field("id", id);
    };
    writeId("identity_provider", token.claims.provider);
    writeId("protocol", token.claims.protocol);
    const auto groups = out.array("groups");
    for (const auto& each : token.groups) {
        const auto group = out.object();
        out.field("id", each);
    }
}

void writeTrust(JsonWriter& out, const Trust& trust) {
    const auto object = out.object("OS-TRUST:trust");
    out.field("id", trust.id);
    out.field("impersonation", trust.impersonation);
    {
        const auto trustor = out.object("trustor_user");
        out.field("id", trust.trustor);
    }
    const auto trustee = out.object("trustee_user");
    out.field("id", trust.trustee);
}

void writeApplicationCredential(JsonWriter& out, const ApplicationCredential& credential) {
    const auto object = out.object("application_credential");
    out.field("id", credential.id);
    out.field("name", credential.name);
    out.field("restricted", !credential.unrestricted);
    if (!credential.rules) return;
    const auto rules = out.array("access_rules");
    for (const auto& each : *credential.rules) {
        const auto rule = out.object();
        out.field("id", each.id);
        out.field("service", each.service);
        out.field("method", each.method);
        out.field("path", each.path);
    }
}

/// What is left of `held` where only what `delegated` leads to was passed on. Nothing at all where one of `delegated`
/// isn't held any more: what was derived from it is void then.
std::vector<Role> passedOn(std::vector<Role> held, const std::vector<RoleId>& delegated,
                           const std::vector<RoleId>& reached) {
    const auto isHeld = [&](const RoleId& id) {
        return std::any_of(held.begin(), held.end(), [&](const Role& each) { return each.id == id; });
    };
    if (!std::all_of(delegated.begin(), delegated.end(), isHeld)) return {};
    std::erase_if(
        held, [&](const Role& each) { return std::find(reached.begin(), reached.end(), each.id) == reached.end(); });
    return held;
}

}

std::string payloadOf(const TokenClaims& claims) {
    std::string out(1, tokenLayout);
    out += static_cast<char>(static_cast<unsigned>(claims.scope) | (claims.trust.empty() ? 0 : hasTrust) |
                             (claims.applicationCredential.empty() ? 0 : hasApplicationCredential) |
                             (claims.provider.empty() ? 0 : hasProvider));
    out += static_cast<char>(bitsOf(claims.methods));
    putText(out, claims.user.text);
    putText(out, claims.target);
    if (!claims.trust.empty()) putText(out, claims.trust.text);
    if (!claims.applicationCredential.empty()) putText(out, claims.applicationCredential.text);
    if (!claims.provider.empty()) {
        putText(out, claims.provider);
        putText(out, claims.protocol);
    }
    putTime(out, claims.issued);
    putTime(out, claims.expires);
    for (const auto& each : claims.auditIds) putText(out, each);
    return out;
}

std::optional<TokenClaims> claimsIn(std::string_view payload) {
    PayloadReader in{payload};
    if (in.byte() != tokenLayout) return std::nullopt;
    TokenClaims claims;
    const unsigned scope = in.byte();
    if (!isScope(scope & scopeBits) || (scope & ~(scopeBits | hasTrust | hasApplicationCredential | hasProvider)))
        return std::nullopt;
    claims.scope = static_cast<TokenScope>(scope & scopeBits);
    claims.methods = methodsOf(in.byte());
    claims.user.text = in.text();
    claims.target = in.text();
    if (scope & hasTrust) claims.trust.text = in.text();
    if (scope & hasApplicationCredential) claims.applicationCredential.text = in.text();
    if (scope & hasProvider) {
        claims.provider = in.text();
        claims.protocol = in.text();
        if (claims.provider.empty()) return std::nullopt;
    }
    claims.issued = in.time();
    claims.expires = in.time();
    while (!in.rest.empty() && !in.broken) claims.auditIds.push_back(in.text());
    if (in.broken || claims.auditIds.empty()) return std::nullopt;
    return claims;
}

TokenClaims Tokens::fresh(const UserId& user, std::vector<std::string> methods) const {
    TokenClaims claims;
    claims.user = user;
    claims.methods = std::move(methods);
    claims.issued = core_.parts.ambient.now();
    claims.expires = claims.issued + lifetimes_.token;
    std::string bytes(16, '\0');
    core_.parts.ambient.randomize(std::as_writable_bytes(std::span(bytes)));
    claims.auditIds = {base64Url(bytes)};
    return claims;
}

std::string Tokens::seal(const TokenClaims& claims) const { return fernet_.seal(payloadOf(claims)); }

std::string Tokens::seal(const Receipt& receipt) const {
    std::string out(1, receiptLayout);
    out += static_cast<char>(bitsOf(receipt.methods));
    putText(out, receipt.user.text);
    putTime(out, receipt.issued);
    putTime(out, receipt.expires);
    return fernet_.seal(out);
}

std::optional<Receipt> Tokens::openReceipt(const std::string& text) const {
    const auto payload = fernet_.open(text);
    if (!payload) return std::nullopt;
    PayloadReader in{*payload};
    if (in.byte() != receiptLayout) return std::nullopt;
    Receipt receipt;
    receipt.methods = methodsOf(in.byte());
    receipt.user.text = in.text();
    receipt.issued = in.time();
    receipt.expires = in.time();
    if (in.broken || !in.rest.empty() || receipt.expires <= core_.parts.ambient.now()) return std::nullopt;
    return receipt;
}

std::shared_ptr<const ValidToken> examine(store::Reader& db, const TokenClaims& claims, Time now) {
    auto token = std::make_shared<ValidToken>();
    token->claims = claims;
    token->goodUntil = claims.expires;
    auto subject = activeUser(db, claims.user, claims.issued);
    if (!subject) return nullptr;
    for (const auto& each : claims.auditIds)
        if (db.query("SELECT 1 FROM revoked_tokens WHERE audit_id = ?", each).any()) return nullptr;
    UserId roleHolder = claims.user;
    if (!claims.trust.empty()) {
        token->trust = trust_table::find(db, claims.trust);
        if (!token->trust || token->trust->trustee != claims.user || token->trust->project.text != claims.target)
            return nullptr;
        roleHolder = token->trust->trustor;
        auto trustor = activeUser(db, roleHolder, claims.issued);
        if (!trustor) return nullptr;
        if (token->trust->impersonation) subject = std::move(trustor);
    }
    if (!claims.applicationCredential.empty()) {
        token->applicationCredential = application_credential_table::find(db, claims.applicationCredential);
        const auto& credential = token->applicationCredential;
        if (!credential || credential->user != claims.user || credential->project.text != claims.target) return nullptr;
    }
    if (!claims.provider.empty()) {
        if (!isVouchedFor(db, claims)) return nullptr;
        token->groups = group_table::federatedOf(db, claims.user, claims.provider, now);
    }
    if (const auto leaves = group_table::nextToLeave(db, roleHolder, now))
        token->goodUntil = std::min(token->goodUntil, *leaves);
    token->user = std::move(subject->first);
    token->userDomainName = std::move(subject->second);
    if (claims.scope == TokenScope::Project || claims.scope == TokenScope::Domain) {
        const auto project = projectTable.find(db, {claims.target});
        if (!project || !project->enabled || (claims.scope == TokenScope::Domain && !project->isDomain)) return nullptr;
        const auto domain = projectTable.find(db, {project->domain.text});
        if (!domain || !domain->enabled) return nullptr;
        token->project = *project;
        token->projectDomainName = domain->name;
    }
    if (claims.scope != TokenScope::Unscoped) {
        token->roles = role_table::effective(db, roleHolder, assignmentScopeOf(claims.scope),
                                             claims.scope == TokenScope::System ? "all" : claims.target, now);
        if (token->trust)
            token->roles =
                passedOn(std::move(token->roles), token->trust->roles, trust_table::reachedRoles(db, claims.trust));
        if (token->applicationCredential)
            token->roles = passedOn(std::move(token->roles), token->applicationCredential->roles,
                                    application_credential_table::reachedRoles(db, claims.applicationCredential));
        if (token->roles.empty()) return nullptr;
        for (const auto& each : token->roles) token->roleNames.push_back(each.name);
    }
    token->credentials = credentialsOf(*token);
    return token;
}

std::optional<TokenClaims> Tokens::opened(const std::string& token) const {
    const auto payload = fernet_.open(token);
    return payload ? claimsIn(*payload) : std::nullopt;
}

std::shared_ptr<const ValidToken> Tokens::validate(const std::string& text) const {
    struct Cache {
        const Tokens* owner = nullptr;
        std::uint64_t epoch = 0;
        std::unordered_map<std::string, std::shared_ptr<const ValidToken>> tokens;
    };
    static thread_local Cache cache;
    const auto epoch =
        core_.epoch.load(std::memory_order_acquire); // before the store is read: a change in between makes it old again
    if (cache.owner != this || cache.epoch != epoch || cache.tokens.size() >= cachedMax) {
        cache.tokens.clear();
        cache.owner = this;
        cache.epoch = epoch;
    }
    const auto now = core_.parts.ambient.now();
    if (const auto found = cache.tokens.find(text); found != cache.tokens.end()) {
        if (now < found->second->goodUntil) return found->second;
        cache.tokens.erase(found);
    }
    const auto claims = opened(text);
    if (!claims || now >= claims->expires) return nullptr;
    auto token = examine(core_.parts.store.reader(), *claims, now);
    if (token) cache.tokens.emplace(text, token);
    return token;
}

std::shared_ptr<const ValidToken> Tokens::validateExpired(const std::string& text) const {
    const auto claims = opened(text);
    const auto now = core_.parts.ambient.now();
    if (!claims || now >= claims->expires + lifetimes_.expiredWindow) return nullptr;
    return examine(core_.parts.store.reader(), *claims, now);
}

void Tokens::revoke(const TokenClaims& claims) {
    core_.parts.store.write([&](store::Transaction& tx) {
        const auto now = core_.parts.ambient.now();
        tx.execute("DELETE FROM revoked_tokens WHERE until < ?", Time(now - lifetimes_.expiredWindow));
        revocation_table::record(tx, {.audit = claims.auditIds.front()}, now);
        tx.execute("INSERT OR IGNORE INTO revoked_tokens VALUES (?, ?)", claims.auditIds.front(), claims.expires);
        core_.forgetValidated(tx);
    });
}

void writeToken(JsonWriter& out, const ValidToken& token, store::Reader& db, bool withCatalog) {
    const auto& claims = token.claims;
    const auto writeDomain = [&](std::string_view key, const std::string& id, const std::string& name) {
        const auto domain = out.object(key);
        out.field("id", id);
        out.field("name", name);
    };
    const auto body = out.object();
    const auto object = out.object("token");
    {
        const auto methods = out.array("methods");
        for (const auto& each : claims.methods) out.value(each);
    }
    {
        const auto user = out.object("user");
        writeDomain("domain", token.user.domain.text, token.userDomainName);
        out.field("id", token.user.id);
        out.field("name", token.user.name);
        out.field("password_expires_at",
                  token.user.passwordExpires ? std::optional(isoMicros(*token.user.passwordExpires)) : std::nullopt);
        if (!claims.provider.empty()) writeFederation(out, token);
    }
    {
        const auto audits = out.array("audit_ids");
        for (const auto& each : claims.auditIds) out.value(each);
    }
    out.field("expires_at", isoMicrosZ(claims.expires));
    out.field("issued_at", isoMicrosZ(claims.issued));
    if (token.trust) writeTrust(out, *token.trust);
    if (token.applicationCredential) writeApplicationCredential(out, *token.applicationCredential);
    if (claims.scope == TokenScope::Unscoped) return;
    if (claims.scope == TokenScope::Project) {
        const auto project = out.object("project");
        writeDomain("domain", token.project.domain.text, token.projectDomainName);
        out.field("id", token.project.id);
        out.field("name", token.project.name);
    } else if (claims.scope == TokenScope::Domain) {
        writeDomain("domain", token.project.id.text, token.project.name);
    } else {
        const auto system = out.object("system");
        out.field("all", true);
    }
    if (claims.scope == TokenScope::Project) out.field("is_domain", token.project.isDomain);
    {
        const auto roles = out.array("roles");
        for (const auto& each : token.roles) {
            const auto role = out.object();
            out.field("id", each.id);
            out.field("name", each.name);
        }
    }
    if (withCatalog) writeCatalog(out, db, claims.scope == TokenScope::Project ? token.project.id : ProjectId());
}

}
