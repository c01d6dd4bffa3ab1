#include "network/collection.hpp"
#include "network/router.hpp"

namespace stratolet::network {

namespace {

using namespace http;

const Attributes& attributes() {
    static const Attributes all = withStandard({
        {"admin_state_up", Type::Truth, "$.admin_up", true, true},
        {"external_gateway_info", Type::Other, {}, true, true},
        {"routes", Type::Other, {}, false, true},
        {"status", Type::Text, statusColumn},
        {"availability_zone_hints", Type::Other, {}, true, false},
        {"availability_zones", Type::Other},
    });
    return all;
}

/// With the port of its gateway.
using ShownRouter = Shown<Router, std::optional<Port>>;

void addGateways(store::Reader& db, std::vector<ShownRouter>& routers) {
    Texts ids;
    for (const auto& each : routers)
        if (!each.record.gatewayPort.empty()) ids.push_back(each.record.gatewayPort.text);
    auto ports = port_table::of(db, ids);
    for (auto& each : routers)
        if (const auto found = ports.find(each.record.gatewayPort.text); found != ports.end()) each.more = std::move(found->second);
}

void write(JsonWriter& json, const ShownRouter& shown, const Fields& fields, identity::Rights&) {
    const auto& router = shown.record;
    const auto object = json.object();
    Out out(json, fields);
    writeStandard(out, router.id.text, router.standard, shown.tags);
    out.field("admin_state_up", router.adminUp);
    out.field("status", router.status);
    out.when("external_gateway_info", [&](JsonWriter& writer) {
        const auto& gateway = shown.more;
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

Error missing(const Request& request) { return routerNotFound(request.param("id")); }

Router found(const Request& request, store::Reader& db) {
    auto router = router_table::find(db, {request.param("id")});
    if (!router) throw missing(request);
    return *std::move(router);
}

Response answer(const Request& request, const Router& router, store::Reader& db) {
    std::vector<ShownRouter> shown{{router, {}, tagsOf(db, router.id.text)}};
    addGateways(db, shown);
    identity::Rights rights(identity::callerOf(request));
    return jsonResponse(200, [&](JsonWriter& json) {
        const auto body = json.object();
        json.key("router");
        write(json, shown.front(), Fields(request.query), rights);
    });
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
        json.field("id", request.param("id"));
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
        return answer(request, adds ? routers.addRoutes(tx, it, body) : routers.removeRoutes(tx, it, body), tx);
    });
}

}

void addRouterRoutes(Routes& routes, Routers& routers) {
    addCollection<Router, std::optional<Port>>(
        routes, {.core = routers.core(),
                 .noun = "router",
                 .table = "routers r",
                 .attributes = attributes(),
                 .missing = routerNotFound,
                 .find = [](store::Reader& db, const std::string& id) { return router_table::find(db, {id}); },
                 .list = router_table::list,
                 .about = aboutOwned<Router>,
                 .concern =
                     [](const ProjectId& project) {
                         return std::vector<store::Alternative>{{"r.project = ?", {project}}};
                     },
                 .complete = addGateways,
                 .write = write,
                 .create = [&](store::Transaction& tx, const identity::Caller& caller,
                               const Body& body) { return routers.create(tx, caller, body); },
                 .update = [&](store::Transaction& tx, const identity::Caller& caller, const Router& router,
                               const Body& body) { return routers.update(tx, caller, router, body); },
                 .remove = [&](store::Transaction& tx, const identity::Caller&, const Router& router) { routers.remove(tx, router); }});
    const auto action = [&](const std::string& name, auto handler, bool adds) {
        routes.push_back({Method::Put, "/v2.0/routers/{id}/" + name, policy(name),
                          [&routers, handler, adds](Request& request) { return handler(request, routers, adds); }});
    };
    action("add_router_interface", interface, true);
    action("remove_router_interface", interface, false);
    action("add_extraroutes", extraRoutes, true);
    action("remove_extraroutes", extraRoutes, false);
}

}
