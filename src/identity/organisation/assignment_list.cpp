#include <algorithm>
#include <map>
#include <set>

#include "identity/directory/group.hpp"
#include "identity/directory/user.hpp"
#include "identity/organisation/project.hpp"
#include "identity/organisation/role.hpp"
#include "identity/wire.hpp"

// GET /v3/role_assignments: what has been assigned, or what that comes to (effective).

namespace stratolet::identity {
namespace {

using namespace http;
using Scope = Assignment::Scope;
using Actor = Assignment::Actor;

/// Looks each thing up once.
template <class T, class Look> class Lookup {
public:
    explicit Lookup(Look look) : look_(std::move(look)) {}
    const T& operator()(const std::string& id) {
        const auto [found, isNew] = known_.try_emplace(id);
        if (isNew) found->second = look_(id);
        return found->second;
    }

private:
    Look look_;
    std::map<std::string, T> known_;
};
template <class Look> Lookup(Look) -> Lookup<std::invoke_result_t<Look, const std::string&>, Look>;

/// An assignment as it is listed: the one that was made, or one that follows from it.
struct Listed {
    Assignment shown;
    Assignment made;
};

/// What a query asks for.
struct Wanted {
    std::optional<std::string> user, group, role;
    std::optional<Scope> scope;
    std::set<std::string> targets; ///< of the scope; empty: all
    bool inherited = false;        ///< only those that are inherited
    bool effective = false;
};

/// Something and all below or above it.
std::vector<std::string> projectsBelow(store::Reader& db, const std::string& id) {
    return db
        .query("WITH RECURSIVE below (id) AS (SELECT id FROM projects WHERE parent_id = ? UNION SELECT projects.id "
               "FROM below JOIN projects "
               "ON parent_id = below.id) SELECT id FROM below",
               id)
        .texts();
}

std::vector<std::string> projectsAbove(store::Reader& db, const std::string& id) {
    return db
        .query("WITH RECURSIVE above (id) AS (SELECT parent_id FROM projects WHERE id = ? AND parent_id IS NOT NULL "
               "UNION SELECT parent_id "
               "FROM above JOIN projects ON projects.id = above.id WHERE parent_id IS NOT NULL) SELECT id FROM above",
               id)
        .texts();
}

/// The role and all that it implies, roles of a domain left out: they count by what they imply only.
std::vector<std::string> rolesReachedFrom(store::Reader& db, const std::string& role) {
    return db
        .query("WITH RECURSIVE reached (id) AS (SELECT ? UNION SELECT implied_id FROM reached JOIN implied_roles ON "
               "prior_id = reached.id) "
               "SELECT reached.id FROM reached JOIN roles USING (id) WHERE domain_id = ''",
               role)
        .texts();
}

Wanted wantedBy(const Query& query, store::Reader& db) {
    Wanted wanted;
    wanted.user = query.find("user.id");
    wanted.group = query.find("group.id");
    wanted.role = query.find("role.id");
    wanted.effective = query.flag("effective");
    if (wanted.user && wanted.group) throw Error(Failure::Invalid, "Specify a user or group, not both");
    const auto project = query.find("scope.project.id"), domain = query.find("scope.domain.id");
    if (project.has_value() + domain.has_value() + query.has("scope.system") > 1)
        throw Error(Failure::Invalid, "Specify only one of scope.project.id, scope.domain.id and scope.system");
    if (const auto to = query.find("scope.OS-INHERIT:inherited_to")) {
        if (*to != "projects")
            throw Error(Failure::Invalid,
                        "Invalid input for field 'scope.OS-INHERIT:inherited_to': it can be projects only.");
        wanted.inherited = true;
    }
    if (wanted.effective && wanted.group)
        throw Error(Failure::Invalid, "Combining effective and group filter will always result in an empty list.");
    if (wanted.effective && wanted.inherited && domain)
        throw Error(Failure::Invalid,
                    "Combining effective, domain and inherited filters will always result in an empty list.");
    if (query.flag("include_subtree") && !project)
        throw Error(Failure::Invalid, "scope.project.id must be specified if include_subtree is also specified");
    if (project) {
        wanted.scope = Scope::Project;
        wanted.targets = {*project};
        if (query.flag("include_subtree"))
            wanted.targets.merge([&] {
                const auto below = projectsBelow(db, *project);
                return std::set<std::string>(below.begin(), below.end());
            }());
    } else if (domain) {
        wanted.scope = Scope::Domain;
        wanted.targets = {*domain};
    } else if (query.has("scope.system")) {
        wanted.scope = Scope::System;
    }
    return wanted;
}

std::vector<Listed> listMade(store::Reader& db, const Wanted& wanted) {
    store::Conditions conditions;
    if (wanted.user) conditions.add("actor_id = ? AND actor = 'user'", *wanted.user);
    if (wanted.group) conditions.add("actor_id = ? AND actor = 'group'", *wanted.group);
    if (wanted.role) conditions.add("role_id = ?", *wanted.role);
    if (wanted.scope) conditions.add("scope = ?", nameOf(*wanted.scope));
    if (!wanted.targets.empty()) conditions.in("target_id", {wanted.targets.begin(), wanted.targets.end()});
    if (wanted.inherited) conditions.add("inherited = 1");
    std::vector<Listed> listed;
    for (const auto& each : role_table::assignments(db, conditions)) listed.push_back({each, each});
    return listed;
}

/// The assignments that may count for what is wanted, before groups, inheritance and implied roles are resolved.
std::vector<Assignment> candidates(store::Reader& db, const Wanted& wanted, Time now) {
    store::Conditions conditions;
    if (wanted.user)
        conditions.add("actor_id = ? OR actor_id IN (" + std::string(group_table::groupsOfUser) + ")", *wanted.user,
                       *wanted.user, *wanted.user, now);
    if (wanted.inherited) conditions.add("inherited = 1");
    if (wanted.scope == Scope::Project) {
        std::set<std::string> around = wanted.targets;
        for (const auto& each : wanted.targets) {
            const auto above = projectsAbove(db, each);
            around.insert(above.begin(), above.end());
        }
        conditions.in("target_id", {around.begin(), around.end()});
    } else if (wanted.scope) {
        conditions.add("scope = ? AND inherited = 0", nameOf(*wanted.scope));
        if (!wanted.targets.empty()) conditions.in("target_id", {wanted.targets.begin(), wanted.targets.end()});
    }
    return role_table::assignments(db, conditions);
}

std::vector<Listed> listEffective(store::Reader& db, const Wanted& wanted, Time now) {
    Lookup members([&](const std::string& group) { return group_table::membersAt(db, {group}, now); });
    Lookup below([&](const std::string& target) { return projectsBelow(db, target); });
    Lookup roles([&](const std::string& role) { return rolesReachedFrom(db, role); });
    std::set<Assignment> seen;
    std::vector<Listed> listed;
    const auto addFor = [&](const Assignment& made, const std::string& user, Scope scope, const std::string& target) {
        if (wanted.user && *wanted.user != user) return;
        if (wanted.scope && *wanted.scope != scope) return;
        if (!wanted.targets.empty() && !wanted.targets.contains(target)) return;
        for (const auto& role : roles(made.role.text)) {
            if (wanted.role && *wanted.role != role) continue;
            const Assignment shown{Actor::User, user, scope, target, {role}, made.inherited};
            // One way of having a role is enough, however many there are.
            Assignment had = shown;
            had.inherited = false;
            if (seen.insert(had).second) listed.push_back({shown, made});
        }
    };
    for (const auto& made : candidates(db, wanted, now)) {
        std::vector<UserId> users;
        if (made.actor == Actor::User)
            users.push_back({made.actorId});
        else
            users = members(made.actorId);
        for (const auto& user : users) {
            if (!made.inherited) {
                addFor(made, user.text, made.scope, made.target);
                continue;
            }
            for (const auto& project : below(made.target)) addFor(made, user.text, Scope::Project, project);
        }
    }
    return listed;
}

/// Writes assignments, with names where they are wanted.
class Writer {
public:
    Writer(const Request& request, store::Reader& db, bool names)
        : base_(request.base + "/v3/"),
          names_(names),
          projects_([&db](const std::string& id) { return projectTable.find(db, {id}).value_or(Project()); }),
          users_([&db](const std::string& id) { return userTable.find(db, {id}).value_or(User()); }),
          groups_([&db](const std::string& id) { return groupTable.find(db, {id}).value_or(Group()); }),
          roles_([&db](const std::string& id) { return roleTable.find(db, {id}).value_or(Role()); }) {}

