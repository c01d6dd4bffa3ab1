#include <algorithm>
#include <array>

#include "identity/dialect.hpp"
#include "identity/directory/user.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

Response answer(const Request& request, int status, const User& user) {
    return jsonResponse(status, "user", [&](JsonWriter& out) { writeUser(out, request, user); });
}

/// idp_id, protocol_id and unique_id: one identity that has all of what is asked for.
void applyFederatedFilters(store::Conditions& conditions, const Query& query) {
    store::Conditions identity;
    using resource::Kind;
    static const resource::Words words{{"idp_id", Kind::Text, resource::Find, "provider_id"},
                                       {"protocol_id", Kind::Text, resource::Find, "protocol_id"},
                                       {"unique_id", Kind::Text, resource::Find, "unique_id"}};
    applyFilters(identity, query, words, 'f');
    if (!identity.values().empty()) user_table::addHaving(conditions, identity);
}

/// `password_expires_at=OPERATOR:TIME`, as in lt:2030-01-31T00:00:00Z.
void applyExpiryFilter(store::Conditions& conditions, const Query& query) {
    const auto given = query.find("password_expires_at");
    if (!given) return;
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> operators = {
        {{"lt", "<"}, {"lte", "<="}, {"gt", ">"}, {"gte", ">="}, {"eq", "="}, {"neq", "<>"}}};
    const auto colon = given->find(':');
    const auto word = std::string_view(*given).substr(0, colon);
    const auto found =
        std::find_if(operators.begin(), operators.end(), [&](const auto& each) { return each.first == word; });
    const auto time =
        colon == std::string::npos ? std::nullopt : parseIsoTime(std::string_view(*given).substr(colon + 1));
    if (found == operators.end() || !time)
        throw Error(Failure::Invalid,
                    "Invalid input for query parameter password_expires_at: it must be lt, lte, gt, gte, eq or neq, a "
                    "colon, and a time such as 2030-01-31T12:00:00Z.");
    conditions.add("password_expires " + std::string(found->second) + " ?", *time);
}

Response create(Request& request, Users& users) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("user");
    User wanted;
    takeUser(wanted, body, resource::Post);
    wanted.domain.text = body.maybeText("domain_id").value_or(homeDomainOf(caller).text);
    return answer(request, 201, users.create(caller, wanted, body.maybeText("password")));
}

Response list(Request& request, Users& users) {
    // Who sleeps for too long counts as disabled, as time goes by.
    const auto active = users.activeSql();
    auto words = userTable.words();
    for (auto& each : words)
        if (each.name == "enabled") each.found = active;
    auto listing = listingOf(request, userTable.text(), words, "created");
    applyExpiryFilter(listing.conditions, request.query);
    applyFederatedFilters(listing.conditions, request.query);
    const auto& caller = callerOf(request);
    onlyOfScope(listing.conditions, caller);
    return pageResponse(request, "users", listing, users.list(caller, listing),
                        [&](JsonWriter& out, const User& each) { writeUser(out, request, each); });
}

Response update(Request& request, Users& users) {
    const Json body = request.json().object("user");
    const auto change = [&](User& user) {
        if (const auto domain = body.maybeText("domain_id"); domain && *domain != user.domain.text)
            body.at("domain_id").refuse("It cannot be changed.");
        takeUser(user, body, resource::Put);
    };
    return answer(request, 200,
                  users.update(callerOf(request), {request.param("id")}, change, body.maybeText("password"),
                               checkedTruth(body, "enabled", false)));
}

Response changePassword(Request& request, Users& users) {
    const Json body = request.json().object("user");
    users.changePassword({request.param("id")}, body.text("original_password"), body.text("password"));
    return emptyResponse(204);
}

/// True of a body that sets a password.
bool setsPassword(const Request& request) {
    try {
        return request.json().object("user").maybeText("password").has_value();
    } catch (const Error&) {
        return false; // no such body: it is refused before anything is hashed
    }
}

}

void addUserRoutes(Routes& routes, Users& users) {
    routes.push_back({Method::Get, "/v3/users", policy("identity:list_users"),
                      [&](Request& request) { return list(request, users); }});
    routes.push_back({.method = Method::Post,
                      .pattern = "/v3/users",
                      .access = policy("identity:create_user"),
                      .handler = [&](Request& request) { return create(request, users); },
                      .isCostly = setsPassword});
    routes.push_back({Method::Get, "/v3/users/{id}", policy("identity:get_user"), [&](Request& request) {
                          return answer(request, 200, users.show(callerOf(request), {request.param("id")}));
                      }});
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
    routes.push_back(
        {Method::Get, "/v3/users/{id}/projects", policy("identity:list_user_projects"), [&](Request& request) {
             const auto found = users.projectsOf(callerOf(request), {request.param("id")});
             return slicedResponse<Project>(request, "projects", found, [&](JsonWriter& out, const Project& each) {
                 writeProject(out, request, each);
             });
         }});
}

}
