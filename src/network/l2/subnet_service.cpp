#include <algorithm>

#include <stratolet/error.hpp>

#include "network/l2/port.hpp"
#include "network/l2/subnet.hpp"
#include "network/l2/subnet_pool.hpp"

namespace stratolet::network {

namespace {

/// All that hosts can have but the gateway.
std::vector<AllocationPool> defaultPools(const Prefix& cidr, const std::optional<Address>& gateway) {
    const auto [first, last] = hostsIn(cidr);
    if (!gateway || *gateway < first || *gateway > last) return {{first, last}};
    std::vector<AllocationPool> pools;
    if (*gateway > first) pools.push_back({first, {cidr.version(), gateway->value - 1}});
    if (*gateway < last) pools.push_back({gateway->plus(1), last});
    return pools;
}

void checkGateway(const std::optional<Address>& gateway, const Prefix& cidr, const std::vector<AllocationPool>& pools) {
    if (!gateway) return;
    if (gateway->version != cidr.version())
        refuseOperation("gateway_ip '" + gateway->text() + "' does not match the ip_version '" +
                        std::to_string(cidr.version()) + "'");
    if (!canBeHost(cidr, *gateway)) refuseOperation("Gateway is not valid on subnet");
    for (const auto& pool : pools)
        if (*gateway >= pool.first && *gateway <= pool.last)
            throw Error(Failure::Conflict, "Gateway ip ", gateway->text(), " conflicts with allocation pool ",
                        pool.first.text(), "-", pool.last.text(), ".")
                .as("GatewayConflictWithAllocationPools");
}

void readCommon(Subnet& subnet, const Body& body) {
    readLists(subnet, body);
    body.readInto(subnet, subnetTable);
    if (subnet.dhcp && subnet.cidr.length >= subnet.cidr.base.bits() - 1)
        refuseOperation("Subnet has a prefix length that is incompatible with DHCP service enabled");
    if (subnet.dhcp && !holdsHosts(subnet.cidr))
        refuseOperation("Subnet " + subnet.cidr.text() +
                        " has addresses that no host can have; it is not supported if enable_dhcp is True");
}

/// The subnets of a network are all on segments, or none is (Neutron: routed provider networks).
void readSegment(store::Reader& db, Subnet& subnet, const Body& body) {
    const SegmentId wanted{body.has("segment_id") ? body.text("segment_id") : subnet.segment.text};
    auto others = subnetsOf(db, subnet.network);
    const bool known =
        std::any_of(others.begin(), others.end(), [&](const auto& each) { return each.id == subnet.id; });
    std::erase_if(others, [&](const auto& each) { return each.id == subnet.id; });
    if (known && wanted == subnet.segment) return;
    if (!wanted.empty()) {
        const auto segment = segmentTable.find(db, wanted);
        if (!segment) throw segmentNotFound(wanted.text);
        if (segment->network != subnet.network)
            throw Error(Failure::Invalid, "The subnet's network id, '", subnet.network,
                        "', doesn't match the network_id of segment with id '", wanted, "'")
                .as("NetworkIdsDontMatch");
    }
    if (known) {
        if (!subnet.segment.empty())
            throw Error(Failure::Invalid, "A subnet that is already associated with a segment cannot have its segment "
                                          "association changed.")
                .as("SubnetSegmentAssociationChangeNotAllowed");
        if (segmentsOf(db, subnet.network).size() > 1 || !others.empty())
            throw Error(Failure::Invalid, "The network '", subnet.network,
                        "' has multiple segments, it is only possible "
                        "to associate an existing subnet with a segment on networks with a single "
                        "segment.")
                .as("NoUpdateSubnetWhenMultipleSegmentsOnNetwork");
    }
    for (const auto& each : others)
        if (each.segment.empty() != wanted.empty())
            throw Error(Failure::Invalid, "All of the subnets on network '", subnet.network,
                        "' must either all be associated with segments, or all not associated with any segments.")
                .as("SubnetsNotAllAssociatedWithSegments");
    subnet.segment = wanted;
}

/// The pool that a body wants its block cut from: one that the caller may use, or the default one.
std::optional<SubnetPool> poolIn(store::Reader& db, const identity::Caller& caller, const std::string& project,
                                 const Body& body, int version) {
    const auto refuse = [](const std::string& reason) {
        throw Error(Failure::Invalid, "Bad subnets request: ", reason, ".").as("BadRequest");
    };
    const auto id = body.text("subnetpool_id");
    if (body.truth("use_default_subnetpool", false)) {
        if (!id.empty()) refuse("subnetpool_id and use_default_subnetpool cannot both be specified");
        auto pool = defaultPoolFor(db, project, version);
        if (!pool) refuse("No default subnetpool found for IPv" + std::to_string(version));
        return pool;
    }
    if (!body.has("subnetpool_id") || body.isNull("subnetpool_id")) return std::nullopt;
    auto pool = subnetPoolTable.find(db, {id});
    if (!pool ||
        (!pool->sharing.to(caller.project.text) && pool->standard.project != caller.project.text && !caller.isAdmin()))
        throw subnetPoolNotFound(id);
    return pool;
}

/// Hosts on one segment of a routed network find those of the others through their own gateway (Neutron:
/// segments-peer-subnet-host-routes): each subnet with a gateway has a route to each of the others.
bool addRoute(Subnet& subnet, const Prefix& destination) {
    if (!subnet.gateway) return false;
    const std::pair route(destination.text(), subnet.gateway->text());
    if (std::find(subnet.routes.begin(), subnet.routes.end(), route) != subnet.routes.end()) return false;
    subnet.routes.push_back(route);
    return true;
}

std::vector<Subnet> peersOf(store::Reader& db, const Subnet& subnet) {
    std::vector<Subnet> peers;
    if (subnet.segment.empty()) return peers;
    for (auto& each : subnetsOf(db, subnet.network))
        if (each.segment != subnet.segment && !each.segment.empty() && each.cidr.version() == subnet.cidr.version())
            peers.push_back(std::move(each));
    return peers;
}

void joinPeers(Core& core, store::Transaction& tx, Subnet& subnet) {
    for (auto& each : peersOf(tx, subnet)) {
        addRoute(subnet, each.cidr);
        if (!addRoute(each, subnet.cidr)) continue;
        markChanged(core, each.standard);
        subnetTable.update(tx, each);
    }
}

/// The gateway is another: the routes to others lead through the new one.
void leaveGateway(store::Reader& db, Subnet& subnet, const std::optional<Address>& before) {
    if (!before || before == subnet.gateway) return;
    for (const auto& each : peersOf(db, subnet)) std::erase(subnet.routes, std::pair(each.cidr.text(), before->text()));
}

void leavePeers(Core& core, store::Transaction& tx, const Subnet& subnet) {
    for (auto& each : peersOf(tx, subnet)) {
        if (!each.gateway || std::erase(each.routes, std::pair(subnet.cidr.text(), each.gateway->text())) == 0)
            continue;
        markChanged(core, each.standard);
        subnetTable.update(tx, each);
    }
}

void readModes(Subnet& subnet, const Body& body) {
    const auto mode = [&](std::string_view name) {
        const auto text = body.text(name);
        if (body.has(name) && text != "slaac" && text != "dhcpv6-stateful" && text != "dhcpv6-stateless")
            refuseInput(name, "'" + text + "' is not in ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'].");
        return text;
    };
    subnet.raMode = mode("ipv6_ra_mode");
    subnet.addressMode = mode("ipv6_address_mode");
    if (subnet.raMode.empty() && subnet.addressMode.empty()) return;
    if (subnet.cidr.version() == 4)
        refuseOperation("ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4");
    if (!subnet.raMode.empty() && !subnet.addressMode.empty() && subnet.raMode != subnet.addressMode)
        refuseOperation("ipv6_ra_mode set to '" + subnet.raMode + "' with ipv6_address_mode set to '" +
                        subnet.addressMode + "' is not valid. If both attributes are set, they must be the same value");
    if (!subnet.dhcp)
        refuseOperation("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False");
    if (subnet.raMode != "dhcpv6-stateful" && subnet.addressMode != "dhcpv6-stateful" && subnet.cidr.length != 64)
        refuseOperation(
            "Invalid CIDR " + subnet.cidr.text() +
            " for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64");
}

}

Error subnetNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Subnet ", id, " could not be found.").as("SubnetNotFound");
}

