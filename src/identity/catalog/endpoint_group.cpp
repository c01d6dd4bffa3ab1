#include "identity/catalog/endpoint.hpp"
#include "identity/organisation/project.hpp"

// OS-EP-FILTER: which endpoints a project gets to see, one by one and by groups of endpoints.

namespace stratolet::identity {
namespace {

using namespace http;
using namespace resource;

/// Endpoints that have what it asks for.
struct EndpointGroup {
    static constexpr std::string_view noun = "endpoint_group", path = "OS-EP-FILTER/endpoint_groups";
    std::string id;
    std::string name;
    std::optional<std::string> description;
    std::string filters;                                   ///< JSON: the next three as they came
    std::optional<std::string> service, region, interface; ///< what an endpoint must have; nothing: any
};

void takeFilters(EndpointGroup& group, const Json& filters) {
    if (!filters.isObject()) filters.refuse("It must be an object.");
    filters.onlyKnows({"service_id", "region_id", "interface"});
    if (filters.size() == 0) filters.refuse("It must have one of service_id, region_id, interface.");
    group.service = filters.maybeText("service_id");
    group.region = filters.maybeText("region_id");
    group.interface = filters.maybeText("interface");
    if (group.interface) checkedInterface(filters.at("interface"));
    group.filters = filters.dump();
}

const Table<EndpointGroup> groupTable(
    "endpoint_groups", 'g',
    {attribute<&EndpointGroup::id>("id", Show), named<&EndpointGroup::name>("name", Post | Put | Show | Find | Needed),
     attribute<&EndpointGroup::description>("description", Post | Put | Show | Find),
     json<&EndpointGroup::filters, takeFilters>("filters", Post | Put | Show | Needed),
     column<&EndpointGroup::service>("service_id", Moves), column<&EndpointGroup::region>("region_id", Moves),
     column<&EndpointGroup::interface>("interface", Moves), links<EndpointGroup>()});

/// A table of pairs: a project and what it is associated with.
struct Association {
    std::string table, column;
    void (*demand)(store::Reader& db, const std::string& id); ///< Error(NotFound) where there is no such other end
    std::string_view noun;                                    ///< of the other end, in messages
};

template <class Record, auto& Of> void demandRecord(store::Reader& db, const std::string& id) {
    if (!Of.find(db, id)) throw missing<Record>(id);
}
const Association endpointAssociation{"project_endpoints", "endpoint_id", demandRecord<Endpoint, endpointTable>, ""};
const Association groupAssociation{"project_endpoint_groups", "endpoint_group_id",
                                   demandRecord<EndpointGroup, groupTable>, "group "};

void demandProject(store::Reader& db, const std::string& id) {
    if (!projectTable.find(db, {id})) throw Error(Failure::NotFound, "Could not find project: ", id, ".");
}

/// Both ends of the association that a path names; the rule has been asked.
void demandBoth(const Request& request, store::Reader& db, const Association& what) {
    callerOf(request).enforce();
    what.demand(db, request.param("id"));
    demandProject(db, request.param("project"));
}

Response associate(Request& request, Core& core, const Association& what) {
    demandBoth(request, core.parts.store.reader(), what);
    core.parts.store.write([&](store::Transaction& tx) {
        demandBoth(request, tx, what);
        if (tx.execute("INSERT OR IGNORE INTO " + what.table + " (project_id, " + what.column + ") VALUES (?, ?)",
                       request.param("project"), request.param("id")) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store the association of project ",
                        request.param("project"), " - it is there already.");
    });
    return emptyResponse(204);
}

void demandAssociated(const Request& request, store::Reader& db, const Association& what) {
    demandBoth(request, db, what);
    if (!db.query("SELECT 1 FROM " + what.table + " WHERE project_id = ? AND " + what.column + " = ?",
                  request.param("project"), request.param("id"))
             .any())
        throw Error(Failure::NotFound, "Endpoint ", what.noun, request.param("id"), " is not associated with project ",
                    request.param("project"), ".");
}

Response dissociate(Request& request, Core& core, const Association& what) {
    demandBoth(request, core.parts.store.reader(), what);
    core.parts.store.write([&](store::Transaction& tx) {
        demandAssociated(request, tx, what);
        tx.execute("DELETE FROM " + what.table + " WHERE project_id = ? AND " + what.column + " = ?",
                   request.param("project"), request.param("id"));
    });
    return emptyResponse(204);
}

Response listProjects(Request& request, Core& core, const Association& what) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    what.demand(db, request.param("id"));
    store::Conditions conditions;
    conditions.add("id IN (SELECT project_id FROM " + what.table + " WHERE " + what.column + " = ?)",
                   request.param("id"));
    const auto projects = project_table::list(db, conditions);
    return slicedResponse<Project>(request, "projects", projects,
                                   [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
}

/// Those that a group has by its filters.
constexpr std::string_view inGroup =
    "EXISTS (SELECT 1 FROM endpoint_groups g WHERE coalesce(g.service_id, e.service_id) = e.service_id AND "
    "coalesce(g.region_id, e.region_id, '') = coalesce(e.region_id, '') AND coalesce(g.interface, e.interface) = "
    "e.interface AND ";

Response listGroupEndpoints(Request& request, Core& core, const Endpoints& endpoints) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    groupAssociation.demand(db, request.param("id"));
    return endpoints->openList(request, db, {{std::string(inGroup) + "g.id = ?)", {request.param("id")}}});
}

Response listProjectEndpoints(Request& request, Core& core, const Endpoints& endpoints) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& project = request.param("project");
    demandProject(db, project);
    return endpoints->openList(
        request, db,
        {{"e.id IN (SELECT endpoint_id FROM project_endpoints WHERE project_id = ?) OR " + std::string(inGroup) +
              "g.id IN (SELECT endpoint_group_id FROM project_endpoint_groups WHERE project_id = ?))",
          {project, project}}});
}

Response listProjectGroups(Request& request, Core& core, const CollectionApi<EndpointGroup>& groups) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    const auto& project = request.param("project");
    demandProject(db, project);
    return groups.openList(
        request, db,
        {{"g.id IN (SELECT endpoint_group_id FROM project_endpoint_groups WHERE project_id = ?)", {project}}});
}

}

