#include "network/driver/linux_conntrack.hpp"

#include <netinet/in.h> // before the kernel's own, which then leave its types alone

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stratolet/error.hpp>

#include <array>
#include <vector>

#include "platform/os/fd.hpp"

namespace stratolet::network::conntrack {

namespace {

using Socket = Handle<nl_sock, nl_socket_free>;
using Message = Handle<nl_msg, nlmsg_free>;

Address addressIn(nlattr* attribute, int version) {
    Address out{version, 0};
    const auto* bytes = static_cast<const unsigned char*>(nla_data(attribute));
    for (int at = 0; at < out.bits() / 8 && at < nla_len(attribute); ++at) out.value = out.value << 8 | bytes[at];
    return out;
}

/// Both addresses of a tuple, and (where `connection` is there) what else it says.
void readTuple(nlattr* tuple, Address& source, Address& destination, Connection* connection) {
    std::array<nlattr*, CTA_TUPLE_MAX + 1> parts{};
    nla_parse_nested(parts.data(), CTA_TUPLE_MAX, tuple, nullptr);
    if (parts[CTA_TUPLE_IP]) {
        std::array<nlattr*, CTA_IP_MAX + 1> ip{};
        nla_parse_nested(ip.data(), CTA_IP_MAX, parts[CTA_TUPLE_IP], nullptr);
        if (ip[CTA_IP_V4_SRC]) source = addressIn(ip[CTA_IP_V4_SRC], 4);
        if (ip[CTA_IP_V4_DST]) destination = addressIn(ip[CTA_IP_V4_DST], 4);
        if (ip[CTA_IP_V6_SRC]) source = addressIn(ip[CTA_IP_V6_SRC], 6);
        if (ip[CTA_IP_V6_DST]) destination = addressIn(ip[CTA_IP_V6_DST], 6);
    }
    if (!connection || !parts[CTA_TUPLE_PROTO]) return;
    std::array<nlattr*, CTA_PROTO_MAX + 1> protocol{};
    nla_parse_nested(protocol.data(), CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO], nullptr);
    const auto byte = [&](int which) {
        return protocol[static_cast<std::size_t>(which)] ? nla_get_u8(protocol[static_cast<std::size_t>(which)]) : 0;
    };
    const auto port = [&](int which) {
        return protocol[static_cast<std::size_t>(which)] ? ntohs(nla_get_u16(protocol[static_cast<std::size_t>(which)]))
                                                         : 0;
    };
    connection->protocol = byte(CTA_PROTO_NUM);
    connection->sourcePort = port(CTA_PROTO_SRC_PORT);
    connection->destinationPort = port(CTA_PROTO_DST_PORT);
    connection->icmpType =
        connection->protocol == IPPROTO_ICMPV6 ? byte(CTA_PROTO_ICMPV6_TYPE) : byte(CTA_PROTO_ICMP_TYPE);
    connection->icmpCode =
        connection->protocol == IPPROTO_ICMPV6 ? byte(CTA_PROTO_ICMPV6_CODE) : byte(CTA_PROTO_ICMP_CODE);
}

struct Finding {
    const std::function<bool(const Entry&)>& which;
    std::vector<Message> deletions = {};
};

int look(nl_msg* message, void* into) {
    auto& finding = *static_cast<Finding*>(into);
    auto* header = nlmsg_hdr(message);
    std::array<nlattr*, CTA_MAX + 1> parts{};
    if (nlmsg_parse(header, sizeof(nfgenmsg), parts.data(), CTA_MAX, nullptr) < 0 || !parts[CTA_TUPLE_ORIG] ||
        !parts[CTA_TUPLE_REPLY])
        return NL_OK;
    Entry entry;
    readTuple(parts[CTA_TUPLE_ORIG], entry.connection.source, entry.connection.destination, &entry.connection);
    readTuple(parts[CTA_TUPLE_REPLY], entry.replySource, entry.replyDestination, nullptr);
    if (parts[CTA_ZONE]) entry.connection.zone = ntohs(nla_get_u16(parts[CTA_ZONE]));
    if (!finding.which(entry)) return NL_OK;
    const auto* generic = static_cast<const nfgenmsg*>(nlmsg_data(header));
    Message deletion(nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK));
    nlmsg_append(deletion.get(), const_cast<nfgenmsg*>(generic), sizeof *generic, NLMSG_ALIGNTO);
    for (const int each : {CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID}) // the id: it and no later one
        if (auto* part = parts[static_cast<std::size_t>(each)])
            nla_put(deletion.get(), part->nla_type, nla_len(part), nla_data(part));
    finding.deletions.push_back(std::move(deletion));
    return NL_OK;
}

}

int end(const std::function<bool(const Entry&)>& which) {
    const Socket socket(nl_socket_alloc());
    if (!socket || nl_connect(socket.get(), NETLINK_NETFILTER) < 0)
        throw Error(Failure::Broken, "could not open a netfilter socket");
    nl_socket_set_buffer_size(socket.get(), 1 << 20, 0);
    Finding finding{which};
    nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, look, &finding);
    nfgenmsg all{};
    all.nfgen_family = AF_UNSPEC;
    all.version = NFNETLINK_V0;
    int result =
        nl_send_simple(socket.get(), NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, &all, sizeof all);
    if (result >= 0) result = nl_recvmsgs_default(socket.get());
    if (result < 0) throw Error(Failure::Broken, "could not list the connections: ", nl_geterror(result));
    int ended = 0;
    for (const auto& each : finding.deletions) {
        result = nl_send_auto(socket.get(), each.get());
        if (result >= 0) result = nl_wait_for_ack(socket.get());
        if (result == -NLE_OBJ_NOTFOUND) continue; // it has ended by itself
        if (result < 0) throw Error(Failure::Broken, "could not end a connection: ", nl_geterror(result));
        ++ended;
    }
    return ended;
}

}
