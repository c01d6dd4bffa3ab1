#include <map>

#include "identity/project.hpp"
#include "identity/role.hpp"
#include "identity/user.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using Scope = Assignment::Scope;

/// The target, user and role that a grant's path names, as far as they exist; the rule is asked before what is missing is told.
Assignment grantFrom(const Request& request, Core& core, Scope scope, bool withRole) {
    auto& db = core.parts.store.reader();
    Assignment grant;
    grant.scope = scope;
    grant.user.text = request.param("user");
    grant.target = scope == Scope::System ? "all" : request.param("target");
    if (withRole) grant.role.text = request.param("role");

    const auto user = user_table::find(db, grant.user);
    auto project = scope == Scope::System ? std::nullopt : project_table::find(db, {grant.target});
    if (project && scope == Scope::Domain && !project->isDomain) project.reset();
    const auto role = withRole ? role_table::find(db, grant.role) : std::nullopt;
    Target target = targetOf(user);
    target.merge(targetOf(project, scope == Scope::Domain));
    if (role) target["target.role.domain_id"] = role->domain.empty() ? "None" : role->domain.text;
    callerOf(request).enforce(target);

    if (!user) throw Error(Failure::NotFound, "Could not find user: ", grant.user, ".");
    if (scope != Scope::System && !project) throw Error(Failure::NotFound, "Could not find ", nameOf(scope), ": ", grant.target, ".");
    if (withRole && !role) throw Error(Failure::NotFound, "Could not find role: ", grant.role, ".");
    return grant;
}

