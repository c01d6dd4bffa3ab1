#include <set>

#include "identity/organisation/project.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> projectAttributes = {"id",        "name",    "domain_id",   "parent_id",
                                                                   "is_domain", "enabled", "description", "tags",
                                                                   "options",   "links",   "domain",      "explicit_domain_id"};
constexpr std::size_t tagsMax = 80;
constexpr Filter projectFilters[] = {{"name", "name_key", Filter::Kind::Name},
                                     {"enabled", "enabled", Filter::Kind::Truth},
                                     {"domain_id", "domain_id"},
                                     {"parent_id", "parent_id"},
                                     {"description", "description"},
                                     {"is_domain", "is_domain", Filter::Kind::Truth}};

std::string checkedTag(const std::string& tag) {
    if (tag.empty() || lengthInCharacters(tag) > 255 || tag.find_first_of("/,") != std::string::npos)
        throw Error(Failure::Invalid, "Invalid input for field 'tags': a tag has 1 to 255 characters, and no slash or comma.");
    return tag;
}

std::set<std::string> tagsFrom(const Json& body) {
    std::set<std::string> tags;
    for (const auto& each : body.array("tags").items())
        if (!tags.insert(checkedTag(each.text())).second) each.refuse("It is there twice.");
    if (tags.size() > tagsMax) body.at("tags").refuse("There may be at most 80 tags.");
    return tags;
}

Response answer(const Request& request, int status, const Project& project) {
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key(request.route->pattern.starts_with("/v3/domains") ? "domain" : "project");
        writeProject(out, request, project);
    });
}

void takeCommon(Project& project, const Json& body) {
    if (const auto name = body.find("name")) project.name = checkedName(*name, 64);
    if (const auto text = body.find("description")) project.description = text->isNull() ? "" : text->text();
    project.enabled = checkedTruth(body, "enabled", project.enabled);
    project.options = mergedOptions(project.options, body, {"immutable"});
    project.extra = mergedExtra(project.extra, body, projectAttributes);
    if (body.has("tags")) project.tags = tagsFrom(body);
}

Response createDomain(Request& request, Projects& projects) {
    const Json body = request.json().object("domain");
    Project wanted;
    wanted.isDomain = true;
    wanted.name = checkedName(body.at("name"), 64);
    if (const auto id = body.maybeText("explicit_domain_id")) {
        if (id->size() != 32 || id->find_first_not_of("0123456789abcdef") != std::string::npos)
            body.at("explicit_domain_id").refuse("It must be 32 lower-case hexadecimal digits.");
        wanted.id.text = *id;
    }
    takeCommon(wanted, body);
    return answer(request, 201, projects.create(callerOf(request), wanted));
}

Response createProject(Request& request, Projects& projects, Core& core) {
    const Caller& caller = callerOf(request);
    const Json body = request.json().object("project");
    Project wanted;
    wanted.name = checkedName(body.at("name"), 64);
    wanted.isDomain = checkedTruth(body, "is_domain", false);
    takeCommon(wanted, body);
    if (wanted.isDomain && body.maybeText("domain_id")) body.at("domain_id").refuse("A domain is in no domain.");
    if (const auto parent = body.maybeText("parent_id")) {
        wanted.parent.text = *parent;
        const auto found = project_table::find(core.parts.store.reader(), wanted.parent);
        if (wanted.isDomain) body.at("parent_id").refuse("A domain has no parent.");
        if (found) wanted.domain.text = body.text("domain_id", found->domain.text);
    }
    if (const auto domain = body.maybeText("domain_id")) wanted.domain.text = *domain;
    if (wanted.domain.empty() && !wanted.isDomain) wanted.domain = homeDomainOf(caller);
    return answer(request, 201, projects.create(caller, wanted));
}

