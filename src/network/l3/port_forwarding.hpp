#pragma once

#include <optional>
#include <string>
#include <vector>

#include "network/l3/floating_ip.hpp"

namespace stratolet::network {

extern const resource::Table<PortForwarding> portForwardingTable; ///< alias w

/// Of many floating IPs, by their ids, oldest first.
store::ByOwner<PortForwarding> forwardingsOf(store::Reader& db, const Texts& floatingIps);

bool isForwarded(store::Reader& db, const FloatingIpId& ip); ///< some of its ports are

/// What leads to a port, or to one of its addresses, leads nowhere from now on.
void dropForwardings(Core& core, store::Transaction& tx, const PortId& port,
                     const std::optional<std::string>& fixed = std::nullopt);

/// Whether a port of that router's is forwarded to an address in the block.
bool isForwardedInto(store::Reader& db, const RouterId& router, const Prefix& block);

void addPortForwardingRoutes(http::Routes& routes, FloatingIps& ips);

/// In answers about a floating IP.
void writeForwardings(JsonWriter& out, const std::vector<PortForwarding>& all);

}
