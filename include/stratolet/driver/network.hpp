#pragma once

#include <stratolet/ids.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

// The desired network of a host, as plain values: a pure function of the store. All lists are sorted by id, so that two
// plans can be compared.

/// A static route: of a subnet for its guests, of a router for itself.
struct PlannedRoute {
    std::string destination; ///< CIDR
    std::string nexthop;     ///< address
    auto operator<=>(const PlannedRoute&) const = default;
};

/// A block of addresses on a network, with what DHCP tells of it.
struct PlannedSubnet {
    SubnetId id;
    std::string cidr;
    std::string gateway; ///< empty where there is none
    bool dhcp = true;
    std::vector<std::string> dnsNameservers;
    std::vector<PlannedRoute> hostRoutes;
    std::string raMode = {}; ///< of IPv6: how routers announce it ("slaac", "dhcpv6-stateful", …); empty: they don't
    std::string addressMode = {}; ///< how its addresses come to ports, the same words
    std::string scope = {};       ///< id of its address scope; empty: none
    auto operator<=>(const PlannedSubnet&) const = default;
};

/// An address that a port has for itself.
struct PlannedFixedIp {
    SubnetId subnet;
    std::string address;
    auto operator<=>(const PlannedFixedIp&) const = default;
};

/// What a port may speak under beside its own MAC and addresses.
struct PlannedAddressPair {
    std::string mac;
    std::string address; ///< address or CIDR
    auto operator<=>(const PlannedAddressPair&) const = default;
};

/// How fast packets may go one way; 0 is no limit.
struct PlannedRate {
    std::int64_t kbps = 0;         ///< kilobits (1,000) in a second
    std::int64_t burstKbits = 0;   ///< above that for once; 0: as much as suits TCP
    std::int64_t packets = 0;      ///< in a second
    std::int64_t burstPackets = 0; ///< above that for once; 0: as suits
    auto operator<=>(const PlannedRate&) const = default;
};

/// How what goes from (egress) and to (ingress) something is served.
struct PlannedQos {
    PlannedRate egress = {}, ingress = {};
    std::optional<int> dscp = {}; ///< mark of what goes out
    auto operator<=>(const PlannedQos&) const = default;
};

/// What DHCP tells one port beside what it tells all.
struct PlannedDhcpOption {
    std::string name; ///< as dnsmasq names it, or its number
    std::string value;
    int version = 4; ///< of IP
    auto operator<=>(const PlannedDhcpOption&) const = default;
};

using SecurityLogId = Id<struct SecurityLogTag>;

/// What of a port's packets is to be written down.
struct PlannedLog {
    SecurityLogId id;
    bool accepted = true, dropped = true;      ///< of those that its security groups let through, or keep out
    std::optional<SecurityGroupId> group = {}; ///< of those let through, what this group does; absent: whichever
    auto operator<=>(const PlannedLog&) const = default;
};

/// When a part of a plan was read: what has the same number is the same, unread. It says nothing of what the part is,
/// so any two are equal.
struct PlanReading {
    std::uint64_t number = 0; ///< no other part of this process has it; 0: not known
    std::strong_ordering operator<=>(const PlanReading&) const { return std::strong_ordering::equal; }
    bool operator==(const PlanReading&) const { return true; }
};

/// A port that a guest uses, on this host or on another, where members of its groups are let in from.
struct PlannedPort {
    PortId id;
    NetworkId network;
    std::string mac;
    std::string hostname; ///< for DHCP; letters, digits, dashes only
    std::vector<PlannedFixedIp> fixedIps;
    std::vector<PlannedAddressPair> allowedPairs;
    std::vector<SecurityGroupId> securityGroups;
    bool portSecurity = true;
    bool adminUp = true;
    bool multiqueue = false; ///< its tap device has a queue for each of several processors of the guest
    bool tapped = false;     ///< a guest on this host uses it: a tap device must exist
    PortId trunk = {};       ///< its frames go through this port's device, tagged with `vlan`; empty: it has its own
    int vlan = 0;            ///< 1–4094
    std::string tunnel = {}; ///< address of the host that it is on, where that is another; empty: not known
    std::vector<PlannedDhcpOption> dhcpOptions = {};
    PlannedQos qos = {};
    ProjectId project = {}; ///< whose it is, for what is written down
    std::vector<PlannedLog> logs = {};
    PlanReading reading = {};
    auto operator<=>(const PlannedPort&) const = default;
};

/// A DHCP server's place on a network: address per subnet with dhcp, in the namespace qdhcp-<network>.
struct PlannedDhcp {
    PortId port;
    std::string mac;
    std::vector<PlannedFixedIp> addresses;
    auto operator<=>(const PlannedDhcp&) const = default;
};