Target targetOf(const Subnet& subnet, const NetworkRecord& network) {
    auto target = ownedBy(subnet.standard.project);
    target["network:project_id"] = target["network:tenant_id"] = network.standard.project;
    tellSharing(target, network.sharing);
    return target;
}

Subnet Subnets::create(store::Transaction& tx, const identity::Caller& caller, const NetworkRecord& network,
                       const Body& body) {
    Subnet subnet;
    subnet.standard = freshStandard(core_, caller, body);
    if (!body.has("project_id") && !body.has("tenant_id"))
        subnet.standard.project = network.standard.project.empty() ? caller.project.text : network.standard.project;
    core_.claim(tx, subnet.standard.project, "subnet");
    subnet.id.text = core_.uuid();
    subnet.network = network.id;
    if (!body.has("ip_version")) throw notSpecified("ip_version");
    const auto version = body.whole("ip_version", 0);
    if (version != 4 && version != 6) refuseInput("ip_version", "'" + std::to_string(version) + "' is not in [4, 6].");

    if (const auto pool = poolIn(tx, caller, subnet.standard.project, body, static_cast<int>(version))) {
        subnet.cidr = allocateFromPool(tx, *pool, subnet.standard.project, body);
        subnet.subnetPool = pool->id.text;
    } else {
        const auto text = body.text("cidr");
        if (text.empty())
            throw Error(Failure::Invalid,
                        "Bad subnets request: a subnetpool must be specified in the absence of a cidr.")
                .as("BadRequest");
        const auto cidr = Prefix::parse(text);
        if (!cidr) refuseInput("cidr", "'" + text + "' is not a valid IP subnet.");
        subnet.cidr = *cidr;
    }
    // What a network has of one IP version is of one pool, so of one address scope.
    for (const auto& other : subnetsOf(tx, network.id))
        if (other.cidr.version() == subnet.cidr.version() && other.subnetPool != subnet.subnetPool)
            throw Error(Failure::Invalid,
                        "Subnets hosted on the same network must be allocated from the same subnet pool.")
                .as("NetworkSubnetPoolAffinityError");
    if (subnet.cidr.version() != version)
        refuseOperation("cidr '" + subnet.cidr.text() + "' does not match the ip_version '" + std::to_string(version) +
                        "'");
    if (subnet.cidr.length == 0) refuseOperation("0 is not allowed as CIDR prefix length");
    if (version == 6) checkMtuCarriesIpv6(network.id, network.mtu);
    for (const auto& other : subnetsOf(tx, network.id))
        if (other.cidr.overlaps(subnet.cidr))
            refuseOperation("Requested subnet with cidr: " + subnet.cidr.text() + " for network: " + network.id.text +
                            " overlaps with another subnet");

    readCommon(subnet, body);
    readModes(subnet, body);
    if (body.has("gateway_ip"))
        subnet.gateway = gatewayAddressIn(body);
    else if (subnet.cidr.length < subnet.cidr.base.bits() - 1)
        subnet.gateway = subnet.cidr.first().plus(1);
    else
        subnet.gateway = subnet.cidr.first();
    const bool given = body.has("allocation_pools") && !body.isNull("allocation_pools");
    subnet.pools = given ? allocationPoolsIn(body, subnet.cidr) : defaultPools(subnet.cidr, subnet.gateway);
    checkGateway(subnet.gateway, subnet.cidr, subnet.pools);
    readSegment(tx, subnet, body);
    joinPeers(core_, tx, subnet);
    subnetTable.insert(tx, subnet);
    touch(tx, "networks", network.id.text, core_.now());
    Ports(core_).ensureDhcpPorts(tx, network);
    core_.changed(tx, network.id.text);
    return subnet;
}

