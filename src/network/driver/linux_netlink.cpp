#include "network/driver/linux_netlink.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
#include <netlink/route/link/vxlan.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stratolet/error.hpp>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "network/address.hpp"

namespace stratolet::network {

namespace {

// Routes that we made say so in their protocol field (numbers from 4 up are the routing daemons' own; this one is
// free).
constexpr std::uint8_t ourRouteProtocol = 0xd3;

using LinkSocket = Handle<nl_sock, nl_socket_free>;
using LinkObject = Handle<rtnl_link, rtnl_link_put>;
using AddressObject = Handle<rtnl_addr, rtnl_addr_put>;
using RouteObject = Handle<rtnl_route, rtnl_route_put>;
using PlainAddress = Handle<nl_addr, nl_addr_put>;
using Cache = Handle<nl_cache, nl_cache_free>;

int expect(int result, const std::string& doing) {
    if (result < 0) throw Error(Failure::Broken, "could not ", doing, ": ", nl_geterror(result));
    return result;
}

PlainAddress parsed(const std::string& text, int family) {
    nl_addr* address = nullptr;
    expect(nl_addr_parse(text.c_str(), family, &address), "read the address " + text);
    return PlainAddress(address);
}

std::string textOf(nl_addr* address) {
    std::array<char, 128> out{};
    return address ? nl_addr2str(address, out.data(), out.size()) : "";
}

std::string withLength(nl_addr* address) {
    const auto text = textOf(address);
    if (text.find('/') != std::string::npos) return text;
    return text + "/" + std::to_string(nl_addr_get_prefixlen(address));
}

Link valueOf(rtnl_link* object) {
    Link link;
    link.index = rtnl_link_get_ifindex(object);
    if (const char* name = rtnl_link_get_name(object)) link.name = name;
    if (const char* kind = rtnl_link_get_type(object)) link.kind = kind;
    if (const char* alias = rtnl_link_get_ifalias(object)) link.alias = alias;
    link.mac = textOf(rtnl_link_get_addr(object));
    link.mtu = static_cast<int>(rtnl_link_get_mtu(object));
    link.master = rtnl_link_get_master(object);
    if (link.kind == "vlan") {
        link.under = rtnl_link_get_link(object);
        link.number = rtnl_link_vlan_get_id(object);
    }
    std::uint32_t vni = 0;
    if (link.kind == "vxlan" && rtnl_link_vxlan_get_id(object, &vni) == 0) link.number = static_cast<int>(vni);
    link.up = (rtnl_link_get_flags(object) & IFF_UP) != 0;
    link.running = rtnl_link_get_carrier(object) != 0;
    return link;
}

}

struct Netlink::Impl {
    LinkSocket socket;
};

Netlink::Netlink() : impl_(std::make_unique<Impl>()) {
    impl_->socket.reset(nl_socket_alloc());
    if (!impl_->socket) throw Error(Failure::Broken, "could not make a netlink socket");
    expect(nl_connect(impl_->socket.get(), NETLINK_ROUTE), "open a netlink socket");
}

Netlink::~Netlink() = default;

std::vector<Link> Netlink::links() {
    nl_cache* filled = nullptr;
    expect(rtnl_link_alloc_cache(impl_->socket.get(), AF_UNSPEC, &filled), "list the network devices");
    const Cache cache(filled);
    std::vector<Link> found;
    for (auto* each = nl_cache_get_first(cache.get()); each; each = nl_cache_get_next(each))
        found.push_back(valueOf(reinterpret_cast<rtnl_link*>(each)));
    return found;
}

std::optional<Link> Netlink::find(const std::string& name) {
    rtnl_link* object = nullptr;
    const int result = rtnl_link_get_kernel(impl_->socket.get(), 0, name.c_str(), &object);
    const LinkObject owner(object);
    if (result == -NLE_NODEV || result == -NLE_OBJ_NOTFOUND) return std::nullopt;
    expect(result, "look for the network device " + name);
    return valueOf(object);
}

void Netlink::addBridge(const std::string& name, const std::string& mac, int mtu) {
    const LinkObject link(rtnl_link_bridge_alloc());
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_mtu(link.get(), static_cast<unsigned>(mtu));
    rtnl_link_set_addr(link.get(), parsed(mac, AF_LLC).get());
    expect(rtnl_link_add(impl_->socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "make the bridge " + name);
}

void Netlink::addVeth(const std::string& name, const std::string& peer, const Fd& peerNetns, const std::string& peerMac,
                      int mtu) {
    const LinkObject link(rtnl_link_veth_alloc());
    rtnl_link* other = rtnl_link_veth_get_peer(link.get());
    const LinkObject otherOwner(other);
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_mtu(link.get(), static_cast<unsigned>(mtu));
    rtnl_link_set_name(other, peer.c_str());
    rtnl_link_set_mtu(other, static_cast<unsigned>(mtu));
    rtnl_link_set_addr(other, parsed(peerMac, AF_LLC).get());
    rtnl_link_set_ns_fd(other, peerNetns.get());
    expect(rtnl_link_add(impl_->socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
           "make the pair " + name + " and " + peer);
}

std::optional<bool> Netlink::hasQueues(const std::string& tap) {
    std::ifstream file("/sys/class/net/" + tap + "/tun_flags");
    unsigned flags = 0;
    if (!(file >> std::hex >> flags)) return std::nullopt;
    return (flags & IFF_MULTI_QUEUE) != 0;
}

void Netlink::addTap(const std::string& name, bool multiqueue) {
    const Fd tun(static_cast<int>(check(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "open /dev/net/tun")));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (multiqueue) request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_MULTI_QUEUE);
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    check(ioctl(tun.get(), TUNSETIFF, &request), "make the tap device " + name);
    check(ioctl(tun.get(), TUNSETPERSIST, 1), "keep the tap device " + name);
}

void Netlink::addVlan(const std::string& name, int under, int number) {
    const LinkObject link(rtnl_link_vlan_alloc());
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_link(link.get(), under);
    expect(rtnl_link_vlan_set_id(link.get(), static_cast<std::uint16_t>(number)), "name the VLAN of " + name);
    const int result = rtnl_link_add(impl_->socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL);
    if (result == -NLE_OPNOTSUPP)
        throw Error(Failure::Broken, "could not make the VLAN device ", name, ": this kernel has none (8021q)");
    expect(result, "make the VLAN device " + name);
}

void Netlink::addVxlan(const std::string& name, std::int64_t number, const std::string& local, int mtu, bool answers) {
    constexpr int port = 4789; // IANA's (RFC 7348)
    const LinkObject link(rtnl_link_vxlan_alloc());
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_mtu(link.get(), static_cast<unsigned>(mtu));
    rtnl_link_vxlan_set_id(link.get(), static_cast<std::uint32_t>(number));
    rtnl_link_vxlan_set_port(link.get(), port);
    rtnl_link_vxlan_set_learning(link.get(), 0);
    rtnl_link_vxlan_set_proxy(link.get(), answers ? 1 : 0);
    const auto version = Address::parse(local);
    rtnl_link_vxlan_set_local(link.get(), parsed(local, version && version->version == 6 ? AF_INET6 : AF_INET).get());
    expect(rtnl_link_add(impl_->socket.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL), "make the VXLAN device " + name);
}

namespace {

using Message = Handle<nl_msg, nlmsg_free>;

void putAddress(nl_msg* message, int attribute, const std::string& text) {
    const auto address = Address::parse(text);
    const auto parsedAddress = parsed(text, address && address->version == 6 ? AF_INET6 : AF_INET);
    expect(nla_put_addr(message, attribute, parsedAddress.get()), "name the address " + text);
}

Message neighbourMessage(int type, int flags, const ndmsg& header, const std::string& mac) {
    Message message(nlmsg_alloc_simple(type, flags));
    expect(nlmsg_append(message.get(), const_cast<ndmsg*>(&header), sizeof header, NLMSG_ALIGNTO), "say who is where");
    if (!mac.empty())
        expect(nla_put_addr(message.get(), NDA_LLADDR, parsed(mac, AF_LLC).get()), "name the address " + mac);
    return message;
}

int tell(nl_sock* socket, nl_msg* message) {
    const int sent = nl_send_auto(socket, message);
    return sent < 0 ? sent : nl_wait_for_ack(socket);
}

constexpr const char* everybodysMac = "00:00:00:00:00:00";

ndmsg tunnelHeader(int vxlan) {
    ndmsg header{};
    header.ndm_family = AF_BRIDGE;
    header.ndm_ifindex = vxlan;
    header.ndm_state = NUD_NOARP | NUD_PERMANENT;
    header.ndm_flags = NTF_SELF;
    return header;
}

ndmsg neighbourHeader(int link, const std::string& address) {
    ndmsg header{};
    const auto version = Address::parse(address);
    header.ndm_family = version && version->version == 6 ? AF_INET6 : AF_INET;
    header.ndm_ifindex = link;
    header.ndm_state = NUD_PERMANENT;
    return header;
}

}

void Netlink::addTunnel(int vxlan, const std::string& mac, const std::string& host) {
    // Everybody is at several hosts, one MAC at one: the last that was named.
    const int flags = NLM_F_CREATE | (mac.empty() ? NLM_F_APPEND : NLM_F_REPLACE);
    const auto message = neighbourMessage(RTM_NEWNEIGH, flags, tunnelHeader(vxlan), mac.empty() ? everybodysMac : mac);
    putAddress(message.get(), NDA_DST, host);
    const int result = tell(impl_->socket.get(), message.get());
    if (result != -NLE_EXIST) expect(result, "send frames for " + mac + " to " + host);
}

void Netlink::removeTunnel(int vxlan, const std::string& mac, const std::string& host) {
    const auto message = neighbourMessage(RTM_DELNEIGH, 0, tunnelHeader(vxlan), mac.empty() ? everybodysMac : mac);
    putAddress(message.get(), NDA_DST, host);
    const int result = tell(impl_->socket.get(), message.get());
    if (result != -NLE_OBJ_NOTFOUND && result != -NLE_NODEV) expect(result, "send no more frames for " + mac);
}

void Netlink::addNeighbour(int link, const std::string& address, const std::string& mac) {
    const auto message =
        neighbourMessage(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, neighbourHeader(link, address), mac);
    putAddress(message.get(), NDA_DST, address);
    expect(tell(impl_->socket.get(), message.get()), "say who has " + address);
}

void Netlink::removeNeighbour(int link, const std::string& address) {
    const auto message = neighbourMessage(RTM_DELNEIGH, 0, neighbourHeader(link, address), "");
    putAddress(message.get(), NDA_DST, address);
    const int result = tell(impl_->socket.get(), message.get());
    if (result != -NLE_OBJ_NOTFOUND && result != -NLE_NODEV) expect(result, "forget who has " + address);
}

void Netlink::change(int index, const LinkChange& wanted) {
    const LinkObject link(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), index);
    if (wanted.mtu) rtnl_link_set_mtu(link.get(), static_cast<unsigned>(*wanted.mtu));
    if (wanted.master) rtnl_link_set_master(link.get(), *wanted.master);
    if (wanted.alias) rtnl_link_set_ifalias(link.get(), wanted.alias->c_str());
    if (wanted.mac) rtnl_link_set_addr(link.get(), parsed(*wanted.mac, AF_LLC).get());
    if (wanted.up) *wanted.up ? rtnl_link_set_flags(link.get(), IFF_UP) : rtnl_link_unset_flags(link.get(), IFF_UP);
    const LinkObject original(rtnl_link_alloc());
    rtnl_link_set_ifindex(original.get(), index);
    expect(rtnl_link_change(impl_->socket.get(), original.get(), link.get(), 0),
           "set up network device " + std::to_string(index));
}

void Netlink::remove(int index) {
    const LinkObject link(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), index);
    const int result = rtnl_link_delete(impl_->socket.get(), link.get());
    if (result != -NLE_NODEV && result != -NLE_OBJ_NOTFOUND)
        expect(result, "remove network device " + std::to_string(index));
}

