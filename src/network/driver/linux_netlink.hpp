#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::network {

/// A network device as the kernel tells of it (rtnetlink(7)).
struct Link {
    int index = 0;
    std::string name;
    std::string kind; ///< "bridge", "veth", "tun", empty for hardware
    std::string mac;
    std::string alias;
    int mtu = 0;
    int master = 0;
    bool up = false;
    int under = 0;        ///< of a VLAN: the device whose tagged frames it has
    int number = 0;       ///< of a VLAN or VXLAN
    bool running = false; ///< up, and somebody is at the other end: of a tap, a guest
};

/// What of a device is to be changed; what is absent stays.
struct LinkChange {
    std::optional<int> mtu = {};
    std::optional<bool> up = {};
    std::optional<int> master = {};
    std::optional<std::string> alias = {};
    std::optional<std::string> mac = {};
};

/// An address on a device.
struct LinkAddress {
    int link = 0;
    std::string text; ///< "10.0.0.1/24"
};

/// A route of the main table.
struct LinkRoute {
    std::string destination; ///< CIDR
    std::string nexthop;     ///< empty for a route to a link
    int link = 0;            ///< 0 where the kernel finds it
    bool ours = false;       ///< made by add()
    friend bool operator==(const LinkRoute& one, const LinkRoute& other) {
        return one.destination == other.destination && one.nexthop == other.nexthop &&
               (!one.link || !other.link || one.link == other.link);
    }
};

/// A netlink connection to the network namespace in which it was made. Failures are Error(Broken).
class Netlink {
public:
    Netlink();
    ~Netlink();

    std::vector<Link> links();
    std::optional<Link> find(const std::string& name);

    void addBridge(const std::string& name, const std::string& mac, int mtu);
    /// A pair of which one end, `peer`, is in another namespace from the start.
    void addVeth(const std::string& name, const std::string& peer, const Fd& peerNetns, const std::string& peerMac,
                 int mtu);
    /// Persistent. `multiqueue`: for a guest that opens it once for each of several queues; it must open no other.
    void addTap(const std::string& name, bool multiqueue);
    /// Whether a tap is for that; nothing where the kernel doesn't say (of other namespaces it doesn't).
    static std::optional<bool> hasQueues(const std::string& tap);
    void addVlan(const std::string& name, int under, int number);
    /// Learns nothing: to whom frames go is said by addTunnel. With `answers` it answers for neighbours that it is told
    /// of, and asks nobody for others.
    void addVxlan(const std::string& name, std::int64_t number, const std::string& local, int mtu, bool answers);

    /// Frames of a VXLAN device to `mac` (empty: to all, and to whom isn't known) go to that host, or no more.
    void addTunnel(int vxlan, const std::string& mac, const std::string& host);
    void removeTunnel(int vxlan, const std::string& mac, const std::string& host);
    /// Who has an address, said once and for all, or taken back.
    void addNeighbour(int link, const std::string& address, const std::string& mac);
    void removeNeighbour(int link, const std::string& address);
    void change(int link, const LinkChange& change);
    void remove(int link);
    /// Devices by their indexes, all in one message: the kernel waits once for all of them, not for each. Those that
    /// are gone already don't matter. `group` is one that no device of the host has.
    void removeAll(const std::vector<int>& links, std::uint32_t group);

    std::vector<LinkAddress> addresses();
    void addAddress(int link, const std::string& address);
    void removeAddress(int link, const std::string& address);

    std::vector<LinkRoute> routes(); ///< of the main table
    void addRoute(const LinkRoute& route);
    void removeRoute(const LinkRoute& route);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
