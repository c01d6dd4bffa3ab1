#include "network/driver/linux_log.hpp"

#include <netinet/in.h> // before the kernel's own, which then leave its types alone

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stratolet/error.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "network/address.hpp"
#include "network/driver/linux_names.hpp"
#include "network/driver/linux_rules.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::network {

namespace {

using Socket = Handle<nl_sock, nl_socket_free>;
using Message = Handle<nl_msg, nlmsg_free>;
using Bytes = std::span<const unsigned char>;

/// What of a packet is written down.
struct Headers {
    Address source, destination;
    int protocol = 0;
    std::optional<int> sourcePort, destinationPort, icmpType, icmpCode;
};

int twoBytes(Bytes bytes, std::size_t at) { return bytes[at] << 8 | bytes[at + 1]; }

Address addressAt(Bytes bytes, std::size_t at, int version) {
    Address out{version, 0};
    for (int index = 0; index < out.bits() / 8; ++index)
        out.value = out.value << 8 | bytes[at + static_cast<std::size_t>(index)];
    return out;
}

/// Ports, or type and code; nothing where the packet has none, or they are not in this part of it.
void readTransport(Headers& headers, Bytes rest) {
    const bool icmp = headers.protocol == IPPROTO_ICMP || headers.protocol == IPPROTO_ICMPV6;
    const bool ports = headers.protocol == IPPROTO_TCP || headers.protocol == IPPROTO_UDP ||
                       headers.protocol == IPPROTO_SCTP || headers.protocol == IPPROTO_DCCP ||
                       headers.protocol == IPPROTO_UDPLITE;
    if (rest.size() < 4) return;
    if (icmp) {
        headers.icmpType = rest[0];
        headers.icmpCode = rest[1];
    } else if (ports) {
        headers.sourcePort = twoBytes(rest, 0);
        headers.destinationPort = twoBytes(rest, 2);
    }
}

/// Of bytes that a stranger sent: nothing is believed of their lengths.
std::optional<Headers> headersOf(Bytes packet) {
    constexpr std::size_t least4 = 20, length6 = 40, extensionsMost = 8;
    Headers headers;
    if (packet.size() >= least4 && packet[0] >> 4 == 4) {
        const std::size_t length = (packet[0] & 0xfU) * 4U;
        headers.source = addressAt(packet, 12, 4);
        headers.destination = addressAt(packet, 16, 4);
        headers.protocol = packet[9];
        const bool first = (twoBytes(packet, 6) & 0x1fff) == 0; // of its fragments
        if (first && length >= least4 && length <= packet.size()) readTransport(headers, packet.subspan(length));
        return headers;
    }
    if (packet.size() < length6 || packet[0] >> 4 != 6) return std::nullopt;
    headers.source = addressAt(packet, 8, 6);
    headers.destination = addressAt(packet, 24, 6);
    headers.protocol = packet[6];
    auto rest = packet.subspan(length6);
    for (std::size_t each = 0; each < extensionsMost; ++each) {
        const int kind = headers.protocol;
        const bool fragment = kind == IPPROTO_FRAGMENT;
        if (!fragment && kind != IPPROTO_HOPOPTS && kind != IPPROTO_ROUTING && kind != IPPROTO_DSTOPTS) break;
        if (rest.size() < 8 || (fragment && (twoBytes(rest, 2) & 0xfff8) != 0)) return headers;
        const std::size_t length = fragment ? 8 : (rest[1] + 1U) * 8U;
        headers.protocol = rest[0];
        if (length > rest.size()) return headers;
        rest = rest.subspan(length);
    }
    readTransport(headers, rest);
    return headers;
}

/// Words that the rules put before a packet: "accept in <security group>", "drop out".
struct Words {
    bool accepted = false, ingress = false;
    SecurityGroupId group;
};

std::optional<Words> wordsIn(std::string_view prefix) {
    Words words;
    if (prefix.starts_with("accept ")) {
        words.accepted = true;
        prefix.remove_prefix(7);
    } else if (prefix.starts_with("drop ")) {
        prefix.remove_prefix(5);
    } else {
        return std::nullopt;
    }
    words.ingress = prefix.starts_with("in");
    if (const auto space = prefix.find(' '); space != std::string_view::npos)
        words.group.text = prefix.substr(space + 1);
    return words;
}

Time now() { return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now()); }

}

