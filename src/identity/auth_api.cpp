#include "identity/catalog.hpp"
#include "identity/password.hpp"
#include "identity/token.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

struct Auth {
    Tokens& tokens;
    Users& users;
    Core& core;
    store::Reader& db() const { return core.parts.store.reader(); }
};

/// The same for every reason, so that nobody learns which it was.
Error refused() { return Error(Failure::Unauthenticated, "The request you have made requires authentication."); }

/// A domain by the id or the name that `reference` has.
std::optional<Project> domainFrom(const Json& reference, store::Reader& db) {
    if (const auto id = reference.maybeText("id")) {
        auto found = project_table::find(db, {*id});
        return found && found->isDomain ? found : std::nullopt;
    }
    return project_table::findDomainByName(db, reference.text("name"));
}

std::optional<User> userFrom(const Json& reference, store::Reader& db) {
    if (const auto id = reference.maybeText("id")) return user_table::find(db, {*id});
    const auto name = reference.text("name");
    const auto domain = domainFrom(reference.object("domain"), db);
    return domain ? user_table::findByName(db, {domain->id.text}, name) : std::nullopt;
}

/// Who the password method says it is; throws refused() in the same time whatever is wrong.
User byPassword(const Json& method, const Auth& auth) {
    const Json reference = method.object("user");
    const auto password = reference.text("password");
    const auto user = userFrom(reference, auth.db());
    if (!passwordMatches(password, user ? user->password : std::string(), auth.users.rounds()) || !user->enabled) throw refused();
    return *user;
}

/// Puts the scope that the request wants on the claims. `previous` is the token it is made from, if any.
void applyScope(TokenClaims& claims, const std::optional<Json>& scope, const User& user, const ValidToken* previous, const Auth& auth) {
    auto& db = auth.db();
    if (scope && scope->isText()) {
        if (scope->text() != "unscoped") scope->refuse("It must be an object, or \"unscoped\".");
        return;
    }
    if (scope && scope->has("unscoped")) return;
    if (!scope) {
        if (user.defaultProject.empty()) return;
        TokenClaims wanted = claims;
        wanted.scope = TokenScope::Project;
        wanted.target = user.defaultProject.text;
        if (auth.tokens.examine(db, wanted)) claims = wanted; // else unscoped, as if there were none
        return;
    }
    if (scope->size() != 1) throw Error(Failure::Invalid, "Expecting to find exactly one of project, domain, system in scope.");
    if (const auto project = scope->find("project")) {
        claims.scope = TokenScope::Project;
        std::optional<Project> found;
        if (const auto id = project->maybeText("id"))
            found = project_table::find(db, {*id});
        else {
            const auto name = project->text("name");
            const auto domain = domainFrom(project->object("domain"), db);
            if (domain) found = project_table::findByName(db, {domain->id.text}, name);
        }
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
        throw Error(Failure::Invalid, "Expecting to find one of project, domain, system in scope.");
    }
    if (previous && previous->claims.scope == TokenScope::System && claims.scope != TokenScope::System)
        throw Error(Failure::Forbidden, "A token scoped to the system cannot be rescoped to a project or domain.");
}

Response tokenAnswer(int status, const ValidToken& token, const std::string& text, const Request& request, const Auth& auth) {
    auto response = jsonResponse(status, [&](JsonWriter& out) { writeToken(out, token, auth.db(), !request.query.flag("nocatalog")); });
    response.headers.add("X-Subject-Token", text);
    return response;
}

Response issue(Request& request, const Auth& auth) {
    const Json body = request.json().object("auth");
    const Json identity = body.object("identity");
    std::vector<std::string> methods;
    for (const auto& each : identity.array("methods").items()) methods.push_back(each.text());
    if (methods.empty()) identity.at("methods").refuse("It must name a method.");

    std::optional<User> user;
    std::shared_ptr<const ValidToken> previous;
    for (const auto& method : methods) {
        std::optional<User> found;
        if (method == "password") {
            found = byPassword(identity.object("password"), auth);
        } else if (method == "token") {
            previous = auth.tokens.validate(identity.object("token").text("id"));
            if (!previous) throw Error(Failure::NotFound, "Could not find token.");
            found = previous->user;
        } else {
            throw Error(Failure::Unauthenticated, "Attempted to authenticate with an unsupported method.");
        }
        if (user && user->id != found->id) throw refused(); // two methods, two people
        user = std::move(found);
    }
    TokenClaims claims = auth.tokens.fresh(user->id, methods);
    if (previous) {
        claims.expires = previous->claims.expires; // a token cannot prolong its own life
        claims.auditIds.push_back(previous->claims.auditIds.back());
        for (const auto& each : previous->claims.methods)
            if (std::find(claims.methods.begin(), claims.methods.end(), each) == claims.methods.end()) claims.methods.push_back(each);
    }
    applyScope(claims, body.find("scope"), *user, previous.get(), auth);
    const auto token = auth.tokens.examine(auth.db(), claims);
    if (!token) throw refused();
    return tokenAnswer(201, *token, auth.tokens.seal(claims), request, auth);
}

