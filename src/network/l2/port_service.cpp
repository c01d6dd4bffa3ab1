#include <algorithm>
#include <array>
#include <set>

#include <stratolet/error.hpp>

#include "network/l2/port.hpp"
#include "network/l3/port_forwarding.hpp"
#include "network/network.hpp"
#include "network/qos/qos.hpp"
#include "network/security/security_group.hpp"
#include "network/segment/segment.hpp"
#include "network/trunk/trunk.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/cloud.hpp"

namespace stratolet::network {

namespace {

std::string freshMac(Core& core, store::Reader& db, const NetworkId& network) {
    for (int tries = 0; tries < 64; ++tries) {
        std::array<std::byte, 3> random{};
        core.parts.ambient.randomize(random);
        char mac[18];
        std::snprintf(mac, sizeof mac, "fa:16:3e:%02x:%02x:%02x", std::to_integer<int>(random[0]),
                      std::to_integer<int>(random[1]), std::to_integer<int>(random[2]));
        if (!db.query("SELECT 1 FROM ports WHERE network = ? AND mac = ?", network, mac).any()) return mac;
    }
    throw Error(Failure::Broken, "no free MAC address on network ", network);
}

std::string checkedMac(store::Reader& db, const NetworkId& network, const PortId& own, const std::string& text) {
    const auto mac = normalMac(text);
    if (!mac) refuseInput("mac_address", "'" + text + "' is not a valid MAC address.");
    if (db.query("SELECT 1 FROM ports WHERE network = ? AND mac = ? AND id <> ?", network, *mac, own).any())
        throw Error(Failure::Conflict, "Unable to complete operation for network ", network, ". The mac address ", *mac,
                    " is in use.")
            .as("MacAddressInUse");
    return *mac;
}

void checkPortSecurity(const Port& port) {
    if (port.portSecurity) return;
    if (!port.groups.empty())
        throw Error(Failure::Conflict,
                    "Port Security must be enabled and port must have an IP address in order to use Security Groups.")
            .as("PortSecurityAndIPRequiredForSecurityGroups");
    if (!port.pairs.empty())
        throw Error(Failure::Conflict,
                    "Port Security must be enabled in order to have allowed address pairs on a port.")
            .as("AddressPairAndPortSecurityRequired");
}

/// Something of this service's own that is for the device which the port names: as long as that is there, the port is
/// not the user's.
bool servesWhatIsThere(store::Reader& db, const Port& port) {
    if (port.owner == interfaceOwner || port.owner == gatewayOwner)
        return db.query("SELECT 1 FROM routers WHERE id = ?", port.device).any();
    return port.owner == floatingOwner && db.query("SELECT 1 FROM floating_ips WHERE id = ?", port.device).any();
}

/// Guests know a router by its addresses: who wants others takes the interface away and adds another (Neutron:
/// l3-port-ip-change-not-allowed).
void checkRouterStays(store::Reader& db, const Port& port, const PortAddresses& before) {
    const auto isIn = [](const PortAddresses& all) {
        return [&all](const PortAddress& one) {
            return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.address == one.address; });
        };
    };
    const auto& now = port.addresses;
    if (port.owner == interfaceOwner && servesWhatIsThere(db, port) &&
        (now.size() != before.size() || !std::all_of(now.begin(), now.end(), isIn(before))))
        throw Error(Failure::Invalid,
                    "Bad port request: the addresses of a router's interface can't be changed: ", port.id, ".")
            .as("BadRequest");
}

/// The host is to follow what becomes of the floating IPs that lead to a port.
void floatingIpsChange(Core& core, store::Transaction& tx, const PortId& port) {
    for (const auto& each : tx.query("SELECT id FROM floating_ips WHERE port = ?", port).texts())
        core.changed(tx, each);
}

/// A device is named by who has it: routers, floating IPs and servers of other projects, and what the service itself
/// put on their networks, are nobody else's to name (OSSA 2014-008, CVE-2014-0056).
void checkDevice(store::Reader& db, const identity::Caller& caller, const Port& port) {
    if (port.device.empty() || caller.isAdmin()) return;
    const auto& project = port.standard.project;
    if (db.query("SELECT 1 FROM routers WHERE id = ? AND project <> ?", port.device, project).any() ||
        db.query("SELECT 1 FROM floating_ips WHERE id = ? AND project <> ?", port.device, project).any() ||
        db.query("SELECT 1 FROM ports WHERE device = ? AND project <> ? AND (server <> '' OR owner LIKE 'network:%') "
                 "AND id <> ?",
                 port.device, project, port.id)
            .any())
        throw Error(Failure::Conflict, "The following device_id ", port.device,
                    " is not owned by your tenant or matches another tenants router.")
            .as("DeviceIDNotOwnedByTenant");
}

