#include "network/l2/subnet_pool.hpp"

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Lengths are shown as texts.
template <auto Member> void asText(JsonWriter& out, const SubnetPool& pool) { out.value(std::to_string(pool.*Member)); }

std::vector<About> about(store::Reader&, const std::vector<SubnetPool>& all) {
    return aboutEach(
        all, [](const SubnetPool& pool) { return std::pair(std::string_view(pool.standard.project), pool.shared); },
        [](const SubnetPool& pool) {
            auto target = ownedBy(pool.standard.project);
            target["shared"] = pool.shared ? "True" : "False";
            return target;
        });
}

}

const Table<SubnetPool> subnetPoolTable(
    "subnet_pools", 'o',
    withStandard<SubnetPool>({
        attribute<&SubnetPool::prefixes>("prefixes", Post | Put | Show).readByHook(),
        attribute<&SubnetPool::ipVersion>("ip_version", Show | Find),
        attribute<&SubnetPool::defaultLength>("default_prefixlen", Post | Put | Show | Find)
            .shown(asText<&SubnetPool::defaultLength>)
            .readByHook(),
        attribute<&SubnetPool::leastLength>("min_prefixlen", Post | Put | Show | Find).shown(asText<&SubnetPool::leastLength>).readByHook(),
        attribute<&SubnetPool::mostLength>("max_prefixlen", Post | Put | Show | Find).shown(asText<&SubnetPool::mostLength>).readByHook(),
        attribute<&SubnetPool::defaultQuota>("default_quota", Post | Put | Show | Find),
        attribute<&SubnetPool::shared>("shared", Post | Show | Find),
        attribute<&SubnetPool::isDefault>("is_default", Post | Put | Show | Find),
        computed<SubnetPool>("address_scope_id", Kind::Other, Show | Unasked, showNull),
    }));

void addSubnetPoolRoutes(http::Routes& routes, SubnetPools& pools) {
    addNoun<SubnetPool>(routes, pools.core(),
                        servedBy<SubnetPool>(pools, {.noun = "subnetpool",
                                                     .table = subnetPoolTable,
                                                     .missing = subnetPoolNotFound,
                                                     .about = about,
                                                     .concern = {"$.project = ?", "$.shared AND $.project <> ?"}}));
}

}
