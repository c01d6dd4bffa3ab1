#include "identity/dialect.hpp"
#include "identity/directory/group.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

Response answer(const Request& request, int status, const Group& group) {
    return jsonResponse(status, "group", [&](JsonWriter& out) { writeGroup(out, request, group); });
}

Response create(Request& request, Groups& groups) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("group");
    Group wanted;
    takeGroup(wanted, body, resource::Post);
    wanted.domain.text = body.maybeText("domain_id").value_or(homeDomainOf(caller).text);
    return answer(request, 201, groups.create(caller, wanted));
}

Response groupsAnswer(const Request& request, const resource::Listing& listing, const std::vector<Group>& found) {
    return pageResponse(request, "groups", listing, found,
                        [&](JsonWriter& out, const Group& each) { writeGroup(out, request, each); });
}

/// A token of a domain lists those of the domain.
resource::Listing groupListing(const Request& request) {
    auto listing = listingOf(request, groupTable.text(), groupTable.words(), "name");
    onlyOfScope(listing.conditions, callerOf(request));
    return listing;
}

Response list(Request& request, Groups& groups) {
    const auto listing = groupListing(request);
    return groupsAnswer(request, listing, groups.list(callerOf(request), listing));
}

Response update(Request& request, Groups& groups) {
    const Json body = request.json().object("group");
    return answer(request, 200, groups.update(callerOf(request), {request.param("id")}, [&](Group& group) {
        if (const auto domain = body.maybeText("domain_id"); domain && *domain != group.domain.text)
            body.at("domain_id").refuse("It cannot be changed.");
        takeGroup(group, body, resource::Put);
    }));
}

Response listMembers(Request& request, Groups& groups, Core& core) {
    const auto group = groups.show(callerOf(request), {request.param("id")});
    auto listing = listingOf(request, userTable.text(), userTable.words(), "name");
    group_table::onlyMembers(listing.conditions, group.id, core.parts.ambient.now());
    onlyOfScope(listing.conditions, callerOf(request));
    return pageResponse(request, "users", listing, rowsOf(core.parts.store.reader(), userTable, listing),
                        [&](JsonWriter& out, const User& each) { writeUser(out, request, each); });
}

Response listOfUser(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const UserId id{request.param("id")};
    auto user = userTable.find(db, id);
    auto about = targetOf(id, user);
    callerOf(request).demand(std::move(user), std::move(about),
                             Error(Failure::NotFound, "Could not find user: ", id, "."));
    auto listing = groupListing(request);
    group_table::onlyOfUser(listing.conditions, id, core.parts.ambient.now());
    return groupsAnswer(request, listing, rowsOf(db, groupTable, listing));
}

}

void addGroupRoutes(Routes& routes, Groups& groups, Core& core) {
    const std::string one = "/v3/groups/{id}", member = one + "/users/{user}";
    routes.push_back({Method::Get, "/v3/groups", policy("identity:list_groups"),
                      [&](Request& request) { return list(request, groups); }});
    routes.push_back({Method::Post, "/v3/groups", policy("identity:create_group"),
                      [&](Request& request) { return create(request, groups); }});
    routes.push_back({Method::Get, one, policy("identity:get_group"), [&](Request& request) {
                          return answer(request, 200, groups.show(callerOf(request), {request.param("id")}));
                      }});
    routes.push_back({Method::Patch, one, policy("identity:update_group"),
                      [&](Request& request) { return update(request, groups); }});
    routes.push_back({Method::Delete, one, policy("identity:delete_group"), [&](Request& request) {
                          groups.remove(callerOf(request), {request.param("id")});
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, one + "/users", policy("identity:list_users_in_group"),
                      [&](Request& request) { return listMembers(request, groups, core); }});
    routes.push_back({Method::Put, member, policy("identity:add_user_to_group"), [&](Request& request) {
                          groups.addMember(callerOf(request), {request.param("id")}, {request.param("user")});
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, member, policy("identity:check_user_in_group"), [&](Request& request) {
                          groups.checkMember(callerOf(request), {request.param("id")}, {request.param("user")});
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Delete, member, policy("identity:remove_user_from_group"), [&](Request& request) {
                          groups.removeMember(callerOf(request), {request.param("id")}, {request.param("user")});
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, "/v3/users/{id}/groups", policy("identity:list_groups_for_user"),
                      [&](Request& request) { return listOfUser(request, core); }});
}

}
