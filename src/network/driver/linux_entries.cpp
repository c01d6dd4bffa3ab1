#include "network/driver/linux_entries.hpp"

#include <arpa/inet.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "network/address.hpp"
#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using Socket = Handle<nl_sock, nl_socket_free>;
using Message = Handle<nl_msg, nlmsg_free>;

constexpr int protocolAttribute = 11; // IFA_PROTO, which older headers don't have
constexpr std::uint8_t announced = 2; // IFAPROT_KERNEL_RA
constexpr std::uint32_t forever = 0xffffffff;

template <class Header> Header headerOf(const Entry& entry) {
    Header header{};
    if (entry.bytes.size() < NLMSG_ALIGN(sizeof header)) throw Error(Failure::Broken, "no entry of the kernel's");
    std::memcpy(&header, entry.bytes.data(), sizeof header);
    return header;
}

/// Calls `each` with type and content of the attributes behind the header.
template <class Header, class Each> void forAttributes(const Entry& entry, Each each) {
    constexpr auto before = NLMSG_ALIGN(sizeof(Header));
    if (entry.bytes.size() < before) return;
    auto* attribute = reinterpret_cast<const nlattr*>(entry.bytes.data() + before);
    int left = static_cast<int>(entry.bytes.size() - before);
    for (; nla_ok(attribute, left); attribute = nla_next(attribute, &left))
        each(nla_type(attribute),
             std::string(static_cast<const char*>(nla_data(attribute)), static_cast<std::size_t>(nla_len(attribute))));
}

template <class Header> std::optional<std::string> attributeOf(const Entry& entry, int type) {
    std::optional<std::string> found;
    forAttributes<Header>(entry, [&](int each, std::string content) {
        if (each == type) found = std::move(content);
    });
    return found;
}

template <class Number> Number numberIn(const std::optional<std::string>& content, Number otherwise) {
    Number number = otherwise;
    if (content && content->size() >= sizeof number) std::memcpy(&number, content->data(), sizeof number);
    return number;
}

