#include <algorithm>
#include <array>

#include "identity/directory/user.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> userAttributes = {
    "id",      "name",  "domain_id", "enabled",  "default_project_id", "password", "password_expires_at", "original_password",
    "options", "links", "domain",    "federated"};

Response answer(const Request& request, int status, const User& user) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("user");
        writeUser(out, request, user);
    });
}

void checkOptions(const Json& options) {
    for (const auto& name : options.names()) {
        const auto value = options.at(name);
        if (value.isNull()) continue; // takes the option back
        if (name != "multi_factor_auth_rules") {
            value.boolean();
            continue;
        }
        for (const auto& rule : value.items()) {
            const auto methods = rule.items();
            if (methods.empty()) rule.refuse("It must name a method.");
            for (const auto& each : methods) each.text();
        }
    }
}

std::vector<FederatedIdentity> identitiesIn(const Json& federated) {
    std::vector<FederatedIdentity> identities;
    for (const auto& provider : federated.items()) {
        provider.onlyKnows({"idp_id", "protocols"});
        for (const auto& protocol : provider.array("protocols").items()) {
            protocol.onlyKnows({"protocol_id", "unique_id"});
            identities.push_back({provider.text("idp_id"), protocol.text("protocol_id"), checkedName(protocol.at("unique_id"), 255)});
        }
    }
    return identities;
}

void writeFederated(JsonWriter& out, const std::vector<FederatedIdentity>& identities) {
    const auto providers = out.array("federated");
    for (auto each = identities.begin(); each != identities.end();) {
        const auto provider = out.object();
        const auto& id = each->provider;
        out.field("idp_id", id);
        const auto protocols = out.array("protocols");
        for (; each != identities.end() && each->provider == id; ++each) {
            const auto protocol = out.object();
            out.field("protocol_id", each->protocol);
            out.field("unique_id", each->uniqueId);
        }
    }
}

/// idp_id, protocol_id and unique_id: one identity that has all of what is asked for.
void applyFederatedFilters(store::Conditions& conditions, const Query& query) {
    store::Conditions identity;
    applyFilters(identity, query, {{"idp_id", "provider_id"}, {"protocol_id", "protocol_id"}, {"unique_id", "unique_id"}});
    if (!identity.values().empty())
        conditions.append("id IN (SELECT user_id FROM federated_users" + identity.where() + ")", identity.values());
}

void take(User& user, const Json& body) {
    if (const auto name = body.find("name")) user.name = checkedName(*name, 255);
    if (body.has("default_project_id")) user.defaultProject.text = body.maybeText("default_project_id").value_or("");
    user.enabled = checkedTruth(body, "enabled", user.enabled);
    if (const auto options = body.find("options")) checkOptions(*options);
    user.options = mergedOptions(user.options, body,
                                 {"ignore_change_password_upon_first_use", "ignore_password_expiry", "ignore_lockout_failure_attempts",
                                  "lock_password", "multi_factor_auth_enabled", "multi_factor_auth_rules", "ignore_user_inactivity"});
    if (const auto federated = body.find("federated")) user.federated = identitiesIn(*federated);
    user.extra = mergedExtra(user.extra, body, userAttributes);
}

/// `password_expires_at=OPERATOR:TIME`, as in lt:2030-01-31T00:00:00Z.
void applyExpiryFilter(store::Conditions& conditions, const Query& query) {
    const auto given = query.find("password_expires_at");
    if (!given) return;
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> operators = {
        {{"lt", "<"}, {"lte", "<="}, {"gt", ">"}, {"gte", ">="}, {"eq", "="}, {"neq", "<>"}}};
    const auto colon = given->find(':');
    const auto word = std::string_view(*given).substr(0, colon);
    const auto found = std::find_if(operators.begin(), operators.end(), [&](const auto& each) { return each.first == word; });
    const auto time = colon == std::string::npos ? std::nullopt : parseIsoTime(std::string_view(*given).substr(colon + 1));
    if (found == operators.end() || !time)
        throw Error(Failure::Invalid, "Invalid input for query parameter password_expires_at: it must be lt, lte, gt, gte, eq or neq, a "
                                      "colon, and a time such as 2030-01-31T12:00:00Z.");
    conditions.add("password_expires " + std::string(found->second) + " ?", *time);
}