struct PacketLog::Impl {
    /// A port of which something is written down.
    struct Named {
        PlannedPort port;
        int number = 0;
    };
    using Place = std::pair<std::string, Address>; ///< bridge and address

    std::function<void(std::string_view)> notice;

    std::mutex mutex;
    std::map<PortId, Named> ports;
    std::map<int, PortId> byNumber;
    std::map<std::string, PortId> byTap;
    std::map<Place, PortId> byPlace;

    Socket socket;
    Fd stop;
    std::thread thread; ///< all below is its own
    std::optional<RollingFile> out;
    bool failing = false;
    std::string lines;

    ~Impl() {
        if (!thread.joinable()) return;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto said = write(stop.get(), &one, sizeof one);
        thread.join();
    }

    void configure(int kind, const void* data, int length) {
        const Message message(nlmsg_alloc_simple(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK));
        nfgenmsg header{};
        header.nfgen_family = AF_UNSPEC;
        header.version = NFNETLINK_V0;
        header.res_id = htons(packetLogGroup);
        nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
        nla_put(message.get(), kind, length, data);
        int result = nl_send_auto(socket.get(), message.get());
        if (result >= 0) result = nl_wait_for_ack(socket.get());
        if (result < 0)
            throw Error(Failure::Broken,
                        "packets can't be written down, the kernel tells of none: ", nl_geterror(result));
    }

    void begin() {
        if (thread.joinable()) return;
        socket.reset(nl_socket_alloc());
        if (!socket || nl_connect(socket.get(), NETLINK_NETFILTER) < 0)
            throw Error(Failure::Broken, "could not open a netfilter socket");
        nl_socket_set_buffer_size(socket.get(), 1 << 20, 0);
        nl_socket_disable_seq_check(socket.get()); // packets come between the answers
        nfulnl_msg_config_cmd bind{.command = NFULNL_CFG_CMD_BIND};
        configure(NFULA_CFG_CMD, &bind, sizeof bind);
        nfulnl_msg_config_mode mode{};
        mode.copy_range = htonl(0xffff); // the rules say how much
        mode.copy_mode = NFULNL_COPY_PACKET;
        configure(NFULA_CFG_MODE, &mode, sizeof mode);
        const std::uint32_t patience = htonl(10); // hundredths of a second
        configure(NFULA_CFG_TIMEOUT, &patience, sizeof patience);
        nl_socket_set_nonblocking(socket.get());
        stop = Fd(static_cast<int>(check(eventfd(0, EFD_CLOEXEC), "make an eventfd")));
        thread = std::thread([this] { run(); });
    }

