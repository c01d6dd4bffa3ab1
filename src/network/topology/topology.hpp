#pragma once

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

void addTopologyRoutes(http::Routes& routes, Topologies by);

}
