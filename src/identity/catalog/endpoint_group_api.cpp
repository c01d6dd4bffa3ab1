#include "identity/catalog/catalog.hpp"
#include "identity/organisation/project.hpp"
#include "identity/record.hpp"

// OS-EP-FILTER: which endpoints a project gets to see, one by one and by groups of endpoints.

namespace stratolet::identity {
namespace {

using namespace http;

void writeEndpointGroup(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("name", row.text(1));
    out.field("description", row.maybeText(2));
    out.rawField("filters", row.text(3));
    writeSelf(out, request, "OS-EP-FILTER/endpoint_groups/" + row.text(0));
}

const RecordKind groupKind = {"endpoint_group",
                              "endpoint_groups",
                              "OS-EP-FILTER/endpoint_groups",
                              "endpoint_groups",
                              "SELECT id, name, description, filters FROM endpoint_groups",
                              {{"name", "name"}, {"description", "description"}},
                              writeEndpointGroup};

/// What an endpoint must have to be in a group.
struct Membership {
    std::optional<std::string> service, region, interface;
    std::string json; ///< the same as it came
};

Membership membershipFrom(const Json& filters) {
    filters.onlyKnows({"service_id", "region_id", "interface"});
    if (filters.size() == 0) filters.refuse("It must have one of service_id, region_id, interface.");
    Membership wanted{filters.maybeText("service_id"), filters.maybeText("region_id"), filters.maybeText("interface"), filters.dump()};
    if (wanted.interface && *wanted.interface != "public" && *wanted.interface != "internal" && *wanted.interface != "admin")
        filters.at("interface").refuse("It must be one of public, internal, admin.");
    return wanted;
}

Response create(Request& request, Core& core) {
    const Json body = request.json().object("endpoint_group");
    callerOf(request).enforce();
    const auto id = core.parts.ambient.hexId(), name = checkedName(body.at("name"), 255);
    const auto description = body.maybeText("description");
    const auto wanted = membershipFrom(body.object("filters"));
    core.parts.store.write([&](store::Transaction& tx) {
        tx.execute("INSERT INTO endpoint_groups VALUES (?, ?, ?, ?, ?, ?, ?)", id, name, description, wanted.service, wanted.region,
                   wanted.interface, wanted.json);
    });
    return recordAnswer(request, 201, groupKind, id, core);
}

Response update(Request& request, Core& core) {
    const Json body = request.json().object("endpoint_group");
    demandToChange(request, groupKind, core);
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(groupKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(groupKind, id);
        const auto row = rows.row();
        const auto wanted = membershipFrom(body.has("filters") ? body.object("filters") : Json::parse(row.text(3)));
        tx.execute(
            "UPDATE endpoint_groups SET name = ?, description = ?, service_id = ?, region_id = ?, interface = ?, filters = ? WHERE id "
            "= ?",
            body.has("name") ? checkedName(body.at("name"), 255) : row.text(1),
            body.has("description") ? body.maybeText("description") : row.maybeText(2), wanted.service, wanted.region, wanted.interface,
            wanted.json, id);
    });
    return recordAnswer(request, 200, groupKind, id, core);
}

/// A table of pairs: a project and what it is associated with.
struct Association {
    std::string table, column;
    const RecordKind& kind;
};
const Association& endpointAssociation() {
    static const Association association{"project_endpoints", "endpoint_id", endpointKind()};
    return association;
}
const Association groupAssociation{"project_endpoint_groups", "endpoint_group_id", groupKind};

void demandProject(store::Reader& db, const std::string& id) {
    if (!project_table::find(db, {id})) throw Error(Failure::NotFound, "Could not find project: ", id, ".");
}

void demandRecord(store::Reader& db, const RecordKind& kind, const std::string& id) {
    if (!db.query("SELECT 1 FROM " + kind.table + " WHERE id = ?", id).any()) throw notFound(kind, id);
}

/// Both ends of the association that a path names; the rule has been asked.
void demandBoth(const Request& request, store::Reader& db, const Association& what) {
    callerOf(request).enforce();
    demandRecord(db, what.kind, request.param("id"));
    demandProject(db, request.param("project"));
}

Response associate(Request& request, Core& core, const Association& what) {
    demandBoth(request, core.parts.store.reader(), what);
    core.parts.store.write([&](store::Transaction& tx) {
        demandBoth(request, tx, what);
        if (tx.execute("INSERT OR IGNORE INTO " + what.table + " (project_id, " + what.column + ") VALUES (?, ?)", request.param("project"),
                       request.param("id")) == 0)
            throw Error(Failure::Conflict, "Conflict occurred attempting to store the association of project ", request.param("project"),
                        " - it is there already.");
    });
    return emptyResponse(204);
}

void demandAssociated(const Request& request, store::Reader& db, const Association& what) {
    demandBoth(request, db, what);
    if (!db.query("SELECT 1 FROM " + what.table + " WHERE project_id = ? AND " + what.column + " = ?", request.param("project"),
                  request.param("id"))
             .any())
        throw Error(Failure::NotFound, "Endpoint ", what.kind.name == "endpoint" ? "" : "group ", request.param("id"),
                    " is not associated with project ", request.param("project"), ".");
}

Response dissociate(Request& request, Core& core, const Association& what) {
    demandBoth(request, core.parts.store.reader(), what);
    core.parts.store.write([&](store::Transaction& tx) {
        demandAssociated(request, tx, what);
        tx.execute("DELETE FROM " + what.table + " WHERE project_id = ? AND " + what.column + " = ?", request.param("project"),
                   request.param("id"));
    });
    return emptyResponse(204);
}

Response listProjects(Request& request, Core& core, const Association& what) {
    callerOf(request).enforce();
    auto& db = core.parts.store.reader();
    demandRecord(db, what.kind, request.param("id"));
    store::Conditions conditions;
    conditions.add("id IN (SELECT project_id FROM " + what.table + " WHERE " + what.column + " = ?)", request.param("id"));
    const auto projects = project_table::list(db, conditions);
    return slicedResponse<Project>(request, "projects", projects,
                                   [&](JsonWriter& out, const Project& each) { writeProject(out, request, each); });
}

/// Those that a group has by its filters.
constexpr std::string_view inGroup =
    "EXISTS (SELECT 1 FROM endpoint_groups g WHERE coalesce(g.service_id, endpoints.service_id) = endpoints.service_id AND "
    "coalesce(g.region_id, endpoints.region_id, '') = coalesce(endpoints.region_id, '') AND coalesce(g.interface, endpoints.interface) = "
    "endpoints.interface AND ";

Response listGroupEndpoints(Request& request, Core& core) {
    callerOf(request).enforce();
    demandRecord(core.parts.store.reader(), groupKind, request.param("id"));
    store::Conditions conditions;
    conditions.add(std::string(inGroup) + "g.id = ?)", request.param("id"));
    return recordList(request, endpointKind(), conditions, core);
}

Response listProjectEndpoints(Request& request, Core& core) {
    callerOf(request).enforce();
    const auto& project = request.param("project");
    demandProject(core.parts.store.reader(), project);
    store::Conditions conditions;
    conditions.add("id IN (SELECT endpoint_id FROM project_endpoints WHERE project_id = ?) OR " + std::string(inGroup) +
                       "g.id IN (SELECT endpoint_group_id FROM project_endpoint_groups WHERE project_id = ?))",
                   project, project);
    return recordList(request, endpointKind(), conditions, core);
}

Response listProjectGroups(Request& request, Core& core) {
    callerOf(request).enforce();
    const auto& project = request.param("project");
    demandProject(core.parts.store.reader(), project);
    store::Conditions conditions;
    conditions.add("id IN (SELECT endpoint_group_id FROM project_endpoint_groups WHERE project_id = ?)", project);
    return recordList(request, groupKind, conditions, core);
}

}

