#include "network/l2/network_record.hpp"

#include <algorithm>
#include <tuple>

#include "network/agent/agent.hpp"
#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void complete(store::Reader& db, std::vector<NetworkRecord>& networks) {
    if (std::all_of(networks.begin(), networks.end(), [](const auto& each) { return each.fresh; })) return;
    auto subnets = store::many<std::string>(db,
                                            "SELECT s.network, s.id FROM json_each(?) w JOIN subnets s ON s.network = "
                                            "w.value ORDER BY w.key, s.created, s.id",
                                            idsOf(networks), [](const store::Row& row) { return row.text(1); });
    auto segments = segmentsOf(db, idsOf(networks));
    for (auto& each : networks) {
        each.subnets = store::takeOf(subnets, each.id.text);
        each.segments = std::move(segments[each.id.text]);
    }
    completeServed(db, "networks", networkIsServed, networks);
}

std::vector<About> about(store::Reader&, const std::vector<NetworkRecord>& all) {
    return aboutEach(
        all,
        [](const NetworkRecord& each) {
            return std::tuple(std::string_view(each.standard.project), each.sharing.withAll,
                              std::string_view(each.sharing.with), each.external, std::string_view(each.externalFor));
        },
        [](const NetworkRecord& each) { return targetOf(each); });
}

constexpr std::string_view externalToCaller =
    "$.external AND NOT $.shared AND $.project <> ? AND $.id NOT IN (SELECT object FROM rbac_policies WHERE target = ? "
    "AND action = 'access_as_shared') AND EXISTS (SELECT 1 FROM rbac_policies b WHERE b.object = $.id AND b.action = "
    "'access_as_external' AND b.target IN ('*', ?))";

/// The scope of the pools that the network's subnets of one IP version are cut from; they are all of one.
constexpr std::string_view scopeSql4 = "(SELECT o.address_scope FROM subnets a JOIN subnet_pools o ON o.id = "
                                       "a.subnet_pool WHERE a.network = $.id AND a.ip_version = 4 LIMIT 1)";
constexpr std::string_view scopeSql6 = "(SELECT o.address_scope FROM subnets a JOIN subnet_pools o ON o.id = "
                                       "a.subnet_pool WHERE a.network = $.id AND a.ip_version = 6 LIMIT 1)";

void readDomain(NetworkRecord& network, const Json& value, const Reading&) { network.dnsDomain = dnsDomainIn(value); }

// A network of several segments shows these, and any other says of its one what it is.

void writeType(JsonWriter& out, const NetworkRecord& network, const http::Request&) {
    if (network.segments.size() == 1) out.field("provider:network_type", network.segments.front().type);
}

void writePhysical(JsonWriter& out, const NetworkRecord& network, const http::Request&) {
    if (network.segments.size() != 1) return;
    out.key("provider:physical_network");
    EmptyIsNull<std::string>::show(out, network.segments.front().physical);
}

void writeNumber(JsonWriter& out, const NetworkRecord& network, const http::Request&) {
    if (network.segments.size() != 1) return;
    out.key("provider:segmentation_id");
    EmptyIsNull<std::int64_t>::show(out, network.segments.front().number);
}

void writeSegments(JsonWriter& out, const NetworkRecord& network, const http::Request&) {
    if (network.segments.size() < 2) return;
    const auto list = out.array("segments");
    for (const auto& each : network.segments) {
        const auto segment = out.object();
        out.field("provider:network_type", each.type);
        out.key("provider:physical_network");
        EmptyIsNull<std::string>::show(out, each.physical);
        out.key("provider:segmentation_id");
        EmptyIsNull<std::int64_t>::show(out, each.number);
    }
}

constexpr std::string_view adjacentSql =
    "NOT EXISTS (SELECT 1 FROM subnets a WHERE a.network = $.id AND a.segment IS NOT NULL)";
constexpr std::string_view typeSql =
    "(SELECT e.type FROM network_segments e WHERE e.network = $.id ORDER BY e.position LIMIT 1)";
constexpr std::string_view physicalSql = "(SELECT coalesce(e.physical, '') FROM network_segments e WHERE e.network = "
                                         "$.id ORDER BY e.position LIMIT 1)";
constexpr std::string_view numberSql = "(SELECT coalesce(e.number, 0) FROM network_segments e WHERE e.network = $.id "
                                       "ORDER BY e.position LIMIT 1)";

}

const Table<NetworkRecord> networkTable(
    "networks", 'n',
    joined(
        withStandard<NetworkRecord>({
            attribute<&NetworkRecord::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
            attribute<&NetworkRecord::status>("status", Show | Find).computed(statusColumn),
            attribute<&NetworkRecord::external>("router:external", Post | Put | Show | Find).in("external"),
            column<&NetworkRecord::externalFor>("external_for")
                .computed(
                    "coalesce((SELECT ',' || group_concat(b.target, ',') || ',' FROM rbac_policies b WHERE b.object = "
                    "$.id AND b.action = 'access_as_external'), '')"),
            attribute<&NetworkRecord::isDefault>("is_default", Post | Put | Show | Find),
            attribute<&NetworkRecord::mtu>("mtu", Post | Put | Show | Find).readByHook(),
            attribute<&NetworkRecord::dnsDomain>("dns_domain", Post | Put | Show | Find).readBy(readDomain),
            attribute<&NetworkRecord::portSecurity>("port_security_enabled", Post | Put | Show | Find)
                .in("port_security"),
            computed<NetworkRecord>("subnets", Kind::Other, Show,
                                    [](JsonWriter& out, const NetworkRecord& network) {
                                        Codec<Texts>::show(out, network.subnets);
                                    }),
            attribute<&NetworkRecord::adjacent>("l2_adjacency", Show).computed(adjacentSql),
            attribute<&NetworkRecord::zoneHints>("availability_zone_hints", Post | Show)
                .in("zone_hints")
                .readBy(readZones<NetworkRecord>),
            computed<NetworkRecord>("availability_zones", Kind::Other, Show, showZones<NetworkRecord>),
            computed<NetworkRecord>("provider:network_type", Kind::Text, Post | Put | Show | Find | Guarded, nullptr,
                                    typeSql)
                .written(writeType),
            computed<NetworkRecord>("provider:physical_network", Kind::Text, Post | Put | Show | Find | Guarded,
                                    nullptr, physicalSql)
                .written(writePhysical),
            computed<NetworkRecord>("provider:segmentation_id", Kind::Whole, Post | Put | Show | Find | Guarded,
                                    nullptr, numberSql)
                .written(writeNumber),
            computed<NetworkRecord>("segments", Kind::Other, Post | Show | Guarded).written(writeSegments),
            maybe<&NetworkRecord::qosPolicy>("qos_policy_id", Post | Put | Show).in("qos_policy").readByHook(),
            maybe<&NetworkRecord::scope4>("ipv4_address_scope", Show).computed(scopeSql4),
            maybe<&NetworkRecord::scope6>("ipv6_address_scope", Show).computed(scopeSql6),
        }),
        sharingAttributes<NetworkRecord>(Post | Put)));

std::shared_ptr<const CollectionApi<NetworkRecord>> addNetworkRoutes(http::Routes& routes, Networks& networks) {
    return addNoun<NetworkRecord>(routes, networks.core(),
                                  servedBy<NetworkRecord>(networks, {.noun = "network",
                                                                     .table = networkTable,
                                                                     .missing = networkNotFound,
                                                                     .about = about,
                                                                     .concern = {ownOrShared[0], ownOrShared[1],
                                                                                 ownOrShared[2], externalToCaller},
                                                                     .complete = complete}));
}

}