/// The four filters by tags.
void applyTagFilters(store::Conditions& conditions, const Query& query) {
    const auto apply = [&](std::string_view parameter, std::string_view comparison, bool all) {
        const auto wanted = query.find(parameter);
        if (!wanted) return;
        std::set<std::string> tags;
        for (const auto tag : split(*wanted, ',')) tags.emplace(tag);
        if (tags.size() > tagsMax)
            throw Error(Failure::Invalid, "Invalid input for query parameter ", parameter, ": no project has more than ", tagsMax,
                        " tags.");
        store::Conditions named;
        named.in("tag", {tags.begin(), tags.end()});
        conditions.append("(SELECT count(*) FROM project_tags" + named.where() + " AND project_id = projects.id) " +
                              std::string(comparison) + (all ? std::to_string(tags.size()) : "0"),
                          named.values());
    };
    apply("tags", "= ", true);
    apply("tags-any", "> ", false);
    apply("not-tags", "< ", true);
    apply("not-tags-any", "= ", false);
}

Response list(Request& request, Projects& projects, Core& core, bool domains) {
    auto& db = core.parts.store.reader();
    const auto& caller = callerOf(request);
    store::Conditions conditions;
    if (domains || !request.query.has("is_domain")) conditions.add("is_domain = ?", domains);
    applyFilters(conditions, request.query, projectFilters);
    applyTagFilters(conditions, request.query);
    if (!domains) onlyOfScope(conditions, caller);
    const auto page = Page::from(request.query, conditions, db, "projects", projectFilters, "created");
    return pageResponse<Project>(request, domains ? "domains" : "projects", page, projects.list(caller, conditions, page.order),
                                 [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
}

/// {"id": {"id of the next": … null}}
void writeAbove(JsonWriter& out, const Project& project, store::Reader& db) {
    const auto parent = project.parent.empty() ? std::nullopt : project_table::find(db, project.parent);
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

/// What the query wants to see of the tree around a project. Lists have the projects only on which the caller has a role.
std::string treePart(const Request& request, const Project& project, Core& core) {
    if (request.queryText.empty()) return "{}";
    auto& db = core.parts.store.reader();
    const auto now = core.parts.ambient.now();
    const auto& query = request.query;
    for (const std::string what : {"parents", "subtree"})
        if (query.flag(what + "_as_list") && query.flag(what + "_as_ids"))
            throw Error(Failure::Invalid, "Cannot use ", what, "_as_list and ", what, "_as_ids query params at the same time.");
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
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("project");
        writeProject(out, request, project, tree);
    });
}

Response update(Request& request, Projects& projects, bool isDomain) {
    const Json body = request.json().object(isDomain ? "domain" : "project");
    const ProjectId id{request.param("id")};
    const auto change = [&](Project& project) {
        for (const auto* fixed : {"domain_id", "parent_id"})
            if (const auto value = body.find(fixed);
                value && !value->isNull() && !project.isDomain &&
                value->text() != (fixed == std::string_view("domain_id") ? project.domain.text : project.parent.text)) {
                if (fixed == std::string_view("parent_id")) throw Error(Failure::Forbidden, "Update of `parent_id` is not allowed.");
                value->refuse("It cannot be changed.");
            }
        if (const auto value = body.find("is_domain"); value && value->boolean() != project.isDomain)
            value->refuse("It cannot be changed.");
        takeCommon(project, body);
    };
    return answer(request, 200, projects.update(callerOf(request), id, isDomain, change, changesOnlyImmutable(body)));
}

Response remove(Request& request, Projects& projects, bool isDomain) {
    projects.remove(callerOf(request), {request.param("id")}, isDomain);
    return emptyResponse(204);
}

void writeTags(JsonWriter& out, const Project& project) {
    const auto list = out.array("tags");
    for (const auto& each : project.tags) out.value(each);
}

Response tagsAnswer(const Project& project) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        writeTags(out, project);
    });
}

