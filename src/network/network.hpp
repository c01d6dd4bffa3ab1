#pragma once

#include <stratolet/driver/network.hpp>
#include <stratolet/ids.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "identity/identity.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"

namespace stratolet::network {

// What network announces.
struct PortDeleted {
    static constexpr std::string_view name = "network.port.deleted";
    PortId port;
    ServerId server; ///< that used it; empty where none did
    auto fields() { return std::tuple(bus::Field("port", port), bus::Field("server", server)); }
};

/// The device that a guest was on is gone; there is another, which nobody is on.
struct PortUnplugged {
    static constexpr std::string_view name = "network.port.unplugged";
    PortId port;
    ServerId server;
    auto fields() { return std::tuple(bus::Field("port", port), bus::Field("server", server)); }
};

/// An address of a port, and the floating one that leads to it.
struct FixedIp {
    SubnetId subnet;
    std::string address;
    std::string floating; ///< the floating IP that leads here, empty where none does
};

/// What other services may know of a port.
struct PortFacts {
    PortId id;
    NetworkId network;
    std::string networkName;
    ProjectId project;
    std::string mac;
    std::vector<FixedIp> fixedIps;
    std::vector<std::string> securityGroups; ///< names
    int mtu = 1500;
    std::string tap;    ///< the device on this host
    ServerId server;    ///< empty where unbound
    std::string status; ///< "ACTIVE", "DOWN"
};

/// What other services may know of a subnet.
struct SubnetFacts {
    struct Route {
        std::string network, netmask, gateway;
    };

    SubnetId id;
    std::string netmask;
    bool dhcp = true;
    std::string addressMode;       ///< of IPv6: "slaac", …; empty: none
    std::string gateway;           ///< empty: none
    std::vector<std::string> dns;  ///< addresses of name servers
    std::vector<Route> hostRoutes; ///< beside the one that leads through the gateway
};

/// Which fixed addresses are looked for.
struct AddressFilter {
    int version = 4;
    std::function<bool(const std::string&)> matches;
};

/// The port that another service wants in a user's name.
struct NewPort {
    NetworkId network;
    std::string fixedIp;                     ///< empty: any free one
    std::vector<std::string> securityGroups; ///< names or ids; empty: the project's default
    ServerId server;
    std::string hostname;
};

/// [network] of stratolet.conf.
std::vector<ConfigOption> configOptions();

/// The network service.
class Network {
public:
    Network(Parts parts, NetworkDriver& driver, identity::Identity& identity);
    ~Network();

    http::Site site();

    /// The external network that the configuration asks for, where there is none yet. To be called once the store is
    /// migrated.
    void bootstrap();

    /// Networks this project may put a server on (its own and shared ones; external ones that are not shared are none),
    /// oldest first.
    std::vector<NetworkId> networksFor(store::Reader& db, const identity::Caller& caller);

    /// The network that the project has without asking for more than one, made where it can be: a default network leads
    /// outside, and there is a default pool. Nothing where it can't. Error(Forbidden), Error(OverLimit) as if the
    /// caller had made the parts.
    std::optional<NetworkId> allocateNetwork(store::Transaction& tx, const identity::Caller& caller);

    /// A port for a server in the server's own transaction: address, MAC, quota, security groups. Deleted with the
    /// server. The rules of this service are asked what the caller may have, as if they had asked for the port here:
    /// Error(Forbidden) names the rule. Error(Invalid) for a network or group the caller can't see, Error(Conflict)
    /// where no address is free, Error(OverLimit) past the quota.
    PortFacts createPort(store::Transaction& tx, const identity::Caller& caller, const NewPort& wanted);

    /// Puts an existing port of the caller's project under a server; asks this service's rules as createPort does.
    /// Error(Invalid) where there is none, Error(Conflict) where it is in use.
    PortFacts bindPort(store::Transaction& tx, const identity::Caller& caller, const PortId& port,
                       const ServerId& server, const std::string& hostname);

    /// Lets go of a server's ports: those made by createPort are deleted, bound ones are unbound. Twice is harmless.
    void releasePorts(store::Transaction& tx, const ServerId& server);
    void releasePort(store::Transaction& tx, const PortId& port);

    std::vector<PortFacts> portsOf(store::Reader& db, const ServerId& server); ///< in the order they were added

    /// The same of many servers by their ids, with a fixed number of statements.
    store::ByOwner<PortFacts> portsOf(store::Reader& db, const std::vector<std::string>& servers);

    /// Those of them that are there, in no order.
    std::vector<SubnetFacts> subnets(store::Reader& db, const std::vector<SubnetId>& ids);

    /// Those of `servers` (ids) that have a fixed address which the filter lets through, in one statement.
    std::vector<std::string> withAddress(store::Reader& db, const std::vector<std::string>& servers,
                                         const AddressFilter& filter);

    /// Whether the devices of this server's ports are made for several queues: before they are wired, while nothing
    /// uses them, for those are other devices.
    void setMultiqueue(const ServerId& server, bool wanted);

    /// Makes the host as the store says, now: when it returns, the taps of this server's ports are there, on their
    /// bridges, and filtered (or Error(Broken)); what can't be done for others is no matter. A job's step calls it; the
    /// ports' status follows.
    void ensureWired(const ServerId& server);

    /// A guest is on the port's device, on its host.
    bool plugged(const PortId& port);

    /// Which server a metadata request comes from: by the network of the socket and the address of the peer (never a
    /// header).
    std::optional<ServerId> serverAt(store::Reader& db, const NetworkId& network, const std::string& address);

    NetworkDriver& driver();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