    void run() {
        std::vector<unsigned char> buffer(1 << 18);
        for (;;) {
            std::array<pollfd, 2> ready{pollfd{stop.get(), POLLIN, 0},
                                        pollfd{nl_socket_get_fd(socket.get()), POLLIN, 0}};
            if (poll(ready.data(), ready.size(), -1) < 0) continue;
            if (ready[0].revents) return;
            const auto length = recv(nl_socket_get_fd(socket.get()), buffer.data(), buffer.size(), 0);
            if (length < 0) {
                if (errno == ENOBUFS) tellLoss();
                continue;
            }
            lines.clear();
            auto left = static_cast<int>(length);
            for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(message, left);
                 message = nlmsg_next(message, &left))
                if (message->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) take(message);
            keep();
        }
    }

    void tellLoss() {
        lines.clear();
        {
            JsonWriter json(lines);
            const auto line = json.object();
            json.field("time", isoSecondsZ(now()));
            json.field("action", "LOST");
        }
        lines += '\n';
        keep();
    }

    void take(nlmsghdr* message) {
        std::array<nlattr*, NFULA_MAX + 1> parts{};
        if (nlmsg_parse(message, sizeof(nfgenmsg), parts.data(), NFULA_MAX, nullptr) < 0) return;
        const auto* prefix = parts[NFULA_PREFIX];
        const auto* payload = parts[NFULA_PAYLOAD];
        if (!prefix || !payload) return;
        const auto words = wordsIn(nla_get_string(prefix));
        const auto headers = headersOf(
            Bytes(static_cast<const unsigned char*>(nla_data(payload)), static_cast<std::size_t>(nla_len(payload))));
        if (!words || !headers) return;
        const auto number = [&](int which) {
            const auto* part = parts[static_cast<std::size_t>(which)];
            return part ? ntohl(nla_get_u32(part)) : 0;
        };
        const std::lock_guard lock(mutex);
        const auto* whose = words->ingress ? receiver(number(NFULA_IFINDEX_PHYSOUTDEV), number(NFULA_IFINDEX_OUTDEV),
                                                      headers->destination)
                                           : sender(static_cast<int>(number(NFULA_MARK) >> 16));
        if (whose) tell(whose->port, *words, *headers);
    }

    const Named* named(const PortId& id) const {
        const auto found = ports.find(id);
        return found == ports.end() ? nullptr : &found->second;
    }

    const Named* sender(int number) const {
        const auto found = byNumber.find(number);
        return found == byNumber.end() ? nullptr : named(found->second);
    }

    /// By its tap, or where the host's own routes lead to it, by its address.
    const Named* receiver(unsigned tap, unsigned device, const Address& address) const {
        std::array<char, IF_NAMESIZE> name{};
        if (tap != 0 && if_indextoname(tap, name.data())) {
            const auto found = byTap.find(name.data());
            return found == byTap.end() ? nullptr : named(found->second);
        }
        if (device == 0 || !if_indextoname(device, name.data())) return nullptr;
        const auto found = byPlace.find({name.data(), address});
        return found == byPlace.end() ? nullptr : named(found->second);
    }

    void tell(const PlannedPort& port, const Words& words, const Headers& headers) {
        std::vector<SecurityLogId> logs;
        for (const auto& each : port.logs)
            if (words.accepted ? each.accepted && (!each.group || *each.group == words.group) : each.dropped)
                logs.push_back(each.id);
        if (logs.empty()) return; // an earlier rule's packet
        {
            JsonWriter json(lines);
            const auto line = json.object();
            json.field("time", isoSecondsZ(now()));
            json.field("action", words.accepted ? "ACCEPT" : "DROP");
            json.field("direction", words.ingress ? "ingress" : "egress");
            json.field("project_id", port.project);
            json.field("port_id", port.id);
            if (words.accepted) json.field("security_group_id", words.group);
            {
                const auto list = json.array("log_ids");
                for (const auto& each : logs) json.value(each);
            }
            json.field("protocol", headers.protocol);
            json.field("source", headers.source.text());
            if (headers.sourcePort) json.field("source_port", *headers.sourcePort);
            json.field("destination", headers.destination.text());
            if (headers.destinationPort) json.field("destination_port", *headers.destinationPort);
            if (headers.icmpType) json.field("icmp_type", *headers.icmpType);
            if (headers.icmpCode) json.field("icmp_code", *headers.icmpCode);
        }
        lines += '\n';
    }

    void keep() {
        try {
            out->append(lines);
            failing = false;
        } catch (const Error& problem) {
            if (!std::exchange(failing, true) && notice) notice(problem.what());
        }
    }
};

PacketLog::PacketLog(std::filesystem::path file, std::function<void(std::string_view)> notice, RollingSize size)
    : impl_(std::make_unique<Impl>()) {
    impl_->out.emplace(std::move(file), size);
    impl_->notice = std::move(notice);
}

PacketLog::~PacketLog() = default;

void PacketLog::tell(const PlannedPort& port, int number) {
    forget(port.id);
    impl_->begin();
    const std::lock_guard lock(impl_->mutex);
    impl_->ports[port.id] = {port, number};
    impl_->byNumber[number] = port.id;
    impl_->byTap[tapNameOf(port.id)] = port.id;
    for (const auto& each : port.fixedIps)
        if (const auto address = Address::parse(each.address))
            impl_->byPlace[{bridgeOf(port.network), *address}] = port.id;
}

void PacketLog::forget(const PortId& port) {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->ports.find(port);
    if (found == impl_->ports.end()) return;
    const auto& gone = found->second;
    const auto eraseIts = [&](auto& named, const auto& key) {
        if (const auto its = named.find(key); its != named.end() && its->second == port) named.erase(its);
    };
    eraseIts(impl_->byNumber, gone.number);
    eraseIts(impl_->byTap, tapNameOf(port));
    for (const auto& each : gone.port.fixedIps)
        if (const auto address = Address::parse(each.address))
            eraseIts(impl_->byPlace, std::pair(bridgeOf(gone.port.network), *address));
    impl_->ports.erase(found);
}

}