    void operator()(JsonWriter& out, const Listed& listed) {
        const auto& [shown, made] = listed;
        const auto object = out.object();
        {
            const auto role = out.object("role");
            out.field("id", shown.role);
            if (names_) {
                const auto& known = roles_(shown.role.text);
                out.field("name", known.name);
                if (!known.domain.empty()) writeDomain(out, known.domain.text);
            }
        }
        if (shown.actor == Actor::User)
            writeNamed(out, "user", shown.actorId, users_);
        else
            writeNamed(out, "group", shown.actorId, groups_);
        {
            const auto scope = out.object("scope");
            if (shown.scope == Scope::System) {
                const auto system = out.object("system");
                out.field("all", true);
            } else if (shown.scope == Scope::Domain) {
                const auto domain = out.object("domain");
                out.field("id", shown.target);
                if (names_) out.field("name", projects_(shown.target).name);
            } else {
                writeNamed(out, "project", shown.target, projects_);
            }
            if (shown.inherited) out.field("OS-INHERIT:inherited_to", "projects");
        }
        const auto links = out.object("links");
        out.field("assignment", linkOf(made));
        if (made.actor == Actor::Group && shown.actor == Actor::User)
            out.field("membership", base_ + "groups/" + made.actorId + "/users/" + shown.actorId);
        if (made.role != shown.role)
            out.field("prior_role", base_ + "prior_role/" + made.role.text + "/implies/" + shown.role.text);
    }

private:
    std::string linkOf(const Assignment& made) const {
        const std::string where =
            made.scope == Scope::System ? "system" : std::string(nameOf(made.scope)) + "s/" + made.target;
        return base_ + (made.inherited ? "OS-INHERIT/" : "") + where + "/" + std::string(nameOf(made.actor)) + "s/" +
               made.actorId + "/roles/" + made.role.text + (made.inherited ? "/inherited_to_projects" : "");
    }

