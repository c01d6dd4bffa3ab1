#include "identity/dialect.hpp"
#include "identity/directory/directory.hpp"
#include "identity/identity.hpp"
#include "identity/organisation/project.hpp"
#include "identity/token/revocation.hpp"
#include "identity/wire.hpp"
#include "platform/bus/bus.hpp"

namespace stratolet::identity {
namespace {

std::string_view kindOf(bool isDomain) { return isDomain ? "domain" : "project"; }

Error notFound(const ProjectId& id, bool isDomain) {
    return Error(Failure::NotFound, "Could not find ", kindOf(isDomain), ": ", id, ".");
}

void refuseDuplicate(store::Reader& db, const Project& project) {
    const auto other = project.isDomain ? project_table::findDomainByName(db, project.name)
                                        : project_table::findByName(db, project.domain, project.name);
    if (other && other->id != project.id)
        throw Error(Failure::Conflict, "Conflict occurred attempting to store ", kindOf(project.isDomain),
                    " - it is not permitted to have two ", kindOf(project.isDomain), "s with the same name",
                    project.isDomain ? "" : " in the same domain", ": ", project.name, ".");
}

void refuseImmutable(const Project& project) {
    if (isImmutable(project.options))
        throw Error(Failure::Forbidden, "Cannot delete or change ", kindOf(project.isDomain), " ", project.id,
                    ": it has the option immutable.");
}

int depthOf(store::Reader& db, ProjectId id) {
    int depth = 0;
    for (auto project = projectTable.find(db, id); project && !project->isDomain;
         project = projectTable.find(db, project->parent))
        ++depth;
    return depth;
}

}

Target targetOf(const std::optional<Project>& project, bool isDomain) {
    if (!project) return {};
    if (isDomain) return {{"target.domain.id", project->id.text}};
    // A domain that is asked about as a project is in no domain: who manages a domain doesn't manage the domain itself.
    return {{"target.project.id", project->id.text},
            {"target.project.domain_id", project->isDomain ? "None" : project->domain.text}};
}

Project Projects::demand(const Caller& caller, store::Reader& db, const ProjectId& id, bool isDomain, Absence told) {
    auto project = projectTable.find(db, id);
    if (project && isDomain && !project->isDomain) project.reset();
    auto about = targetOf(project, isDomain);
    if (!project) return caller.demand(std::move(project), std::move(about), notFound(id, isDomain), told); // refuses
    caller.enforce(about); // the way of nearly all: no refusal is made for nothing
    return *std::move(project);
}

Project Projects::demand(store::Reader& db, const ProjectId& id, bool isDomain) {
    auto project = projectTable.find(db, id);
    // Every domain is also a project of its own, as the API has it; the other way round it is not.
    if (!project || (isDomain && !project->isDomain)) throw notFound(id, isDomain);
    return *std::move(project);
}

Project Projects::create(const Caller& caller, Project wanted) {
    caller.enforce({{"target.project.domain_id", wanted.domain.text}});
    return core_.parts.store.write([&](store::Transaction& tx) {
        if (wanted.id.empty())
            wanted.id.text = core_.parts.ambient.hexId();
        else if (projectTable.find(tx, wanted.id))
            throw Error(Failure::Conflict, "Conflict occurred attempting to store ", kindOf(wanted.isDomain),
                        " - duplicate ID: ", wanted.id, ".");
        if (wanted.isDomain)
            wanted.domain.text = wanted.id.text;
        else {
            if (wanted.parent.empty()) wanted.parent.text = wanted.domain.text;
            demandDomain(tx, wanted.domain);
            const Project parent = demand(tx, wanted.parent, false);
            if (parent.domain != wanted.domain)
                throw Error(
                    Failure::Invalid,
                    "Invalid input for field 'parent_id': the parent is in another domain than domain_id says.");
            if (!parent.enabled)
                throw Error(Failure::Forbidden, "Cannot create project, the parent ", parent.id, " is disabled.");
            if (depthOf(tx, wanted.parent) + 1 > depthMax_)
                throw Error(Failure::Forbidden, "Max hierarchy depth reached for branch ", wanted.parent, ".");
        }
        refuseDuplicate(tx, wanted);
        project_table::insert(tx, wanted, core_.parts.ambient.now());
        if (wanted.isDomain) noteDirectories(tx, core_);
        core_.forgetValidated(tx);
        return wanted;
    });
}

Project Projects::show(const Caller& caller, const ProjectId& id, bool isDomain) {
    return demand(caller, core_.parts.store.reader(), id, isDomain, Absence::ToWhoMay);
}

std::vector<Project> Projects::list(const Caller& caller, const resource::Listing& listing) {
    caller.enforce({{"target.domain_id", caller.domain.text}});
    return rowsOf(core_.parts.store.reader(), projectTable, listing);
}

namespace {

/// Of all tokens scoped to it.
Revocation revocationOf(const Project& project) {
    return project.isDomain ? Revocation{.domain = project.id.text} : Revocation{.project = project.id.text};
}

}

Project Projects::update(const Caller& caller, const ProjectId& id, bool isDomain,
                         const std::function<void(Project&)>& change, bool releases) {
    demand(caller, core_.parts.store.reader(), id, isDomain, isDomain ? Absence::ToAnybody : Absence::ToWhoMay);
    return core_.parts.store.write([&](store::Transaction& tx) {
        const Project before = demand(tx, id, isDomain);
        Project project = before;
        change(project);
        if (!releases) refuseImmutable(before);
        refuseDuplicate(tx, project);
        if (project.enabled && !project.isDomain && !demand(tx, project.parent, false).enabled)
            throw Error(Failure::Forbidden, "Cannot enable project ", id, " since its parent is disabled.");
        if (!project.enabled && !project.isDomain)
            for (auto rows = tx.query("SELECT id FROM projects WHERE parent_id = ? AND enabled = 1", id); rows.next();)
                throw Error(Failure::Forbidden, "Cannot disable project ", id,
                            " since its subtree contains enabled projects.");
        project_table::update(tx, project);
        if (project.isDomain) noteDirectories(tx, core_);
        if (before.enabled && !project.enabled)
            revocation_table::record(tx, revocationOf(project), core_.parts.ambient.now());
        core_.forgetValidated(tx);
        return project;
    });
}

void Projects::remove(const Caller& caller, const ProjectId& id, bool isDomain) {
    demand(caller, core_.parts.store.reader(), id, isDomain, isDomain ? Absence::ToAnybody : Absence::ToWhoMay);
    core_.parts.store.write([&](store::Transaction& tx) {
        const Project project = demand(tx, id, isDomain);
        refuseImmutable(project);
        if (project.isDomain) {
            if (project.enabled)
                throw Error(Failure::Forbidden, "Cannot delete a domain that is enabled, please disable it first.");
            for (const auto& user : tx.query("SELECT id FROM users WHERE domain_id = ?", id).texts())
                core_.parts.bus.announce(tx, UserDeleted{{user}});
            for (const auto& inside :
                 tx.query("SELECT id FROM projects WHERE domain_id = ? AND is_domain = 0", id).texts()) {
                project_table::remove(tx, {inside});
                core_.parts.bus.announce(tx, ProjectDeleted{{inside}});
            }
            tx.execute("DELETE FROM groups WHERE domain_id = ?", id);
            tx.execute("DELETE FROM users WHERE domain_id = ?", id);
            tx.execute("DELETE FROM roles WHERE domain_id = ?", id);
        } else if (!project_table::children(tx, id).empty()) {
            throw Error(Failure::Forbidden, "Cannot delete the project ", id,
                        " since it is not a leaf in the hierarchy.");
        }
        project_table::remove(tx, id);
        revocation_table::record(tx, revocationOf(project), core_.parts.ambient.now());
        core_.parts.bus.announce(tx, ProjectDeleted{id});
        core_.forgetValidated(tx);
    });
}

}
