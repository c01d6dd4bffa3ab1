#include <set>

#include "identity/dialect.hpp"
#include "identity/organisation/project.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

Response answer(const Request& request, int status, const Project& project) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key(request.route->pattern.starts_with("/v3/domains") ? "domain" : "project");
        writeProject(out, request, project);
    });
}

Response createDomain(Request& request, Projects& projects) {
    const Json body = request.json().object("domain");
    Project wanted;
    wanted.isDomain = true;
    takeProject(wanted, body, resource::Post);
    if (const auto id = body.maybeText("explicit_domain_id")) {
        if (id->size() != 32 || id->find_first_not_of("0123456789abcdef") != std::string::npos)
            body.at("explicit_domain_id").refuse("It must be 32 lower-case hexadecimal digits.");
        wanted.id.text = *id;
    }
    return answer(request, 201, projects.create(callerOf(request), wanted));
}

Response createProject(Request& request, Projects& projects, Core& core) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("project");
    Project wanted;
    takeProject(wanted, body, resource::Post);
    wanted.isDomain = checkedTruth(body, "is_domain", false);
    if (wanted.isDomain && body.maybeText("domain_id")) body.at("domain_id").refuse("A domain is in no domain.");
    if (const auto parent = body.maybeText("parent_id")) {
        wanted.parent.text = *parent;
        const auto found = projectTable.find(core.parts.store.reader(), wanted.parent);
        if (wanted.isDomain) body.at("parent_id").refuse("A domain has no parent.");
        if (found) wanted.domain.text = body.text("domain_id", found->domain.text);
    }
    if (const auto domain = body.maybeText("domain_id")) wanted.domain.text = *domain;
    if (wanted.domain.empty() && !wanted.isDomain) wanted.domain = homeDomainOf(caller);
    return answer(request, 201, projects.create(caller, wanted));
}

Response list(Request& request, Projects& projects, bool domains) {
    const auto& caller = callerOf(request);
    auto listing = listingOf(request, projectTable.text(), projectTable.words(), "created");
    if (domains || !request.query.has("is_domain")) listing.conditions.add("is_domain = ?", domains);
    project_table::filterByTags(listing.conditions, request.query);
    if (!domains) onlyOfScope(listing.conditions, caller);
    return pageResponse(request, domains ? "domains" : "projects", listing, projects.list(caller, listing),
                        [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
}

/// {"id": {"id of the next": … null}}
void writeAbove(JsonWriter& out, const Project& project, store::Reader& db) {
    const auto parent = project.parent.empty() ? std::nullopt : projectTable.find(db, project.parent);
    if (!parent) return out.value(nullptr);
    const auto object = out.object();
    out.key(parent->id.text);
    writeAbove(out, *parent, db);
}

void writeBelow(JsonWriter& out, const ProjectId& id, store::Reader& db) {
    const auto children = project_table::children(db, id);
    if (children.empty()) return out.value(nullptr);
    const auto object = out.object();
    for (const auto& each : children) {
        out.key(each.text);
        writeBelow(out, each, db);
    }
}

/// What the query wants to see of the tree around a project. Lists have the projects only on which the caller has a
/// role.
std::string treePart(const Request& request, const Project& project, Core& core) {
    if (request.queryText.empty()) return "{}";
    auto& db = core.parts.store.reader();
    const auto now = core.parts.ambient.now();
    const auto& query = request.query;
    for (const std::string what : {"parents", "subtree"})
        if (query.flag(what + "_as_list") && query.flag(what + "_as_ids"))
            throw Error(Failure::Invalid, "Cannot use ", what, "_as_list and ", what,
                        "_as_ids query params at the same time.");
    std::string fields;
    JsonWriter out(fields);
    {
        const auto object = out.object();
        const auto writeList = [&](std::string_view name, const std::vector<Project>& found) {
            const auto list = out.array(name);
            for (const auto& each : found) {
                const auto item = out.object();
                out.key("project");
                writeProject(out, request, each);
            }
        };
        const auto& user = callerOf(request).user;
        if (query.flag("parents_as_list")) writeList("parents", project_table::above(db, project.id, user, now));
        if (query.flag("subtree_as_list")) writeList("subtree", project_table::below(db, project.id, user, now));
        if (query.flag("parents_as_ids")) {
            out.key("parents");
            writeAbove(out, project, db);
        }
        if (query.flag("subtree_as_ids")) {
            out.key("subtree");
            writeBelow(out, project.id, db);
        }
    }
    return fields;
}

Response show(Request& request, Projects& projects, Core& core) {
    const auto project = projects.show(callerOf(request), {request.param("id")}, false);
    const auto tree = treePart(request, project, core);
    return jsonResponse(200, "project", [&](JsonWriter& out) { writeProject(out, request, project, tree); });
}

Response update(Request& request, Projects& projects, bool isDomain) {
    const Json body = request.json().object(isDomain ? "domain" : "project");
    const ProjectId id{request.param("id")};
    const auto change = [&](Project& project) {
        for (const auto* fixed : {"domain_id", "parent_id"})
            if (const auto value = body.find(fixed);
                value && !value->isNull() && !project.isDomain &&
                value->text() != (fixed == std::string_view("domain_id") ? project.domain.text : project.parent.text)) {
                if (fixed == std::string_view("parent_id"))
                    throw Error(Failure::Forbidden, "Update of `parent_id` is not allowed.");
                value->refuse("It cannot be changed.");
            }
        if (const auto value = body.find("is_domain"); value && value->boolean() != project.isDomain)
            value->refuse("It cannot be changed.");
        takeProject(project, body, resource::Put);
    };
    return answer(request, 200, projects.update(callerOf(request), id, isDomain, change, changesOnlyImmutable(body)));
}

Response remove(Request& request, Projects& projects, bool isDomain) {
    projects.remove(callerOf(request), {request.param("id")}, isDomain);
    return emptyResponse(204);
}

Response tagsAnswer(const Project& project) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("tags");
        for (const auto& each : project.tags) out.value(each);
    });
}