Response grant(Request& request, Core& core, Scope scope) {
    const auto wanted = grantFrom(request, core, scope, true);
    core.parts.store.write([&](store::Transaction& tx) {
        role_table::add(tx, wanted);
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

Response revoke(Request& request, Core& core, Scope scope) {
    const auto wanted = grantFrom(request, core, scope, true);
    core.parts.store.write([&](store::Transaction& tx) {
        if (!role_table::remove(tx, wanted))
            throw Error(Failure::NotFound, "Could not find role assignment with role: ", wanted.role, ", user: ", wanted.user, ".");
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

Response check(Request& request, Core& core, Scope scope) {
    const auto wanted = grantFrom(request, core, scope, true);
    if (!role_table::has(core.parts.store.reader(), wanted))
        throw Error(Failure::NotFound, "Could not find role assignment with role: ", wanted.role, ", user: ", wanted.user, ".");
    return emptyResponse(204);
}

Response listGrants(Request& request, Core& core, Scope scope) {
    const auto wanted = grantFrom(request, core, scope, false);
    store::Conditions granted;
    granted.add("id IN (SELECT role_id FROM assignments WHERE user_id = ? AND scope = ? AND target_id = ?)", wanted.user, nameOf(scope),
                wanted.target);
    const auto roles = role_table::list(core.parts.store.reader(), granted);
    return listResponse(request, "roles", [&](JsonWriter& out) {
        for (const auto& each : roles) writeRole(out, request, each);
    });
}

void writeNamed(JsonWriter& out, std::string_view key, const std::string& id, const std::string& name, bool names) {
    const auto object = out.object(key);
    out.field("id", id);
    if (names) out.field("name", name);
}

/// Names, looked up once each.
struct Directory {
    store::Reader& db;
    std::map<std::string, Project> projects = {};
    std::map<std::string, User> users = {};
    std::map<std::string, Role> roles = {};

    const Project& project(const std::string& id) {
        if (!projects.contains(id)) projects[id] = project_table::find(db, {id}).value_or(Project());
        return projects[id];
    }
    const User& user(const std::string& id) {
        if (!users.contains(id)) users[id] = user_table::find(db, {id}).value_or(User());
        return users[id];
    }
    const Role& role(const std::string& id) {
        if (!roles.contains(id)) roles[id] = role_table::find(db, {id}).value_or(Role());
        return roles[id];
    }
};

void writeWithDomain(JsonWriter& out, std::string_view key, const std::string& id, const std::string& name, const std::string& domain,
                     Directory& directory, bool names) {
    const auto object = out.object(key);
    out.field("id", id);
    if (!names) return;
    out.field("name", name);
    writeNamed(out, "domain", domain, directory.project(domain).name, true);
}

void writeAssignment(JsonWriter& out, const Request& request, const Assignment& assignment, Directory& directory, bool names) {
    const auto object = out.object();
    writeNamed(out, "role", assignment.role.text, names ? directory.role(assignment.role.text).name : "", names);
    const User user = names ? directory.user(assignment.user.text) : User();
    writeWithDomain(out, "user", assignment.user.text, user.name, user.domain.text, directory, names);
    {
        const auto scope = out.object("scope");
        if (assignment.scope == Scope::System) {
            const auto system = out.object("system");
            out.field("all", true);
        } else if (assignment.scope == Scope::Domain) {
            writeNamed(out, "domain", assignment.target, names ? directory.project(assignment.target).name : "", names);
        } else {
            const Project project = names ? directory.project(assignment.target) : Project();
            writeWithDomain(out, "project", assignment.target, project.name, project.domain.text, directory, names);
        }
    }
    const auto links = out.object("links");
    const std::string where =
        assignment.scope == Scope::System ? "system" : std::string(nameOf(assignment.scope)) + "s/" + assignment.target;
    out.field("assignment", request.base + "/v3/" + where + "/users/" + assignment.user.text + "/roles/" + assignment.role.text);
}

/// What `assignment` comes to with the roles that its role implies.
void expand(store::Reader& db, const Assignment& assignment, std::vector<Assignment>& all) {
    for (const auto& each : all)
        if (each.user == assignment.user && each.scope == assignment.scope && each.target == assignment.target &&
            each.role == assignment.role)
            return;
    all.push_back(assignment);
    for (const auto& implied : role_table::impliedBy(db, assignment.role)) {
        Assignment further = assignment;
        further.role = implied.id;
        expand(db, further, all);
    }
}

Response listAssignments(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const auto& query = request.query;
    Target target;
    if (const auto domain = query.find("scope.domain.id"))
        target["target.domain_id"] = *domain;
    else if (const auto project = query.find("scope.project.id")) {
        if (const auto found = project_table::find(db, {*project})) target["target.domain_id"] = found->domain.text;
    }
    callerOf(request).enforce(target);
    if (query.has("group.id") && query.has("user.id")) throw Error(Failure::Invalid, "Specify a user or group, not both");

    store::Conditions conditions;
    applyFilters(conditions, query, {{"user.id", "user_id"}});
    if (!query.flag("effective")) applyFilters(conditions, query, {{"role.id", "role_id"}});
    if (const auto id = query.find("scope.project.id")) conditions.add("scope = 'project' AND target_id = ?", *id);
    if (const auto id = query.find("scope.domain.id")) conditions.add("scope = 'domain' AND target_id = ?", *id);
    if (query.has("scope.system")) conditions.add("scope = 'system'");
    if (query.has("group.id") || query.has("scope.OS-INHERIT:inherited_to")) conditions.add("0"); // nobody has such an assignment
    std::vector<Assignment> found;
    for (const auto& each : role_table::assignments(db, conditions)) {
        if (query.flag("effective"))
            expand(db, each, found);
        else
            found.push_back(each);
    }
    if (const auto role = query.find("role.id")) std::erase_if(found, [&](const auto& each) { return each.role.text != *role; });
    Directory directory{db};
    return listResponse(request, "role_assignments", [&](JsonWriter& out) {
        for (const auto& each : found) writeAssignment(out, request, each, directory, query.flag("include_names"));
    });
}

void addGrantRoutes(Routes& routes, Core& core, Scope scope, const std::string& path, const std::string& suffix) {
    const std::string list = scope == Scope::System ? "identity:list_system_grants_for_user" : "identity:list_grants";
    routes.push_back({Method::Get, path, policy(list), [&core, scope](Request& request) { return listGrants(request, core, scope); }});
    const std::string one = path + "/{role}";
    routes.push_back(
        {Method::Put, one, policy("identity:create_" + suffix), [&core, scope](Request& request) { return grant(request, core, scope); }});
    routes.push_back(
        {Method::Get, one, policy("identity:check_" + suffix), [&core, scope](Request& request) { return check(request, core, scope); }});
    routes.push_back({Method::Delete, one, policy("identity:revoke_" + suffix),
                      [&core, scope](Request& request) { return revoke(request, core, scope); }});
}

}

void addAssignmentRoutes(Routes& routes, Core& core) {
    addGrantRoutes(routes, core, Scope::Project, "/v3/projects/{target}/users/{user}/roles", "grant");
    addGrantRoutes(routes, core, Scope::Domain, "/v3/domains/{target}/users/{user}/roles", "grant");
    addGrantRoutes(routes, core, Scope::System, "/v3/system/users/{user}/roles", "system_grant_for_user");
    routes.push_back({Method::Get, "/v3/role_assignments", policy("identity:list_role_assignments"),
                      [&](Request& request) { return listAssignments(request, core); }});
}

}
