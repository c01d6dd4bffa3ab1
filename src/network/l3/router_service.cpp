#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l3/port_forwarding.hpp"
#include "network/l3/router.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

constexpr std::size_t routesMost = 30;

bool hasFloatingIps(store::Reader& db, const RouterId& router) {
    return db.query("SELECT 1 FROM floating_ips WHERE router = ?", router).any();
}

std::string listed(const TextPairs& routes) {
    std::string out;
    for (const auto& [destination, nexthop] : routes)
        out += (out.empty() ? "" : ", ") + destination + " via " + nexthop;
    return "[" + out + "]";
}

/// The subnet of a port, where a router interface has exactly one of IPv4.
RouterInterface described(const Port& port) {
    RouterInterface out{port.id, port.network, {}};
    for (const auto& each : port.addresses) out.subnets.push_back(each.subnet.text);
    return out;
}

}

Error badRouter(const std::string& reason) {
    return Error(Failure::Invalid, "Bad router request: ", reason, ".").as("BadRequest");
}

Error routerNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Router ", id, " could not be found").as("RouterNotFound");
}

Router Routers::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    Router router;
    router.standard = freshStandard(core_, caller, body);
    core_.claim(tx, router.standard.project, "router");
    router.id.text = core_.uuid();
    body.readInto(router, routerTable);
    routerTable.insert(tx, router);
    if (const auto gateway = gatewayIn(tx, caller, body)) {
        setGateway(tx, router, *gateway);
        routerTable.update(tx, router);
    }
    core_.changed(tx, router.id.text);
    return router;
}

Router Routers::update(store::Transaction& tx, const identity::Caller& caller, Router router, const Body& body) {
    body.readInto(router, routerTable);
    if (const auto gateway = gatewayIn(tx, caller, body)) setGateway(tx, router, *gateway);
    if (body.has("routes")) {
        auto routes = routesIn(body, "routes");
        checkRoutes(tx, router, routes);
        router.routes = std::move(routes);
    }
    changeStandard(core_, router.standard, body);
    routerTable.update(tx, router);
    core_.changed(tx, router.id.text);
    return router;
}

void Routers::setGateway(store::Transaction& tx, Router& router, const WantedGateway& wanted) {
    const auto before = router.gatewayPort.empty() ? std::nullopt : portTable.find(tx, router.gatewayPort);
    const auto drop = [&] {
        if (!before) return;
        if (hasFloatingIps(tx, router.id))
            throw Error(Failure::Conflict, "Gateway cannot be updated for router ", router.id,
                        ", since a gateway to external network ", before->network,
                        " is required by one or more floating IPs.")
                .as("RouterExternalGatewayInUseByFloatingIp");
        for (const auto& [destination, nexthop] : router.routes)
            for (const auto& each : before->addresses)
                if (const auto subnet = subnetTable.find(tx, each.subnet);
                    subnet && subnet->cidr.contains(Address::parse(nexthop).value()))
                    throw Error(Failure::Conflict, "Gateway cannot be updated for router ", router.id,
                                ", since it is required by one or more routes.")
                        .as("RouterExternalGatewayInUseByRoute");
        router.gatewayPort = {};
        routerTable.update(tx, router);
        ports_.remove(tx, *before);
    };
    if (!wanted.network) {
        drop();
        router.snat = true;
        return;
    }
    const auto& network = *wanted.network;
    router.snat = wanted.snat.value_or(router.snat);
    if (before && before->network == network.id) {
        if (wanted.addresses.empty()) return;
        auto port = *before;
        tx.execute("DELETE FROM fixed_ips WHERE port = ?", port.id);
        port.addresses = ports_.allocate(tx, port, wanted.addresses);
        writeAddresses(tx, port);
        return;
    }
    for (const auto& subnet : subnetsOf(tx, network.id))
        for (const auto& interface : interfacesOf(tx, router.id))
            for (const auto& each : interface.addresses)
                if (const auto own = subnetTable.find(tx, each.subnet); own && own->cidr.overlaps(subnet.cidr))
                    throw badRouter("Cidr " + subnet.cidr.text() + " of subnet " + subnet.id.text +
                                    " overlaps with cidr " + own->cidr.text() + " of subnet " + own->id.text);
    drop();
    const auto port = ports_.make(tx, network, "", gatewayOwner, router.id.text, wanted.addresses);
    if (port.addresses.empty()) throw badRouter("No IPs available for external network " + network.id.text);
    router.gatewayPort = port.id;
}

