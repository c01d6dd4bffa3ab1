#include "network/l3/router.hpp"

#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void completeGateways(store::Reader& db, std::vector<Router>& routers) {
    Texts ids;
    for (const auto& each : routers)
        if (!each.gatewayPort.empty()) ids.push_back(each.gatewayPort.text);
    const auto ports = portsOf(db, ids);
    for (auto& each : routers)
        if (const auto found = ports.find(each.gatewayPort.text); found != ports.end()) each.gateway = found->second;
}

void showGateway(JsonWriter& out, const Router& router) {
    if (!router.gateway) return out.value(nullptr);
    const auto info = out.object();
    out.field("network_id", router.gateway->network);
    out.field("enable_snat", router.snat);
    out.key("external_fixed_ips");
    Codec<PortAddresses>::show(out, router.gateway->addresses);
}

}

const Table<Router>
    routerTable("routers", 'r',
                withStandard<Router>({
                    attribute<&Router::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
                    attribute<&Router::status>("status", Show | Find).computed(statusColumn),
                    computed<Router>("external_gateway_info", Kind::Other, Post | Put | Show, showGateway),
                    attribute<&Router::routes>("routes", Put | Show).shown(showRoutes<&Router::routes>),
                    computed<Router>("availability_zone_hints", Kind::Other, Post | Show, showNoTexts),
                    computed<Router>("availability_zones", Kind::Other, Show, showZones),
                    column<&Router::snat>("snat", Moves),
                    maybeColumn<&Router::gatewayPort>("gateway_port", Moves),
                }));

std::vector<Port> interfacesOf(store::Reader& db, const RouterId& id) {
    return portTable.where(db, "WHERE p.router = ? AND p.router <> '' ORDER BY p.position", id);
}

void addRouterRoutes(http::Routes& routes, Routers& routers) {
    const auto api = addNoun<Router>(
        routes, routers.core(),
        servedBy<Router>(
            routers,
            {.noun = "router", .table = routerTable, .missing = routerNotFound, .complete = completeGateways}));
    addRouterActions(routes, routers, api);
}

}
