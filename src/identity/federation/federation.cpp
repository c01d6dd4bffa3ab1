#include "identity/federation/federation.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "identity/directory/directory.hpp"
#include "identity/directory/group.hpp"
#include "identity/federation/jwt.hpp"
#include "identity/federation/mapping.hpp"
#include "identity/organisation/role.hpp"
#include "identity/wire.hpp"
#include "platform/log/log.hpp"

#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

constexpr auto skewMax = std::chrono::seconds(60); // between the provider's clock and ours
constexpr std::string_view issuerAttribute = "HTTP_OIDC_ISS";

/// What is kept of a provider and one of its protocols.
struct Registration {
    std::string provider, protocol;
    DomainId domain;
    bool enabled = false;
    std::string rules; ///< JSON
    std::string remoteIdAttribute;
    std::vector<std::string> remoteIds;
    std::chrono::minutes membership{0};
};

Registration registrationOf(store::Reader& db, const std::string& provider, const std::string& protocol) {
    auto found =
        db.query("SELECT domain_id, enabled, authorization_ttl FROM identity_providers WHERE id = ?", provider);
    if (!found.next()) throw Error(Failure::NotFound, "Could not find Identity Provider: ", provider, ".");
    Registration registration;
    registration.provider = provider;
    registration.protocol = protocol;
    registration.domain = found.row().id<DomainId>(0);
    registration.enabled = found.row().boolean(1);
    registration.membership = std::chrono::minutes(found.row().maybeInteger(2).value_or(0));
    auto mapping = db.query("SELECT rules, coalesce(remote_id_attribute, ?) FROM federation_protocols JOIN mappings ON "
                            "mappings.id = mapping_id "
                            "WHERE provider_id = ? AND federation_protocols.id = ?",
                            issuerAttribute, provider, protocol);
    if (!mapping.next())
        throw Error(Failure::NotFound, "Could not find federated protocol ", protocol,
                    " for Identity Provider: ", provider, ".");
    registration.rules = mapping.row().text(0);
    registration.remoteIdAttribute = mapping.row().text(1);
    registration.remoteIds =
        db.query("SELECT remote_id FROM identity_provider_remote_ids WHERE provider_id = ?", provider).texts();
    return registration;
}

/// The text of one value of a claim as a web server's module would put it into the environment.
std::string attributeFrom(const Json& value) {
    if (value.isText()) return value.text();
    if (value.isBoolean()) return value.boolean() ? "1" : "0";
    return value.dump();
}

/// Each claim by the two names that mappings use: OIDC-name, and HTTP_OIDC_NAME.
Assertion assertionFrom(const Json& claims) {
    Assertion assertion;
    for (const auto& name : claims.names()) {
        const auto claim = claims.at(name);
        std::vector<std::string> values;
        if (claim.isArray())
            for (const auto& each : claim.items()) values.push_back(attributeFrom(each));
        else if (!claim.isNull())
            values.push_back(attributeFrom(claim));
        std::string variable = "HTTP_OIDC_";
        for (const char each : name)
            variable += each == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
        assertion["OIDC-" + name] = values;
        if (!assertion.emplace(variable, std::move(values)).second)
            throw Error(Failure::Invalid, "Could not map user: two claims of the token lead to the attribute ",
                        variable, ".");
    }
    return assertion;
}

/// A time in seconds (RFC 7519, 2: NumericDate), which may have a fraction.
std::optional<double> secondsIn(const Json& claims, std::string_view name) {
    const auto found = claims.find(name);
    return found && found->isNumber() ? std::optional(found->number()) : std::nullopt;
}

bool holdsNow(const Json& claims, Time now) {
    const auto seconds = static_cast<double>(toMicros(now)) / 1e6;
    const auto skew = static_cast<double>(skewMax.count());
    const auto until = secondsIn(claims, "exp"), from = secondsIn(claims, "nbf"), issued = secondsIn(claims, "iat");
    if (!until || (claims.has("nbf") && !from) || (claims.has("iat") && !issued)) return false;
    return seconds < *until + skew && (!from || *from - skew <= seconds) && (!issued || *issued - skew <= seconds);
}

bool isFor(const Json& claims, const std::vector<std::string>& audiences) {
    const auto audience = claims.find("aud");
    const auto isOurs = [&](const Json& each) {
        return each.isText() && std::find(audiences.begin(), audiences.end(), each.text()) != audiences.end();
    };
    if (!audience) return false;
    if (!audience->isArray()) return isOurs(*audience);
    const auto all = audience->items();
    return std::any_of(all.begin(), all.end(), isOurs);
}