void Routers::checkRoutes(store::Reader& db, const Router& router, const TextPairs& routes) {
    if (routes.size() > routesMost)
        throw Error(Failure::Invalid, "Unable to complete operation for ", router.id,
                    ". The number of routes exceeds the maximum ", routesMost, ".")
            .as("RoutesExhausted");
    auto ports = interfacesOf(db, router.id);
    if (!router.gatewayPort.empty())
        if (auto gateway = portTable.find(db, router.gatewayPort)) ports.push_back(*std::move(gateway));
    for (const auto& [destination, nexthop] : routes) {
        const auto hop = Address::parse(nexthop).value();
        bool connected = false;
        for (const auto& port : ports)
            for (const auto& each : port.addresses) {
                if (each.address == hop)
                    throw Error(Failure::Invalid, "Invalid format for routes: ", listed(routes),
                                ", the nexthop is used by router")
                        .as("InvalidRoutes");
                const auto subnet = subnetTable.find(db, each.subnet);
                connected = connected || (subnet && subnet->cidr.contains(hop) && canBeHost(subnet->cidr, hop));
            }
        if (!connected)
            throw Error(Failure::Invalid, "Invalid format for routes: ", listed(routes),
                        ", the nexthop is not connected with router")
                .as("InvalidRoutes");
    }
}

Router Routers::addRoutes(store::Transaction& tx, Router router, const Body& body) {
    for (const auto& each : routesIn(body, "routes"))
        if (std::find(router.routes.begin(), router.routes.end(), each) == router.routes.end())
            router.routes.push_back(each);
    checkRoutes(tx, router, router.routes);
    markChanged(core_, router.standard);
    routerTable.update(tx, router);
    core_.changed(tx, router.id.text);
    return router;
}

Router Routers::removeRoutes(store::Transaction& tx, Router router, const Body& body) {
    for (const auto& each : routesIn(body, "routes")) std::erase(router.routes, each);
    markChanged(core_, router.standard);
    routerTable.update(tx, router);
    core_.changed(tx, router.id.text);
    return router;
}

void Routers::remove(store::Transaction& tx, const Router& router) {
    if (!interfacesOf(tx, router.id).empty())
        throw Error(Failure::Conflict, "Router ", router.id, " still has ports").as("RouterInUse");
    if (hasFloatingIps(tx, router.id))
        throw Error(Failure::Conflict, "Router ", router.id, " still has floating IPs").as("RouterInUse");
    const auto gateway = router.gatewayPort.empty() ? std::nullopt : portTable.find(tx, router.gatewayPort);
    forgetTags(tx, router.id.text);
    routerTable.remove(tx, router.id);
    if (gateway) ports_.remove(tx, *gateway);
    core_.changed(tx, router.id.text);
}

