#include "network/collection.hpp"
#include "network/network_record.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"admin_state_up", Type::Truth, "$.admin_up", true, true},
        {"shared", Type::Truth, "$.shared", true, true},
        {"router:external", Type::Truth, "$.external", true, true},
        {"is_default", Type::Truth, "$.is_default", true, true},
        {"mtu", Type::Whole, "$.mtu", true, true},
        {"port_security_enabled", Type::Truth, "$.port_security", true, true},
        {"provider:network_type", Type::Text, "'local'", true, false},
        {"provider:physical_network", Type::Text, {}, true, false},
        {"provider:segmentation_id", Type::Whole, {}, true, false},
        {"availability_zone_hints", Type::Other, {}, true, false},
        {"availability_zones", Type::Other},
        {"status", Type::Text, statusColumn},
        {"subnets", Type::Other},
        {"ipv4_address_scope", Type::Other},
        {"ipv6_address_scope", Type::Other},
    });
    return all;
}

/// With the ids of its subnets.
using ShownNetwork = Shown<NetworkRecord, Texts>;

void addSubnets(store::Reader& db, std::vector<ShownNetwork>& networks) {
    Texts ids;
    for (const auto& each : networks) ids.push_back(each.record.id.text);
    auto subnets = store::many<std::string>(
        db, "SELECT s.network, s.id FROM json_each(?) w JOIN subnets s ON s.network = w.value ORDER BY w.key, s.created, s.id", ids,
        [](const store::Row& row) { return row.text(1); });
    for (auto& each : networks) each.more = store::takeOf(subnets, each.record.id.text);
}

void write(JsonWriter& json, const ShownNetwork& shown, const Fields& fields, identity::Rights& rights) {
    const auto& network = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, network.id.text, network.standard, shown.tags);
    out.field("admin_state_up", network.adminUp);
    out.field("status", network.status);
    out.field("shared", network.shared);
    out.field("router:external", network.external);
    out.field("is_default", network.isDefault);
    out.field("mtu", network.mtu);
    out.field("port_security_enabled", network.portSecurity);
    out.texts("subnets", shown.more);
    out.texts("availability_zone_hints", {});
    out.texts("availability_zones", {"nova"});
    if (rights.may("get_network:provider:network_type", shown.about)) out.field("provider:network_type", "local");
    if (rights.may("get_network:provider:physical_network", shown.about)) out.field("provider:physical_network", nullptr);
    if (rights.may("get_network:provider:segmentation_id", shown.about)) out.field("provider:segmentation_id", nullptr);
}

}

void addNetworkRoutes(Routes& routes, Networks& networks) {
    addCollection<NetworkRecord, Texts>(
        routes,
        {.core = networks.core(),
         .noun = "network",
         .table = "networks n",
         .attributes = attributes(),
         .missing = networkNotFound,
         .find = [](store::Reader& db, const std::string& id) { return network_table::find(db, {id}); },
         .list = network_table::list,
         .about =
             [](store::Reader&, const std::vector<NetworkRecord>& all) {
                 return identity::aboutEach(
                     all,
                     [](const NetworkRecord& each) {
                         return std::tuple(std::string_view(each.standard.project), each.shared, each.external);
                     },
                     [](const NetworkRecord& each) { return targetOf(each); });
             },
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{{"n.project = ?", {project}},
                                                        {"n.shared AND n.project <> ?", {project}},
                                                        {"n.external AND NOT n.shared AND n.project <> ?", {project}}};
             },
         .complete = addSubnets,
         .write = write,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return networks.create(tx, caller, body); },
         .update = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network,
                       const Body& body) { return networks.update(tx, network, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network) { networks.remove(tx, network); }});
}

}