void addEndpointGroupRoutes(Routes& routes, Core& core, const Endpoints& endpoints) {
    const std::string filter = "/v3/OS-EP-FILTER/", groups = filter + "endpoint_groups";
    const auto api = addNoun<EndpointGroup>(routes, core, {.table = groupTable});
    routes.push_back({Method::Get, groups + "/{id}/endpoints",
                      policy("identity:list_endpoints_associated_with_endpoint_group"),
                      [&core, endpoints](Request& request) { return listGroupEndpoints(request, core, endpoints); }});
    routes.push_back({Method::Get, groups + "/{id}/projects",
                      policy("identity:list_projects_associated_with_endpoint_group"),
                      [&](Request& request) { return listProjects(request, core, groupAssociation); }});
    const std::string ofGroup = groups + "/{id}/projects/{project}";
    routes.push_back({Method::Put, ofGroup, policy("identity:add_endpoint_group_to_project"),
                      [&](Request& request) { return associate(request, core, groupAssociation); }});
    routes.push_back(
        {Method::Get, ofGroup, policy("identity:get_endpoint_group_in_project"), [&core, api](Request& request) {
             auto& db = core.parts.store.reader();
             demandAssociated(request, db, groupAssociation);
             return api->answer(request, 200, groupTable.find(db, request.param("id")).value(), db);
         }});
    routes.push_back({Method::Delete, ofGroup, policy("identity:remove_endpoint_group_from_project"),
                      [&](Request& request) { return dissociate(request, core, groupAssociation); }});

    const std::string ofProject = filter + "projects/{project}", one = ofProject + "/endpoints/{id}";
    routes.push_back({Method::Get, ofProject + "/endpoints", policy("identity:list_endpoints_for_project"),
                      [&core, endpoints](Request& request) { return listProjectEndpoints(request, core, endpoints); }});
    routes.push_back({Method::Get, ofProject + "/endpoint_groups", policy("identity:list_endpoint_groups_for_project"),
                      [&core, api](Request& request) { return listProjectGroups(request, core, *api); }});
    routes.push_back({Method::Get, filter + "endpoints/{id}/projects", policy("identity:list_projects_for_endpoint"),
                      [&](Request& request) { return listProjects(request, core, endpointAssociation); }});
    routes.push_back({Method::Put, one, policy("identity:add_endpoint_to_project"),
                      [&](Request& request) { return associate(request, core, endpointAssociation); }});
    routes.push_back({Method::Get, one, policy("identity:check_endpoint_in_project"), [&](Request& request) {
                          demandAssociated(request, core.parts.store.reader(), endpointAssociation);
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Delete, one, policy("identity:remove_endpoint_from_project"),
                      [&](Request& request) { return dissociate(request, core, endpointAssociation); }});
}

}
