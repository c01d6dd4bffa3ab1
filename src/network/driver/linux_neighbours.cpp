#include "network/driver/linux_neighbours.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "network/address.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::network {

namespace {

/// RFC 826, of Ethernet and IPv4.
struct [[gnu::packed]] Arp {
    std::uint16_t hardware, protocol;
    std::uint8_t hardwareLength, protocolLength;
    std::uint16_t operation;
    std::array<std::uint8_t, 6> senderMac;
    std::uint32_t sender;
    std::array<std::uint8_t, 6> targetMac;
    std::uint32_t target;
};

/// `target` in the network's order.
Arp arpRequest(std::uint32_t target) {
    Arp arp{};
    arp.hardware = htons(ARPHRD_ETHER);
    arp.protocol = htons(ETH_P_IP);
    arp.hardwareLength = 6;
    arp.protocolLength = 4;
    arp.operation = htons(ARPOP_REQUEST);
    arp.target = target;
    return arp;
}

Fd arpSocket() {
    return Fd(static_cast<int>(
        check(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP)), "open a packet socket")));
}

/// False where the device takes nothing; errno says why.
bool tellEverybody(const Fd& socket, const Arp& arp, int device) {
    sockaddr_ll everybody{};
    everybody.sll_family = AF_PACKET;
    everybody.sll_protocol = htons(ETH_P_ARP);
    everybody.sll_ifindex = device;
    everybody.sll_halen = 6;
    std::memset(everybody.sll_addr, 0xff, 6);
    return ::sendto(socket.get(), &arp, sizeof arp, 0, reinterpret_cast<const sockaddr*>(&everybody),
                    sizeof everybody) >= 0;
}

}

void announceAddress(const Link& link, const std::string& text) {
    const auto address = Address::parse(text);
    if (!address || address->version != 4) return; // IPv6 neighbours learn by themselves
    const auto number = htonl(static_cast<std::uint32_t>(address->value));
    auto arp = arpRequest(number);
    arp.sender = number;
    for (std::size_t at = 0; at < arp.senderMac.size(); ++at)
        arp.senderMac[at] = static_cast<std::uint8_t>(std::stoi(link.mac.substr(at * 3, 2), nullptr, 16));
    check(tellEverybody(arpSocket(), arp, link.index) ? 0 : -1, "announce " + text);
}

namespace {

using Clock = std::chrono::steady_clock;

/// Reads packets until one is right or the time is over.
template <class Right> bool hears(const Fd& socket, Clock::time_point until, Right right) {
    std::array<unsigned char, 2048> packet{};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd ready{socket.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return false;
        const auto length = ::recv(socket.get(), packet.data(), packet.size(), MSG_DONTWAIT);
        if (length > 0 && right(packet.data(), static_cast<std::size_t>(length))) return true;
    }
}

ifreq requestOf(const std::string& device) {
    ifreq request{};
    std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
    return request;
}

bool answersArp(const std::string& device, std::uint32_t gateway, Clock::time_point until) {
    const auto socket = arpSocket();
    auto request = requestOf(device);
    check(::ioctl(socket.get(), SIOCGIFINDEX, &request), "find " + device);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ARP);
    at.sll_ifindex = request.ifr_ifindex;
    check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), "listen on " + device);
    check(::ioctl(socket.get(), SIOCGIFHWADDR, &request), "find the MAC of " + device);
    auto arp = arpRequest(gateway); // the sender's address stays 0: a probe, from which nobody learns (RFC 5227)
    std::memcpy(arp.senderMac.data(), request.ifr_hwaddr.sa_data, arp.senderMac.size());
    if (!tellEverybody(socket, arp, at.sll_ifindex)) return false; // a device that is down
    return hears(socket, until, [&](const unsigned char* packet, std::size_t length) {
        Arp answer{};
        if (length < sizeof answer) return false;
        std::memcpy(&answer, packet, sizeof answer);
        return answer.operation == htons(ARPOP_REPLY) && answer.sender == gateway;
    });
}

bool answersNeighbour(const std::string& device, const in6_addr& gateway, Clock::time_point until) {
    const Fd socket(
        static_cast<int>(check(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6), "open an ICMPv6 socket")));
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                       static_cast<socklen_t>(device.size() + 1)),
          "use the device " + device);
    const int most = 255; // or nobody believes it came from the link
    check(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &most, sizeof most), "ask on " + device);
    auto request = requestOf(device);
    check(::ioctl(socket.get(), SIOCGIFHWADDR, &request), "find the MAC of " + device);
    struct [[gnu::packed]] {
        nd_neighbor_solicit head;
        std::uint8_t type = ND_OPT_SOURCE_LINKADDR, length = 1;
        std::array<std::uint8_t, 6> mac;
    } question{};
    question.head.nd_ns_type = ND_NEIGHBOR_SOLICIT;
    question.head.nd_ns_target = gateway;
    std::memcpy(question.mac.data(), request.ifr_hwaddr.sa_data, 6);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, "ff02::1:ff00:0", &to.sin6_addr);
    std::memcpy(&to.sin6_addr.s6_addr[13], &gateway.s6_addr[13], 3);
    to.sin6_scope_id = ::if_nametoindex(device.c_str());
    if (::sendto(socket.get(), &question, sizeof question, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
        return false; // no address yet to ask from
    return hears(socket, until, [&](const unsigned char* packet, std::size_t length) {
        nd_neighbor_advert answer{};
        if (length < sizeof answer) return false;
        std::memcpy(&answer, packet, sizeof answer);
        return answer.nd_na_type == ND_NEIGHBOR_ADVERT &&
               std::memcmp(&answer.nd_na_target, &gateway, sizeof gateway) == 0;
    });
}

}

bool answers(const std::string& device, const std::string& gateway, int patienceMs) {
    const auto end = Clock::now() + std::chrono::milliseconds(patienceMs);
    const auto address = Address::parse(gateway);
    if (!address) return false;
    for (;;) {
        const auto until = std::min(end, Clock::now() + std::chrono::milliseconds(500));
        bool heard = false;
        if (address->version == 4) {
            heard = answersArp(device, htonl(static_cast<std::uint32_t>(address->value)), until);
        } else {
            in6_addr binary{};
            ::inet_pton(AF_INET6, gateway.c_str(), &binary);
            heard = answersNeighbour(device, binary, until);
        }
        if (heard) return true;
        if (Clock::now() >= end) return false;
        if (Clock::now() < until) ::poll(nullptr, 0, 100); // it could not even be asked
    }
}

}
