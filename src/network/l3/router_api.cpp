#include "network/collection.hpp"
#include "network/l3/router.hpp"

namespace stratolet::network {

namespace {

using namespace http;

/// The router of the path, which the caller may do this to, at the revision that they have seen.
Router demanded(Request& request, const RouterApi& api, store::Reader& db, std::string_view rule) {
    auto router = api.demand(request, db, rule);
    dialect().checkRevision(request, "router", router.id.text, router.standard.revision);
    return router;
}

Response interface(Request& request, Routers& routers, const RouterApi& api, bool adds) {
    const auto& caller = identity::callerOf(request);
    const auto wanted = interfaceIn(request.json());
    std::string project;
    const auto made = routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto router = demanded(request, api, tx, adds ? "add_router_interface" : "remove_router_interface");
        project = router.standard.project;
        return adds ? routers.addInterface(tx, caller, router, wanted) : routers.removeInterface(tx, router, wanted);
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

Response extraRoutes(Request& request, Routers& routers, const RouterApi& api, bool adds) {
    const Json wanted = put(request, "router");
    return routers.core().parts.store.write([&](store::Transaction& tx) {
        const auto router = demanded(request, api, tx, adds ? "add_extraroutes" : "remove_extraroutes");
        checkBody(wanted, {{"routes", resource::Kind::Other, resource::Put}}, false);
        return api.answer(request, 200,
                          adds ? routers.addRoutes(tx, router, wanted) : routers.removeRoutes(tx, router, wanted), tx);
    });
}

}

void addRouterActions(Routes& routes, Routers& routers, const std::shared_ptr<const RouterApi>& api) {
    const auto action = [&](const std::string& name, auto handler, bool adds) {
        routes.push_back(
            {Method::Put, "/v2.0/routers/{id}/" + name, policy(name),
             [&routers, api, handler, adds](Request& request) { return handler(request, routers, *api, adds); }});
    };
    action("add_router_interface", interface, true);
    action("remove_router_interface", interface, false);
    action("add_extraroutes", extraRoutes, true);
    action("remove_extraroutes", extraRoutes, false);
}

}
