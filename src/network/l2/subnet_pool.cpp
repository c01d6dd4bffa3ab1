#include "network/l2/subnet_pool.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/l2/network_record.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Lengths are shown as texts.
template <auto Member> void asText(JsonWriter& out, const SubnetPool& pool) { out.value(std::to_string(pool.*Member)); }

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
    return apart(std::move(prefixes));
}

std::vector<Prefix> apart(std::vector<Prefix> prefixes) {
    std::sort(prefixes.begin(), prefixes.end());
    std::vector<Prefix> kept;
    for (const auto& each : prefixes)
        if (kept.empty() || !kept.back().overlaps(each)) kept.push_back(each);
    return kept;
}

const Table<SubnetPool> subnetPoolTable(
    "subnet_pools", 'o',
    joined(withStandard<SubnetPool>({
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
               attribute<&SubnetPool::isDefault>("is_default", Post | Put | Show | Find),
               maybe<&SubnetPool::addressScope>("address_scope_id", Post | Put | Show | Find).in("address_scope"),
           }),
           sharingAttributes<SubnetPool>(Post)));

void addSubnetPoolRoutes(http::Routes& routes, SubnetPools& pools) {
    const auto api =
        addNoun<SubnetPool>(routes, pools.core(),
                            servedBy<SubnetPool>(pools, {.noun = "subnetpool",
                                                         .table = subnetPoolTable,
                                                         .missing = subnetPoolNotFound,
                                                         .about = aboutShared<SubnetPool>,
                                                         .concern = {ownOrShared.begin(), ownOrShared.end()}}));
    const auto add = [&](const char* action, auto serve) {
        routes.push_back({http::Method::Put, std::string("/v2.0/subnetpools/{id}/") + action, http::policy(action),
                          [=, &pools](http::Request& request) {
                              return pools.core().parts.store.write([&](store::Transaction& tx) {
                                  return serve(request, tx, api->demand(request, tx, action));
                              });
                          }});
    };
    using http::Request;
    const auto prefixesOf = [](const Request& request) {
        Body body(request.json());
        checkBody(body.json(), {{"prefixes", Kind::Other, Put}}, false);
        if (!body.has("prefixes")) refuseInput("prefixes", "it is not given.");
        return body;
    };
    add("add_prefixes", [=, &pools](Request& request, store::Transaction& tx, SubnetPool pool) {
        return api->answer(request, 200, pools.addPrefixes(tx, std::move(pool), prefixesOf(request)), tx);
    });
    add("remove_prefixes", [=, &pools](Request& request, store::Transaction& tx, SubnetPool pool) {
        return api->answer(request, 200, pools.removePrefixes(tx, std::move(pool), prefixesOf(request)), tx);
    });
    add("onboard_network_subnets", [&pools](Request& request, store::Transaction& tx, const SubnetPool& pool) {
        const Body body(request.json());
        checkBody(body.json(), {{"network_id", Kind::Text, Put}}, false);
        const auto& caller = identity::callerOf(request);
        const auto network = networkIn(tx, caller, body);
        demandOn(caller, "update_subnet", targetOf(network)); // it changes them
        pools.onboard(tx, pool, network);
        return http::jsonResponse(200, [](JsonWriter& out) { const auto nothing = out.object(); });
    });
}

}
