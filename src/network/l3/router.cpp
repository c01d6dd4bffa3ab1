#include "network/l3/router.hpp"

#include "network/agent/agent.hpp"
#include "network/collection.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

void showGateway(JsonWriter& out, const Router& router) {
    if (!router.gateway) return out.value(nullptr);
    const auto info = out.object();
    out.field("network_id", router.gateway->network);
    out.field("enable_snat", router.snat);
    out.key("external_fixed_ips");
    Codec<PortAddresses>::show(out, router.gateway->addresses);
    out.key("qos_policy_id");
    EmptyIsNull<std::string>::show(out, router.gatewayQos);
}

void complete(store::Reader& db, std::vector<Router>& all) {
    completePort<&Router::gatewayPort, &Router::gateway>(db, all);
    auto helpers = helpersOf(db, idsOf(all));
    for (auto& each : all) each.helpers = store::takeOf(helpers, each.id.text);
    completeServed(db, "routers", routerIsServed, all);
}

}

const Table<Router>
    routerTable("routers", 'r',
                withStandard<Router>({
                    attribute<&Router::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
                    attribute<&Router::status>("status", Show | Find).computed(statusColumn),
                    computed<Router>("external_gateway_info", Kind::Other, Post | Put | Show, showGateway),
                    attribute<&Router::routes>("routes", Put | Show).shown(showRoutes<&Router::routes>),
                    attribute<&Router::zoneHints>("availability_zone_hints", Post | Show)
                        .in("zone_hints")
                        .readBy(readZones<Router>),
                    computed<Router>("availability_zones", Kind::Other, Show, showZones<Router>),
                    computed<Router>("conntrack_helpers", Kind::Other, Show,
                                     [](JsonWriter& out, const Router& router) { writeHelpers(out, router.helpers); }),
                    column<&Router::snat>("snat", Moves),
                    maybeColumn<&Router::gatewayQos>("gateway_qos_policy", Moves),
                    maybeColumn<&Router::gatewayPort>("gateway_port", Moves),
                }));

std::vector<Port> interfacesOf(store::Reader& db, const RouterId& id) {
    return portTable.where(db, "WHERE p.router = ? AND p.router <> '' ORDER BY p.position", id);
}

std::shared_ptr<const RouterApi> addRouterRoutes(http::Routes& routes, Routers& routers) {
    const auto api = addNoun<Router>(
        routes, routers.core(),
        servedBy<Router>(routers,
                         {.noun = "router", .table = routerTable, .missing = routerNotFound, .complete = complete}));
    addConntrackHelperRoutes(routes, routers.core());
    addRouterActions(routes, routers, api);
    return api;
}

}
