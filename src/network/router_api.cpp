#include <stratolet/error.hpp>

#include "network/router.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"admin_state_up", Type::Truth, "$.admin_up", true, true},
        {"external_gateway_info", Type::Other, {}, true, true},
        {"routes", Type::Other, {}, false, true},
        {"status", Type::Text, "'ACTIVE'"},
        {"availability_zone_hints", Type::Other, {}, true, false},
        {"availability_zones", Type::Other},
    });
    return all;
}

void write(JsonWriter& json, const Router& router, const Fields& fields, store::Reader& db) {
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, router.id.text, router.standard, tagsOf(db, router.id.text));
    out.field("admin_state_up", router.adminUp);
    out.field("status", "ACTIVE");
    out.when("external_gateway_info", [&](JsonWriter& writer) {
        const auto gateway = router.gatewayPort.empty() ? std::nullopt : port_table::find(db, router.gatewayPort);
        if (!gateway) return writer.value(nullptr);
        const auto info = writer.object();
        writer.field("network_id", gateway->network);
        writer.field("enable_snat", router.snat);
        const auto addresses = writer.array("external_fixed_ips");
        for (const auto& each : gateway->addresses) {
            const auto address = writer.object();
            writer.field("subnet_id", each.subnet);
            writer.field("ip_address", each.address.text());
        }
    });
    out.when("routes", [&](JsonWriter& writer) { writeRoutes(writer, router.routes); });
    out.texts("availability_zone_hints", {});
    out.texts("availability_zones", {"nova"});
}

Error missing(const Request& request) { return routerNotFound(request.param("router_id")); }

Router found(const Request& request, store::Reader& db) {
    auto router = router_table::find(db, {request.param("router_id")});
    if (!router) throw missing(request);
    return *std::move(router);
}

Response list(Request& request, Routers& routers) {
    const auto& caller = identity::callerOf(request);
    auto& db = routers.core().parts.store.reader();
    auto listing = listingOf(request, db, "routers r", attributes());
    if (!seesAll(caller, "get_router")) listing.conditions.add("r.project = ?", caller.project);
    auto rows = router_table::list(db, listing.conditions, listing.order);
    dropUnseen(rows, caller, "get_router", [&](const auto& each) { return ownedBy(each.standard.project); });
    std::vector<std::string> ids;
    for (const auto& each : rows) ids.push_back(each.id.text);
    const Fields fields(request.query);
    return listResponse(request, "routers", listing, ids,
                        [&](JsonWriter& json, std::size_t index) { write(json, rows[index], fields, db); });
}

Response answer(const Request& request, int status, const Router& it, store::Reader& db) {
    return jsonResponse(status, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("router");
        write(json, it, Fields(request.query), db);
    });
}

Response show(Request& request, Routers& routers) {
    auto& db = routers.core().parts.store.reader();
    const auto it = found(request, db);
    if (!identity::callerOf(request).may("get_router", ownedBy(it.standard.project))) throw missing(request);
    return answer(request, 200, it, db);
}

Response create(Request& request, Routers& routers) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = posted(request, "router", "routers");
    return routers.core().parts.store.write([&](store::Transaction& tx) {
        std::vector<Router> all;
        for (const auto& each : wanted.items) {
            const Body body(each, attributes(), true);
            const auto target = ownedBy(projectOf(caller, body));
            caller.enforce("create_router", target);
            enforceAttributes(caller, "create_router", body, target, true);
            all.push_back(routers.create(tx, caller, body));
        }
        if (!wanted.bulk) return answer(request, 201, all.front(), tx);
        return jsonResponse(201, [&](JsonWriter& json) {
            const auto body = json.object();
            const auto items = json.array("routers");
            for (const auto& each : all) write(json, each, Fields(request.query), tx);
        });
    });
}

Response update(Request& request, Routers& routers) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "router");
    return routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "update_router", "get_router", ownedBy(it.standard.project), missing(request));
        const Body body(wanted, attributes(), false);
        enforceAttributes(caller, "update_router", body, ownedBy(it.standard.project), false);
        checkRevision(request, "router", it.id.text, it.standard.revision);
        return answer(request, 200, routers.update(tx, caller, it, body), tx);
    });
}

Response remove(Request& request, Routers& routers) {
    const auto& caller = identity::callerOf(request);
    routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, "delete_router", "get_router", ownedBy(it.standard.project), missing(request));
        checkRevision(request, "router", it.id.text, it.standard.revision);
        routers.remove(tx, it);
    });
    return emptyResponse(204);
}

Response interface(Request& request, Routers& routers, bool adds) {
    const auto& caller = identity::callerOf(request);
    const Json body = request.json();
    std::string project;
    const auto made = routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, adds ? "add_router_interface" : "remove_router_interface", "get_router", ownedBy(it.standard.project),
                  missing(request));
        project = it.standard.project;
        return adds ? routers.addInterface(tx, caller, it, body) : routers.removeInterface(tx, it, body);
    });
    return jsonResponse(200, [&](JsonWriter& json) {
        const auto object = json.object();
        json.field("id", request.param("router_id"));
        json.field("tenant_id", project);
        json.field("project_id", project);
        json.field("port_id", made.port);
        json.field("network_id", made.network);
        json.field("subnet_id", made.subnets.empty() ? "" : made.subnets.front());
        const auto subnets = json.array("subnet_ids");
        for (const auto& each : made.subnets) json.value(each);
    });
}

Response extraRoutes(Request& request, Routers& routers, bool adds) {
    const auto& caller = identity::callerOf(request);
    const Json wanted = put(request, "router");
    return routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto it = found(request, tx);
        enforceOn(caller, adds ? "add_extraroutes" : "remove_extraroutes", "get_router", ownedBy(it.standard.project), missing(request));
        const Body body(wanted, {{"routes", Type::Other, {}, false, true}}, false);
        return answer(request, 200, adds ? routers.addRoutes(tx, it, body) : routers.removeRoutes(tx, it, body), tx);
    });
}

}

void addRouterRoutes(Routes& routes, Routers& routers) {
    routes.push_back({Method::Get, "/v2.0/routers", policy("get_router"), [&](Request& request) { return list(request, routers); }});
    routes.push_back({Method::Post, "/v2.0/routers", policy("create_router"), [&](Request& request) { return create(request, routers); }});
    routes.push_back(
        {Method::Get, "/v2.0/routers/{router_id}", policy("get_router"), [&](Request& request) { return show(request, routers); }});
    routes.push_back(
        {Method::Put, "/v2.0/routers/{router_id}", policy("update_router"), [&](Request& request) { return update(request, routers); }});
    routes.push_back(
        {Method::Delete, "/v2.0/routers/{router_id}", policy("delete_router"), [&](Request& request) { return remove(request, routers); }});
    const auto action = [&](const std::string& name, auto handler, bool adds) {
        routes.push_back({Method::Put, "/v2.0/routers/{router_id}/" + name, policy(name),
                          [&routers, handler, adds](Request& request) { return handler(request, routers, adds); }});
    };
    action("add_router_interface", interface, true);
    action("remove_router_interface", interface, false);
    action("add_extraroutes", extraRoutes, true);
    action("remove_extraroutes", extraRoutes, false);
}

}