void Netlink::removeAll(const std::vector<int>& links, std::uint32_t group) {
    if (links.empty()) return;
    if (links.size() == 1) return remove(links.front());
    bool any = false;
    for (const int index : links) {
        const LinkObject original(rtnl_link_alloc()), link(rtnl_link_alloc());
        rtnl_link_set_ifindex(original.get(), index);
        rtnl_link_set_ifindex(link.get(), index);
        rtnl_link_set_group(link.get(), group);
        const int result = rtnl_link_change(impl_->socket.get(), original.get(), link.get(), 0);
        if (result == -NLE_NODEV || result == -NLE_OBJ_NOTFOUND) continue;
        expect(result, "mark network device " + std::to_string(index));
        any = true;
    }
    if (!any) return;
    struct {
        ifinfomsg header;
        nlattr attribute;
        std::uint32_t group;
    } request{};
    request.header.ifi_family = AF_UNSPEC;
    request.attribute.nla_type = IFLA_GROUP;
    request.attribute.nla_len = sizeof(nlattr) + sizeof group;
    request.group = group;
    int result = nl_send_simple(impl_->socket.get(), RTM_DELLINK, 0, &request, sizeof request);
    if (result >= 0) result = nl_wait_for_ack(impl_->socket.get());
    expect(result, "remove " + std::to_string(links.size()) + " network devices");
}

