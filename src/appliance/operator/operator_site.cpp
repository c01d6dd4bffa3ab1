#include "appliance/operator/operator_site.hpp"

#include <stratolet/error.hpp>

#include "appliance/identity_tools.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/token.hpp"
#include "platform/http/failures.hpp"

namespace stratolet {

using namespace http;

namespace {

/// Long enough for the longest of the commands: uploading an image.
constexpr std::chrono::hours tokenLifetime(12);

Response refusal(const Request&, const Error& error) {
    // Who runs the host may know what is broken, which others are not told.
    return jsonResponse(usualStatus(error.failure()), [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("error", error.what());
    });
}

}

Failure failureOf(int status) { return status == 507 ? Failure::Full : http::failureOf(status); }

std::string saidIn(int status, std::string_view text) {
    try {
        const auto body = Json::parse(text);
        for (const auto& name : body.names()) {
            const auto inner = body.at(name);
            if (inner.isText()) return inner.text();
            if (inner.isObject() && inner.has("message")) return inner.text("message");
        }
    } catch (const Error&) { // it is no JSON
    }
    return text.empty() ? std::to_string(status) : std::string(text);
}

std::string tokenFor(const OperatorParts& parts, const identity::User& user, const identity::Project& project) {
    identity::TokenClaims claims;
    claims.user = user.id;
    claims.scope = identity::TokenScope::Project;
    claims.target = project.id.text;
    claims.methods = {"password"};
    claims.issued = parts.ambient.now();
    claims.expires = claims.issued + tokenLifetime;
    std::string audit(16, '\0');
    parts.ambient.randomize(std::as_writable_bytes(std::span(audit)));
    claims.auditIds = {identity::base64Url(audit)};
    if (!identity::examine(parts.store.reader(), claims, claims.issued))
        throw Error(Failure::Conflict, "user ", user.name, " gets no token of project ", project.name,
                    ": one of them is disabled, or the user has no role there");
    return identity::Fernet(parts.stateDir / "fernet-keys", parts.ambient).seal(identity::payloadOf(claims));
}

AsAdministrator::AsAdministrator(const OperatorParts& parts) : server_(parts.server) {
    auto& db = parts.store.reader();
    try {
        const auto project = projectCalled(db, "admin", false);
        token_ = tokenFor(parts, userCalled(db, "admin"), project);
        project_ = project.id.text;
    } catch (const Error& problem) {
        throw Error(Failure::Conflict,
                    "this needs the user and the project \"admin\" of the default domain: ", problem.what());
    }
}

Json AsAdministrator::asks(Method method, std::string path, std::string body,
                           const std::vector<std::pair<std::string, std::string>>& headers) const {
    constexpr std::string_view mark = "{project}";
    if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), project_);
    Request request;
    request.method = method;
    request.path = std::move(path);
    request.contentLength = body.size();
    request.body = std::move(body);
    request.peer = "local";
    request.headers.add("X-Auth-Token", token_);
    if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    const auto response = server_.handle(std::move(request));
    if (response.status >= 300)
        throw Error(stratolet::failureOf(response.status), saidIn(response.status, response.body));
    return Json::parse(response.body.empty() ? "{}" : response.body);
}

void writeTime(JsonWriter& out, std::string_view name, const std::optional<Time>& time) {
    time ? out.field(name, isoMicrosZ(*time)) : out.field(name, nullptr);
}

void writeRouteTable(JsonWriter& out, const std::vector<Site>& sites) {
    const auto body = out.object();
    const auto routes = out.array("routes");
    for (const auto& site : sites)
        for (const auto& each : site.routes) {
            const auto route = out.object();
            out.field("service", site.name);
            out.field("method", nameOf(each.method));
            out.field("path", site.prefix + each.pattern);
            out.field("rule", each.access.rule);
            out.field("open", each.access.openBecause);
        }
}

Site operatorSite(const OperatorParts& parts) {
    Site site;
    site.name = "operator";
    site.prefix = "/operator";
    addStatusRoutes(site.routes, parts);
    addJobRoutes(site.routes, parts);
    addStoryRoutes(site.routes, parts);
    addHostRoutes(site.routes, parts);
    addAccessRoutes(site.routes, parts);
    addRepairRoutes(site.routes, parts);
    site.routes.push_back({Method::Get, "/v1/routes", byTheSocket(), [&server = parts.server](Request&) {
                               return jsonResponse(200, [&](JsonWriter& out) { writeRouteTable(out, server.sites()); });
                           }});
    for (auto& each : site.routes) each.runs = Runs::Worker; // they may take their time, which the API's clients have
    site.refuse = refusal;
    site.noRoute = [](const Request& request, const std::vector<Method>&) {
        return refusal(request, Error(Failure::NotFound, "there is no such route of the operator's: ", request.path));
    };
    site.finish = [](const Request& request, Response& response) {
        response.headers.add("x-openstack-request-id", request.requestId);
    };
    return site;
}

}