RouterInterface Routers::addInterface(store::Transaction& tx, const identity::Caller& caller, const Router& router,
                                      const WantedInterface& wanted) {
    const auto &subnetId = wanted.subnet, &portId = wanted.port;
    if (!subnetId && !portId) throw badRouter("Either subnet_id or port_id must be specified");
    if (subnetId && portId) throw badRouter("Cannot specify both subnet-id and port-id");
    const auto interfaces = interfacesOf(tx, router.id);
    const auto checkFits = [&](const Subnet& subnet) {
        if (!holdsHosts(subnet.cidr)) throw badRouter("No router can have an address in cidr " + subnet.cidr.text());
        for (const auto& interface : interfaces)
            for (const auto& each : interface.addresses) {
                if (each.subnet == subnet.id) throw badRouter("Router already has a port on subnet " + subnet.id.text);
                if (const auto other = subnetTable.find(tx, each.subnet); other && other->cidr.overlaps(subnet.cidr))
                    throw badRouter("Cidr " + subnet.cidr.text() + " of subnet " + subnet.id.text +
                                    " overlaps with cidr " + other->cidr.text() + " of subnet " + other->id.text);
            }
        if (const auto gateway = router.gatewayPort.empty() ? std::nullopt : portTable.find(tx, router.gatewayPort))
            for (const auto& each : gateway->addresses)
                if (const auto other = subnetTable.find(tx, each.subnet); other && other->cidr.overlaps(subnet.cidr))
                    throw badRouter("Cidr " + subnet.cidr.text() + " of subnet " + subnet.id.text +
                                    " overlaps with cidr " + other->cidr.text() + " of subnet " + other->id.text);
    };
    const auto mayUse = [&](const std::string& project, bool shared) {
        return shared || project == caller.project.text || caller.isAdmin();
    };

    RouterInterface made;
    if (portId) {
        auto port = portTable.find(tx, {*portId});
        if (!port || !mayUse(port->standard.project, false)) throw portNotFound(*portId);
        if (!port->device.empty() || !port->server.empty())
            throw Error(Failure::Conflict, "Unable to complete operation on port ", port->id, " for network ",
                        port->network, ". Port already has an attached device ", port->device, ".")
                .as("PortInUse");
        if (port->addresses.empty()) throw badRouter("Router port must have at least one fixed IP");
        if (std::count_if(port->addresses.begin(), port->addresses.end(),
                          [](const auto& each) { return each.address.version == 4; }) > 1)
            throw badRouter("Cannot have multiple IPv4 subnets on router port");
        for (const auto& each : port->addresses)
            if (const auto subnet = subnetTable.find(tx, each.subnet)) checkFits(*subnet);
        port->device = router.id.text;
        port->owner = interfaceOwner;
        port->router = router.id;
        port->groups.clear();
        port->portSecurity = false;
        writeGroups(tx, *port);
        ++port->standard.revision;
        portTable.update(tx, *port);
        made = described(*port);
    } else {
        const auto subnet = subnetTable.find(tx, {*subnetId});
        const auto network = subnet ? networkTable.find(tx, subnet->network) : std::nullopt;
        if (!network || !(mayUse(subnet->standard.project, network->sharing.to(caller.project.text)) ||
                          network->standard.project == caller.project.text))
            throw subnetNotFound(*subnetId);
        if (!subnet->gateway) throw badRouter("Subnet for router interface must have a gateway IP");
        // The gateway's address is the network owner's to give: on somebody else's network it takes the right to choose
        // addresses.
        if (!mayOn(caller, "create_port:fixed_ips:ip_address", targetForProject(*network, router.standard.project)))
            throw badRouter("Cannot add interface to router because subnet " + subnet->id.text +
                            " is not owned by project making the request");
        checkFits(*subnet);
        const WantedAddress address{subnet, subnet->gateway};
        auto port = ports_.make(tx, *network, router.standard.project, interfaceOwner, router.id.text, {address});
        port.router = router.id;
        portTable.update(tx, port);
        made = described(port);
    }
    touch(tx, "routers", router.id.text, core_.now());
    core_.changed(tx, router.id.text);
    return made;
}

RouterInterface Routers::removeInterface(store::Transaction& tx, const Router& router, const WantedInterface& wanted) {
    const auto &subnetId = wanted.subnet, &portId = wanted.port;
    if (!subnetId && !portId) throw badRouter("Either subnet_id or port_id must be specified");
    std::optional<Port> port;
    for (auto& each : interfacesOf(tx, router.id)) {
        const bool onSubnet = subnetId && std::any_of(each.addresses.begin(), each.addresses.end(),
                                                      [&](const auto& one) { return one.subnet.text == *subnetId; });
        if (portId ? each.id.text == *portId : onSubnet) {
            if (portId && subnetId && !onSubnet)
                throw Error(Failure::Invalid, "The port ", *portId, " has no address on the requested subnet ",
                            *subnetId, ".")
                    .as("SubnetMismatchForPort");
            port = std::move(each);
            break;
        }
    }
    if (!port && portId)
        throw Error(Failure::NotFound, "Router ", router.id, " does not have an interface with id ", *portId)
            .as("RouterInterfaceNotFound");
    if (!port)
        throw Error(Failure::NotFound, "Router ", router.id, " has no interface on subnet ", *subnetId)
            .as("RouterInterfaceNotFoundForSubnet");

    for (const auto& each : port->addresses) {
        const auto subnet = subnetTable.find(tx, each.subnet).value();
        for (const auto& [destination, nexthop] : router.routes)
            if (subnet.cidr.contains(Address::parse(nexthop).value()))
                throw Error(Failure::Conflict, "Router interface for subnet ", subnet.id, " on router ", router.id,
                            " cannot be deleted, as it is required by one or more routes.")
                    .as("RouterInterfaceInUseByRoute");
        const auto leading =
            tx.query("SELECT fixed FROM floating_ips WHERE router = ? AND fixed IS NOT NULL", router.id).texts();
        bool needed = isForwardedInto(tx, router.id, subnet.cidr);
        for (const auto& fixed : leading) needed = needed || subnet.cidr.contains(Address::parse(fixed).value());
        if (needed)
            throw Error(Failure::Conflict, "Router interface for subnet ", subnet.id, " on router ", router.id,
                        " cannot be deleted, as it is required by one or more floating IPs.")
                .as("RouterInterfaceInUseByFloatingIP");
    }
    auto gone = described(*port);
    if (subnetId) gone.subnets = {*subnetId};
    ports_.remove(tx, *port);
    touch(tx, "routers", router.id.text, core_.now());
    core_.changed(tx, router.id.text);
    return gone;
}

}
