#pragma once

#include <stratolet/ids.hpp>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "network/core.hpp"
#include "network/l2/dhcp_option.hpp"
#include "network/l2/network_record.hpp"
#include "network/l2/subnet.hpp"

namespace stratolet::network {

// Who a port is for.
inline constexpr std::string_view dhcpOwner = "network:dhcp";
inline constexpr std::string_view interfaceOwner = "network:router_interface";
inline constexpr std::string_view gatewayOwner = "network:router_gateway";
inline constexpr std::string_view floatingOwner = "network:floatingip";
inline constexpr std::string_view serverOwner = "compute:nova"; ///< a guest

struct Trunk;

/// An address that a port has on a subnet of its network.
struct PortAddress {
    SubnetId subnet;
    Address address;
};
using PortAddresses = std::vector<PortAddress>;

/// A connection to a network, as it is kept: of a guest, of a router, of the service itself, or of nobody yet.
struct Port {
    PortId id;
    NetworkId network;
    Standard standard;
    bool adminUp = true;
    std::string mac;
    std::string device; ///< id of what uses it
    std::string owner;
    std::string status = "DOWN";
    bool portSecurity = true;
    std::string vnicType = "normal";
    std::string profile = "{}"; ///< JSON
    std::string host;
    ServerId server;            ///< whose tap it is
    RouterId router;            ///< whose interface it is
    bool madeForServer = false; ///< goes with the server
    bool multiqueue = false;    ///< its device is for several queues, as the guest wants; written by its own
    std::string hostname;       ///< in DHCP and DNS: of its server where nobody gave another
    std::string dnsDomain;      ///< empty: its network's
    DhcpOptions dhcpOptions;
    std::string dataPlaneStatus;         ///< as whoever looks at it from outside says; empty: nobody does
    std::string numaAffinityPolicy;      ///< for who schedules the server; empty: none
    bool propagatesUplinkStatus = false; ///< a record: a bridge has no link to follow
    std::string networkDomain;           ///< of its network; only read
    std::string domain;                  ///< that its names end in; only for an answer
    TextPairs pairs;                     ///< MAC, address or CIDR
    std::string networkProject;          ///< whose the network is; only written
    std::string qosPolicy;               ///< empty: that of the network
    std::string networkQos;              ///< that policy; empty: none
    PortAddresses addresses;
    Texts groups;                           ///< ids
    std::string ipAllocation = "immediate"; ///< "deferred": it has addresses once it is known where it is
    std::shared_ptr<const Trunk> trunk;     ///< whose parent it is; only for an answer
};

extern const resource::Table<Port>
    portTable; ///< alias p; a port is read with its addresses and groups, and written without

/// Their addresses and groups: two statements, however many ports there are.
void completePortAddresses(store::Reader& db, std::vector<Port>& ports);

// Filters of lists, by what other tables hold: fixed_ips=ip_address=…, security_groups=….
store::Begin filterPortAddresses(store::Conditions& conditions, const std::vector<std::string>& values);
store::Begin filterPortGroups(store::Conditions& conditions, const std::vector<std::string>& values);

/// In the order in which they were made; `about` how many are to be expected.
std::vector<Port> portsWhere(store::Reader& db, const store::Conditions& conditions, std::size_t about = 0);

/// Of these ids, by id; in one moment and a fixed number of statements.
std::unordered_map<std::string, Port> portsOf(store::Reader& db, const Texts& ids);

/// Fills in the port that `id` of each record names, as the member `port`; nothing where it names none.
template <auto id, auto port, class Record> void completePort(store::Reader& db, std::vector<Record>& records) {
    Texts ids;
    for (const auto& each : records)
        if (!(each.*id).empty()) ids.push_back((each.*id).text);
    const auto ports = portsOf(db, ids);
    for (auto& each : records)
        if (const auto found = ports.find((each.*id).text); found != ports.end()) each.*port = found->second;
}

void insertPort(store::Transaction& tx, const Port& port); ///< with addresses and groups
void writeAddresses(store::Transaction& tx, const Port& port);
/// Ports of guests, DHCP and routers that say no host yet are at this one.
void placeAll(store::Transaction& tx, const std::string& host);
void writeGroups(store::Transaction& tx, const Port& port);
bool hasAddress(store::Reader& db, const SubnetId& subnet, const Address& address);

/// An address that somebody wants; either may be missing.
struct WantedAddress {
    std::optional<Subnet> subnet;
    std::optional<Address> address;
};

Error portNotFound(const std::string& id);
Target targetOf(const Port& port, const NetworkRecord& network);

/// The rules of ports, and how addresses are given out. Used on the writer's thread; owned by the module.
class Ports {
public:
    explicit Ports(Core& core) : core_(core) {}

    Port create(store::Transaction& tx, const identity::Caller& caller, const NetworkRecord& network, const Body& body);
    Port update(store::Transaction& tx, const identity::Caller& caller, Port port, const Body& body);

    /// As the API does it: a port that something else made is refused.
    void removeByUser(store::Transaction& tx, const Port& port);

    /// With all that hangs on it.
    void remove(store::Transaction& tx, const Port& port);

    /// A port of the service's own. `wanted` empty: one address of each version that there is.
    Port make(store::Transaction& tx, const NetworkRecord& network, const std::string& project, std::string_view owner,
              const std::string& device, const std::vector<WantedAddress>& wanted);

    /// Fills in MAC (where there is none), addresses and groups, and keeps the port.
    void keep(store::Transaction& tx, const NetworkRecord& network, Port& port,
              const std::optional<std::vector<WantedAddress>>& wanted);

    /// Free addresses for `port` on its network. `wanted` absent: what a new port gets.
    std::vector<PortAddress> allocate(store::Transaction& tx, const Port& port,
                                      const std::optional<std::vector<WantedAddress>>& wanted);

    /// Gives a port that waited for its host the addresses that it gets there.
    void placeAddresses(store::Transaction& tx, Port& port);

    /// The DHCP ports of a network, one for each of the hosts that serve it, have an address in each subnet with DHCP,
    /// and go with the last of them.
    void ensureDhcpPorts(store::Transaction& tx, const NetworkRecord& network);
    void ensureDhcpPorts(store::Transaction& tx); ///< of all networks: there are other hosts than before

    Core& core() { return core_; }

private:
    void serveSubnets(store::Transaction& tx, Port& port, const std::vector<Subnet>& served);

    Core& core_;
};

// What a body wants of a port; Error(Invalid) by the attribute's name, Error(NotFound) for what isn't there.

/// Of a list of {"subnet_id": …, "ip_address": …}; empty where there is none.
std::vector<WantedAddress> wantedAddresses(store::Reader& db, const NetworkId& network, const Body& body,
                                           std::string_view attribute);

/// allowed_address_pairs: each with a MAC, the port's own where none is given.
TextPairs addressPairsIn(const Body& body, const std::string& ownMac);

/// security_groups: those of `project`; an administrator (`caller`) may name others.
Texts securityGroupsIn(store::Reader& db, const Body& body, const std::string& project, const identity::Caller* caller);

void addPortRoutes(http::Routes& routes, Ports& ports);

}

namespace stratolet::resource {

/// As they are shown: a table of their own keeps them.
template <> struct Codec<network::PortAddresses> {
    static void show(JsonWriter& out, const network::PortAddresses& addresses);
};

}