std::string bytesOf(std::uint32_t number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

std::string addressText(int family, const std::string& bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (bytes.size() < (family == AF_INET6 ? 16u : 4u)) return {};
    return ::inet_ntop(family, bytes.data(), text.data(), text.size()) ? text.data() : "";
}

/// What tells addresses of one device apart: itself, its length, its peer.
std::string keyOf(const Entry& address) {
    const auto header = headerOf<ifaddrmsg>(address);
    return std::string{static_cast<char>(header.ifa_family), static_cast<char>(header.ifa_prefixlen)} +
           attributeOf<ifaddrmsg>(address, IFA_LOCAL).value_or("") + "/" +
           attributeOf<ifaddrmsg>(address, IFA_ADDRESS).value_or("");
}

/// The hops of a route of several are devices too.
bool leadsOver(const Entry& route, int link) {
    if (numberIn<int>(attributeOf<rtmsg>(route, RTA_OIF), 0) == link) return true;
    const auto hops = attributeOf<rtmsg>(route, RTA_MULTIPATH);
    if (!hops) return false;
    for (std::size_t at = 0; at + sizeof(rtnexthop) <= hops->size();) {
        rtnexthop hop{};
        std::memcpy(&hop, hops->data() + at, sizeof hop);
        if (hop.rtnh_ifindex == link) return true;
        if (hop.rtnh_len < sizeof hop) break;
        at += NLMSG_ALIGN(hop.rtnh_len);
    }
    return false;
}

std::string withHops(std::string hops, int from, int to) {
    for (std::size_t at = 0; at + sizeof(rtnexthop) <= hops.size();) {
        rtnexthop hop{};
        std::memcpy(&hop, hops.data() + at, sizeof hop);
        if (hop.rtnh_len < sizeof hop) break;
        if (hop.rtnh_ifindex == from) hop.rtnh_ifindex = to;
        hop.rtnh_flags &= RTNH_F_ONLINK;
        std::memcpy(hops.data() + at, &hop, sizeof hop);
        at += NLMSG_ALIGN(hop.rtnh_len);
    }
    return hops;
}

std::uint32_t tableOf(const Entry& route) {
    return numberIn<std::uint32_t>(attributeOf<rtmsg>(route, RTA_TABLE), headerOf<rtmsg>(route).rtm_table);
}

bool hasGateway(const Entry& route) {
    return attributeOf<rtmsg>(route, RTA_GATEWAY) || attributeOf<rtmsg>(route, RTA_VIA) ||
           attributeOf<rtmsg>(route, RTA_MULTIPATH);
}

/// Link-local and groups: each device has its own.
bool isOwnOfDevice(int family, const std::optional<std::string>& destination) {
    if (family != AF_INET6 || !destination || destination->size() != 16) return false;
    const auto first = static_cast<unsigned char>((*destination)[0]);
    const auto second = static_cast<unsigned char>((*destination)[1]);
    return first == 0xff || (first == 0xfe && (second & 0xc0) == 0x80);
}

/// A way out that the kernel itself has from a router that announces it.
bool isAnnouncedWayOut(const Entry& route) {
    const auto header = headerOf<rtmsg>(route);
    rta_cacheinfo life{};
    const auto bytes = attributeOf<rtmsg>(route, RTA_CACHEINFO).value_or("");
    std::memcpy(&life, bytes.data(), std::min(bytes.size(), sizeof life));
    return header.rtm_family == AF_INET6 && header.rtm_protocol == RTPROT_RA && header.rtm_dst_len == 0 &&
           life.rta_expires > 0;
}

/// `behind`: behind the like of it.
Message routeMessage(const Entry& route, int from, int to, bool ends, bool behind, unsigned flags) {
    auto header = headerOf<rtmsg>(route);
    header.rtm_flags = (header.rtm_flags & RTNH_F_ONLINK) | flags;
    Message message(nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE));
    nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
    forAttributes<rtmsg>(route, [&](int type, std::string content) {
        if (type == RTA_CACHEINFO && ends && header.rtm_family == AF_INET6) {
            rta_cacheinfo life{};
            std::memcpy(&life, content.data(), std::min(content.size(), sizeof life));
            constexpr int clock = 100; // USER_HZ
            if (life.rta_expires > 0)
                nla_put_u32(message.get(), RTA_EXPIRES, static_cast<std::uint32_t>(life.rta_expires / clock));
        }
        if (type == RTA_CACHEINFO || type == RTA_EXPIRES || type == RTA_NH_ID) return;
        if (type == RTA_PRIORITY && behind) content = bytesOf(numberIn<std::uint32_t>(content, 0) + 1);
        if (type == RTA_OIF) content = bytesOf(static_cast<std::uint32_t>(to));
        if (type == RTA_MULTIPATH) content = withHops(std::move(content), from, to);
        nla_put(message.get(), type, static_cast<int>(content.size()), content.data());
    });
    return message;
}

int takeEntry(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    static_cast<std::vector<Entry>*>(into)->push_back(
        {std::string(static_cast<const char*>(nlmsg_data(header)), static_cast<std::size_t>(nlmsg_datalen(header)))});
    return NL_OK;
}

}

struct Entries::Impl {
    Socket socket;

    std::vector<Entry> dump(int kind, const void* header, std::size_t length) {
        std::vector<Entry> found;
        nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, takeEntry, &found);
        const Message message(nlmsg_alloc_simple(kind, NLM_F_DUMP));
        nlmsg_append(message.get(), const_cast<void*>(header), length, NLMSG_ALIGNTO);
        int result = nl_send_auto(socket.get(), message.get());
        if (result >= 0) result = nl_recvmsgs_default(socket.get());
        if (result < 0) throw Error(Failure::Broken, "could not read addresses and routes: ", nl_geterror(result));
        return found;
    }

    int send(nl_msg* message) {
        const int sent = nl_send_auto(socket.get(), message);
        return sent < 0 ? sent : nl_wait_for_ack(socket.get());
    }
};

Entries::Entries() : impl_(std::make_unique<Impl>()) {
    impl_->socket.reset(nl_socket_alloc());
    if (!impl_->socket || nl_connect(impl_->socket.get(), NETLINK_ROUTE) < 0)
        throw Error(Failure::Broken, "could not open a netlink socket");
}

Entries::~Entries() = default;

