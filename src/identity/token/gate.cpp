#include "identity/token/gate.hpp"

#include <algorithm>

#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

/// The names by which access rules may call one of our services: its types in the catalog, old ones included.
bool isCalled(std::string_view service, std::string_view name) {
    if (service == "block-storage")
        for (const auto* each : {"volume", "volumev2", "volumev3", "block-store"})
            if (name == each) return true;
    return service == name;
}

bool isAllowed(const std::vector<AccessRule>& rules, const http::Request& request, std::string_view service) {
    // A slash inside of a name is no border between segments, and must not look like one.
    for (const auto& [name, value] : request.params)
        if (value.find('/') != std::string::npos) return false;
    return std::any_of(rules.begin(), rules.end(), [&](const AccessRule& each) {
        return each.method == http::nameOf(request.method) && isCalled(service, each.service) &&
               pathMatches(each.path, request.path);
    });
}

bool isServiceToken(const std::string& text, const Tokens& tokens) {
    const auto token = text.empty() ? nullptr : tokens.validate(text);
    return token && std::find(token->roleNames.begin(), token->roleNames.end(), "service") != token->roleNames.end();
}

}

std::shared_ptr<const Caller> callerBehind(const http::Request& request, std::string_view service, const Tokens& tokens,
                                           const Policies& policies) {
    std::string text(request.headers["X-Auth-Token"]);
    auto token = text.empty() ? nullptr : tokens.validate(text);
    if (!token && !text.empty() && isServiceToken(std::string(request.headers["X-Service-Token"]), tokens))
        token = tokens.validateExpired(text);
    if (!token) throw refused();
    if (token->applicationCredential && token->applicationCredential->rules &&
        !isAllowed(*token->applicationCredential->rules, request, service))
        throw refused();
    auto caller = std::make_shared<Caller>();
    caller->user = token->user.id;
    caller->userName = token->user.name;
    caller->userDomain = token->user.domain;
    if (token->claims.scope == TokenScope::Project) {
        caller->project = token->project.id;
        caller->projectName = token->project.name;
        caller->projectDomain = token->project.domain;
    } else if (token->claims.scope == TokenScope::Domain) {
        caller->domain.text = token->project.id.text;
    }
    caller->own = {{"project_id", caller->project.text}, {"user_id", caller->user.text}};
    caller->system = token->claims.scope == TokenScope::System;
    caller->roles = token->roleNames;
    caller->requestId = request.requestId;
    caller->token = std::move(text);
    caller->credentials = token->credentials;
    caller->policy = policies.of(service);
    caller->rule = request.route->access.rule;
    caller->enforceScope(); // lists ask row by row, and would only come out empty
    return caller;
}

}
