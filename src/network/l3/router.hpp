#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/l2/port.hpp"
#include "network/l3/conntrack_helper.hpp"
#include "resource/collection.hpp"

namespace stratolet::network {

/// A router as it is kept; its interfaces are ports.
struct Router {
    RouterId id;
    Standard standard;
    bool adminUp = true;
    bool snat = true;                     ///< guests without a floating IP leave under the gateway's address
    PortId gatewayPort;                   ///< empty where there is no gateway
    TextPairs routes;                     ///< destination, nexthop
    std::string status = "ACTIVE";        ///< as statusColumn has it
    Texts zoneHints;                      ///< availability zones that somebody wants it in
    bool served = false;                  ///< by the L3 agents of the zone
    std::optional<Port> gateway;          ///< only for an answer
    std::vector<ConntrackHelper> helpers; ///< only for an answer
};

/// What add_router_interface and its counterpart answer.
struct RouterInterface {
    PortId port;
    NetworkId network;
    Texts subnets;
};

extern const resource::Table<Router> routerTable; ///< alias r
std::vector<Port> interfacesOf(store::Reader& db, const RouterId& id);

Error routerNotFound(const std::string& id);
Error badRouter(const std::string& reason);

/// The gateway that a body wants by external_gateway_info: none at all where that is null or empty.
struct WantedGateway {
    std::optional<NetworkRecord> network; ///< one that the caller may use
    std::optional<bool> snat;
    std::vector<WantedAddress> addresses;
};
/// Nothing where a body says nothing of it.
std::optional<WantedGateway> gatewayIn(store::Reader& db, const identity::Caller& caller, const Body& body);

/// The interface that is to be added or removed, by what names it.
struct WantedInterface {
    std::optional<std::string> subnet, port;
};
WantedInterface interfaceIn(const Json& body);

/// The rules of routers: gateways, interfaces, extra routes. Used on the writer's thread; owned by the module.
class Routers {
public:
    explicit Routers(Core& core, Ports& ports) : core_(core), ports_(ports) {}

    Router create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    Router update(store::Transaction& tx, const identity::Caller& caller, Router router, const Body& body);
    void remove(store::Transaction& tx, const Router& router);
    RouterInterface addInterface(store::Transaction& tx, const identity::Caller& caller, const Router& router,
                                 const WantedInterface& wanted);
    RouterInterface removeInterface(store::Transaction& tx, const Router& router, const WantedInterface& wanted);
    Router addRoutes(store::Transaction& tx, Router router, const Body& body);
    Router removeRoutes(store::Transaction& tx, Router router, const Body& body);

    Core& core() { return core_; }

private:
    void setGateway(store::Transaction& tx, Router& router, const WantedGateway& wanted);
    void checkRoutes(store::Reader& db, const Router& router, const TextPairs& routes);

    Core& core_;
    Ports& ports_;
};

using RouterApi = resource::CollectionApi<Router>;
std::shared_ptr<const RouterApi> addRouterRoutes(http::Routes& routes, Routers& routers);

/// The routes that are no plain ones: interfaces and extra routes.
void addRouterActions(http::Routes& routes, Routers& routers, const std::shared_ptr<const RouterApi>& api);

}
