#include "network/l2/subnet.hpp"

#include "network/collection.hpp"

namespace stratolet::resource {

using network::Address;
using network::AllocationPools;

AllocationPools Codec<AllocationPools>::load(const store::Row& row, int column) {
    AllocationPools pools;
    for (const auto& [first, last] : network::pairsOf(row.text(column)))
        pools.push_back({Address::parse(first).value(), Address::parse(last).value()});
    return pools;
}

store::Value Codec<AllocationPools>::bind(const AllocationPools& pools) {
    network::TextPairs pairs;
    for (const auto& each : pools) pairs.emplace_back(each.first.text(), each.last.text());
    return network::encoded(pairs);
}

void Codec<AllocationPools>::show(JsonWriter& out, const AllocationPools& pools) {
    const auto list = out.array();
    for (const auto& each : pools) {
        const auto pool = out.object();
        out.field("start", each.first.text());
        out.field("end", each.last.text());
    }
}

}

namespace stratolet::network {

using namespace resource;

namespace {

std::vector<About> about(store::Reader& db, const std::vector<Subnet>& all) {
    return aboutOnNetworks(
        db, all, [](const Subnet&) { return 0; },
        [](const Subnet& subnet, const NetworkRecord& network) { return targetOf(subnet, network); });
}

}

const Table<Subnet> subnetTable(
    "subnets", 's',
    withStandard<Subnet>({
        attribute<&Subnet::network>("network_id", Post | Show | Find).in("network").readByHook(),
        derived<Subnet>(
            "ip_version", Kind::Whole, Post | Show | Find,
            [](const Subnet& subnet) { return store::Value(subnet.cidr.version()); },
            [](JsonWriter& out, const Subnet& subnet) { out.value(subnet.cidr.version()); }),
        attribute<&Subnet::cidr>("cidr", Post | Show | Find).readByHook(),
        computed<Subnet>("prefixlen", Kind::Whole, Post), computed<Subnet>("use_default_subnetpool", Kind::Truth, Post),
        maybe<&Subnet::subnetPool>("subnetpool_id", Post | Show | Find).in("subnet_pool").readByHook(),
        attribute<&Subnet::gateway>("gateway_ip", Post | Put | Show | Find).in("gateway").readByHook(),
        attribute<&Subnet::dhcp>("enable_dhcp", Post | Put | Show | Find).in("dhcp"),
        maybe<&Subnet::raMode>("ipv6_ra_mode", Post | Show | Find).in("ra_mode").readByHook(),
        maybe<&Subnet::addressMode>("ipv6_address_mode", Post | Show | Find).in("address_mode").readByHook(),
        attribute<&Subnet::pools>("allocation_pools", Post | Put | Show).in("pools"),
        attribute<&Subnet::dns>("dns_nameservers", Post | Put | Show).in("dns"),
        attribute<&Subnet::routes>("host_routes", Post | Put | Show).in("routes").shown(showRoutes<&Subnet::routes>),
        attribute<&Subnet::serviceTypes>("service_types", Post | Put | Show),
        maybe<&Subnet::segment>("segment_id", Post | Put | Show | Find | Guarded).in("segment").readByHook(),
        derived<Subnet>("free_from", Kind::Text, Moves, [](const Subnet&) { return store::Value(""); })
            .nameless(), // looked for anew
    }));

std::vector<Subnet> subnetsOf(store::Reader& db, const NetworkId& network) {
    return subnetTable.where(db, "WHERE s.network = ? ORDER BY s.created, s.id", network);
}

void addSubnetRoutes(http::Routes& routes, Subnets& subnets) {
    addNoun<Subnet>(
        routes, subnets.core(),
        servedBy<Subnet>(
            subnets,
            {.noun = "subnet",
             .table = subnetTable,
             .missing = subnetNotFound,
             .about = about,
             .concern = {"$.project = ?", "$.project <> ? AND $.network IN (SELECT id FROM networks WHERE shared UNION "
                                          "ALL SELECT id FROM networks WHERE project = ? UNION ALL SELECT object FROM "
                                          "rbac_policies WHERE target = ? AND action = 'access_as_shared')"},
             .wanted = targetOnNetwork,
             .create = [&](store::Transaction& tx, const identity::Caller& caller, const Body& body) {
                 return subnets.create(tx, caller, networkIn(tx, caller, body), body);
             }}));
}

}