/// The token in X-Subject-Token, once the rule allows it to be looked at.
std::shared_ptr<const ValidToken> subject(const Request& request, const Auth& auth) {
    const std::string text(request.headers["X-Subject-Token"]);
    if (text.empty()) throw Error(Failure::Invalid, "Expecting to find X-Subject-Token in the request's header.");
    auto token = auth.tokens.validate(text);
    if (!token) throw Error(Failure::NotFound, "Could not find token.");
    callerOf(request).enforce({{"target.token.user_id", token->user.id.text}});
    return token;
}

Response show(Request& request, const Auth& auth) {
    const auto token = subject(request, auth);
    return tokenAnswer(200, *token, std::string(request.headers["X-Subject-Token"]), request, auth);
}

Response listScopes(Request& request, const Auth& auth, bool domains) {
    const auto& caller = callerOf(request);
    caller.enforce();
    store::Conditions conditions;
    conditions.add("enabled = 1");
    role_table::onlyThoseWithRole(conditions, caller.user, domains ? Assignment::Scope::Domain : Assignment::Scope::Project);
    const auto found = project_table::list(auth.db(), conditions);
    return listResponse(request, domains ? "domains" : "projects", [&](JsonWriter& out) {
        for (const auto& each : found) writeProject(out, request, each, auth.db());
    });
}

Response listSystem(Request& request, const Auth& auth) {
    const auto& caller = callerOf(request);
    caller.enforce();
    const bool any = !role_table::effective(auth.db(), caller.user, Assignment::Scope::System, "all").empty();
    return listResponse(request, "system", [&](JsonWriter& out) {
        if (!any) return;
        const auto scope = out.object();
        out.field("all", true);
    });
}

Response showCatalog(Request& request, const Auth& auth) {
    const auto& caller = callerOf(request);
    caller.enforce();
    if (caller.project.empty() && caller.domain.empty() && !caller.system)
        throw Error(Failure::Forbidden, "A catalog is only for a scoped token: ask for one with a project, a domain or the system.");
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeCatalog(out, auth.db(), caller.project);
        const auto links = out.object("links");
        out.field("self", request.base + request.path);
        out.field("previous", nullptr);
        out.field("next", nullptr);
    });
}

}

void addAuthRoutes(Routes& routes, Tokens& tokens, Users& users, Core& core) {
    const Auth auth{tokens, users, core};
    const std::string path = "/v3/auth/tokens";
    routes.push_back(
        {Method::Post, path, open("this is where a token comes from"), [auth](Request& request) { return issue(request, auth); }});
    routes.push_back({Method::Get, path, policy("identity:validate_token"), [auth](Request& request) { return show(request, auth); }});
    routes.push_back({Method::Head, path, policy("identity:check_token"), [auth](Request& request) {
                          subject(request, auth);
                          auto response = emptyResponse(200);
                          response.headers.add("X-Subject-Token", std::string(request.headers["X-Subject-Token"]));
                          return response;
                      }});
    routes.push_back({Method::Delete, path, policy("identity:revoke_token"), [auth](Request& request) {
                          auth.tokens.revoke(subject(request, auth)->claims);
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, "/v3/auth/projects", policy("identity:get_auth_projects"),
                      [auth](Request& request) { return listScopes(request, auth, false); }});
    routes.push_back({Method::Get, "/v3/auth/domains", policy("identity:get_auth_domains"),
                      [auth](Request& request) { return listScopes(request, auth, true); }});
    routes.push_back({Method::Get, "/v3/auth/system", policy("identity:get_auth_system"),
                      [auth](Request& request) { return listSystem(request, auth); }});
    routes.push_back({Method::Get, "/v3/auth/catalog", policy("identity:get_auth_catalog"),
                      [auth](Request& request) { return showCatalog(request, auth); }});
}

}
