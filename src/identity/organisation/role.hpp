#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "identity/core.hpp"
#include "platform/http/http.hpp"
#include "resource/table.hpp"

namespace stratolet::identity {

/// A role as it is kept.
struct Role {
    static constexpr std::string_view noun = "role", path = "roles";
    RoleId id;
    std::string name;
    DomainId domain; ///< empty for a global role
    std::optional<std::string> description;
    std::string options = "{}";
    std::string extra = "{}";
};

extern const resource::Table<Role> roleTable;                    ///< what is true of each attribute; its alias is r
void takeRole(Role& role, const Json& body, resource::Use when); ///< what a body gives; Error(Invalid) naming the field
void writeRole(JsonWriter& out, const http::Request& request, const Role& role); ///< as the API shows it

/// A role that a user or a group has somewhere. Assignments on the system have the target "all".
struct Assignment {
    enum class Scope { Project, Domain, System };
    enum class Actor { User, Group };
    Actor actor = Actor::User;
    std::string actorId;
    Scope scope = Scope::Project;
    std::string target;
    RoleId role;
    bool inherited = false; ///< counts not on the target, but on every project below it

    friend auto operator<=>(const Assignment&, const Assignment&) = default;
};
std::string_view nameOf(Assignment::Scope scope); ///< "project", "domain", "system"
std::string_view nameOf(Assignment::Actor actor); ///< "user", "group"

namespace role_table {
std::optional<Role> findByName(store::Reader& db, const DomainId& domain,
                               const std::string& name);                        ///< a global one: no domain
std::vector<Role> list(store::Reader& db, const store::Conditions& conditions); ///< by name

std::vector<Role>
grantedLike(store::Reader& db,
            const Assignment& grant);        ///< the roles that this actor has there, whatever role `grant` names
std::vector<Role> priors(store::Reader& db); ///< those that imply others
std::vector<Role> impliedBy(store::Reader& db, const RoleId& prior); ///< directly
bool implies(store::Reader& db, const RoleId& prior, const RoleId& implied);
bool leadsTo(store::Reader& db, const RoleId& prior, const RoleId& implied); ///< over any number of steps
void addImplication(store::Transaction& tx, const RoleId& prior, const RoleId& implied);
bool removeImplication(store::Transaction& tx, const RoleId& prior, const RoleId& implied);

bool has(store::Reader& db, const Assignment& assignment);
void add(store::Transaction& tx, const Assignment& assignment); ///< twice is once
bool remove(store::Transaction& tx, const Assignment& assignment);
std::vector<Assignment> assignments(store::Reader& db, const store::Conditions& conditions);

/// The roles a user has on a target, by themselves, through groups and by inheritance, with all that they imply; global
/// roles only, as a token carries them.
std::vector<Role> effective(store::Reader& db, const UserId& user, Assignment::Scope scope, const std::string& target,
                            Time now);

/// Restricts a listing of projects or domains to those on which the user has a role, in whatever way.
void onlyThoseWithRole(store::Conditions& conditions, const UserId& user, Assignment::Scope scope, Time now);
}

Target targetOf(const std::optional<Role>& role);
void addRoleRoutes(http::Routes& routes, Core& core);
void addAssignmentRoutes(http::Routes& routes, Core& core);
void addAssignmentListRoutes(http::Routes& routes, Core& core);

}