void addEndpointGroupRoutes(Routes& routes, Core& core) {
    const std::string filter = "/v3/OS-EP-FILTER/", groups = filter + "endpoint_groups";
    addReadingRoutes(routes, groupKind, core);
    addDeletingRoute(routes, groupKind, core);
    routes.push_back(
        {Method::Post, groups, policy("identity:create_endpoint_group"), [&](Request& request) { return create(request, core); }});
    routes.push_back({Method::Patch, groups + "/{id}", policy("identity:update_endpoint_group"),
                      [&](Request& request) { return update(request, core); }});
    routes.push_back({Method::Get, groups + "/{id}/endpoints", policy("identity:list_endpoints_associated_with_endpoint_group"),
                      [&](Request& request) { return listGroupEndpoints(request, core); }});
    routes.push_back({Method::Get, groups + "/{id}/projects", policy("identity:list_projects_associated_with_endpoint_group"),
                      [&](Request& request) { return listProjects(request, core, groupAssociation); }});
    const std::string ofGroup = groups + "/{id}/projects/{project}";
    routes.push_back({Method::Put, ofGroup, policy("identity:add_endpoint_group_to_project"),
                      [&](Request& request) { return associate(request, core, groupAssociation); }});
    routes.push_back({Method::Get, ofGroup, policy("identity:get_endpoint_group_in_project"), [&](Request& request) {
                          demandAssociated(request, core.parts.store.reader(), groupAssociation);
                          return recordAnswer(request, 200, groupKind, request.param("id"), core);
                      }});
    routes.push_back({Method::Delete, ofGroup, policy("identity:remove_endpoint_group_from_project"),
                      [&](Request& request) { return dissociate(request, core, groupAssociation); }});

    const std::string ofProject = filter + "projects/{project}", one = ofProject + "/endpoints/{id}";
    routes.push_back({Method::Get, ofProject + "/endpoints", policy("identity:list_endpoints_for_project"),
                      [&](Request& request) { return listProjectEndpoints(request, core); }});
    routes.push_back({Method::Get, ofProject + "/endpoint_groups", policy("identity:list_endpoint_groups_for_project"),
                      [&](Request& request) { return listProjectGroups(request, core); }});
    routes.push_back({Method::Get, filter + "endpoints/{id}/projects", policy("identity:list_projects_for_endpoint"),
                      [&](Request& request) { return listProjects(request, core, endpointAssociation()); }});
    routes.push_back({Method::Put, one, policy("identity:add_endpoint_to_project"),
                      [&](Request& request) { return associate(request, core, endpointAssociation()); }});
    routes.push_back({Method::Get, one, policy("identity:check_endpoint_in_project"), [&](Request& request) {
                          demandAssociated(request, core.parts.store.reader(), endpointAssociation());
                          return emptyResponse(204);
                      }});
    routes.push_back({Method::Delete, one, policy("identity:remove_endpoint_from_project"),
                      [&](Request& request) { return dissociate(request, core, endpointAssociation()); }});
}

}
