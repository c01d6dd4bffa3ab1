#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/port.hpp"

namespace stratolet::network {

struct Router {
    RouterId id;
    Standard standard;
    bool adminUp = true;
    bool snat = true;              ///< guests without a floating IP leave under the gateway's address
    PortId gatewayPort;            ///< empty where there is no gateway
    TextPairs routes;              ///< destination, nexthop
    std::string status = "ACTIVE"; ///< as statusColumn has it
};

/// What add_router_interface and its counterpart answer.
struct RouterInterface {
    PortId port;
    NetworkId network;
    Texts subnets;
};

namespace router_table {
std::optional<Router> find(store::Reader& db, const RouterId& id);
std::vector<Router> list(store::Reader& db, const store::Conditions& conditions, const std::string& order); ///< alias r
void insert(store::Transaction& tx, const Router& router);
void update(store::Transaction& tx, const Router& router);
void remove(store::Transaction& tx, const RouterId& id);
std::vector<Port> interfacesOf(store::Reader& db, const RouterId& id);
}

Error routerNotFound(const std::string& id);

class Routers {
public:
    explicit Routers(Core& core, Ports& ports) : core_(core), ports_(ports) {}

    Router create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    Router update(store::Transaction& tx, const identity::Caller& caller, Router router, const Body& body);
    void remove(store::Transaction& tx, const Router& router);
    RouterInterface addInterface(store::Transaction& tx, const identity::Caller& caller, const Router& router, const Json& body);
    RouterInterface removeInterface(store::Transaction& tx, const Router& router, const Json& body);
    Router addRoutes(store::Transaction& tx, Router router, const Body& body);
    Router removeRoutes(store::Transaction& tx, Router router, const Body& body);

    Core& core() { return core_; }

private:
    void setGateway(store::Transaction& tx, const identity::Caller& caller, Router& router, const Json& info);
    void checkRoutes(store::Reader& db, const Router& router, const TextPairs& routes);

    Core& core_;
    Ports& ports_;
};

void addRouterRoutes(http::Routes& routes, Routers& routers);

}
