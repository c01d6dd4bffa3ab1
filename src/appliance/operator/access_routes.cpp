#include "appliance/operator/operator_site.hpp"

#include <stratolet/error.hpp>

#include "appliance/identity_tools.hpp"

namespace stratolet {

using namespace http;

namespace {

bool isAdministrator(const identity::User& user) { return user.name == "admin" && user.domain.text == "default"; }

Response password(const Request& request, const OperatorParts& parts) {
    const auto body = request.json();
    body.onlyKnows({"password"});
    const auto wanted = body.text("password");
    const auto user = userCalled(parts.store.reader(), request.param("user"));
    std::string change = R"({"user":{"password":)" + jsonText(wanted) + "}}";
    AsAdministrator(parts).asks(Method::Patch, "/identity/v3/users/" + user.id.text, std::move(change));
    const bool kept = isAdministrator(user);
    if (kept) parts.administratorHas(wanted);
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto answer = out.object();
        out.field("user", user.name);
        out.field("id", user.id);
        out.field("files_rewritten", kept);
    });
}

/// What an openrc file needs to know. Passwords are kept by nobody, so it has none.
Response place(const Request& request, const OperatorParts& parts) {
    auto& db = parts.store.reader();
    const auto user = userCalled(db, request.query.text("user", "admin"));
    const auto project = projectCalled(db, request.query.text("project", "admin"), false);
    tokenFor(parts, user, project); // refused where they would get none
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("auth_url", parts.endpoint + "/identity/v3");
        out.field("user", user.name);
        out.field("user_domain_id", user.domain);
        out.field("project", project.name);
        out.field("project_domain_id", project.domain);
        out.field("region", parts.settings.config.text("DEFAULT", "region"));
    });
}

Response token(const OperatorParts& parts) {
    const AsAdministrator administrator(parts);
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.field("token", administrator.token());
        out.field("project", administrator.project());
    });
}

}

void addAccessRoutes(Routes& routes, const OperatorParts& parts) {
    routes.push_back({Method::Put, "/v1/users/{user}/password", byTheSocket(),
                      [parts](Request& request) { return password(request, parts); }});
    routes.push_back(
        {Method::Get, "/v1/openrc", byTheSocket(), [parts](Request& request) { return place(request, parts); }});
    routes.push_back({Method::Post, "/v1/token", byTheSocket(), [parts](Request&) { return token(parts); }});
}

}