std::optional<DomainId> domainOf(store::Reader& db, const Mapped::Domain& wanted,
                                 const std::optional<DomainId>& otherwise) {
    if (wanted.id.empty() && wanted.name.empty()) return otherwise;
    const auto found =
        wanted.id.empty() ? project_table::findDomainByName(db, wanted.name) : projectTable.find(db, {wanted.id});
    return found && found->isDomain ? std::optional(DomainId{found->id.text}) : std::nullopt;
}

User localUser(store::Reader& db, const Mapped& mapped) {
    std::optional<User> user;
    if (!mapped.user.id.empty())
        user = userTable.find(db, {mapped.user.id});
    else if (const auto domain = domainOf(db, mapped.user.domain, {}))
        user = user_table::findByName(db, *domain, mapped.user.name);
    if (!user) throw refused();
    return *std::move(user);
}

/// A user's shadow here, made or brought up to date.
class Shadow {
public:
    Shadow(store::Transaction& tx, Core& core, const Registration& registration, const Mapped& mapped)
        : tx_(tx),
          core_(core),
          registration_(registration),
          mapped_(mapped) {}

    User keep(std::chrono::seconds membership) {
        const auto uniqueId = mapped_.user.id.empty() ? mapped_.user.name : mapped_.user.id;
        const auto name = mapped_.user.name.empty() ? mapped_.user.id : mapped_.user.name;
        if (uniqueId.empty())
            throw Error(Failure::Invalid, "Could not map user: the mapping gives neither a name nor an id.");
        if (lengthInCharacters(uniqueId) > 255 || lengthInCharacters(name) > 255)
            throw Error(Failure::Invalid, "Could not map user: its name or id is too long.");
        user_ = keepUser(uniqueId, name);
        setMembership(membership);
        for (const auto& each : mapped_.projects) give(each);
        if (changed_) core_.forgetValidated(tx_);
        return user_;
    }

private:
    User keepUser(const std::string& uniqueId, const std::string& name) {
        const auto id =
            tx_.query("SELECT user_id FROM federated_users WHERE provider_id = ? AND protocol_id = ? AND unique_id = ?",
                      registration_.provider, registration_.protocol, uniqueId)
                .maybeText();
        if (id) {
            const auto before = userTable.find(tx_, {*id});
            User user = *before;
            const auto other = user_table::findByName(tx_, user.domain, name);
            if (!other || other->id == user.id) user.name = name; // a name that is taken cannot be followed
            user.extra = extraOver(user.extra);
            if (user.name != before->name || user.extra != before->extra) {
                userTable.update(tx_, user);
                changed_ = true;
            }
            return user;
        }
        User user;
        const auto domain = domainOf(tx_, mapped_.user.domain, registration_.domain);
        if (!domain)
            throw Error(Failure::Invalid, "Could not map user: the mapping names a domain that does not exist.");
        user.domain = *domain;
        user.name = name;
        refuseInDirectory(tx_, user.domain);
        if (user_table::findByName(tx_, user.domain, name))
            throw Error(Failure::Conflict, "Could not map user: domain ", user.domain,
                        " has another user with the name ", name, ".");
        user.id.text = core_.parts.ambient.hexId();
        user.tokensValidAfter = core_.parts.ambient.now();
        user.extra = extraOver("{}");
        user.created = core_.parts.ambient.now();
        userTable.insert(tx_, user);
        user.federated = {{registration_.provider, registration_.protocol, uniqueId}};
        user_table::setFederated(tx_, user);
        return user;
    }

    std::string extraOver(const std::string& kept) const {
        if (mapped_.user.email.empty()) return kept;
        return mergedExtra(kept, Json::parse("{\"email\":" + jsonText(mapped_.user.email) + "}"),
                           [](std::string_view) { return false; });
    }

    /// In the groups that the provider says now, and in no other by its word.
    void setMembership(std::chrono::seconds lasts) {
        const auto now = core_.parts.ambient.now();
        std::set<GroupId> wanted;
        for (const auto& each : mapped_.groups)
            if (const auto id = groupOf(each)) wanted.insert(*id);
        const auto before = group_table::federatedOf(tx_, user_.id, registration_.provider, now);
        if (std::set(before.begin(), before.end()) != wanted) changed_ = true;
        tx_.execute("DELETE FROM federated_members WHERE user_id = ? AND provider_id = ?", user_.id,
                    registration_.provider);
        for (const auto& each : wanted)
            tx_.execute("INSERT INTO federated_members VALUES (?, ?, ?, ?)", user_.id, each, registration_.provider,
                        Time(now + lasts));
    }