std::vector<LinkAddress> Netlink::addresses() {
    nl_cache* filled = nullptr;
    expect(rtnl_addr_alloc_cache(impl_->socket.get(), &filled), "list the addresses");
    const Cache cache(filled);
    std::vector<LinkAddress> found;
    for (auto* each = nl_cache_get_first(cache.get()); each; each = nl_cache_get_next(each)) {
        auto* address = reinterpret_cast<rtnl_addr*>(each);
        found.push_back({rtnl_addr_get_ifindex(address), withLength(rtnl_addr_get_local(address))});
    }
    return found;
}

void Netlink::addAddress(int link, const std::string& text) {
    const AddressObject address(rtnl_addr_alloc());
    const auto prefix = Prefix::parse(text);
    const auto local = parsed(text, prefix && prefix->version() == 6 ? AF_INET6 : AF_INET);
    rtnl_addr_set_ifindex(address.get(), link);
    expect(rtnl_addr_set_local(address.get(), local.get()), "read the address " + text);
    if (prefix && prefix->version() == 6)
        rtnl_addr_set_flags(address.get(), IFA_F_NODAD); // we gave the address out; a probe only delays it
    if (prefix && prefix->version() == 4 && prefix->length < 31) {
        auto broadcast = parsed(prefix->last().text(), AF_INET);
        rtnl_addr_set_broadcast(address.get(), broadcast.get());
    }
    const int result = rtnl_addr_add(impl_->socket.get(), address.get(), 0);
    if (result != -NLE_EXIST) expect(result, "add the address " + text);
}

