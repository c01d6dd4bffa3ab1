#include "network/topology/topology.hpp"

#include <stratolet/error.hpp>

#include "network/l2/port.hpp"
#include "network/l2/subnet_pool.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

namespace {

Error failed(const std::string& reason) {
    return Error(Failure::Conflict, "Deployment error: ", reason, ".").as("AutoAllocationFailure");
}

std::string inQuotes(const std::string& text) { return "\"" + text + "\""; }

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
        if (auto pool = defaultPoolFor(db, project, version)) needed.pools.push_back(*std::move(pool));
    if (needed.pools.empty()) throw failed("No default subnetpools defined");
    return needed;
}

}

std::optional<Topology> topologyOf(store::Reader& db, const std::string& project) {
    auto rows = db.query("SELECT network, router FROM auto_allocated_topologies WHERE project = ?", project);
    if (!rows.next()) return std::nullopt;
    return Topology{{rows.row().text(0)}, {rows.row().text(1)}};
}

void checkTopologyCanBeMade(store::Reader& db, const std::string& project) { neededIn(db, project); }

Topology makeTopology(store::Transaction& tx, const identity::Caller& caller, const std::string& project,
                      const Topologies& by) {
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

void removeTopology(store::Transaction& tx, const Topology& topology, const Topologies& by) {
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

std::optional<NetworkId> topologyNetworkOf(store::Transaction& tx, const identity::Caller& caller,
                                           const Topologies& by) {
    const auto& project = caller.project.text;
    if (const auto there = topologyOf(tx, project)) return there->network;
    try {
        neededIn(tx, project);
    } catch (const Error& error) {
        if (error.type() != "AutoAllocationFailure") throw;
        return std::nullopt;
    }
    return makeTopology(tx, caller, project, by).network;
}

}