    std::optional<GroupId> groupOf(const Mapped::Group& wanted) {
        std::optional<Group> group;
        if (!wanted.id.empty())
            group = groupTable.find(tx_, {wanted.id});
        else if (const auto domain = domainOf(tx_, wanted.domain, {}))
            group = group_table::findByName(tx_, *domain, wanted.name);
        if (group) return group->id;
        core_.parts.log.warning("a mapping names a group that does not exist; it is left out",
                                {{"identity_provider", registration_.provider}, {"group", wanted.id + wanted.name}});
        return std::nullopt;
    }

    /// The roles on a project of the provider's domain, which is made where there is none.
    void give(const Mapped::Project& wanted) {
        auto project = project_table::findByName(tx_, registration_.domain, wanted.name);
        if (!project) {
            project = Project{{core_.parts.ambient.hexId()},
                              wanted.name,
                              registration_.domain,
                              {registration_.domain.text},
                              false,
                              true,
                              {}};
            project_table::insert(tx_, *project, core_.parts.ambient.now());
            changed_ = true;
        }
        for (const auto& name : wanted.roles) {
            const auto role = role_table::findByName(tx_, {}, name);
            if (!role)
                throw Error(Failure::Invalid,
                            "Could not map user: the mapping names a role that does not exist: ", name, ".");
            const Assignment assignment{Assignment::Actor::User, user_.id.text, Assignment::Scope::Project,
                                        project->id.text, role->id};
            if (role_table::has(tx_, assignment)) continue;
            role_table::add(tx_, assignment);
            changed_ = true;
        }
    }

    store::Transaction& tx_;
    Core& core_;
    const Registration& registration_;
    const Mapped& mapped_;
    User user_;
    bool changed_ = false;
};

}

std::vector<ConfigOption> federationOptions() {
    return {{"federation", "key_set_dir", "/etc/stratolet/federation", existingFolder()},
            {"federation", "audience", "", anyText()}};
}

Federation::Federation(Core& core, Users& users, Authentication& authentication)
    : core_(core),
      users_(users),
      authentication_(authentication) {}

Json Federation::claimsOf(const std::string& provider, std::string_view bearer) {
    const auto file =
        std::filesystem::path(core_.parts.config.text("federation", "key_set_dir")) / (provider + ".json");
    const auto audiences = core_.parts.config.list("federation", "audience");
    const auto refuse = [&](const std::string& why) {
        core_.parts.log.warning("a federated login was refused", {{"identity_provider", provider}, {"reason", why}});
        return refused();
    };
    std::ifstream in(file, std::ios::binary);
    if (!in) throw refuse(file.string() + " cannot be read: put the provider's JSON Web Key Set there");
    std::ostringstream text;
    text << in.rdbuf();
    std::optional<Json> claims;
    try {
        claims = SigningKeys::parse(text.str()).claimsIn(bearer);
    } catch (const Error& problem) {
        throw refuse(file.string() + ": " + problem.what());
    }
    if (!claims) throw refuse("no key of " + file.string() + " has signed the token");
    if (audiences.empty())
        throw refuse("federation.audience in the configuration is empty: set it to what the provider calls this cloud");
    if (!isFor(*claims, audiences)) throw refuse("the token is for another audience");
    if (!holdsNow(*claims, core_.parts.ambient.now())) throw refuse("the token is not good at this time");
    return *std::move(claims);
}

Authenticated Federation::logIn(const std::string& provider, const std::string& protocol, std::string_view bearer) {
    const auto registration = registrationOf(core_.parts.store.reader(), provider, protocol);
    if (!registration.enabled) throw Error(Failure::Forbidden, "Identity Provider ", provider, " is disabled.");
    const auto assertion = assertionFrom(claimsOf(provider, bearer));
    const auto said = assertion.find(registration.remoteIdAttribute);
    const auto isKnown = [&](const std::string& each) {
        return std::find(registration.remoteIds.begin(), registration.remoteIds.end(), each) !=
               registration.remoteIds.end();
    };
    if (said == assertion.end() || !std::any_of(said->second.begin(), said->second.end(), isKnown))
        throw Error(Failure::Forbidden,
                    "Incoming identity provider identifier not included among the accepted identifiers.");
    const auto mapped = applyRules(Json::parse(registration.rules), assertion);
    if (mapped.user.local) {
        const auto user = localUser(core_.parts.store.reader(), mapped);
        users_.welcome(user);
        return authentication_.logInMapped(user, {});
    }
    const auto membership =
        std::max<std::chrono::seconds>(registration.membership, authentication_.tokens().lifetimes().token);
    const auto user = core_.parts.store.write(
        [&](store::Transaction& tx) { return Shadow(tx, core_, registration, mapped).keep(membership); });
    users_.welcome(user);
    return authentication_.logInMapped(user, {provider, protocol});
}

}