void Netlink::removeAddress(int link, const std::string& text) {
    const AddressObject address(rtnl_addr_alloc());
    const auto prefix = Prefix::parse(text);
    rtnl_addr_set_ifindex(address.get(), link);
    rtnl_addr_set_local(address.get(), parsed(text, prefix && prefix->version() == 6 ? AF_INET6 : AF_INET).get());
    const int result = rtnl_addr_delete(impl_->socket.get(), address.get(), 0);
    if (result != -NLE_NOADDR && result != -NLE_OBJ_NOTFOUND) expect(result, "remove the address " + text);
}

std::vector<LinkRoute> Netlink::routes() {
    nl_cache* filled = nullptr;
    expect(rtnl_route_alloc_cache(impl_->socket.get(), AF_UNSPEC, 0, &filled), "list the routes");
    const Cache cache(filled);
    std::vector<LinkRoute> found;
    for (auto* each = nl_cache_get_first(cache.get()); each; each = nl_cache_get_next(each)) {
        auto* route = reinterpret_cast<rtnl_route*>(each);
        if (rtnl_route_get_table(route) != RT_TABLE_MAIN || rtnl_route_get_type(route) != RTN_UNICAST) continue;
        LinkRoute value;
        auto* destination = rtnl_route_get_dst(route);
        const bool six = rtnl_route_get_family(route) == AF_INET6;
        value.destination = destination && nl_addr_get_len(destination) > 0 ? withLength(destination)
                            : six                                           ? "::/0"
                                                                            : "0.0.0.0/0";
        value.ours = rtnl_route_get_protocol(route) == ourRouteProtocol;
        if (rtnl_route_get_nnexthops(route) > 0) {
            auto* hop = rtnl_route_nexthop_n(route, 0);
            value.link = rtnl_route_nh_get_ifindex(hop);
            value.nexthop = textOf(rtnl_route_nh_get_gateway(hop));
        }
        found.push_back(value);
    }
    return found;
}

namespace {

RouteObject objectOf(const LinkRoute& wanted) {
    const auto prefix = Prefix::parse(wanted.destination);
    if (!prefix) throw Error(Failure::Broken, "no destination of a route: ", wanted.destination);
    const int family = prefix->version() == 6 ? AF_INET6 : AF_INET;
    RouteObject route(rtnl_route_alloc());
    rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family));
    rtnl_route_set_table(route.get(), RT_TABLE_MAIN);
    rtnl_route_set_protocol(route.get(), ourRouteProtocol);
    rtnl_route_set_scope(route.get(), wanted.nexthop.empty() && family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    expect(rtnl_route_set_dst(route.get(), parsed(prefix->text(), family).get()),
           "read the destination " + wanted.destination);
    auto* hop = rtnl_route_nh_alloc();
    if (wanted.link) rtnl_route_nh_set_ifindex(hop, wanted.link);
    if (!wanted.nexthop.empty()) rtnl_route_nh_set_gateway(hop, parsed(wanted.nexthop, family).get());
    rtnl_route_add_nexthop(route.get(), hop);
    return route;
}

}

void Netlink::addRoute(const LinkRoute& route) {
    expect(rtnl_route_add(impl_->socket.get(), objectOf(route).get(), NLM_F_CREATE | NLM_F_REPLACE),
           "add the route to " + route.destination);
}

void Netlink::removeRoute(const LinkRoute& route) {
    const int result = rtnl_route_delete(impl_->socket.get(), objectOf(route).get(), 0);
    if (result != -NLE_OBJ_NOTFOUND) expect(result, "remove the route to " + route.destination);
}

}