/// What a body says of the port to DHCP and DNS, and for others to read.
void readNames(Port& port, const Body& body) {
    if (const auto name = body.find("dns_name")) port.hostname = dnsNameIn(*name);
    if (const auto domain = body.find("dns_domain")) port.dnsDomain = dnsDomainIn(*domain);
    port.dhcpOptions = dhcpOptionsIn(body, std::move(port.dhcpOptions));
    const auto oneOf = [&](std::string_view name, std::string& value, std::initializer_list<std::string_view> words) {
        if (!body.has(name)) return;
        value = body.text(name);
        if (value.empty() && body.isNull(name)) return;
        if (std::find(words.begin(), words.end(), value) == words.end())
            refuseInput(name, "'" + value + "' is not one of what it may be.");
    };
    oneOf("data_plane_status", port.dataPlaneStatus, {"ACTIVE", "DOWN"});
    oneOf("numa_affinity_policy", port.numaAffinityPolicy, {"required", "preferred", "legacy"});
    port.propagatesUplinkStatus = body.truth("propagate_uplink_status", port.propagatesUplinkStatus);
}

Error invalidForSubnet(const Address& address) {
    return Error(Failure::Invalid, "IP address ", address.text(), " is not a valid IP for the specified subnet.")
        .as("InvalidIpForSubnet");
}

/// The first address of the pools that nobody has. What is known to be taken is not looked at again.
std::optional<Address> firstFree(store::Transaction& tx, const Subnet& subnet, const std::set<Address>& alsoTaken) {
    auto pools = subnet.pools;
    std::sort(pools.begin(), pools.end(), [](const auto& one, const auto& other) { return one.first < other.first; });
    const auto known = tx.query("SELECT free_from FROM subnets WHERE id = ?", subnet.id).maybeText().value_or("");
    bool told = false;
    for (const auto& pool : pools) {
        const auto begin = std::max(sortable(pool.first), known);
        if (begin > sortable(pool.last)) continue;
        auto rows =
            tx.query("SELECT number FROM fixed_ips WHERE subnet = ? AND number >= ? AND number <= ? ORDER BY number",
                     subnet.id, begin, sortable(pool.last));
        bool more = rows.next();
        for (auto candidate = addressIn(begin, pool.first.version); candidate <= pool.last;
             candidate = candidate.plus(1)) {
            if (more && rows.row().text(0) == sortable(candidate)) {
                more = rows.next();
                continue;
            }
            if (!std::exchange(told, true) && sortable(candidate) != known)
                tx.execute("UPDATE subnets SET free_from = ? WHERE id = ?", sortable(candidate), subnet.id);
            if (subnet.gateway != candidate && !alsoTaken.contains(candidate)) return candidate;
        }
    }
    return std::nullopt;
}

}

Error portNotFound(const std::string& id) {
    return Error(Failure::NotFound, "Port ", id, " could not be found.").as("PortNotFound");
}

Target targetOf(const Port& port, const NetworkRecord& network) {
    auto target = ownedBy(port.standard.project);
    target["network:project_id"] = target["network:tenant_id"] = network.standard.project;
    tellSharing(target, network.sharing);
    target["device_owner"] = port.owner;
    return target;
}

