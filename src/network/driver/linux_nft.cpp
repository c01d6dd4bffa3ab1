#include "network/driver/linux_nft.hpp"

#include <netinet/in.h> // before the kernel's own, which then leave its types alone

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <nftables/libnftables.h>
#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::network::nft {

namespace {

using Context = Handle<nft_ctx, nft_ctx_free>;
using Socket = Handle<nl_sock, nl_socket_free>;

std::string familyName(int family) {
    switch (family) {
    case NFPROTO_INET: return "inet";
    case NFPROTO_IPV4: return "ip";
    case NFPROTO_IPV6: return "ip6";
    case NFPROTO_BRIDGE: return "bridge";
    case NFPROTO_ARP: return "arp";
    case NFPROTO_NETDEV: return "netdev";
    default: return "unknown";
    }
}

int takeTable(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    const auto* generic = static_cast<const nfgenmsg*>(nlmsg_data(header));
    if (const auto* name = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_TABLE_NAME))
        static_cast<std::set<std::string>*>(into)->insert(familyName(generic->nfgen_family) + " " + nla_get_string(name));
    return NL_OK;
}

}

void load(const std::string& rules) {
    const Context context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) throw Error(Failure::Broken, "could not open nftables");
    nft_ctx_buffer_error(context.get());
    nft_ctx_buffer_output(context.get());
    if (nft_run_cmd_from_buffer(context.get(), rules.c_str()) != 0) {
        const std::string reason = nft_ctx_get_error_buffer(context.get());
        throw Error(Failure::Broken, "could not load the packet rules: ", reason.substr(0, 2000));
    }
}

std::set<std::string> tables() {
    // Not through libnftables: to list anything it reads every rule of the host, and aborts over some that it can't make sense of.
    const Socket socket(nl_socket_alloc());
    if (!socket || nl_connect(socket.get(), NETLINK_NETFILTER) < 0) throw Error(Failure::Broken, "could not open a netfilter socket");
    std::set<std::string> found;
    nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, takeTable, &found);
    nfgenmsg all{};
    all.nfgen_family = NFPROTO_UNSPEC;
    all.version = NFNETLINK_V0;
    int result = nl_send_simple(socket.get(), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_DUMP, &all, sizeof all);
    if (result >= 0) result = nl_recvmsgs_default(socket.get());
    if (result < 0) throw Error(Failure::Broken, "could not list the tables of nftables: ", nl_geterror(result));
    return found;
}

}
