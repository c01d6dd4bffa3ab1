#include "appliance/identity_tools.hpp"

#include <array>
#include <ostream>

#include <stratolet/error.hpp>

#include "appliance/state_folder.hpp"
#include "identity/token/keeper.hpp"
#include "identity/token/token.hpp"
#include "platform/log/log.hpp"
#include "platform/resources.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

identity::User userCalled(store::Reader& db, const std::string& text) {
    auto found = identity::userTable.find(db, {text});
    if (!found) found = identity::user_table::findByName(db, {"default"}, text);
    if (!found) throw Error(Failure::Invalid, "there is no user ", text);
    return *found;
}

identity::Project projectCalled(store::Reader& db, const std::string& text, bool isDomain) {
    auto found = identity::projectTable.find(db, {text});
    if (!found)
        found = isDomain ? identity::project_table::findDomainByName(db, text)
                         : identity::project_table::findByName(db, {"default"}, text);
    if (!found || (isDomain && !found->isDomain))
        throw Error(Failure::Invalid, "there is no ", isDomain ? "domain " : "project ", text);
    return *found;
}

namespace {

constexpr std::array<const char*, 5> services = {"identity", "image", "block-storage", "network", "compute"};

/// What a new token of the user would say.
std::shared_ptr<const identity::ValidToken> tokenFor(store::Reader& db, const PolicyQuestion& question) {
    RealAmbient ambient;
    identity::TokenClaims claims;
    claims.user = userCalled(db, question.user).id;
    claims.issued = ambient.now();
    if (question.project) {
        claims.scope = identity::TokenScope::Project;
        claims.target = projectCalled(db, *question.project, false).id.text;
    } else if (question.domain) {
        claims.scope = identity::TokenScope::Domain;
        claims.target = projectCalled(db, *question.domain, true).id.text;
    } else if (question.system) {
        claims.scope = identity::TokenScope::System;
    }
    auto token = identity::examine(db, claims, ambient.now());
    if (!token)
        throw Error(Failure::Invalid, "user ", question.user,
                    " gets no such token: user, project or domain is disabled, or the user has no role there");
    return token;
}

std::string serviceOf(const Policies& policies, const PolicyQuestion& question) {
    const auto known = [&](const std::string& name) {
        for (const auto* each : services)
            if (name == each) return true;
        return false;
    };
    if (question.service) {
        if (!known(*question.service)) throw Error(Failure::Invalid, "there is no service ", *question.service);
        return *question.service;
    }
    std::string only;
    for (const auto* each : services) {
        if (!policies.of(each)->has(question.rule)) continue;
        if (question.rule.starts_with(std::string(each) + ":")) return each;
        if (!only.empty())
            throw Error(Failure::Invalid, "more than one service has the rule ", question.rule,
                        ": say which by --service");
        only = each;
    }
    if (only.empty()) throw Error(Failure::Invalid, "no service has the rule ", question.rule);
    return only;
}

}

void rotateKeys(const std::filesystem::path& stateDir, const Config& config, bool ofCredentials) {
    storeIn(stateDir, config); // else it is no state directory, and keys would be made in a wrong place
    if (ofCredentials)
        identity::rotateCredentialKeys(stateDir);
    else
        identity::rotateTokenKeys(stateDir, config);
}

int explainPolicy(const std::filesystem::path& stateDir, const Config& config, const PolicyQuestion& question,
                  std::ostream& out) {
    store::Store store(storeIn(stateDir, config));
    const auto token = tokenFor(store.reader(), question);
    Log log({.level = Log::Level::Error});
    Policies policies(config.text("DEFAULT", "policy_dir"), log, config.boolean("policy", "enforce_scope"));
    for (const auto* each : services) policies.add(each, policyDefaults(each));
    const auto service = serviceOf(policies, question);
    const auto policy = policies.of(service);
    if (!policy->has(question.rule)) throw Error(Failure::Invalid, service, " has no rule ", question.rule);
    // What a request completes, too.
    Target target = question.target;
    if (!target.contains("project_id")) target["project_id"] = token->project.id.text;
    if (!target.contains("tenant_id")) target["tenant_id"] = target["project_id"];
    if (!target.contains("user_id")) target["user_id"] = token->user.id.text;
    out << "user " << token->user.name << " (" << token->user.id << "), roles:";
    for (const auto& each : token->roleNames) out << ' ' << each;
    out << '\n' << policy->explain(question.rule, *token->credentials, target);
    return policy->allows(question.rule, *token->credentials, target) ? 0 : 1;
}

}