namespace {

bool isRouted(const std::vector<Subnet>& subnets) {
    return std::any_of(subnets.begin(), subnets.end(), [](const auto& each) { return !each.segment.empty(); });
}

/// Of a routed network, the subnets of the segment that the port's host is on.
std::vector<Subnet> reachableAt(store::Reader& db, const Port& port, std::vector<Subnet> subnets) {
    std::set<SegmentId> at;
    for (const auto& each : segmentsAt(db, port.network, port.host)) at.insert(each.id);
    std::erase_if(subnets, [&](const auto& each) { return !each.segment.empty() && !at.contains(each.segment); });
    std::set<SegmentId> used;
    for (const auto& each : subnets)
        if (!each.segment.empty()) used.insert(each.segment);
    if (used.empty())
        throw Error(Failure::Conflict, "Host ", port.host,
                    " is not connected to any segments on routed provider network '", port.network,
                    "'. It should be connected to one.")
            .as("HostNotConnectedToAnySegment");
    if (used.size() > 1)
        throw Error(Failure::Conflict, "Host ", port.host,
                    " is connected to multiple segments on routed provider "
                    "network '",
                    port.network, "'. It should be connected to one.")
            .as("HostConnectedToMultipleSegments");
    return subnets;
}

}

std::vector<PortAddress> Ports::allocate(store::Transaction& tx, const Port& port,
                                         const std::optional<std::vector<WantedAddress>>& given) {
    auto subnets = subnetsOf(tx, port.network);
    if (!given && !port.owner.starts_with("network:") && isRouted(subnets))
        subnets = reachableAt(tx, port, std::move(subnets));
    std::vector<PortAddress> out;
    std::set<Address> taken;
    const auto take = [&](const Subnet& subnet, const Address& address) {
        out.push_back({subnet.id, address});
        taken.insert(address);
    };
    const auto formed = [&](const Subnet& subnet) { return eui64Of(subnet.cidr, port.mac); };
    const auto exhausted = [&] {
        return Error(Failure::Conflict, "No more IP addresses available on network ", port.network, ".")
            .as("IpAddressGenerationFailure");
    };

    if (given) {
        for (const auto& each : *given) {
            const Subnet* subnet = each.subnet ? &*each.subnet : nullptr;
            if (!subnet) {
                const auto found = std::find_if(subnets.begin(), subnets.end(),
                                                [&](const auto& one) { return one.cidr.contains(*each.address); });
                if (found == subnets.end())
                    throw Error(Failure::Invalid, "IP address ", each.address->text(),
                                " is not a valid IP for any of the subnets on the specified network.")
                        .as("InvalidIpForNetwork");
                subnet = &*found;
            }
            const bool router = port.owner == interfaceOwner || port.owner == gatewayOwner;
            if (!each.address) {
                if (subnet->selfAddressed() && !router)
                    take(*subnet, formed(*subnet));
                else if (const auto free = firstFree(tx, *subnet, taken))
                    take(*subnet, *free);
                else
                    throw exhausted();
                continue;
            }
            if (!subnet->cidr.contains(*each.address)) throw invalidForSubnet(*each.address);
            if (!canBeHost(subnet->cidr, *each.address)) throw invalidForSubnet(*each.address);
            if (subnet->selfAddressed() && !router && *each.address != formed(*subnet))
                throw Error(Failure::Invalid, "IPv6 address ", each.address->text(),
                            " can not be directly assigned to a port on subnet ", subnet->id,
                            " as the subnet is configured for automatic addresses")
                    .as("AllocationOnAutoAddressSubnet");
            // The gateway of an external network is this host, or the provider's router.
            const bool outside = subnet->gateway == *each.address && networkOf(tx, port.network).external;
            if (outside || hasAddress(tx, subnet->id, *each.address))
                throw Error(Failure::Conflict, "IP address ", each.address->text(), " already allocated in subnet ",
                            subnet->id, ".")
                    .as("IpAddressAlreadyAllocated");
            take(*subnet, *each.address);
        }
        // Nobody escapes the addresses that a host forms by itself.
        if (!port.owner.starts_with("network:"))
            for (const auto& subnet : subnets)
                if (subnet.selfAddressed() && !taken.contains(formed(subnet)) && !given->empty() &&
                    !hasAddress(tx, subnet.id, formed(subnet)))
                    take(subnet, formed(subnet));
        return out;
    }

    for (const int version : {4, 6}) {
        bool any = false, served = false;
        for (const auto& subnet : subnets) {
            if (subnet.cidr.version() != version) continue;
            const bool fits = subnet.serviceTypes.empty() ||
                              std::find(subnet.serviceTypes.begin(), subnet.serviceTypes.end(), port.owner) !=
                                  subnet.serviceTypes.end();
            if (!fits) continue;
            if (subnet.selfAddressed() && port.owner != gatewayOwner) {
                if (!hasAddress(tx, subnet.id, formed(subnet))) take(subnet, formed(subnet));
                continue;
            }
            any = true;
            if (served) continue;
            if (const auto free = firstFree(tx, subnet, taken)) {
                take(subnet, *free);
                served = true;
            }
        }
        if (any && !served) throw exhausted();
    }
    return out;
}

