#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/l2/network_record.hpp"

namespace stratolet::network {

/// Addresses that are given out, both ends included.
struct AllocationPool {
    Address first, last;
};
using AllocationPools = std::vector<AllocationPool>;

/// A block of a network's addresses, as it is kept.
struct Subnet {
    SubnetId id;
    NetworkId network;
    Standard standard;
    Prefix cidr;
    std::optional<Address> gateway;
    bool dhcp = true;
    std::string raMode, addressMode; ///< of IPv6; empty: none
    AllocationPools pools;
    Texts dns;
    TextPairs routes; ///< destination, nexthop
    Texts serviceTypes;
    std::string subnetPool;
    SegmentId segment; ///< of its network; empty: it is on all of it

    /// Every port forms its own address from its MAC.
    bool selfAddressed() const {
        return cidr.version() == 6 && (addressMode == "slaac" || addressMode == "dhcpv6-stateless");
    }
};

extern const resource::Table<Subnet> subnetTable;                           ///< alias s
std::vector<Subnet> subnetsOf(store::Reader& db, const NetworkId& network); ///< oldest first

Error subnetNotFound(const std::string& id);

/// Error(Invalid) "Invalid input for operation: …", as the dialect has it for what contradicts itself.
[[noreturn]] void refuseOperation(const std::string& reason);

/// What hosts can have of a block: not its ends (of IPv4), not the anycast address of routers (of IPv6, RFC
/// 4291 2.6.1).
AllocationPool hostsIn(const Prefix& cidr);

// What a body wants of a subnet whose block is known; Error(Invalid) by the attribute's name.

/// dns_nameservers, host_routes and service_types, those that are given.
void readLists(Subnet& subnet, const Body& body);

/// allocation_pools, which are there: within the block, and apart.
AllocationPools allocationPoolsIn(const Body& body, const Prefix& cidr);

/// gateway_ip, which is there; a null is none.
std::optional<Address> gatewayAddressIn(const Body& body);
Target targetOf(const Subnet& subnet, const NetworkRecord& network);

/// The rules of subnets. Used on the writer's thread; owned by the module.
class Subnets {
public:
    explicit Subnets(Core& core) : core_(core) {}

    Subnet create(store::Transaction& tx, const identity::Caller& caller, const NetworkRecord& network,
                  const Body& body);
    Subnet update(store::Transaction& tx, Subnet subnet, const Body& body);
    void remove(store::Transaction& tx, const Subnet& subnet);

    Core& core() { return core_; }

private:
    Core& core_;
};

void addSubnetRoutes(http::Routes& routes, Subnets& subnets);

}

namespace stratolet::resource {

template <> struct Codec<network::AllocationPools> {
    static constexpr Kind kind = Kind::Other;
    static network::AllocationPools load(const store::Row& row, int column);
    static store::Value bind(const network::AllocationPools& pools);
    static void show(JsonWriter& out, const network::AllocationPools& pools);
};

}
