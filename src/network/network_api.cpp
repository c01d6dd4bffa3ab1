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

void write(JsonWriter& json, const NetworkRecord& network, const Target& target, const Fields& fields, const identity::Caller& caller,
           store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, network.id.text, network.standard, tagsOf(db, network.id.text));
    out.field("admin_state_up", network.adminUp);
    out.field("status", network.status);
    out.field("shared", network.shared);
    out.field("router:external", network.external);
    out.field("is_default", network.isDefault);
    out.field("mtu", network.mtu);
    out.field("port_security_enabled", network.portSecurity);
    out.when("subnets", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : db.query("SELECT id FROM subnets WHERE network = ? ORDER BY created, id", network.id).texts())
            writer.value(each);
    });
    out.texts("availability_zone_hints", {});
    out.texts("availability_zones", {"nova"});
    if (caller.may("get_network:provider:network_type", target)) out.field("provider:network_type", "local");
    if (caller.may("get_network:provider:physical_network", target)) out.field("provider:physical_network", nullptr);
    if (caller.may("get_network:provider:segmentation_id", target)) out.field("provider:segmentation_id", nullptr);
}

}

void addNetworkRoutes(Routes& routes, Networks& networks) {
    addCollection<NetworkRecord>(
        routes,
        {.core = networks.core(),
         .noun = "network",
         .table = "networks n",
         .attributes = attributes(),
         .missing = networkNotFound,
         .find = [](store::Reader& db, const std::string& id) { return network_table::find(db, {id}); },
         .list = network_table::list,
         .target = [](store::Reader&, const NetworkRecord& network) { return targetOf(network); },
         .concern = [](store::Conditions& conditions,
                       const ProjectId& project) { conditions.add("(n.project = ? OR n.shared OR n.external)", project); },
         .write = write,
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return networks.create(tx, caller, body); },
         .update = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network,
                       const Body& body) { return networks.update(tx, network, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const NetworkRecord& network) { networks.remove(tx, network); }});
}

}