/// Changes the tags of the project in the path.
Project retag(Request& request, Projects& projects, const std::function<void(std::set<std::string>&)>& change) {
    return projects.update(callerOf(request), {request.param("id")}, false, [&](Project& project) {
        change(project.tags);
        if (project.tags.size() > tagsMax) throw Error(Failure::Invalid, "Invalid input for field 'tags': there may be at most 80 tags.");
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

void writeProject(JsonWriter& out, const Request& request, const Project& project, const std::string& more) {
    const auto object = out.object();
    out.field("id", project.id);
    out.field("name", project.name);
    out.field("description", project.description);
    out.field("enabled", project.enabled);
    if (!request.route->pattern.starts_with("/v3/domains")) {
        if (project.isDomain) {
            out.field("domain_id", nullptr);
            out.field("parent_id", nullptr);
        } else {
            out.field("domain_id", project.domain);
            out.field("parent_id", project.parent);
        }
        out.field("is_domain", project.isDomain);
    }
    writeTags(out, project);
    out.rawField("options", project.options);
    writeExtra(out, project.extra);
    writeExtra(out, more);
    writeSelf(out, request, (request.route->pattern.starts_with("/v3/domains") ? "domains/" : "projects/") + project.id.text);
}

void addProjectRoutes(Routes& routes, Projects& projects, Core& core) {
    for (const bool isDomain : {true, false}) {
        const std::string kind = isDomain ? "domain" : "project", collection = "/v3/" + kind + "s", rule = "identity:";
        routes.push_back({Method::Get, collection, policy(rule + "list_" + kind + "s"),
                          [&, isDomain](Request& request) { return list(request, projects, core, isDomain); }});
        routes.push_back({Method::Post, collection, policy(rule + "create_" + kind), [&, isDomain](Request& request) {
                              return isDomain ? createDomain(request, projects) : createProject(request, projects, core);
                          }});
        routes.push_back({Method::Get, collection + "/{id}", policy(rule + "get_" + kind), [&, isDomain](Request& request) {
                              if (!isDomain) return show(request, projects, core);
                              return answer(request, 200, projects.show(callerOf(request), {request.param("id")}, true));
                          }});
        routes.push_back({Method::Patch, collection + "/{id}", policy(rule + "update_" + kind),
                          [&, isDomain](Request& request) { return update(request, projects, isDomain); }});
        routes.push_back({Method::Delete, collection + "/{id}", policy(rule + "delete_" + kind),
                          [&, isDomain](Request& request) { return remove(request, projects, isDomain); }});
    }
    const std::string tags = "/v3/projects/{id}/tags";
    routes.push_back({Method::Get, tags, policy("identity:list_project_tags"),
                      [&](Request& request) { return tagsAnswer(projects.show(callerOf(request), {request.param("id")}, false)); }});
    routes.push_back({Method::Put, tags, policy("identity:update_project_tags"), [&](Request& request) {
                          const auto wanted = tagsFrom(request.json());
                          return tagsAnswer(retag(request, projects, [&](auto& present) { present = wanted; }));
                      }});
    routes.push_back({Method::Delete, tags, policy("identity:delete_project_tags"), [&](Request& request) {
                          retag(request, projects, [](auto& present) { present.clear(); });
                          return emptyResponse(204);
                      }});
    routes.push_back(
        {Method::Get, tags + "/{tag}", policy("identity:get_project_tag"), [&](Request& request) { return hasTag(request, projects); }});
    routes.push_back({Method::Put, tags + "/{tag}", policy("identity:create_project_tag"),
                      [&](Request& request) { return addTag(request, projects, request.param("tag")); }});
    routes.push_back({Method::Put, tags + "//", policy("identity:create_project_tag"), // the empty tag, which is refused as such
                      [&](Request& request) { return addTag(request, projects, ""); }});
    routes.push_back({Method::Delete, tags + "/{tag}", policy("identity:delete_project_tag"), [&](Request& request) {
                          retag(request, projects, [&](auto& present) {
                              if (present.erase(request.param("tag")) == 0)
                                  throw Error(Failure::NotFound, "Could not find project tag: ", request.param("tag"), ".");
                          });
                          return emptyResponse(204);
                      }});
}

}