void Ports::keep(store::Transaction& tx, const NetworkRecord& network, Port& port,
                 const std::optional<std::vector<WantedAddress>>& wanted) {
    port.network = network.id;
    if (port.mac.empty()) port.mac = freshMac(core_, tx, network.id);
    const bool waits = port.host.empty() && !port.owner.starts_with("network:") && (!wanted || wanted->empty()) &&
                       isRouted(subnetsOf(tx, network.id));
    if (waits)
        port.ipAllocation = "deferred";
    else
        port.addresses = allocate(tx, port, wanted);
    port.networkProject = network.standard.project;
    port.networkQos = network.qosPolicy;
    port.networkDomain = network.dnsDomain;
    insertPort(tx, port);
}

void Ports::placeAddresses(store::Transaction& tx, Port& port) {
    if (port.ipAllocation != "deferred" || port.host.empty()) return;
    port.addresses = allocate(tx, port, std::nullopt);
    port.ipAllocation = "immediate";
    writeAddresses(tx, port);
}

Port Ports::make(store::Transaction& tx, const NetworkRecord& network, const std::string& project,
                 std::string_view owner, const std::string& device, const std::vector<WantedAddress>& wanted) {
    Port port;
    port.id.text = core_.uuid();
    port.standard = {project, "", "", 1, core_.now(), core_.now()};
    port.owner = owner;
    port.device = device;
    port.portSecurity = false;
    port.status = owner == floatingOwner ? "N/A" : "DOWN";
    if (owner != floatingOwner) port.host = core_.parts.cloud.host;
    keep(tx, network, port, wanted.empty() ? std::nullopt : std::optional(wanted));
    return port;
}

Port Ports::create(store::Transaction& tx, const identity::Caller& caller, const NetworkRecord& network,
                   const Body& body) {
    Port port;
    port.standard = freshStandard(core_, caller, body);
    core_.claim(tx, port.standard.project, "port");
    port.id.text = core_.uuid();
    port.network = network.id;
    port.adminUp = body.truth("admin_state_up", true);
    port.device = body.text("device_id");
    port.owner = body.text("device_owner");
    checkDevice(tx, caller, port);
    port.portSecurity = body.truth("port_security_enabled", network.portSecurity);
    readNames(port, body);
    port.vnicType = body.text("binding:vnic_type", "normal");
    if (port.vnicType != "normal")
        throw Error(Failure::Invalid, "Invalid input for operation: binding:vnic_type ", port.vnicType,
                    " not supported.")
            .as("InvalidInput");
    if (const auto profile = body.find("binding:profile"); profile && profile->isObject())
        port.profile = profile->dump();
    port.host = body.text("binding:host_id");
    port.qosPolicy = qosPolicyIn(tx, caller, body.find("qos_policy_id"));
    port.mac = body.text("mac_address").empty() ? freshMac(core_, tx, network.id)
                                                : checkedMac(tx, network.id, port.id, body.text("mac_address"));
    port.pairs = addressPairsIn(body, port.mac);
    if (port.owner.starts_with("network:"))
        port.groups = {};
    else if (body.has("security_groups") && !body.isNull("security_groups"))
        port.groups = securityGroupsIn(tx, body, port.standard.project, &caller);
    else if (port.portSecurity)
        port.groups = {ensureDefaultGroup(core_, tx, port.standard.project).id.text};
    checkPortSecurity(port);
    std::optional<std::vector<WantedAddress>> wanted;
    if (body.has("fixed_ips") && !body.isNull("fixed_ips")) wanted = wantedAddresses(tx, network.id, body, "fixed_ips");
    keep(tx, network, port, wanted);
    return port;
}