Response create(Request& request, Users& users) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("user");
    User wanted;
    wanted.name = checkedName(body.at("name"), 255);
    wanted.domain.text = body.maybeText("domain_id")
                             .value_or(!caller.domain.empty()    ? caller.domain.text
                                       : !caller.project.empty() ? caller.projectDomain.text
                                                                 : "default");
    take(wanted, body);
    return answer(request, 201, users.create(caller, wanted, body.maybeText("password")));
}

Response list(Request& request, Users& users, Core& core) {
    const auto active = users.activeSql();
    const Filter userFilters[] = {{"name", "name_key", Filter::Kind::Name},
                                  {"enabled", active, Filter::Kind::Truth},
                                  {"domain_id", "domain_id"},
                                  {"default_project_id", "default_project_id"}};
    store::Conditions conditions;
    applyFilters(conditions, request.query, userFilters);
    applyExpiryFilter(conditions, request.query);
    applyFederatedFilters(conditions, request.query);
    const auto& caller = callerOf(request);
    onlyOfScope(conditions, caller);
    const auto page = Page::from(request.query, conditions, core.parts.store.reader(), "users", userFilters, "created");
    return pageResponse<User>(request, "users", page, users.list(caller, conditions, page.order),
                              [&](JsonWriter& out, const User& each) { writeUser(out, request, each); });
}

Response update(Request& request, Users& users) {
    const Json body = request.json().object("user");
    const auto change = [&](User& user) {
        if (const auto domain = body.maybeText("domain_id"); domain && *domain != user.domain.text)
            body.at("domain_id").refuse("It cannot be changed.");
        take(user, body);
    };
    return answer(
        request, 200,
        users.update(callerOf(request), {request.param("id")}, change, body.maybeText("password"), checkedTruth(body, "enabled", false)));
}

Response changePassword(Request& request, Users& users) {
    const Json body = request.json().object("user");
    users.changePassword({request.param("id")}, body.text("original_password"), body.text("password"));
    return emptyResponse(204);
}

}

void writeUser(JsonWriter& out, const Request& request, const User& user) {
    const auto object = out.object();
    out.field("id", user.id);
    out.field("name", user.name);
    out.field("domain_id", user.domain);
    out.field("enabled", user.enabled);
    if (!user.defaultProject.empty()) out.field("default_project_id", user.defaultProject);
    out.field("password_expires_at", user.passwordExpires ? std::optional(isoMicros(*user.passwordExpires)) : std::nullopt);
    out.rawField("options", user.options);
    if (!user.federated.empty()) writeFederated(out, user.federated);
    writeExtra(out, user.extra);
    writeSelf(out, request, "users/" + user.id.text);
}

namespace {

/// True of a body that sets a password.
bool setsPassword(const Request& request) {
    try {
        return request.json().object("user").maybeText("password").has_value();
    } catch (const Error&) {
        return false; // no such body: it is refused before anything is hashed
    }
}

}

void addUserRoutes(Routes& routes, Users& users, Core& core) {
    routes.push_back(
        {Method::Get, "/v3/users", policy("identity:list_users"), [&](Request& request) { return list(request, users, core); }});
    routes.push_back({.method = Method::Post,
                      .pattern = "/v3/users",
                      .access = policy("identity:create_user"),
                      .handler = [&](Request& request) { return create(request, users); },
                      .isCostly = setsPassword});
    routes.push_back({Method::Get, "/v3/users/{id}", policy("identity:get_user"),
                      [&](Request& request) { return answer(request, 200, users.show(callerOf(request), {request.param("id")})); }});
    routes.push_back({.method = Method::Patch,
                      .pattern = "/v3/users/{id}",
                      .access = policy("identity:update_user"),
                      .handler = [&](Request& request) { return update(request, users); },
                      .isCostly = setsPassword});
    routes.push_back({Method::Delete, "/v3/users/{id}", policy("identity:delete_user"), [&](Request& request) {
                          users.remove(callerOf(request), {request.param("id")});
                          return emptyResponse(204);
                      }});
    routes.push_back({.method = Method::Post,
                      .pattern = "/v3/users/{id}/password",
                      .access = open("the present password in the body is the proof"),
                      .handler = [&](Request& request) { return changePassword(request, users); },
                      .isCostly = setsPassword});
    routes.push_back({Method::Get, "/v3/users/{id}/projects", policy("identity:list_user_projects"), [&](Request& request) {
                          const auto found = users.projectsOf(callerOf(request), {request.param("id")});
                          return slicedResponse<Project>(request, "projects", found,
                                                         [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
                      }});
}

}
