#include <stratolet/error.hpp>

#include "network/network_record.hpp"
#include "network/subnet.hpp"

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
        {"status", Type::Text, "'ACTIVE'"},
        {"subnets", Type::Other},
        {"ipv4_address_scope", Type::Other},
        {"ipv6_address_scope", Type::Other},
    });
    return all;
}

void write(JsonWriter& json, const NetworkRecord& network, const Fields& fields, const identity::Caller& caller, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, network.id.text, network.standard, tagsOf(db, network.id.text));
    out.field("admin_state_up", network.adminUp);
    out.field("status", "ACTIVE");
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
    const auto target = targetOf(network);
    if (caller.may("get_network:provider:network_type", target)) out.field("provider:network_type", "local");
    if (caller.may("get_network:provider:physical_network", target)) out.field("provider:physical_network", nullptr);
    if (caller.may("get_network:provider:segmentation_id", target)) out.field("provider:segmentation_id", nullptr);
}

NetworkRecord visible(const Request& request, store::Reader& db) {
    auto network = network_table::find(db, {request.param("network_id")});
    if (!network) throw networkNotFound(request.param("network_id"));
    return *network;
}

Response list(Request& request, Networks& networks) {
    const auto& caller = identity::callerOf(request);
    auto& db = networks.core().parts.store.reader();
    auto listing = listingOf(request, db, "networks n", attributes());
    if (!seesAll(caller, "get_network")) listing.conditions.add("(n.project = ? OR n.shared OR n.external)", caller.project);
    auto rows = network_table::list(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_network", [](const auto& each) { return targetOf(each); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id.text);
    const Fields fields(request.query);
    return listResponse(request, "networks", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index], fields, caller, db); });
}

Response show(Request& request, Networks& networks) {
    const auto& caller = identity::callerOf(request);
    auto& db = networks.core().parts.store.reader();
    const auto network = visible(request, db);
    if (!caller.may("get_network", targetOf(network))) throw networkNotFound(network.id.text);
    return jsonResponse(200, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("network");
        write(json, network, Fields(request.query), caller, db);
    });
}

Response create(Request& request, Networks& networks) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "network", "networks");
    return networks.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<NetworkRecord> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto target = ownedBy(projectOf(caller, body));
            caller.enforce("create_network", target);
            enforceAttributes(caller, "create_network", body, target, true);
            all.push_back(networks.create(tx, caller, body));
        }
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const Fields fields(request.query);
            if (!wanted.bulk) {
                json.key("network");
                return write(json, all.front(), fields, caller, tx);
            }
            const auto items = json.array("networks");
            for (const auto& each : all) write(json, each, fields, caller, tx);
        });
    });
}

Response update(Request& request, Networks& networks) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "network");
    return networks.core().parts.store.write([&](store::Transaction& tx) {
        const auto before = visible(request, tx);
        enforceOn(caller, "update_network", "get_network", targetOf(before), networkNotFound(before.id.text));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_network", body, targetOf(before), false);
        checkRevision(request, "network", before.id.text, before.standard.revision);
        const auto network = networks.update(tx, before, body);
        return jsonResponse(200, [&](JsonWriter& json) {
            const auto object = json.object();
            json.key("network");
            write(json, network, Fields(request.query), caller, tx);
        });
    });
}

Response remove(Request& request, Networks& networks) {
    const auto& caller = identity::callerOf(request);
    networks.core().parts.store.write([&](store::Transaction& tx) {
        const auto network = visible(request, tx);
        enforceOn(caller, "delete_network", "get_network", targetOf(network), networkNotFound(network.id.text));
        checkRevision(request, "network", network.id.text, network.standard.revision);
        networks.remove(tx, network);
    });
    return emptyResponse(204);
}

}

void addNetworkRoutes(Routes& routes, Networks& networks) {
    routes.push_back({Method::Get, "/v2.0/networks", policy("get_network"), [&](Request& request) { return list(request, networks); }});
    routes.push_back(
        {Method::Post, "/v2.0/networks", policy("create_network"), [&](Request& request) { return create(request, networks); }});
    routes.push_back(
        {Method::Get, "/v2.0/networks/{network_id}", policy("get_network"), [&](Request& request) { return show(request, networks); }});
    routes.push_back({Method::Put, "/v2.0/networks/{network_id}", policy("update_network"),
                      [&](Request& request) { return update(request, networks); }});
    routes.push_back({Method::Delete, "/v2.0/networks/{network_id}", policy("delete_network"),
                      [&](Request& request) { return remove(request, networks); }});
}

}
