#include "network/l2/network_record.hpp"

#include <tuple>

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void completeSubnets(store::Reader& db, std::vector<NetworkRecord>& networks) {
    auto subnets = store::many<std::string>(db,
                                            "SELECT s.network, s.id FROM json_each(?) w JOIN subnets s ON s.network = "
                                            "w.value ORDER BY w.key, s.created, s.id",
                                            idsOf(networks), [](const store::Row& row) { return row.text(1); });
    for (auto& each : networks) each.subnets = store::takeOf(subnets, each.id.text);
}

std::vector<About> about(store::Reader&, const std::vector<NetworkRecord>& all) {
    return aboutEach(
        all,
        [](const NetworkRecord& each) {
            return std::tuple(std::string_view(each.standard.project), each.shared, each.external);
        },
        [](const NetworkRecord& each) { return targetOf(each); });
}

void showLocal(JsonWriter& out, const NetworkRecord&) { out.value("local"); }

}

const Table<NetworkRecord> networkTable(
    "networks", 'n',
    withStandard<NetworkRecord>({
        attribute<&NetworkRecord::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
        attribute<&NetworkRecord::status>("status", Show | Find).computed(statusColumn),
        attribute<&NetworkRecord::shared>("shared", Post | Put | Show | Find),
        attribute<&NetworkRecord::external>("router:external", Post | Put | Show | Find).in("external"),
        attribute<&NetworkRecord::isDefault>("is_default", Post | Put | Show | Find),
        attribute<&NetworkRecord::mtu>("mtu", Post | Put | Show | Find).readByHook(),
        attribute<&NetworkRecord::portSecurity>("port_security_enabled", Post | Put | Show | Find).in("port_security"),
        computed<NetworkRecord>("subnets", Kind::Other, Show,
                                [](JsonWriter& out, const NetworkRecord& network) {
                                    Codec<Texts>::show(out, network.subnets);
                                }),
        computed<NetworkRecord>("availability_zone_hints", Kind::Other, Post | Show, showNoTexts),
        computed<NetworkRecord>("availability_zones", Kind::Other, Show, showZones),
        computed<NetworkRecord>("provider:network_type", Kind::Text, Post | Show | Find | Guarded, showLocal,
                                "'local'"),
        computed<NetworkRecord>("provider:physical_network", Kind::Text, Post | Show | Guarded, showNull),
        computed<NetworkRecord>("provider:segmentation_id", Kind::Whole, Post | Show | Guarded, showNull),
        computed<NetworkRecord>("ipv4_address_scope", Kind::Other, 0),
        computed<NetworkRecord>("ipv6_address_scope", Kind::Other, 0),
    }));

void addNetworkRoutes(http::Routes& routes, Networks& networks) {
    addNoun<NetworkRecord>(
        routes, networks.core(),
        servedBy<NetworkRecord>(networks, {.noun = "network",
                                           .table = networkTable,
                                           .missing = networkNotFound,
                                           .about = about,
                                           .concern = {"$.project = ?", "$.shared AND $.project <> ?",
                                                       "$.external AND NOT $.shared AND $.project <> ?"},
                                           .complete = completeSubnets}));
}

}