Port Ports::update(store::Transaction& tx, const identity::Caller& caller, Port port, const Body& body) {
    if (servesWhatIsThere(tx, port) && ((body.has("device_id") && body.text("device_id") != port.device) ||
                                        (body.has("device_owner") && body.text("device_owner") != port.owner)))
        throw Error(Failure::Conflict, "Port ", port.id, " cannot be updated: it is owned by ", port.owner, ".")
            .as("ServicePortInUse");
    if (body.has("mac_address") && body.text("mac_address") != port.mac) {
        if (!port.server.empty())
            throw Error(Failure::Conflict, "Unable to complete operation on port ", port.id,
                        ", port is already bound, port type: bridge, old_mac ", port.mac, ".")
                .as("PortBound");
        port.mac = body.isNull("mac_address") ? freshMac(core_, tx, port.network)
                                              : checkedMac(tx, port.network, port.id, body.text("mac_address"));
    }
    readNames(port, body);
    port.adminUp = body.truth("admin_state_up", port.adminUp);
    port.device = body.text("device_id", port.device);
    port.owner = body.text("device_owner", port.owner);
    if (body.has("device_id") || body.has("device_owner")) checkDevice(tx, caller, port);
    port.portSecurity = body.truth("port_security_enabled", port.portSecurity);
    port.host = body.text("binding:host_id", port.host);
    port.qosPolicy = qosPolicyIn(tx, caller, body.find("qos_policy_id"), port.qosPolicy);
    if (const auto profile = body.find("binding:profile")) port.profile = profile->isObject() ? profile->dump() : "{}";
    if (const auto type = body.text("binding:vnic_type", "normal"); type != "normal")
        throw Error(Failure::Invalid, "Invalid input for operation: binding:vnic_type ", type, " not supported.")
            .as("InvalidInput");
    if (body.has("allowed_address_pairs")) port.pairs = addressPairsIn(body, port.mac);
    if (body.has("security_groups")) {
        port.groups = securityGroupsIn(tx, body, port.standard.project, nullptr);
        writeGroups(tx, port);
    }
    checkPortSecurity(port);
    if (body.has("fixed_ips") && !body.isNull("fixed_ips")) {
        auto wanted = wantedAddresses(tx, port.network, body, "fixed_ips");
        const auto isAsked = [&wanted](const Address& address) {
            return std::any_of(wanted.begin(), wanted.end(), [&](const auto& each) { return each.address == address; });
        };
        for (auto& each : wanted) // a subnet alone means: an address there, and one that it has besides will do
            if (each.subnet && !each.address)
                for (const auto& before : port.addresses)
                    if (before.subnet == each.subnet->id && !isAsked(before.address)) each.address = before.address;
        const auto before = port.addresses;
        tx.execute("DELETE FROM fixed_ips WHERE port = ?", port.id);
        port.addresses = allocate(tx, port, wanted);
        checkRouterStays(tx, port, before);
        writeAddresses(tx, port);
        for (const auto& gone : before)
            if (std::none_of(port.addresses.begin(), port.addresses.end(),
                             [&](const auto& each) { return each.address == gone.address; })) {
                floatingIpsChange(core_, tx, port.id);
                tx.execute("UPDATE floating_ips SET port = NULL, fixed = NULL, router = NULL, status = 'DOWN', "
                           "revision = revision + 1, "
                           "updated = ? WHERE port = ? AND fixed = ?",
                           core_.now(), port.id, gone.address.text());
                dropForwardings(core_, tx, port.id, gone.address.text());
            }
    }
    placeAddresses(tx, port);
    changeStandard(core_, port.standard, body);
    const bool used = !port.server.empty() || port.owner.starts_with("network:");
    if (!used || !port.adminUp) port.status = "DOWN";
    portTable.update(tx, port);
    core_.changed(tx, port.id.text);
    return port;
}

void Ports::removeByUser(store::Transaction& tx, const Port& port) {
    if (servesWhatIsThere(tx, port))
        throw Error(Failure::Conflict, "Port ", port.id,
                    " cannot be deleted directly via the port API: has device owner ", port.owner, ".")
            .as("ServicePortInUse");
    checkNotInTrunk(tx, port.id);
    remove(tx, port);
}

void Ports::remove(store::Transaction& tx, const Port& port) {
    floatingIpsChange(core_, tx, port.id);
    disassociate(tx, port.id, core_.now());
    dropForwardings(core_, tx, port.id);
    forgetTags(tx, port.id.text);
    portTable.remove(tx, port.id);
    core_.parts.bus.announce(tx, PortDeleted{port.id, port.server});
    core_.changed(tx, port.id.text);
}

}