std::vector<Entry> Entries::addresses(int link) {
    const ifaddrmsg wanted{};
    auto found = impl_->dump(RTM_GETADDR, &wanted, sizeof wanted);
    std::erase_if(found, [&](const Entry& each) {
        const auto header = headerOf<ifaddrmsg>(each);
        return static_cast<int>(header.ifa_index) != link ||
               (header.ifa_family == AF_INET6 && header.ifa_scope == RT_SCOPE_LINK);
    });
    return found;
}

std::vector<Entry> Entries::routes(int link) {
    std::vector<Entry> all;
    for (const int family : {AF_INET, AF_INET6}) {
        rtmsg wanted{};
        wanted.rtm_family = static_cast<unsigned char>(family);
        const auto found = impl_->dump(RTM_GETROUTE, &wanted, sizeof wanted);
        all.insert(all.end(), found.begin(), found.end());
    }
    std::erase_if(all, [&](const Entry& each) {
        const auto header = headerOf<rtmsg>(each);
        return tableOf(each) == RT_TABLE_LOCAL || (header.rtm_flags & RTM_F_CLONED) || !leadsOver(each, link) ||
               isOwnOfDevice(header.rtm_family, attributeOf<rtmsg>(each, RTA_DST));
    });
    // A gateway must be reached before there can be a route through it.
    std::stable_partition(all.begin(), all.end(), [](const Entry& each) { return !hasGateway(each); });
    return all;
}

void Entries::addAddress(const Entry& address, int link, const AddressChange& how) {
    auto header = headerOf<ifaddrmsg>(address);
    auto flags = numberIn<std::uint32_t>(attributeOf<ifaddrmsg>(address, IFA_FLAGS), header.ifa_flags);
    const bool keep = how.own.value_or(false);
    const bool quiet = keep ? (flags & IFA_F_NOPREFIXROUTE) != 0 : !how.plainRoute;
    flags &= IFA_F_MANAGETEMPADDR | IFA_F_HOMEADDRESS;
    if (header.ifa_family == AF_INET6) flags |= IFA_F_NODAD; // the host has had it on this link all the time
    if (quiet) flags |= IFA_F_NOPREFIXROUTE;
    header.ifa_flags = static_cast<unsigned char>(flags & 0xff);
    header.ifa_index = static_cast<unsigned>(link);
    const Message message(nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE));
    nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
    forAttributes<ifaddrmsg>(address, [&](int type, std::string content) {
        if (type == IFA_FLAGS) return;
        if (type == IFA_LABEL && content.compare(0, how.label.size(), how.label) != 0) return;
        if (type == IFA_CACHEINFO && content.size() >= sizeof(ifa_cacheinfo)) {
            ifa_cacheinfo life{};
            std::memcpy(&life, content.data(), sizeof life);
            const auto left = [&](std::uint32_t seconds) {
                if (seconds == forever || seconds == 0) return seconds;
                if (how.forever) return forever;
                return std::max(seconds > how.older ? seconds - how.older : 0, how.leastSeconds);
            };
            life.ifa_valid = left(life.ifa_valid);
            life.ifa_prefered = std::min(left(life.ifa_prefered), life.ifa_valid);
            if (life.ifa_valid == 0) life.ifa_valid = 1; // 0 is refused
            content.assign(reinterpret_cast<const char*>(&life), sizeof life);
        }
        nla_put(message.get(), type, static_cast<int>(content.size()), content.data());
    });
    nla_put_u32(message.get(), IFA_FLAGS, flags);
    const int result = impl_->send(message.get());
    if (result < 0 && result != -NLE_EXIST)
        throw Error(Failure::Broken, "could not put the address ", textOf(address),
                    " on another device: ", nl_geterror(result));
}

void Entries::removeAddress(const Entry& address, int link) {
    auto header = headerOf<ifaddrmsg>(address);
    header.ifa_index = static_cast<unsigned>(link);
    header.ifa_flags = 0;
    const Message message(nlmsg_alloc_simple(RTM_DELADDR, 0));
    nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
    for (const int type : {IFA_LOCAL, IFA_ADDRESS})
        if (const auto content = attributeOf<ifaddrmsg>(address, type))
            nla_put(message.get(), type, static_cast<int>(content->size()), content->data());
    const int result = impl_->send(message.get());
    if (result < 0 && result != -NLE_NOADDR && result != -NLE_NODEV && result != -NLE_OBJ_NOTFOUND)
        throw Error(Failure::Broken, "could not take the address ", textOf(address), " away: ", nl_geterror(result));
}

