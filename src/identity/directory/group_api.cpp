#include "identity/directory/group.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> groupAttributes = {"id", "name", "domain_id", "description", "links", "domain"};
constexpr Filter groupFilters[] = {{"name", "name_key", Filter::Kind::Name}, {"domain_id", "domain_id"}, {"description", "description"}};
constexpr Filter memberFilters[] = {{"name", "name_key", Filter::Kind::Name},
                                    {"enabled", "enabled", Filter::Kind::Truth},
                                    {"domain_id", "domain_id"},
                                    {"default_project_id", "default_project_id"}};

Response answer(const Request& request, int status, const Group& group) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("group");
        writeGroup(out, request, group);
    });
}

void take(Group& group, const Json& body) {
    if (const auto name = body.find("name")) group.name = checkedName(*name, 64);
    if (body.has("description")) group.description = body.maybeText("description").value_or("");
    group.extra = mergedExtra(group.extra, body, groupAttributes);
}

Response create(Request& request, Groups& groups) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("group");
    Group wanted;
    wanted.name = checkedName(body.at("name"), 64);
    wanted.domain.text = body.maybeText("domain_id").value_or(homeDomainOf(caller).text);
    take(wanted, body);
    return answer(request, 201, groups.create(caller, wanted));
}

Response list(Request& request, Groups& groups, Core& core) {
    const Caller& caller = callerOf(request);
    store::Conditions conditions;
    applyFilters(conditions, request.query, groupFilters);
    onlyOfScope(conditions, caller);
    const auto page = Page::from(request.query, conditions, core.parts.store.reader(), "groups", groupFilters, "name");
    return pageResponse<Group>(request, "groups", page, groups.list(caller, conditions, page.order),
                               [&](JsonWriter& out, const Group& each) { writeGroup(out, request, each); });
}

Response update(Request& request, Groups& groups) {
    const Json body = request.json().object("group");
    return answer(request, 200, groups.update(callerOf(request), {request.param("id")}, [&](Group& group) {
        if (const auto domain = body.maybeText("domain_id"); domain && *domain != group.domain.text)
            body.at("domain_id").refuse("It cannot be changed.");
        take(group, body);
    }));
}

Response listMembers(Request& request, Groups& groups, Core& core) {
    const auto group = groups.show(callerOf(request), {request.param("id")});
    auto& db = core.parts.store.reader();
    store::Conditions conditions;
    conditions.add("id IN (SELECT user_id FROM group_members WHERE group_id = ? UNION ALL SELECT user_id FROM federated_members WHERE "
                   "group_id = ? AND expires > ?)",
                   group.id, group.id, core.parts.ambient.now());
    onlyOfScope(conditions, callerOf(request));
    applyFilters(conditions, request.query, memberFilters);
    const auto page = Page::from(request.query, conditions, db, "users", memberFilters, "name");
    return pageResponse<User>(request, "users", page, user_table::list(db, conditions, page.order),
                              [&](JsonWriter& out, const User& each) { writeUser(out, request, each); });
}

Response listOfUser(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const UserId id{request.param("id")};
    auto user = user_table::find(db, id);
    auto about = targetOf(id, user);
    callerOf(request).demand(std::move(user), std::move(about), Error(Failure::NotFound, "Could not find user: ", id, "."));
    store::Conditions conditions;
    conditions.add("id IN (SELECT group_id FROM group_members WHERE user_id = ? UNION ALL SELECT group_id FROM federated_members WHERE "
                   "user_id = ? AND expires > ?)",
                   id, id, core.parts.ambient.now());
    onlyOfScope(conditions, callerOf(request));
    applyFilters(conditions, request.query, groupFilters);
    const auto page = Page::from(request.query, conditions, db, "groups", groupFilters, "name");
    return pageResponse<Group>(request, "groups", page, group_table::list(db, conditions, page.order),
                               [&](JsonWriter& out, const Group& each) { writeGroup(out, request, each); });
}

}

void writeGroup(JsonWriter& out, const Request& request, const Group& group) {
    const auto object = out.object();
    out.field("id", group.id);
    out.field("name", group.name);
    out.field("domain_id", group.domain);
    out.field("description", group.description);
    writeExtra(out, group.extra);
    writeSelf(out, request, "groups/" + group.id.text);
}

void addGroupRoutes(Routes& routes, Groups& groups, Core& core) {
    const std::string one = "/v3/groups/{id}", member = one + "/users/{user}";
    routes.push_back(
        {Method::Get, "/v3/groups", policy("identity:list_groups"), [&](Request& request) { return list(request, groups, core); }});
    routes.push_back(
        {Method::Post, "/v3/groups", policy("identity:create_group"), [&](Request& request) { return create(request, groups); }});
    routes.push_back({Method::Get, one, policy("identity:get_group"),
                      [&](Request& request) { return answer(request, 200, groups.show(callerOf(request), {request.param("id")})); }});
    routes.push_back({Method::Patch, one, policy("identity:update_group"), [&](Request& request) { return update(request, groups); }});
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
