#include "identity/catalog/catalog.hpp"
#include "identity/login/auth.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

Response tokenAnswer(int status, const ValidToken& token, const std::string& text, const Request& request,
                     store::Reader& db) {
    auto response =
        jsonResponse(status, [&](JsonWriter& out) { writeToken(out, token, db, !request.query.flag("nocatalog")); });
    response.headers.add("X-Subject-Token", text);
    return response;
}

/// 401, but with what has been shown so far and what is missing.
Response receiptAnswer(const Request& request, const Authenticated& result, store::Reader& db) {
    auto response = jsonResponse(401, [&](JsonWriter& out) {
        const auto user = userTable.find(db, result.receipt.user);
        const auto domain = user ? projectTable.find(db, {user->domain.text}) : std::nullopt;
        const auto body = out.object();
        {
            const auto receipt = out.object("receipt");
            {
                const auto methods = out.array("methods");
                for (const auto& each : result.receipt.methods) out.value(each);
            }
            out.field("issued_at", isoMicrosZ(result.receipt.issued));
            out.field("expires_at", isoMicrosZ(result.receipt.expires));
            const auto who = out.object("user");
            out.field("id", result.receipt.user);
            out.field("name", user ? user->name : std::string());
            const auto place = out.object("domain");
            out.field("id", user ? user->domain.text : std::string());
            out.field("name", domain ? domain->name : std::string());
        }
        const auto rules = out.array("required_auth_methods");
        for (const auto& each : result.rules) {
            const auto rule = out.array();
            for (const auto& method : each) out.value(method);
        }
    });
    response.headers.add("Openstack-Auth-Receipt", result.text);
    response.headers.add("WWW-Authenticate", std::string(unauthenticated(request, "").headers["WWW-Authenticate"]));
    return response;
}

Response issue(Request& request, Authentication& authentication) {
    const auto result =
        authentication.logIn(request.json().object("auth"), std::string(request.headers["Openstack-Auth-Receipt"]));
    return loginAnswer(request, result, authentication.core().parts.store.reader());
}

/// The token in X-Subject-Token, once the rule allows it to be looked at.
std::shared_ptr<const ValidToken> subject(const Request& request, Authentication& authentication) {
    const std::string text(request.headers["X-Subject-Token"]);
    if (text.empty()) throw Error(Failure::Invalid, "Expecting to find X-Subject-Token in the request's header.");
    auto token = authentication.tokens().validate(text);
    if (!token && request.query.flag("allow_expired")) token = authentication.tokens().validateExpired(text);
    if (!token) throw Error(Failure::NotFound, "Could not find token.");
    callerOf(request).enforce({{"target.token.user_id", token->user.id.text}});
    return token;
}

Response show(Request& request, Authentication& authentication) {
    const auto token = subject(request, authentication);
    return tokenAnswer(200, *token, std::string(request.headers["X-Subject-Token"]), request,
                       authentication.core().parts.store.reader());
}

Response listScopes(Request& request, Core& core, bool domains) {
    const auto& caller = callerOf(request);
    caller.enforce();
    auto& db = core.parts.store.reader();
    store::Conditions conditions;
    conditions.add("enabled = 1");
    role_table::onlyThoseWithRole(conditions, caller.user,
                                  domains ? Assignment::Scope::Domain : Assignment::Scope::Project,
                                  core.parts.ambient.now());
    const auto found = project_table::list(db, conditions);
    return slicedResponse<Project>(request, domains ? "domains" : "projects", found,
                                   [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
}

Response listSystem(Request& request, Core& core) {
    const auto& caller = callerOf(request);
    caller.enforce();
    const bool any = !role_table::effective(core.parts.store.reader(), caller.user, Assignment::Scope::System, "all",
                                            core.parts.ambient.now())
                          .empty();
    return listResponse(request, "system", std::nullopt, [&](JsonWriter& out) {
        if (!any) return;
        const auto scope = out.object();
        out.field("all", true);
    });
}

Response showCatalog(Request& request, Core& core) {
    const auto& caller = callerOf(request);
    caller.enforce();
    if (caller.project.empty() && caller.domain.empty() && !caller.system)
        throw Error(Failure::Forbidden,
                    "A catalog is only for a scoped token: ask for one with a project, a domain or the system.");
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeCatalog(out, core.parts.store.reader(), caller.project);
        const auto links = out.object("links");
        out.field("self", request.base + request.path);
        out.field("previous", nullptr);
        out.field("next", nullptr);
    });
}

}

Response loginAnswer(const Request& request, const Authenticated& result, store::Reader& db) {
    return result.token ? tokenAnswer(201, *result.token, result.text, request, db)
                        : receiptAnswer(request, result, db);
}

void addAuthRoutes(Routes& routes, Authentication& authentication) {
    auto& core = authentication.core();
    const std::string path = "/v3/auth/tokens";
    routes.push_back({.method = Method::Post,
                      .pattern = path,
                      .access = open("this is where a token comes from"),
                      .handler = [&](Request& request) { return issue(request, authentication); },
                      .isCostly = [&](const Request& request) { return authentication.hashes(request); }});
    routes.push_back({Method::Get, path, policy("identity:validate_token"),
                      [&](Request& request) { return show(request, authentication); }});
    routes.push_back({Method::Head, path, policy("identity:check_token"), [&](Request& request) {
                          subject(request, authentication);
                          auto response = emptyResponse(200);
                          response.headers.add("X-Subject-Token", std::string(request.headers["X-Subject-Token"]));
                          return response;
                      }});
    routes.push_back({Method::Delete, path, policy("identity:revoke_token"), [&](Request& request) {
                          authentication.tokens().revoke(subject(request, authentication)->claims);
                          return emptyResponse(204);
                      }});
    for (const std::string place : {"/v3/auth", "/v3/OS-FEDERATION"}) { // two names of one thing
        routes.push_back({Method::Get, place + "/projects", policy("identity:get_auth_projects"),
                          [&](Request& request) { return listScopes(request, core, false); }});
        routes.push_back({Method::Get, place + "/domains", policy("identity:get_auth_domains"),
                          [&](Request& request) { return listScopes(request, core, true); }});
    }
    routes.push_back({Method::Get, "/v3/auth/system", policy("identity:get_auth_system"),
                      [&](Request& request) { return listSystem(request, core); }});
    routes.push_back({Method::Get, "/v3/auth/catalog", policy("identity:get_auth_catalog"),
                      [&](Request& request) { return showCatalog(request, core); }});
}

}
