#include "network/l2/port.hpp"

#include "network/binding/port_binding.hpp"
#include "network/collection.hpp"
#include "network/l2/network_record.hpp"
#include "network/trunk/trunk.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

std::vector<About> about(store::Reader& db, const std::vector<Port>& all) {
    return aboutOnNetworks(
        db, all, [](const Port& port) { return std::string_view(port.owner); },
        [](const Port& port, const NetworkRecord& network) { return targetOf(port, network); });
}

bool isBound(const Port& port) { return !port.server.empty() || !port.host.empty(); }

void showPairs(JsonWriter& out, const Port& port) {
    const auto list = out.array();
    for (const auto& [mac, address] : port.pairs) {
        const auto pair = out.object();
        out.field("mac_address", mac);
        out.field("ip_address", address);
    }
}

/// A name and an address each, under which the network's DNS knows the port.
void showAssignment(JsonWriter& out, const Port& port) {
    const auto list = out.array();
    for (const auto& each : port.addresses) {
        const auto hostname = hostnameOf(port.hostname, each.address);
        const auto assignment = out.object();
        out.field("hostname", hostname);
        out.field("ip_address", each.address.text());
        out.field("fqdn", hostname + "." + port.domain + (port.domain.ends_with('.') ? "" : "."));
    }
}

void completeDomains(const std::string& otherwise, std::vector<Port>& ports) {
    for (auto& each : ports)
        each.domain = !each.dnsDomain.empty()       ? each.dnsDomain
                      : !each.networkDomain.empty() ? each.networkDomain
                                                    : otherwise;
}

void completeTrunks(store::Reader& db, std::vector<Port>& ports) {
    auto trunks = trunksOnPorts(db, idsOf(ports));
    for (auto& each : ports)
        if (const auto found = trunks.find(each.id.text); found != trunks.end())
            each.trunk = std::make_shared<const Trunk>(std::move(found->second));
}

void writeTrunk(JsonWriter& out, const Port& port, const http::Request&) {
    if (port.trunk) writeTrunkDetails(out, *port.trunk);
}

void showVifDetails(JsonWriter& out, const Port& port) {
    out.raw(isBound(port) ? R"({"port_filter": true, "connectivity": "l2"})" : "{}");
}

}

const Table<Port> portTable(
    "ports", 'p',
    withStandard<Port>({
        attribute<&Port::network>("network_id", Post | Show | Find).in("network").readByHook(),
        attribute<&Port::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
        attribute<&Port::mac>("mac_address", Post | Put | Show | Find).in("mac").readByHook(),
        attribute<&Port::device>("device_id", Post | Put | Show | Find).in("device"),
        attribute<&Port::owner>("device_owner", Post | Put | Show | Find).in("owner"),
        attribute<&Port::status>("status", Show | Find | Moves),
        attribute<&Port::portSecurity>("port_security_enabled", Post | Put | Show | Find).in("port_security"),
        computed<Port>("fixed_ips", Kind::Other, Post | Put | Show,
                       [](JsonWriter& out, const Port& port) { Codec<PortAddresses>::show(out, port.addresses); }),
        computed<Port>("security_groups", Kind::Other, Post | Put | Show,
                       [](JsonWriter& out, const Port& port) { Codec<Texts>::show(out, port.groups); }),
        attribute<&Port::pairs>("allowed_address_pairs", Post | Put | Show).in("pairs").shown(showPairs),
        attribute<&Port::vnicType>("binding:vnic_type", Post | Put | Show | Find).in("vnic_type").readByHook(),
        attribute<&Port::host>("binding:host_id", Post | Put | Show | Find | Guarded).in("host"),
        attribute<&Port::profile>("binding:profile", Post | Put | Show | Guarded)
            .in("profile")
            .as(Kind::Other)
            .shown([](JsonWriter& out, const Port& port) { out.raw(port.profile); })
            .readByHook(),
        maybe<&Port::qosPolicy>("qos_policy_id", Post | Put | Show).in("qos_policy").readByHook(),
        maybe<&Port::networkQos>("qos_network_policy_id", Show)
            .computed("(SELECT n.qos_policy FROM networks n WHERE n.id = $.network)"),
        computed<Port>("binding:vif_type", Kind::Other, Show | Guarded,
                       [](JsonWriter& out, const Port& port) { out.value(isBound(port) ? "bridge" : "unbound"); }),
        computed<Port>("binding:vif_details", Kind::Other, Show | Guarded, showVifDetails),
        attribute<&Port::ipAllocation>("ip_allocation", Show | Moves),
        computed<Port>("trunk_details", Kind::Other, Show).written(writeTrunk),
        derived<Port>("network_project", Kind::Text, 0,
                      [](const Port& port) { return store::Value(port.networkProject); })
            .nameless(),
        column<&Port::server>("server", Moves),
        column<&Port::madeForServer>("made_for_server", Moves),
        column<&Port::multiqueue>("multiqueue"),
        attribute<&Port::hostname>("dns_name", Post | Put | Show | Find).in("hostname").readByHook(),
        attribute<&Port::dnsDomain>("dns_domain", Post | Put | Show | Find).readByHook(),
        computed<Port>("dns_assignment", Kind::Other, Show, showAssignment),
        attribute<&Port::dhcpOptions>("extra_dhcp_opts", Post | Put | Show).in("dhcp_options"),
        maybe<&Port::dataPlaneStatus>("data_plane_status", Put | Show | Find).readByHook(),
        maybe<&Port::numaAffinityPolicy>("numa_affinity_policy", Post | Put | Show | Find).readByHook(),
        attribute<&Port::propagatesUplinkStatus>("propagate_uplink_status", Post | Put | Show | Find),
        column<&Port::networkDomain>("network_domain")
            .computed("(SELECT o.dns_domain FROM networks o WHERE o.id = $.network)"),
        column<&Port::router>("router", Moves),
    }),
    completePortAddresses);

void addPortRoutes(http::Routes& routes, Ports& ports) {
    const auto api = addNoun<Port>(
        routes, ports.core(),
        servedBy<Port>(
            ports,
            {.noun = "port",
             .table = portTable,
             .missing = portNotFound,
             .about = about,
             .concern = {"$.project = ?", "$.network_project = ? AND $.project <> $.network_project"},
             .complete =
                 [&core = ports.core()](store::Reader& db, std::vector<Port>& all) {
                     completeTrunks(db, all);
                     completeDomains(core.parts.config.text("network", "dns_domain"), all);
                 },
             .wanted = targetOnNetwork,
             .aim =
                 [](Target& target, const Body& body) {
                     target["device_owner"] = body.text("device_owner", target["device_owner"]);
                 },
             .create = [&](store::Transaction& tx, const identity::Caller& caller,
                           const Body& body) { return ports.create(tx, caller, networkIn(tx, caller, body), body); },
             .remove = [&](store::Transaction& tx, const identity::Caller&,
                           const Port& port) { ports.removeByUser(tx, port); },
             .filters = {{"fixed_ips", filterPortAddresses}, {"security_groups", filterPortGroups}}}));
    addPortBindingRoutes(routes, ports.core(), api);
}

}

namespace stratolet::resource {

void Codec<network::PortAddresses>::show(JsonWriter& out, const network::PortAddresses& addresses) {
    const auto list = out.array();
    for (const auto& each : addresses) {
        const auto address = out.object();
        out.field("subnet_id", each.subnet);
        out.field("ip_address", each.address.text());
    }
}

}
