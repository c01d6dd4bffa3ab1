#pragma once

#include <string>
#include <vector>

#include "network/network.hpp"

namespace stratolet::compute {

/// network_data.json of the metadata service and the config drive: the interfaces of a server, and how each of their
/// addresses is come by (Nova, "Metadata service", network data; cloud-init reads it). A pure function. `subnets`:
/// those that the ports have addresses of.
std::string networkDocument(const std::vector<network::PortFacts>& ports,
                            const std::vector<network::SubnetFacts>& subnets);

}