/// How a network's frames get from host to host.
struct PlannedSegment {
    std::string type;        ///< "local", "flat", "vlan", "vxlan", …
    std::string physical;    ///< a network of the data centre; empty where the type has none
    std::int64_t number = 0; ///< VLAN id or VNI; 0 where the type has none
    auto operator<=>(const PlannedSegment&) const = default;
};

/// Who of a network is on another host, beside its guests' ports: routers and DHCP servers.
struct PlannedRemote {
    PortId id;
    std::string mac;
    std::vector<PlannedFixedIp> addresses;
    std::string tunnel; ///< address of its host
    auto operator<=>(const PlannedRemote&) const = default;
};

/// A network that something on the host uses, or an external one: a bridge of its own.
struct PlannedNetwork {
    NetworkId id;
    int mtu = 1500; ///< bytes
    bool external = false;
    std::string domain; ///< DNS domain of the DHCP answers, e.g. "openstacklocal"
    std::vector<PlannedSubnet> subnets;
    std::optional<PlannedDhcp> dhcp;
    std::vector<PlannedSegment> segments = {}; ///< a host is on the first that it can be on; none: it stays by itself
    std::vector<PlannedRemote> remotes = {};
    auto operator<=>(const PlannedNetwork&) const = default;
};

/// A router's foot on a network.
struct PlannedInterface {
    PortId port;
    NetworkId network;
    std::string mac;
    std::vector<PlannedFixedIp> addresses;
    auto operator<=>(const PlannedInterface&) const = default;
};

/// Ports of an address outside that lead to ports of one inside: as many, in the same order, or to one alone.
struct PlannedForwarding {
    int protocol = 6; ///< one that has ports: 6, 17, 33, 132
    int outsideLeast = 0, outsideMost = 0;
    std::string fixed; ///< address behind the router
    int insideLeast = 0, insideMost = 0;
    auto operator<=>(const PlannedForwarding&) const = default;
};

/// An address outside that leads to one inside, both ways, or some of whose ports lead inside.
struct PlannedFloatingIp {
    FloatingIpId id;
    std::string floating; ///< address on the external network
    std::string fixed;    ///< address behind the router; empty: only ports lead there
    std::vector<PlannedForwarding> forwardings = {};
    PlannedQos qos = {};
    auto operator<=>(const PlannedFloatingIp&) const = default;
};

/// A protocol whose further connections belong to those that a router lets through.
struct PlannedHelper {
    std::string helper; ///< as the kernel calls it: "ftp"
    int protocol = 6;   ///< 6 or 17
    int port = 0;
    auto operator<=>(const PlannedHelper&) const = default;
};

using MeteringLabelId = Id<struct MeteringLabelTag>;

/// What of a router's traffic with the outside a meter counts, or leaves out.
struct PlannedMeterRule {
    bool ingress = true;             ///< comes in; else goes out
    bool excluded = false;           ///< is not counted, whatever other rules say
    std::string source, destination; ///< CIDR of IPv4, of addresses as they are inside; empty is any
    auto operator<=>(const PlannedMeterRule&) const = default;
};

/// Counts what its rules name, of one router. The id is the label's, which several routers may count for.
struct PlannedMeter {
    MeteringLabelId id;
    std::vector<PlannedMeterRule> rules;
    auto operator<=>(const PlannedMeter&) const = default;
};

/// What a meter has counted.
struct MeterReading {
    MeteringLabelId label;
    RouterId router;
    std::uint64_t packets = 0, bytes = 0; ///< of IP
    auto operator<=>(const MeterReading&) const = default;
};

/// A router: a namespace with its interfaces, routes and address translation.
struct PlannedRouter {
    RouterId id;
    bool adminUp = true;
    bool snat = true;
    std::optional<PlannedInterface> gateway; ///< on the external network
    std::vector<PlannedInterface> interfaces;
    std::vector<PlannedFloatingIp> floatingIps;
    std::vector<PlannedRoute> routes;
    std::vector<PlannedHelper> helpers = {};
    PlannedQos gatewayQos = {}; ///< of what has the gateway's own address
    std::vector<PlannedMeter> meters = {};
    auto operator<=>(const PlannedRouter&) const = default;
};

/// Seen from the port.
enum class RuleDirection { Ingress, Egress };

/// Of the packets that a rule is about.
enum class EtherType { IPv4, IPv6 };