    void writeDomain(JsonWriter& out, const std::string& id) {
        const auto object = out.object("domain");
        out.field("id", id);
        out.field("name", projects_(id).name);
    }

    template <class Things>
    void writeNamed(JsonWriter& out, std::string_view key, const std::string& id, Things& things) {
        const auto object = out.object(key);
        out.field("id", id);
        if (!names_) return;
        const auto& thing = things(id);
        out.field("name", thing.name);
        writeDomain(out, thing.domain.text);
    }

    template <class T> using Of = Lookup<T, std::function<T(const std::string&)>>;
    std::string base_;
    bool names_;
    Of<Project> projects_;
    Of<User> users_;
    Of<Group> groups_;
    Of<Role> roles_;
};

Response listAssignments(Request& request, Core& core) {
    auto& db = core.parts.store.reader();
    const auto& query = request.query;
    const auto& caller = callerOf(request);
    if (query.flag("include_subtree")) {
        const auto id = query.text("scope.project.id");
        const auto project = id.empty() ? std::nullopt : projectTable.find(db, {id});
        Target about;
        if (project) about["target.domain_id"] = project->domain.text; // whose tree it is, not who asks
        if (id.empty())
            caller.enforce("identity:list_role_assignments_for_tree", about);
        else
            caller.demand("identity:list_role_assignments_for_tree", project, about,
                          Error(Failure::NotFound, "Could not find project: ", id, "."), Absence::ToAnybody);
    } else {
        Target about;
        if (!caller.domain.empty()) about["target.domain_id"] = caller.domain.text; // what is listed is of that domain
        caller.enforce(about);
    }

    const auto wanted = wantedBy(query, db);
    auto found = wanted.effective ? listEffective(db, wanted, core.parts.ambient.now()) : listMade(db, wanted);
    if (!caller.domain.empty()) { // a token of a domain shows what concerns that domain only
        std::erase_if(found, [&](const Listed& each) {
            if (each.shown.scope == Scope::System) return true;
            const auto project = projectTable.find(db, {each.shown.target});
            return !project || project->domain != caller.domain;
        });
    }
    // An assignment has no id: it is what it says, which is what a marker names it by.
    std::sort(found.begin(), found.end(),
              [](const Listed& left, const Listed& right) { return left.shown < right.shown; });
    std::vector<std::string> markers;
    for (const auto& [shown, made] : found)
        markers.push_back(std::string(nameOf(shown.actor)) + ":" + shown.actorId + ":" +
                          std::string(nameOf(shown.scope)) + ":" + shown.target + ":" + shown.role.text +
                          (shown.inherited ? ":inherited" : ""));
    Writer write(request, db, query.flag("include_names"));
    return slicedResponse(request, "role_assignments", markers,
                          [&](JsonWriter& out, std::size_t at) { write(out, found[at]); });
}

}

void addAssignmentListRoutes(Routes& routes, Core& core) {
    routes.push_back({Method::Get, "/v3/role_assignments", policy("identity:list_role_assignments"),
                      [&](Request& request) { return listAssignments(request, core); }});
}

}
