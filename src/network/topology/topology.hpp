#pragma once

#include <optional>

#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"
#include "network/l3/router.hpp"

namespace stratolet::network {

/// Who makes the parts of a topology that a project gets without asking for more than one: a network with a subnet of
/// each default pool, behind a router on the default external network.
struct Topologies {
    Networks& networks;
    Subnets& subnets;
    Routers& routers;
};

/// What a project got so.
struct Topology {
    NetworkId network;
    RouterId router;
};
std::optional<Topology> topologyOf(store::Reader& db, const std::string& project);

/// Error(Conflict) of type AutoAllocationFailure where a part is missing that it would be made from.
void checkTopologyCanBeMade(store::Reader& db, const std::string& project);

/// As if the caller had asked for each part.
Topology makeTopology(store::Transaction& tx, const identity::Caller& caller, const std::string& project,
                      const Topologies& by);
void removeTopology(store::Transaction& tx, const Topology& topology, const Topologies& by);

/// The network of the topology of the caller's project, made where there is none yet; nothing where it can't be made.
std::optional<NetworkId> topologyNetworkOf(store::Transaction& tx, const identity::Caller& caller,
                                           const Topologies& by);

void addTopologyRoutes(http::Routes& routes, Topologies by);

}
