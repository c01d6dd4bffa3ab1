#include <stratolet/error.hpp>

#include "network/common_api.hpp"
#include "network/topology/topology.hpp"

namespace stratolet::network {

namespace {

using namespace http;

/// Whose topology a path is about: "None" is the caller's, as clients say it who name no project.
std::string projectIn(const Request& request) {
    const auto& project = request.param("project_id");
    return project == "None" ? identity::callerOf(request).project.text : project;
}

Response show(Request& request, const Topologies& by) {
    const auto& caller = identity::callerOf(request);
    const auto project = projectIn(request);
    caller.enforce(ownedBy(project));
    bool dry = false;
    for (const auto& each : request.query.all("fields")) {
        if (each != "dry-run")
            throw Error(Failure::Invalid, "Bad auto_allocate request: Unrecognized field.").as("BadRequest");
        dry = true;
    }
    auto& store = by.networks.core().parts.store;
    std::string id = "dry-run=pass";
    if (dry)
        store.read([&](store::Reader& db) {
            checkTopologyCanBeMade(db, project);
            return 0;
        });
    else if (const auto there = topologyOf(store.reader(), project))
        id = there->network.text;
    else
        id = store.write([&](store::Transaction& tx) {
            const auto now = topologyOf(tx, project);
            return (now ? *now : makeTopology(tx, caller, project, by)).network.text;
        });
    return jsonResponse(200, "auto_allocated_topology", [&](JsonWriter& out) {
        const auto object = out.object();
        out.field("id", id);
        out.field("tenant_id", project);
        out.field("project_id", project);
    });
}

Response drop(Request& request, const Topologies& by) {
    const auto project = projectIn(request);
    identity::callerOf(request).enforce(ownedBy(project));
    by.networks.core().parts.store.write([&](store::Transaction& tx) {
        const auto there = topologyOf(tx, project);
        if (!there)
            throw Error(Failure::NotFound, "Project ", project, " has no auto-allocated topology.")
                .as("AutoAllocatedTopologyNotFound");
        removeTopology(tx, *there, by);
    });
    return emptyResponse(204);
}

}

void addTopologyRoutes(Routes& routes, Topologies by) {
    const std::string path = "/v2.0/auto-allocated-topology/{project_id}";
    // Reading makes one where there is none.
    routes.push_back({Method::Get, path, policy("get_auto_allocated_topology"),
                      [by](Request& request) { return show(request, by); }, Runs::Worker});
    routes.push_back({Method::Delete, path, policy("delete_auto_allocated_topology"),
                      [by](Request& request) { return drop(request, by); }});
}

}
