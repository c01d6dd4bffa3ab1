#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/sharing.hpp"

namespace stratolet::network {

using SubnetPoolId = Id<struct SubnetPoolTag>;

struct NetworkRecord;

/// Blocks out of which subnets are cut.
struct SubnetPool {
    SubnetPoolId id;
    Standard standard;
    int ipVersion = 4;
    std::vector<Prefix> prefixes;
    int defaultLength = 8, leastLength = 8, mostLength = 32; ///< of the blocks that are given out
    std::optional<std::int64_t> defaultQuota;                ///< addresses (IPv4) or /64s (IPv6) a project may take
    Sharing sharing;
    std::string addressScope; ///< empty: none
    bool isDefault = false;
};

extern const resource::Table<SubnetPool> subnetPoolTable; ///< alias o

/// The body's prefixes: of one IP version, in order, none in another. Error(Invalid) otherwise.
std::vector<Prefix> prefixesIn(const Body& body);

/// In order, without those that lie in another: they add nothing.
std::vector<Prefix> apart(std::vector<Prefix> prefixes);

Error subnetPoolNotFound(const std::string& id);

/// The default pool of an IP version that the project may take from.
std::optional<SubnetPool> defaultPoolFor(store::Reader& db, const std::string& project, int version);

/// A free block of the pool: the one that `body.cidr` names, or the first of the wanted length.
Prefix allocateFromPool(store::Reader& db, const SubnetPool& pool, const std::string& project, const Body& body);

/// The rules of subnet pools. Used on the writer's thread; owned by the module.
class SubnetPools {
public:
    explicit SubnetPools(Core& core) : core_(core) {}

    SubnetPool create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    SubnetPool update(store::Transaction& tx, const identity::Caller& caller, SubnetPool pool, const Body& body);
    SubnetPool addPrefixes(store::Transaction& tx, SubnetPool pool, const Body& body);

    /// Error(Conflict) where a subnet has been cut from one of them.
    SubnetPool removePrefixes(store::Transaction& tx, SubnetPool pool, const Body& body);

    /// The network's subnets of the pool's IP version, which were cut from none, are the pool's from now on, as if they
    /// had been cut from it.
    void onboard(store::Transaction& tx, const SubnetPool& pool, const NetworkRecord& network);
    void remove(store::Transaction& tx, const SubnetPool& pool);

    Core& core() { return core_; }

private:
    Core& core_;
};

void addSubnetPoolRoutes(http::Routes& routes, SubnetPools& pools);

}
