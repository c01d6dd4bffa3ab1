#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/network_record.hpp"

namespace stratolet::network {

/// Addresses that are given out, both ends included.
struct AllocationPool {
    Address first, last;
};

struct Subnet {
    SubnetId id;
    NetworkId network;
    Standard standard;
    Prefix cidr;
    std::optional<Address> gateway;
    bool dhcp = true;
    std::string raMode, addressMode; ///< of IPv6; empty: none
    std::vector<AllocationPool> pools;
    Texts dns;
    TextPairs routes; ///< destination, nexthop
    Texts serviceTypes;
    std::string subnetPool;

    /// Every port forms its own address from its MAC.
    bool selfAddressed() const { return cidr.version() == 6 && (addressMode == "slaac" || addressMode == "dhcpv6-stateless"); }
};

namespace subnet_table {
std::optional<Subnet> find(store::Reader& db, const SubnetId& id);
std::vector<Subnet> list(store::Reader& db, const store::Conditions& conditions, const std::string& order); ///< alias s
std::vector<Subnet> of(store::Reader& db, const NetworkId& network);                                        ///< oldest first
void insert(store::Transaction& tx, const Subnet& subnet);
void update(store::Transaction& tx, const Subnet& subnet);
void remove(store::Transaction& tx, const SubnetId& id);
}

Error subnetNotFound(const std::string& id);
Target targetOf(const Subnet& subnet, const NetworkRecord& network);

class Subnets {
public:
    explicit Subnets(Core& core) : core_(core) {}

    Subnet create(store::Transaction& tx, const identity::Caller& caller, const NetworkRecord& network, const Body& body);
    Subnet update(store::Transaction& tx, Subnet subnet, const NetworkRecord& network, const Body& body);
    void remove(store::Transaction& tx, const Subnet& subnet);

    Core& core() { return core_; }

private:
    Core& core_;
};

void addSubnetRoutes(http::Routes& routes, Subnets& subnets);

}
