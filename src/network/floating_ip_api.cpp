#include <stratolet/error.hpp>

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
            {"port_id", Type::Text, "$.port", true, true},
            {"fixed_ip_address", Type::Text, "$.fixed", true, true},
            {"router_id", Type::Text, "$.router"},
            {"status", Type::Text, "$.status"},
            {"port_details", Type::Other},
        },
        false);
    return all;
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

void write(JsonWriter& json, const FloatingIp& ip, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, ip.id.text, ip.standard, tagsOf(db, ip.id.text), false);
    out.field("floating_network_id", ip.network);
    out.field("floating_ip_address", ip.address);
    out.field("port_id", orNull(ip.port.text));
    out.field("fixed_ip_address", orNull(ip.fixed));
    out.field("router_id", orNull(ip.router.text));
    out.field("status", ip.status);
    out.when("port_details", [&](JsonWriter& writer) {
        const auto port = ip.port.empty() ? std::nullopt : port_table::find(db, ip.port);
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

Error missing(const Request& request) {
    return Error(Failure::NotFound, "Floating IP ", request.param("floatingip_id"), " could not be found").as("FloatingIPNotFound");
}

FloatingIp found(const Request& request, store::Reader& db) {
    auto ip = floating_ip_table::find(db, {request.param("floatingip_id")});
    if (!ip) throw missing(request);
    return *std::move(ip);
}

Response list(Request& request, FloatingIps& ips) {
    const auto& caller = identity::callerOf(request);
    auto& db = ips.core().parts.store.reader();
    auto listing = listingOf(request, db, "floating_ips f", attributes());
    if (!seesAll(caller, "get_floatingip")) listing.conditions.add("f.project = ?", caller.project);
    auto rows = floating_ip_table::list(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_floatingip", [&](const auto& each) { return ownedBy(each.standard.project); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id.text);
    const Fields fields(request.query);
    return listResponse(request, "floatingips", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index], fields, db); });
}

Response answer(const Request& request, int status, const FloatingIp& it, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("floatingip");
        write(json, it, Fields(request.query), db);
    });
}

Response show(Request& request, FloatingIps& ips) {
    auto& db = ips.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_floatingip", ownedBy(it.standard.project))) throw missing(request);
    return answer(request, 200, it, db);
}

Response create(Request& request, FloatingIps& ips) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "floatingip", "floatingips");
    return ips.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<FloatingIp> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto target = ownedBy(projectOf(caller, body));
            caller.enforce("create_floatingip", target);
            enforceAttributes(caller, "create_floatingip", body, target, true);
            all.push_back(ips.create(tx, caller, body));
        }
        if (!wanted.bulk) return answer(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("floatingips");
            for (const auto& each : all) write(json, each, Fields(request.query), tx);
        });
    });
}

Response update(Request& request, FloatingIps& ips) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "floatingip");
    return ips.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_floatingip", "get_floatingip", ownedBy(it.standard.project), missing(request));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_floatingip", body, ownedBy(it.standard.project), false);
        checkRevision(request, "floatingip", it.id.text, it.standard.revision);
        return answer(request, 200, ips.update(tx, caller, it, body), tx);
    });
}

Response remove(Request& request, FloatingIps& ips) {
    const auto& caller = identity::callerOf(request);
    ips.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_floatingip", "get_floatingip", ownedBy(it.standard.project), missing(request));
        checkRevision(request, "floatingip", it.id.text, it.standard.revision);
        ips.remove(tx, it);
    });
    return emptyResponse(204);
}

}

void addFloatingIpRoutes(Routes& routes, FloatingIps& ips) {
    routes.push_back({Method::Get, "/v2.0/floatingips", policy("get_floatingip"), [&](Request& request) { return list(request, ips); }});
    routes.push_back(
        {Method::Post, "/v2.0/floatingips", policy("create_floatingip"), [&](Request& request) { return create(request, ips); }});
    routes.push_back(
        {Method::Get, "/v2.0/floatingips/{floatingip_id}", policy("get_floatingip"), [&](Request& request) { return show(request, ips); }});
    routes.push_back({Method::Put, "/v2.0/floatingips/{floatingip_id}", policy("update_floatingip"),
                      [&](Request& request) { return update(request, ips); }});
    routes.push_back({Method::Delete, "/v2.0/floatingips/{floatingip_id}", policy("delete_floatingip"),
                      [&](Request& request) { return remove(request, ips); }});
}

}