/// What a security group lets through; all else is kept out.
struct PlannedRule {
    SecurityGroupRuleId id;
    RuleDirection direction = RuleDirection::Ingress;
    EtherType ethertype = EtherType::IPv4;
    std::optional<int> protocol;     ///< IP protocol number, 0–255; absent is any
    std::optional<int> portRangeMin; ///< ports, or ICMP type
    std::optional<int> portRangeMax; ///< ports, or ICMP code
    std::string remotePrefix;        ///< CIDR; empty is any
    std::optional<SecurityGroupId> remoteGroup;
    std::optional<std::vector<std::string>> remoteAddresses = {}; ///< CIDRs, one of which it must be in; absent is any
    auto operator<=>(const PlannedRule&) const = default;
};

/// Rules that ports share.
struct PlannedSecurityGroup {
    SecurityGroupId id;
    bool stateful = true;
    std::vector<PlannedRule> rules;
    auto operator<=>(const PlannedSecurityGroup&) const = default;
};

/// All that a host should have of networks: a pure function of the store. A value; what differs from the one before is
/// what has to be done.
struct NetworkPlan {
    std::vector<PlannedNetwork> networks;
    std::vector<PlannedPort> ports;
    std::vector<PlannedRouter> routers;
    std::vector<PlannedSecurityGroup> securityGroups;
    auto operator<=>(const NetworkPlan&) const = default;
};

/// A guest's request for metadata: who asks is known by the socket it came through and the address it came from, never
/// by a header (OSSA S24).
struct MetadataListener {
    int socket = -1; ///< a listening TCP socket, opened inside the namespace; the receiver owns it
    NetworkId network;
    std::string place; ///< a name that no other open listener of this host has
};

/// What could not be done as planned, and to whom: nobody else is concerned.
struct NetworkProblem {
    enum class Of { Host, Network, Port, Router, SecurityGroup };
    Of of = Of::Host;
    std::string id; ///< empty: the host's
    std::string what;
    bool unwired = true; ///< false: all is there, but what uses it must do something
    auto operator<=>(const NetworkProblem&) const = default;
};

/// A network beyond this host that it is on itself, and that networks of the cloud can be on too.
struct OutsideNetwork {
    std::string cidr;
    std::vector<std::string> addresses; ///< of this host there
    std::string gateway;                ///< empty: none
    int mtu = 1500;                     ///< bytes
    auto operator<=>(const OutsideNetwork&) const = default;
};

/// What network needs of a host.
class NetworkDriver {
public:
    virtual ~NetworkDriver() = default;

    /// The mechanism that this is, as ML2 names it: which types of networks it realises is known by that name.
    virtual std::string_view mechanism() const { return "linuxbridge"; }

    /// On which networks the host is by what it lends, or is to lend, to external networks, the default route's first.
    /// None where nothing is to be lent, or no address is known yet. Error(Invalid) names the option that is wrong.
    virtual std::vector<OutsideNetwork> outsideNetworks() { return {}; }

    /// Takes what the configuration says that this host lends to external networks, and gives back what it lends no
    /// more. Called before the first apply(), and again where no address was known or it failed. Error(Broken): it
    /// could not be, and the host is as it was.
    virtual void joinOutside() {}

    /// Makes the host as `plan` says and nothing else of ours: what differs from the plan before is changed, and where
    /// somebody else changed something (or nobody knows), what is there is looked at and mended. Never touches what it
    /// did not make. Safe to call again at any time, from one thread at a time. What could not be done comes back, that
    /// of earlier calls too as long as it isn't mended; the rest is done all the same.
    virtual std::vector<NetworkProblem> apply(const NetworkPlan& plan) = 0;

    /// Compares the host with `plan` and changes nothing: all that is not as it should be. Also from a program that
    /// never applied one.
    virtual std::vector<NetworkProblem> findings(const NetworkPlan& plan) = 0;

    /// From now on `changed` is called, from another thread, when somebody else seems to have changed what is ours:
    /// apply() looks then.
    virtual void watch(std::function<void()> changed) = 0;

    /// The name of a port's tap device (15 bytes at most).
    virtual std::string tapOf(const PortId& port) const = 0;

    /// A guest is on the device of this port now. Called by any thread.
    virtual bool plugged(const PortId& port) = 0;

    /// What meters have counted since the last call, where it is something: each packet is told once.
    virtual std::vector<MeterReading> takeMeters() { return {}; }

    /// Listening sockets for 169.254.169.254 that have been opened since the last call.
    virtual std::vector<MetadataListener> takeMetadataListeners() = 0;

    /// Places of listeners that have been given out and are dead since the last call: their receiver closes them.
    virtual std::vector<std::string> takeClosedMetadataListeners() { return {}; }

    /// Networks (CIDR) that this host reaches otherwise than by its default routes, but for those of our own making:
    /// what has their addresses here would be reached no more.
    virtual std::vector<std::string> reachedNetworks() { return {}; }
};

}
