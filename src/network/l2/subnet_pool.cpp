#include "network/l2/subnet_pool.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

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

std::vector<Prefix> prefixesIn(const Body& body) {
    const auto list = body.find("prefixes").value();
    std::vector<Json> items;
    if (list.isArray())
        items = list.items();
    else if (list.isText())
        items = {list};
    std::vector<Prefix> prefixes;
    for (const auto& each : items) {
        const auto prefix = each.isText() ? Prefix::parse(each.text()) : std::nullopt;
        if (!prefix) refuseInput("prefixes", "'" + each.dump() + "' is not a valid IP subnet.");
        if (!prefixes.empty() && prefix->version() != prefixes.front().version())
            throw Error(Failure::Invalid, "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
                .as("PrefixVersionMismatch");
        prefixes.push_back(*prefix);
    }
    if (prefixes.empty()) throw Error(Failure::Invalid, "Unspecified prefix list.").as("EmptySubnetPoolPrefixList");
    std::sort(prefixes.begin(), prefixes.end());
    std::vector<Prefix> apart; // one that lies in another adds nothing
    for (const auto& each : prefixes)
        if (apart.empty() || !apart.back().overlaps(each)) apart.push_back(each);
    return apart;
}

const Table<SubnetPool>
    subnetPoolTable("subnet_pools", 'o',
                    withStandard<SubnetPool>({
                        attribute<&SubnetPool::prefixes>("prefixes", Post | Put | Show).readByHook(),
                        attribute<&SubnetPool::ipVersion>("ip_version", Show | Find),
                        attribute<&SubnetPool::defaultLength>("default_prefixlen", Post | Put | Show | Find)
                            .shown(asText<&SubnetPool::defaultLength>)
                            .readByHook(),
                        attribute<&SubnetPool::leastLength>("min_prefixlen", Post | Put | Show | Find)
                            .shown(asText<&SubnetPool::leastLength>)
                            .readByHook(),
                        attribute<&SubnetPool::mostLength>("max_prefixlen", Post | Put | Show | Find)
                            .shown(asText<&SubnetPool::mostLength>)
                            .readByHook(),
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
