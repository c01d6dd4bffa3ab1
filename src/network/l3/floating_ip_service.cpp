#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l3/floating_ip.hpp"
#include "network/l3/port_forwarding.hpp"
#include "network/l3/router.hpp"
#include "network/qos/qos.hpp"

namespace stratolet::network {

std::optional<RouterId> routerBetween(store::Reader& db, const SubnetId& inside, const NetworkId& outside) {
    const auto found =
        db.query(
              "SELECT i.router FROM ports i JOIN fixed_ips f ON f.port = i.id JOIN routers r ON r.id = i.router JOIN "
              "ports g ON g.id = r.gateway_port "
              "WHERE f.subnet = ? AND g.network = ? ORDER BY i.position LIMIT 1",
              inside, outside)
            .maybeText();
    return found ? std::optional(RouterId{*found}) : std::nullopt;
}

namespace {

Error inUseByForwarding(const FloatingIpId& id) {
    return Error(Failure::Conflict, "Floating IP ", id, " in use by Port Forwarding resources.")
        .as("FipInUseByPortForwarding");
}

}

FloatingIp FloatingIps::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    FloatingIp ip;
    ip.standard = freshStandard(core_, caller, body);
    core_.claim(tx, ip.standard.project, "floatingip");
    ip.id.text = core_.uuid();
    body.readInto(ip, floatingIpTable);
    const auto id = body.text("floating_network_id");
    if (id.empty()) throw notSpecified("floating_network_id");
    const auto network = networkTable.find(tx, {id});
    if (!network || !isOpenTo(*network, caller)) throw networkNotFound(id);
    if (!network->external)
        throw Error(Failure::Invalid, "Bad floatingip request: Network ", id, " is not a valid external network.")
            .as("BadRequest");
    ip.network = network->id;
    ip.networkQos = network->qosPolicy;
    ip.qosPolicy = qosPolicyIn(tx, caller, body.find("qos_policy_id"));