Subnet Subnets::update(store::Transaction& tx, Subnet subnet, const Body& body) {
    const auto network = networkOf(tx, subnet.network);
    const auto gatewayBefore = subnet.gateway;
    readCommon(subnet, body);
    if (!subnet.dhcp && (!subnet.raMode.empty() || !subnet.addressMode.empty()))
        refuseOperation("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False");
    if (body.has("allocation_pools") && !body.isNull("allocation_pools"))
        subnet.pools = allocationPoolsIn(body, subnet.cidr);
    if (body.has("gateway_ip")) {
        const auto gateway = gatewayAddressIn(body);
        if (gateway != subnet.gateway && subnet.gateway &&
            tx.query("SELECT 1 FROM fixed_ips f JOIN ports p ON p.id = f.port WHERE f.subnet = ? AND f.address = ? AND "
                     "p.router <> ''",
                     subnet.id, subnet.gateway->text())
                .any())
            throw Error(Failure::Conflict, "Current gateway ip ", subnet.gateway->text(),
                        " already in use by a router port. Unable to update.")
                .as("GatewayIpInUse");
        subnet.gateway = gateway;
    }
    checkGateway(subnet.gateway, subnet.cidr, subnet.pools);
    readSegment(tx, subnet, body);
    leaveGateway(tx, subnet, gatewayBefore);
    if (body.has("gateway_ip") || body.has("segment_id")) joinPeers(core_, tx, subnet);
    changeStandard(core_, subnet.standard, body);
    subnetTable.update(tx, subnet);
    Ports(core_).ensureDhcpPorts(tx, network);
    core_.changed(tx, network.id.text);
    return subnet;
}

void Subnets::remove(store::Transaction& tx, const Subnet& subnet) {
    // Addresses that ports form by themselves go with their subnet; a router's never does.
    const std::string uses = "SELECT 1 FROM fixed_ips f JOIN ports p ON p.id = f.port WHERE f.subnet = ? AND p.owner ";
    if (tx.query(uses + (subnet.selfAddressed()
                             ? "IN ('network:router_interface', 'network:router_gateway', 'network:floatingip')"
                             : "<> 'network:dhcp'"),
                 subnet.id)
            .any())
        throw Error(Failure::Conflict, "Unable to complete operation on subnet ", subnet.id,
                    ": One or more ports have an IP allocation from this subnet.")
            .as("SubnetInUse");
    tx.execute("DELETE FROM fixed_ips WHERE subnet = ?", subnet.id);
    leavePeers(core_, tx, subnet);
    forgetTags(tx, subnet.id.text);
    subnetTable.remove(tx, subnet.id);
    touch(tx, "networks", subnet.network.text, core_.now());
    if (const auto network = networkTable.find(tx, subnet.network)) Ports(core_).ensureDhcpPorts(tx, *network);
    core_.changed(tx, subnet.network.text);
}

}
