#include <stratolet/error.hpp>

#include "network/common_api.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l2/subnet_pool.hpp"
#include "network/l3/router.hpp"
#include "network/topology/topology.hpp"

namespace stratolet::network {

namespace {

using namespace http;

struct Topology {
    NetworkId network;
    RouterId router;
};

Error failed(const std::string& reason) {
    return Error(Failure::Conflict, "Deployment error: ", reason, ".").as("AutoAllocationFailure");
}

std::string inQuotes(const std::string& text) { return "\"" + text + "\""; }

std::optional<Topology> topologyOf(store::Reader& db, const std::string& project) {
    auto rows = db.query("SELECT network, router FROM auto_allocated_topologies WHERE project = ?", project);
    if (!rows.next()) return std::nullopt;
    return Topology{{rows.row().text(0)}, {rows.row().text(1)}};
}

/// What a topology is made from.
struct Needed {
    std::string outside;           ///< the network
    std::vector<SubnetPool> pools; ///< one of each IP version that there is
};

Needed neededIn(store::Reader& db, const std::string& project) {
    Needed needed;
    const auto outside =
        db.query("SELECT id FROM networks WHERE external AND is_default ORDER BY created, id LIMIT 1").maybeText();
    if (!outside) throw failed("No default router:external network");
    needed.outside = *outside;
    for (const int version : {4, 6})
        for (auto& each :
             subnetPoolTable.where(db, "WHERE o.is_default AND o.ip_version = ? ORDER BY o.created, o.id", version)) {
            if (each.standard.project != project && !each.sharing.to(project)) continue;
            needed.pools.push_back(std::move(each));
            break;
        }
    if (needed.pools.empty()) throw failed("No default subnetpools defined");
    return needed;
}

/// Made as if the caller had asked for each part.
Topology build(store::Transaction& tx, const identity::Caller& caller, const std::string& project, Topologies& by) {
    const auto needed = neededIn(tx, project);
    for (const auto* rule : {"create_network", "create_subnet", "create_router", "add_router_interface"}) {
        auto target = ownedBy(project);
        target["network:project_id"] = target["network:tenant_id"] = project;
        demandOn(caller, rule, target);
    }
    const auto owner = R"("project_id":)" + inQuotes(project);
    const auto network =
        by.networks.create(tx, caller, Body(Json::parse(R"({"name":"auto_allocated_network",)" + owner + "}")));
    const auto router = by.routers.create(
        tx, caller,
        Body(Json::parse(R"({"name":"auto_allocated_router",)" + owner + R"(,"external_gateway_info":{"network_id":)" +
                         inQuotes(needed.outside) + "}}")));
    for (const auto& pool : needed.pools) {
        const auto version = std::to_string(pool.ipVersion);
        const auto subnet =
            by.subnets.create(tx, caller, network,
                              Body(Json::parse(R"({"name":"auto_allocated_subnet_v)" + version + R"(","ip_version":)" +
                                               version + R"(,"network_id":)" + inQuotes(network.id.text) +
                                               R"(,"subnetpool_id":)" + inQuotes(pool.id.text) + "," + owner + "}")));
        by.routers.addInterface(tx, caller, router, {subnet.id.text, std::nullopt});
    }
    tx.execute("INSERT INTO auto_allocated_topologies (project, network, router) VALUES (?, ?, ?)", project, network.id,
               router.id);
    return {network.id, router.id};
}

void remove(store::Transaction& tx, const Topology& topology, Topologies& by) {
    if (const auto router = routerTable.find(tx, topology.router)) {
        for (const auto& subnet : subnetsOf(tx, topology.network)) try {
                by.routers.removeInterface(tx, *router, {subnet.id.text, std::nullopt});
            } catch (const Error& error) {
                if (error.failure() != Failure::NotFound) throw; // somebody took it away
            }
        by.routers.remove(tx, *routerTable.find(tx, topology.router));
    }
    by.networks.remove(tx, networkOf(tx, topology.network)); // and the topology with it
}

/// Whose topology a path is about: "None" is the caller's, as clients say it who name no project.
std::string projectIn(const Request& request) {
    const auto& project = request.param("project_id");
    return project == "None" ? identity::callerOf(request).project.text : project;
}

Response show(Request& request, Topologies& by) {
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
            neededIn(db, project);
            return 0;
        });
    else if (const auto there = topologyOf(store.reader(), project))
        id = there->network.text;
    else
        id = store.write([&](store::Transaction& tx) {
            const auto now = topologyOf(tx, project);
            return (now ? *now : build(tx, caller, project, by)).network.text;
        });
    return jsonResponse(200, "auto_allocated_topology", [&](JsonWriter& out) {
        const auto object = out.object();
        out.field("id", id);
        out.field("tenant_id", project);
        out.field("project_id", project);
    });
}

Response drop(Request& request, Topologies& by) {
    const auto project = projectIn(request);
    identity::callerOf(request).enforce(ownedBy(project));
    by.networks.core().parts.store.write([&](store::Transaction& tx) {
        const auto there = topologyOf(tx, project);
        if (!there)
            throw Error(Failure::NotFound, "Project ", project, " has no auto-allocated topology.")
                .as("AutoAllocatedTopologyNotFound");
        remove(tx, *there, by);
    });
    return emptyResponse(204);
}

}

void addTopologyRoutes(Routes& routes, Topologies by) {
    const std::string path = "/v2.0/auto-allocated-topology/{project_id}";
    // Reading makes one where there is none.
    routes.push_back({Method::Get, path, policy("get_auto_allocated_topology"),
                      [by](Request& request) mutable { return show(request, by); }, Runs::Worker});
    routes.push_back({Method::Delete, path, policy("delete_auto_allocated_topology"),
                      [by](Request& request) mutable { return drop(request, by); }});
}

}
