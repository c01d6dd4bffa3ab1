#include "identity/directory/group.hpp"
#include "identity/directory/user.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "identity/token/revocation.hpp"
#include "identity/wire.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using Scope = Assignment::Scope;
using Actor = Assignment::Actor;

/// What a family of grant routes is about.
struct GrantKind {
    Scope scope;
    Actor actor;
    bool inherited;
};

Error notAssigned(const Assignment& grant) {
    return Error(Failure::NotFound, "Could not find role assignment with role: ", grant.role, ", ", nameOf(grant.actor),
                 ": ", grant.actorId, ", ", nameOf(grant.scope), ": ", grant.target, ".");
}

/// The target, actor and role that a grant's path names. They are there before the rule is asked.
Assignment grantFrom(const Request& request, Core& core, const GrantKind& kind, bool withRole) {
    auto& db = core.parts.store.reader();
    Assignment grant;
    grant.actor = kind.actor;
    grant.actorId = request.param("actor");
    grant.scope = kind.scope;
    grant.target = kind.scope == Scope::System ? "all" : request.param("target");
    grant.inherited = kind.inherited;
    if (withRole) grant.role.text = request.param("role");

    const bool isUser = kind.actor == Actor::User;
    const auto user = isUser ? userTable.find(db, {grant.actorId}) : std::nullopt;
    const auto group = isUser ? std::nullopt : groupTable.find(db, {grant.actorId});
    auto project = kind.scope == Scope::System ? std::nullopt : projectTable.find(db, {grant.target});
    if (project && kind.scope == Scope::Domain && !project->isDomain) project.reset();
    const auto role = withRole ? roleTable.find(db, grant.role) : std::nullopt;
    Target target = isUser ? targetOf({grant.actorId}, user) : targetOf(group);
    target.merge(targetOf(project, kind.scope == Scope::Domain));
    target.merge(targetOf(role));
    const auto absent = [](std::string_view noun, const std::string& id) {
        return Error(Failure::NotFound, "Could not find ", noun, ": ", id, ".");
    };
    const auto isThere = [](bool is) { return is ? std::optional(true) : std::nullopt; };
    const auto& caller = callerOf(request);
    if (withRole) caller.demand(role, target, absent("role", grant.role.text), Absence::ToAnybody);
    if (kind.scope != Scope::System)
        caller.demand(project, target, absent(nameOf(kind.scope), grant.target), Absence::ToAnybody);
    caller.demand(isThere(user || group), target, absent(nameOf(kind.actor), grant.actorId), Absence::ToAnybody);
    return grant;
}

/// A role of a domain is for projects of that domain. On a domain itself Keystone doesn't compare; such roles count by
/// what they imply.
void refuseForeignRole(store::Reader& db, const Assignment& grant) {
    const auto role = roleTable.find(db, grant.role);
    if (!role || role->domain.empty() || grant.scope == Scope::Domain) return;
    if (grant.scope == Scope::System)
        throw Error(Failure::Invalid, "Role ", grant.role,
                    " is a domain-specific role. Unable to use a domain-specific role in a system assignment.");
    const auto project = projectTable.find(db, {grant.target});
    if (!project || project->domain != role->domain)
        throw Error(Failure::Forbidden, "The role ", grant.role, " belongs to domain ", role->domain,
                    ", and cannot be given outside of it.");
}

Response grant(Request& request, Core& core, const GrantKind& kind) {
    const auto wanted = grantFrom(request, core, kind, true);
    core.parts.store.write([&](store::Transaction& tx) {
        refuseForeignRole(tx, wanted);
        role_table::add(tx, wanted);
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

/// Of a group's role there is none: its members are others tomorrow.
void recordRevocation(store::Transaction& tx, const Assignment& assignment, Time now) {
    if (assignment.actor != Actor::User) return;
    Revocation revocation{.user = assignment.actorId, .role = assignment.role.text};
    if (assignment.scope == Scope::Project && !assignment.inherited) revocation.project = assignment.target;
    if (assignment.scope == Scope::Domain && !assignment.inherited) revocation.domain = assignment.target;
    revocation_table::record(tx, revocation, now);
}

Response revoke(Request& request, Core& core, const GrantKind& kind) {
    const auto wanted = grantFrom(request, core, kind, true);
    core.parts.store.write([&](store::Transaction& tx) {
        if (!role_table::remove(tx, wanted)) throw notAssigned(wanted);
        recordRevocation(tx, wanted, core.parts.ambient.now());
        core.forgetValidated(tx);
    });
    return emptyResponse(204);
}

Response check(Request& request, Core& core, const GrantKind& kind) {
    const auto wanted = grantFrom(request, core, kind, true);
    if (!role_table::has(core.parts.store.reader(), wanted)) throw notAssigned(wanted);
    return emptyResponse(204);
}

Response listGrants(Request& request, Core& core, const GrantKind& kind) {
    const auto wanted = grantFrom(request, core, kind, false);
    const auto roles = role_table::grantedLike(core.parts.store.reader(), wanted);
    return slicedResponse<Role>(request, "roles", roles,
                                [&](JsonWriter& out, const Role& each) { writeRole(out, request, each); });
}

/// The routes of one family; `before` stands before the role, `after` behind it.
void addGrantRoutes(Routes& routes, Core& core, const GrantKind& kind, const std::string& before,
                    const std::string& after) {
    const std::string suffix =
        kind.scope == Scope::System ? "system_grant_for_" + std::string(nameOf(kind.actor)) : "grant";
    const std::string one = before + "/{role}" + after;
    const std::string list = kind.scope == Scope::System
                                 ? "identity:list_system_grants_for_" + std::string(nameOf(kind.actor))
                                 : std::string("identity:list_grants");
    routes.push_back({Method::Get, before + after, policy(list),
                      [&core, kind](Request& request) { return listGrants(request, core, kind); }});
    routes.push_back({Method::Put, one, policy("identity:create_" + suffix),
                      [&core, kind](Request& request) { return grant(request, core, kind); }});
    routes.push_back({Method::Get, one, policy("identity:check_" + suffix),
                      [&core, kind](Request& request) { return check(request, core, kind); }});
    routes.push_back({Method::Delete, one, policy("identity:revoke_" + suffix),
                      [&core, kind](Request& request) { return revoke(request, core, kind); }});
}

}

void addAssignmentRoutes(Routes& routes, Core& core) {
    for (const auto actor : {Actor::User, Actor::Group}) {
        const std::string who = "/" + std::string(nameOf(actor)) + "s/{actor}/roles";
        for (const auto scope : {Scope::Project, Scope::Domain}) {
            const std::string where = "/" + std::string(nameOf(scope)) + "s/{target}" + who;
            addGrantRoutes(routes, core, {scope, actor, false}, "/v3" + where, "");
            addGrantRoutes(routes, core, {scope, actor, true}, "/v3/OS-INHERIT" + where, "/inherited_to_projects");
        }
        addGrantRoutes(routes, core, {Scope::System, actor, false}, "/v3/system" + who, "");
    }
    addAssignmentListRoutes(routes, core);
}

}
