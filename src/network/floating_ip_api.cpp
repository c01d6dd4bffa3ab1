#include <stratolet/error.hpp>

#include "network/collection.hpp"
#include "network/floating_ip.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard(
        {
            {"floating_network_id", Type::Text, "$.network", true, false},
            {"floating_ip_address", Type::Text, "$.address", true, false},
            {"subnet_id", Type::Text, {}, true, false},
            {"port_id", Type::Text, "coalesce($.port, '')", true, true},
            {"fixed_ip_address", Type::Text, "coalesce($.fixed, '')", true, true},
            {"router_id", Type::Text, "coalesce($.router, '')"},
            {"status", Type::Text, "$.status"},
            {"port_details", Type::Other},
        },
        false);
    return all;
}

Error floatingIpNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Floating IP ", id, " could not be found").as("FloatingIPNotFound");
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

/// With the port that it leads to.
using ShownFloatingIp = Shown<FloatingIp, std::optional<Port>>;

void addPorts(store::Reader& db, std::vector<ShownFloatingIp>& ips) {
    Texts ids;
    for (const auto& each : ips)
        if (!each.record.port.empty()) ids.push_back(each.record.port.text);
    const auto ports = port_table::of(db, ids);
    for (auto& each : ips)
        if (const auto found = ports.find(each.record.port.text); found != ports.end()) each.more = found->second;
}

void write(JsonWriter& json, const ShownFloatingIp& shown, const Fields& fields, identity::Rights&) {
    const auto& ip = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, ip.id.text, ip.standard, shown.tags, false);
    out.field("floating_network_id", ip.network);
    out.field("floating_ip_address", ip.address);
    out.field("port_id", orNull(ip.port.text));
    out.field("fixed_ip_address", orNull(ip.fixed));
    out.field("router_id", orNull(ip.router.text));
    out.field("status", ip.status);
    out.when("port_details", [&](JsonWriter& writer) {
        const auto& port = shown.more;
        if (!port) return writer.value(nullptr);
        const auto details = writer.object();
        writer.field("name", port->standard.name);
        writer.field("network_id", port->network);
        writer.field("mac_address", port->mac);
        writer.field("admin_state_up", port->adminUp);
        writer.field("status", port->status);
        writer.field("device_id", port->device);
        writer.field("device_owner", port->owner);
    });
}

}

void addFloatingIpRoutes(Routes& routes, FloatingIps& ips) {
    addCollection<FloatingIp, std::optional<Port>>(
        routes,
        {.core = ips.core(),
         .noun = "floatingip",
         .table = "floating_ips f",
         .attributes = attributes(),
         .missing = floatingIpNotFound,
         .find = [](store::Reader& db, const std::string& id) { return floating_ip_table::find(db, {id}); },
         .list = floating_ip_table::list,
         .about = aboutOwned<FloatingIp>,
         .concern =
             [](const ProjectId& project) {
                 return std::vector<store::Alternative>{{"f.project = ?", {project}}};
             },
         .complete = addPorts,
         .write = write,
         .create = [&](store::Transaction& tx, const identity::Caller& caller, const Body& body) { return ips.create(tx, caller, body); },
         .update = [&](store::Transaction& tx, const identity::Caller& caller, const FloatingIp& ip,
                       const Body& body) { return ips.update(tx, caller, ip, body); },
         .remove = [&](store::Transaction& tx, const identity::Caller&, const FloatingIp& ip) { ips.remove(tx, ip); }});
}

}