void Entries::moveRoute(const Entry& route, int from, int to, bool ends) {
    // The kernel may have made the same one for an address.
    for (const auto& each : routes(to)) {
        const auto same = [&](int type) { return attributeOf<rtmsg>(each, type) == attributeOf<rtmsg>(route, type); };
        if (headerOf<rtmsg>(each).rtm_family == headerOf<rtmsg>(route).rtm_family &&
            headerOf<rtmsg>(each).rtm_dst_len == headerOf<rtmsg>(route).rtm_dst_len &&
            headerOf<rtmsg>(each).rtm_tos == headerOf<rtmsg>(route).rtm_tos && tableOf(each) == tableOf(route) &&
            same(RTA_DST) && same(RTA_GATEWAY) && same(RTA_PRIORITY))
            return;
    }
    // The kernel takes up no prefix of an announcement whose way out it has from somebody else: it must be able to add
    // its own, before which ours counts no more.
    const bool behind = ends && isAnnouncedWayOut(route);
    int result = impl_->send(routeMessage(route, from, to, ends, behind, 0).get());
    // A gateway that nothing leads to any more is on the link, or the kernel would not have the route.
    if (result < 0 && result != -NLE_EXIST)
        result = impl_->send(routeMessage(route, from, to, ends, behind, RTNH_F_ONLINK).get());
    if (result < 0 && result != -NLE_EXIST)
        throw Error(Failure::Broken, "could not move a route to another device: ", nl_geterror(result));
    if (!behind) return;
    const Message gone(nlmsg_alloc_simple(RTM_DELROUTE, 0));
    nlmsg_append(gone.get(), const_cast<char*>(route.bytes.data()), route.bytes.size(), NLMSG_ALIGNTO);
    impl_->send(gone.get());
}

std::string textOf(const Entry& address) {
    const auto header = headerOf<ifaddrmsg>(address);
    auto bytes = attributeOf<ifaddrmsg>(address, IFA_LOCAL);
    if (!bytes) bytes = attributeOf<ifaddrmsg>(address, IFA_ADDRESS);
    return addressText(header.ifa_family, bytes.value_or("")) + "/" + std::to_string(header.ifa_prefixlen);
}

bool isSameAddress(const Entry& one, const Entry& other) { return keyOf(one) == keyOf(other); }

bool isFromRouter(const Entry& address) {
    const auto header = headerOf<ifaddrmsg>(address);
    const auto flags = numberIn<std::uint32_t>(attributeOf<ifaddrmsg>(address, IFA_FLAGS), header.ifa_flags);
    return header.ifa_family == AF_INET6 &&
           (numberIn<std::uint8_t>(attributeOf<ifaddrmsg>(address, protocolAttribute), 0) == announced ||
            (flags & (IFA_F_MANAGETEMPADDR | IFA_F_TEMPORARY)) != 0);
}

std::string gatewayOf(const Entry& route) {
    const auto header = headerOf<rtmsg>(route);
    if (header.rtm_dst_len != 0 || tableOf(route) != RT_TABLE_MAIN) return {};
    return addressText(header.rtm_family, attributeOf<rtmsg>(route, RTA_GATEWAY).value_or(""));
}

std::uint32_t metricOf(const Entry& route) {
    return numberIn<std::uint32_t>(attributeOf<rtmsg>(route, RTA_PRIORITY), 0);
}

std::string inHex(const Entry& entry) { return hexOf(entry.bytes); }

Entry fromHex(const std::string& text) {
    const auto digit = [&](char each) {
        const auto at = std::string_view("0123456789abcdef").find(each);
        if (at == std::string_view::npos) throw Error(Failure::Broken, "no entry in hexadecimal: ", text);
        return static_cast<int>(at);
    };
    Entry entry;
    if (text.size() % 2) throw Error(Failure::Broken, "no entry in hexadecimal: ", text);
    for (std::size_t at = 0; at < text.size(); at += 2)
        entry.bytes += static_cast<char>(digit(text[at]) << 4 | digit(text[at + 1]));
    return entry;
}

}
