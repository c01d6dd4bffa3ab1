#include "network/network_record.hpp"

#include <unordered_map>

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void completeSubnets(store::Reader& db, std::vector<NetworkRecord>& networks) {
    Texts ids;
    std::unordered_map<std::string_view, NetworkRecord*> byId;
    for (auto& each : networks) {
        ids.push_back(each.id.text);
        byId.emplace(each.id.text, &each);
    }
    auto rows = db.query("SELECT s.network, s.id FROM json_each(?) w JOIN subnets s ON s.network = w.value ORDER BY w.key, s.created, s.id",
                         encodedTexts(ids));
    while (rows.next()) byId.at(rows.row().text(0))->subnets.push_back(rows.row().text(1));
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
                                [](JsonWriter& out, const NetworkRecord& network) { Codec<Texts>::show(out, network.subnets); }),
        computed<NetworkRecord>("availability_zone_hints", Kind::Other, Post | Show, showNoTexts),
        computed<NetworkRecord>("availability_zones", Kind::Other, Show, showZones),
        computed<NetworkRecord>("provider:network_type", Kind::Text, Post | Show | Find | Guarded, showLocal, "'local'"),
        computed<NetworkRecord>("provider:physical_network", Kind::Text, Post | Show | Guarded, showNull),
        computed<NetworkRecord>("provider:segmentation_id", Kind::Whole, Post | Show | Guarded, showNull),
        computed<NetworkRecord>("ipv4_address_scope", Kind::Other, 0),
        computed<NetworkRecord>("ipv6_address_scope", Kind::Other, 0),
    }));

void addNetworkRoutes(http::Routes& routes, Networks& networks) {
    addNoun<NetworkRecord>(
        routes, networks.core(),
        {.noun = "network",
         .table = networkTable,
         .missing = networkNotFound,
         .target = [](store::Reader&, const NetworkRecord& network) { return targetOf(network); },
         .concern = "($.project = ? OR $.shared OR $.external)",
         .complete = completeSubnets,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return networks.create(tx, caller, body); },
         .update = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network,
                       const Body& body) { return networks.update(tx, network, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network) { networks.remove(tx, network); }});
}

}
