#include <map>

#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/network_record.hpp"
#include "network/port.hpp"

namespace stratolet::network {

const Attributes& portAttributes() {
    static const Attributes all = withStandard({
        {"network_id", Type::Text, "$.network", true, false},
        {"admin_state_up", Type::Truth, "$.admin_up", true, true},
        {"mac_address", Type::Text, "$.mac", true, true},
        {"fixed_ips", Type::Other, {}, true, true},
        {"device_id", Type::Text, "$.device", true, true},
        {"device_owner", Type::Text, "$.owner", true, true},
        {"security_groups", Type::Other, {}, true, true},
        {"allowed_address_pairs", Type::Other, {}, true, true},
        {"port_security_enabled", Type::Truth, "$.port_security", true, true},
        {"binding:host_id", Type::Text, "$.host", true, true},
        {"binding:profile", Type::Other, {}, true, true},
        {"binding:vnic_type", Type::Text, "$.vnic_type", true, true},
        {"binding:vif_type", Type::Other},
        {"binding:vif_details", Type::Other},
        {"status", Type::Text, "$.status"},
    });
    return all;
}

namespace {

using namespace http;

void write(JsonWriter& json, const Shown<Port, Nothing>& shown, const Fields& fields, identity::Rights& rights) {
    const auto& port = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, port.id.text, port.standard, shown.tags);
    out.field("network_id", port.network);
    out.field("admin_state_up", port.adminUp);
    out.field("mac_address", port.mac);
    out.field("device_id", port.device);
    out.field("device_owner", port.owner);
    out.field("status", port.status);
    out.field("port_security_enabled", port.portSecurity);
    out.when("fixed_ips", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& each : port.addresses) {
            const auto address = writer.object();
            writer.field("subnet_id", each.subnet);
            writer.field("ip_address", each.address.text());
        }
    });
    out.texts("security_groups", port.groups);
    out.when("allowed_address_pairs", [&](JsonWriter& writer) {
        const auto list = writer.array();
        for (const auto& [mac, address] : port.pairs) {
            const auto pair = writer.object();
            writer.field("mac_address", mac);
            writer.field("ip_address", address);
        }
    });
    out.field("binding:vnic_type", port.vnicType);
    const bool bound = !port.server.empty() || !port.host.empty();
    if (rights.may("get_port:binding:host_id", shown.about)) out.field("binding:host_id", port.host);
    if (rights.may("get_port:binding:profile", shown.about)) out.raw("binding:profile", port.profile);
    if (rights.may("get_port:binding:vif_type", shown.about)) out.field("binding:vif_type", bound ? "bridge" : "unbound");
    if (rights.may("get_port:binding:vif_details", shown.about))
        out.raw("binding:vif_details", bound ? R"({"port_filter": true, "connectivity": "l2"})" : "{}");
}

/// fixed_ips=ip_address=10.0.0.5, fixed_ips=subnet_id=…, fixed_ips=ip_address_substr=10.0. (all kinds must hold, one value of each)
store::Begin filterAddresses(store::Conditions& conditions, const std::vector<std::string>& values) {
    std::map<std::string, std::vector<std::string>> wanted;
    for (const auto& each : values) {
        const auto equals = each.find('=');
        const auto key = each.substr(0, equals);
        if (equals == std::string::npos || (key != "ip_address" && key != "subnet_id" && key != "ip_address_substr"))
            throw Error(Failure::Invalid, "Invalid filter for fixed_ips: ", each).as("HTTPBadRequest");
        wanted[key].push_back(each.substr(equals + 1));
    }
    for (const auto& [key, texts] : wanted) {
        Texts asked;
        for (const auto& text : texts) {
            const auto address = key == "ip_address" ? Address::parse(text) : std::nullopt;
            asked.push_back(address ? address->text() : text);
        }
        // As one JSON text: the condition doesn't grow with what is asked for.
        conditions.add("p.id IN (SELECT f.port FROM json_each(?) wanted JOIN fixed_ips f ON " +
                           std::string(key == "subnet_id"    ? "f.subnet = wanted.value)"
                                       : key == "ip_address" ? "f.address = wanted.value)"
                                                             : "instr(f.address, wanted.value) > 0)"),
                       encoded(asked));
    }
    return store::Begin::WithConditions;
}

store::Begin filterGroups(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.add("p.id IN (SELECT g.port FROM json_each(?) wanted JOIN port_security_groups g ON g.security_group = wanted.value)",
                   encoded(values));
    return store::Begin::WithConditions;
}

}

void addPortRoutes(Routes& routes, Ports& ports) {
    addCollection<Port>(
        routes,
        {.core = ports.core(),
         .noun = "port",
         .table = "ports p",
         .attributes = portAttributes(),
         .missing = portNotFound,
         .find = [](store::Reader& db, const std::string& id) { return port_table::find(db, {id}); },
         .list = port_table::list,
         .about =
             [](store::Reader& db, const std::vector<Port>& all) {
                 return aboutOnNetworks(
                     db, all, [](const Port& port) { return std::string_view(port.owner); },
                     [](const Port& port, const NetworkRecord& network) { return targetOf(port, network); });
             },
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{{"p.project = ?", {project}},
                                                        {"p.network_project = ? AND p.project <> p.network_project", {project}}};
             },
         .write = write,
         .wanted = targetOnNetwork,
         .aim = [](Target& target, const Body& body) { target["device_owner"] = body.text("device_owner", target["device_owner"]); },
         .create = [&](store::Transaction& tx, const identity::Caller& caller,
                       const Body& body) { return ports.create(tx, caller, networkIn(tx, caller, body), body); },
         .update = [&](store::Transaction& tx, const identity::Caller& caller, const Port& port,
                       const Body& body) { return ports.update(tx, caller, port, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const Port& port) { ports.removeByUser(tx, port); },
         .filters = {{"fixed_ips", filterAddresses}, {"security_groups", filterGroups}}});
}

}