/// Changes the tags of the project in the path.
Project retag(Request& request, Projects& projects, const std::function<void(std::set<std::string>&)>& change) {
    return projects.update(callerOf(request), {request.param("id")}, false, [&](Project& project) {
        change(project.tags);
        if (project.tags.size() > tagsMax)
            throw Error(Failure::Invalid, "Invalid input for field 'tags': there may be at most 80 tags.");
    });
}

Response addTag(Request& request, Projects& projects, const std::string& tag) {
    retag(request, projects, [&](auto& present) {
        if (!present.insert(checkedTag(tag)).second)
            throw Error(Failure::Invalid, "Invalid input for field 'tags': the project has the tag ", tag, ".");
    });
    auto response = emptyResponse(201);
    response.headers.add("Location", request.base + request.path);
    return response;
}

Response hasTag(Request& request, Projects& projects) {
    const auto project = projects.show(callerOf(request), {request.param("id")}, false);
    if (!project.tags.contains(request.param("tag")))
        throw Error(Failure::NotFound, "Could not find project tag: ", request.param("tag"), ".");
    return emptyResponse(204);
}

}

void addProjectRoutes(Routes& routes, Projects& projects, Core& core) {
    for (const bool isDomain : {true, false}) {
        const std::string kind = isDomain ? "domain" : "project", collection = "/v3/" + kind + "s", rule = "identity:";
        routes.push_back({Method::Get, collection, policy(rule + "list_" + kind + "s"),
                          [&, isDomain](Request& request) { return list(request, projects, isDomain); }});
        routes.push_back({Method::Post, collection, policy(rule + "create_" + kind), [&, isDomain](Request& request) {
                              return isDomain ? createDomain(request, projects)
                                              : createProject(request, projects, core);
                          }});
        routes.push_back(
            {Method::Get, collection + "/{id}", policy(rule + "get_" + kind), [&, isDomain](Request& request) {
                 if (!isDomain) return show(request, projects, core);
                 return answer(request, 200, projects.show(callerOf(request), {request.param("id")}, true));
             }});
        routes.push_back({Method::Patch, collection + "/{id}", policy(rule + "update_" + kind),
                          [&, isDomain](Request& request) { return update(request, projects, isDomain); }});
        routes.push_back({Method::Delete, collection + "/{id}", policy(rule + "delete_" + kind),
                          [&, isDomain](Request& request) { return remove(request, projects, isDomain); }});
    }
    const std::string tags = "/v3/projects/{id}/tags";
    routes.push_back({Method::Get, tags, policy("identity:list_project_tags"), [&](Request& request) {
                          return tagsAnswer(projects.show(callerOf(request), {request.param("id")}, false));
                      }});
    routes.push_back({Method::Put, tags, policy("identity:update_project_tags"), [&](Request& request) {
                          const auto wanted = tagsIn(request.json().at("tags"));
                          return tagsAnswer(retag(request, projects, [&](auto& present) { present = wanted; }));
                      }});
    routes.push_back({Method::Delete, tags, policy("identity:delete_project_tags"), [&](Request& request) {
                          retag(request, projects, [](auto& present) { present.clear(); });
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Get, tags + "/{tag}", policy("identity:get_project_tag"),
                      [&](Request& request) { return hasTag(request, projects); }});
    routes.push_back({Method::Put, tags + "/{tag}", policy("identity:create_project_tag"),
                      [&](Request& request) { return addTag(request, projects, request.param("tag")); }});
    routes.push_back({Method::Put, tags + "//",
                      policy("identity:create_project_tag"), // the empty tag, which is refused as such
                      [&](Request& request) { return addTag(request, projects, ""); }});
    routes.push_back({Method::Delete, tags + "/{tag}", policy("identity:delete_project_tag"), [&](Request& request) {
                          retag(request, projects, [&](auto& present) {
                              if (present.erase(request.param("tag")) == 0)
                                  throw Error(Failure::NotFound, "Could not find project tag: ", request.param("tag"),
                                              ".");
                          });
                          return emptyResponse(204);
                      }});
}

}