    std::vector<Subnet> four;
    for (auto& each : subnetsOf(tx, network->id))
        if (each.cidr.version() == 4) four.push_back(std::move(each));
    if (four.empty())
        throw Error(Failure::Invalid, "Bad floatingip request: Network ", id, " does not contain any IPv4 subnet.")
            .as("BadRequest");
    WantedAddress wanted;
    if (const auto text = body.text("floating_ip_address"); !text.empty()) {
        wanted.address = Address::parse(text);
        if (!wanted.address || wanted.address->version != 4)
            refuseInput("floating_ip_address", "'" + text + "' is not a valid IP address.");
    }
    if (const auto subnet = body.text("subnet_id"); !subnet.empty()) {
        wanted.subnet = subnetTable.find(tx, {subnet});
        if (!wanted.subnet || wanted.subnet->network != network->id) throw subnetNotFound(subnet);
    }
    std::optional<Port> own;
    if (wanted.address || wanted.subnet) {
        own = ports_.make(tx, *network, "", floatingOwner, ip.id.text, {wanted});
    } else {
        for (const auto& each : four) {
            wanted.subnet = each;
            try {
                own = ports_.make(tx, *network, "", floatingOwner, ip.id.text, {wanted});
                break;
            } catch (const Error& error) {
                if (error.type() != "IpAddressGenerationFailure") throw;
            }
        }
        if (!own)
            throw Error(Failure::Conflict, "No more IP addresses available on network ", network->id, ".")
                .as("IpAddressGenerationFailure");
    }
    ip.ownPort = own->id;
    ip.address = own->addresses.front().address.text();
    if (const auto port = body.text("port_id"); !port.empty())
        associate(tx, caller, ip, {port}, body.text("fixed_ip_address"));
    else if (!body.text("fixed_ip_address").empty())
        throw Error(Failure::Invalid, "Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
            .as("BadRequest");
    floatingIpTable.insert(tx, ip);
    core_.changed(tx, ip.id.text);
    return ip;
}

FloatingIp FloatingIps::update(store::Transaction& tx, const identity::Caller& caller, FloatingIp ip,
                               const Body& body) {
    if (body.has("port_id")) {
        const auto port = body.text("port_id");
        if (port.empty()) {
            if (!body.text("fixed_ip_address").empty())
                throw Error(Failure::Invalid,
                            "Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
                    .as("BadRequest");
            ip.port = {};
            ip.fixed.clear();
            if (!isForwarded(tx, ip.id)) {
                ip.router = {};
                ip.status = "DOWN";
            }
        } else {
            associate(tx, caller, ip, {port}, body.text("fixed_ip_address"));
        }
    } else if (body.has("fixed_ip_address") && !body.isNull("fixed_ip_address")) {
        if (ip.port.empty())
            throw Error(Failure::Invalid,
                        "Bad floatingip request: fixed_ip_address cannot be specified without a port_id.")
                .as("BadRequest");
        associate(tx, caller, ip, ip.port, body.text("fixed_ip_address"));
    }
    ip.qosPolicy = qosPolicyIn(tx, caller, body.find("qos_policy_id"), ip.qosPolicy);
    changeStandard(core_, ip.standard, body);
    floatingIpTable.update(tx, ip);
    core_.changed(tx, ip.id.text);
    return ip;
}

void FloatingIps::associate(store::Transaction& tx, const identity::Caller& caller, FloatingIp& ip, const PortId& id,
                            const std::string& fixed) {
    if (isForwarded(tx, ip.id)) throw inUseByForwarding(ip.id);
    const auto port = portTable.find(tx, id);
    if (!port || !(port->standard.project == ip.standard.project || port->standard.project == caller.project.text ||
                   caller.isAdmin()))
        throw portNotFound(id.text);
    std::vector<PortAddress> four;
    for (const auto& each : port->addresses)
        if (each.address.version == 4) four.push_back(each);
    if (!fixed.empty()) {
        const auto address = Address::parse(fixed);
        std::erase_if(four, [&](const auto& each) { return each.address != address; });
        if (four.empty())
            throw Error(Failure::Invalid, "Bad floatingip request: Port ", id, " does not have fixed ip ", fixed, ".")
                .as("BadRequest");
    }
    if (four.empty())
        throw Error(Failure::Invalid, "Bad floatingip request: Cannot add floating IP to port ", id,
                    " that has no fixed IPv4 addresses.")
            .as("BadRequest");

    // Without a wish, the first address that a router leads to, and that is not taken.
    std::optional<Error> problem;
    for (const auto& each : four) {
        const auto router = routerBetween(tx, each.subnet, ip.network);
        if (!router) {
            problem = Error(Failure::NotFound, "External network ", ip.network, " is not reachable from subnet ",
                            each.subnet, ". Therefore, cannot associate Port ", id, " with a Floating IP.")
                          .as("ExternalGatewayForFloatingIPNotFound");
            continue;
        }
        if (tx.query("SELECT 1 FROM floating_ips WHERE network = ? AND port = ? AND fixed = ? AND id <> ?", ip.network,
                     id, each.address.text(), ip.id)
                .any()) {
            problem = Error(Failure::Conflict, "Cannot associate floating IP ", ip.address, " (", ip.id, ") with port ",
                            id, " using fixed IP ", each.address.text(),
                            ", as that fixed IP already has a floating IP on external network ", ip.network, ".")
                          .as("FloatingIPPortAlreadyAssociated");
            continue;
        }
        ip.port = id;
        ip.fixed = each.address.text();
        ip.router = *router;
        ip.status = "DOWN"; // until the host has followed
        return;
    }
    throw *problem;
}

void FloatingIps::remove(store::Transaction& tx, const FloatingIp& ip) {
    if (isForwarded(tx, ip.id)) throw inUseByForwarding(ip.id);
    floatingIpTable.remove(tx, ip.id);
    forgetTags(tx, ip.id.text);
    if (const auto own = portTable.find(tx, ip.ownPort)) ports_.remove(tx, *own);
    core_.changed(tx, ip.id.text);
}

}
