#pragma once

#include <stratolet/driver/network.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "network/address.hpp"
#include "network/driver/linux_ruleset.hpp"

namespace stratolet::network {

/// What of the host itself answers guests and routers on external networks, beside ICMP: nothing, the API, or what the
/// host likes.
enum class GuestsReach { None, Api, All };

/// What the host's own rules depend on beside the plan.
struct HostRulesOptions {
    bool nat = true; ///< external networks have their gateway on this host
    GuestsReach reach = GuestsReach::Api;
    std::vector<std::uint16_t> apiPorts = {};
};

/// What of a port's packets is written down: those that these groups let through, and those that nothing does.
struct Told {
    std::set<SecurityGroupId> accepted;
    bool dropped = false;
    auto operator<=>(const Told&) const = default;
};
Told toldOf(const PlannedPort& port);

/// The group of netlink's log that packets which are to be written down come to, each with one of these words before
/// it: "accept in <security group>", "drop out".
inline constexpr std::uint16_t packetLogGroup = 0x5374;

/// A connection as conntrack keeps it, in the direction of its first packet.
struct Connection {
    int zone = 0;
    Address source, destination;
    int protocol = 0;
    int sourcePort = 0, destinationPort = 0; ///< of ICMP: type and code are in icmpType and icmpCode
    int icmpType = 0, icmpCode = 0;
};

/// The rules of the host's own namespace: who may send what (anti-spoofing, on the bridge) and what reaches whom
/// (security groups, by connection), joined by two numbers of each packet: its mark says which port it came from (upper
/// half) and that its receiver is known (1), its priority which port it goes to. A port is elements of sets and maps, a
/// security group two chains; ports that are in the same groups share the chains that name these. All that is given
/// here has been checked.
class HostRules {
public:
    explicit HostRules(HostRulesOptions options);

    /// `zone` keeps the connections of networks apart that may use the same addresses.
    void set(const PlannedNetwork& network, int zone);
    void set(const PlannedSecurityGroup& group);
    void set(const PlannedPort& port, int number); ///< 1–65535, its own on this host
    void remove(const NetworkId& network);
    void remove(const SecurityGroupId& group);
    void remove(const PortId& port);

    /// Devices through which what is on external networks comes to a bridge of the host's own: it reaches of the host
    /// what it may.
    void setOutside(const std::set<std::string>& devices);

    /// What is forwarded from or to networks has guestMark, so that one rule of another firewall can let it pass.
    void markGuests(bool wanted);

    Ruleset& rules() { return rules_; }

    /// Whose connections may have been closed since the last call.
    bool mayHaveClosed() const { return !closed_.ports.empty() || !closed_.addresses.empty(); }
    /// True where the rules as they are now, or the lack of the port, forbid a connection that they may have allowed
    /// before.
    bool closes(const Connection& connection) const;
    void closedAll() { closed_ = {}; }
    void reconsider(const PortId& port); ///< it was not guarded before

private:
    struct Net {
        int zone = 0;      ///< 0: that of the host
        bool open = false; ///< the host itself has an address on it
        RuleElements elements;
        std::vector<std::string> masquerades;
    };
    struct Group {
        bool stateful = true;
        std::vector<PlannedRule> rules;
    };
    using Groups = std::vector<SecurityGroupId>;
    /// What the chains that a port goes through depend on: ports of the same share them.
    struct Judged {
        Groups groups;
        Told told;
        auto operator<=>(const Judged&) const = default;
    };
    struct Guarded {
        PlannedPort port;
        Judged judged;
        int number = 0, profile = 0, zone = 0;
        RuleElements elements;
        std::set<Prefix> addresses;
    };
    struct Profile {
        int number = 0, uses = 0;
    };
    using Place = std::pair<int, Address>; ///< zone and address

    RuleElements elementsOf(const PlannedPort& port, int number, int profile) const;
    int useProfile(const Judged& judged);
    void leaveProfile(const Judged& judged);
    void writeProfile(const Judged& judged, int number);
    void needTold(const SecurityGroupId& group, int by);
    /// The chains that write down what is dropped; there while somebody needs them, as not every kernel can log.
    void needRefused(int by);
    void writeTold(const SecurityGroupId& group);
    void writeProfilesWith(const SecurityGroupId& group);
    void needMembers(const SecurityGroupId& group, int by);
    void writeMasquerades();
    bool allows(const Guarded& port, RuleDirection direction, const Connection& connection) const;

    HostRulesOptions options_;
    Ruleset rules_;
    std::map<NetworkId, Net> networks_;
    std::map<SecurityGroupId, Group> groups_;
    std::map<PortId, Guarded> ports_;
    std::map<Judged, Profile> profiles_;
    std::map<SecurityGroupId, int> told_; ///< how many profiles need the chains that tell what a group lets through
    int refused_ = 0;                     ///< how many profiles need those that tell what is dropped
    std::set<int> profileNumbers_;
    RuleElements outside_;
    std::map<SecurityGroupId, int> members_;                     ///< how many need the sets of a group's members
    std::map<SecurityGroupId, std::map<Prefix, int>> addresses_; ///< of a group's members
    std::multimap<Place, PortId> places_;
    struct {
        std::set<PortId>
            ports; ///< that are in fewer groups, have other addresses or are gone, or a rule of whose groups is gone
        std::set<Place> places;      ///< where such ports were
        std::set<Address> addresses; ///< that left a group
    } closed_;
};

/// Floating IPs, source NAT and the way to metadata in a router's namespace.
struct RouterRules {
    std::map<std::string, RuleChain> chains; ///< translation, of IPv4
    std::map<std::string, RuleChain> gate;   ///< of both versions
    RuleElements elements;
    std::map<std::string, MeteringLabelId> counters; ///< what they count for
    std::vector<PlannedHelper> helpers =
        {}; ///< each is loaded by itself: which of them there are is the kernel's matter
    bool operator==(const RouterRules&) const = default;
};

/// An interface of a router with the address scopes (ids; empty: none) of what is behind it.
struct ScopedInterface {
    std::string name, scope4, scope6;
};

/// `scopes`: of all of the router's interfaces, the gateway last where there is one.
RouterRules routerRules(const PlannedRouter& router, std::uint16_t metadataPort,
                        const std::vector<ScopedInterface>& scopes = {});
void declareRouterTable(Ruleset& rules);
void putRouterRules(Ruleset& rules, const RouterRules& wanted); ///< those that are chains

/// What nft must do to have an empty table of helpers, and to have one more.
std::string emptyHelpers();
std::string oneHelper(const PlannedHelper& helper);

/// A bit of packets' marks, which is nobody's known to us.
inline constexpr std::string_view guestMark = "0x1000";

/// What mends that a chain of another firewall ("ip filter FORWARD") drops what comes from or goes to `interfaces`,
/// which may end in "+": commands of what has made the chain, as `chains` beside it tell.
std::string firewallCure(const std::string& chain, const std::set<std::string>& chains,
                         const std::vector<std::string>& interfaces);

inline constexpr std::string_view guardTable = "bridge stratolet_guard", filterTable = "inet stratolet_filter",
                                  hostTable = "ip stratolet_host", routerNatTable = "ip stratolet_router",
                                  routerGateTable = "inet stratolet_gate", helperTable = "ip stratolet_helpers";

}
