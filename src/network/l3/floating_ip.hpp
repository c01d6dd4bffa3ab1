#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/l2/port.hpp"

namespace stratolet::network {

/// Ports, from one to another.
struct PortRange {
    int least = 0, most = 0;
    int count() const { return most - least + 1; }
};

/// Ports of a floating IP that lead to ports of an address behind a router, as it is kept. Either there are as many
/// inside as outside, in the same order, or one inside for all.
struct PortForwarding {
    Id<PortForwarding> id;
    std::string parent; ///< the floating IP
    PortId port;
    std::string fixed; ///< address of that port
    std::string protocol;
    PortRange outside, inside;
    std::string description;
    Time created;
};

/// An address on an external network that may lead to a port behind a router, as it is kept.
struct FloatingIp {
    FloatingIpId id;
    Standard standard; ///< without a name
    NetworkId network;
    PortId ownPort; ///< holds the address on the external network
    std::string address;
    PortId port;       ///< where it leads; empty: nowhere
    std::string fixed; ///< address of that port
    RouterId router;
    std::string status = "DOWN";
    std::string qosPolicy;                   ///< empty: that of the network
    std::string networkQos;                  ///< that policy; empty: none
    std::string dnsName, dnsDomain;          ///< records: nobody outside is told
    std::optional<Port> leadsTo;             ///< the port; only for an answer
    std::vector<PortForwarding> forwardings; ///< only for an answer
};

Error floatingIpNotFound(const std::string& id);

/// The router that joins a subnet to an external network.
std::optional<RouterId> routerBetween(store::Reader& db, const SubnetId& inside, const NetworkId& outside);

extern const resource::Table<FloatingIp> floatingIpTable; ///< alias f

/// Floating IPs that lead to this port lead nowhere from now on.
void disassociate(store::Transaction& tx, const PortId& port, Time now);

/// The rules of floating IPs. Used on the writer's thread; owned by the module.
class FloatingIps {
public:
    FloatingIps(Core& core, Ports& ports) : core_(core), ports_(ports) {}

    FloatingIp create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    FloatingIp update(store::Transaction& tx, const identity::Caller& caller, FloatingIp ip, const Body& body);
    void remove(store::Transaction& tx, const FloatingIp& ip);

    Core& core() { return core_; }

private:
    void associate(store::Transaction& tx, const identity::Caller& caller, FloatingIp& ip, const PortId& port,
                   const std::string& fixed);

    Core& core_;
    Ports& ports_;
};

void addFloatingIpRoutes(http::Routes& routes, FloatingIps& ips);

}
