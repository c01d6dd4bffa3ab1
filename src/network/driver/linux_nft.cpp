#include "network/driver/linux_nft.hpp"

#include <endian.h>
#include <netinet/in.h> // before the kernel's own, which then leave its types alone

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <nftables/libnftables.h>
#include <stratolet/error.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network::nft {

namespace {

using Counts = std::map<std::string, std::size_t>;
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

/// What a message of the dump is of: "bridge stratolet_guard", and in it the value of `attribute`.
std::string nameIn(nl_msg* message, int tableAttribute, int attribute) {
    auto* header = nlmsg_hdr(message);
    const auto* generic = static_cast<const nfgenmsg*>(nlmsg_data(header));
    const auto* table = nlmsg_find_attr(header, sizeof(nfgenmsg), tableAttribute);
    const auto* name = attribute ? nlmsg_find_attr(header, sizeof(nfgenmsg), attribute) : nullptr;
    std::string out = familyName(generic->nfgen_family);
    if (table) out += std::string(" ") + nla_get_string(table);
    if (name) out += std::string(" ") + nla_get_string(name);
    return out;
}

int takeTable(nl_msg* message, void* into) {
    static_cast<std::set<std::string>*>(into)->insert(nameIn(message, NFTA_TABLE_NAME, 0));
    return NL_OK;
}

int takeChain(nl_msg* message, void* into) {
    static_cast<Counts*>(into)->emplace(nameIn(message, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME), 0);
    return NL_OK;
}

/// Chains that all that is forwarded passes, and whether what none of their rules lets through is dropped: by the
/// policy, or by a last rule that is about everything.
struct Forwarding {
    std::map<std::string, bool> drops, lastDrops;
};

int takeForwarding(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    const auto* policy = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_CHAIN_POLICY);
    auto* hook = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_CHAIN_HOOK);
    const int family = static_cast<const nfgenmsg*>(nlmsg_data(header))->nfgen_family;
    const bool routed = family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
    if (!routed || !policy || !hook) return NL_OK;
    const bool drops = ntohl(nla_get_u32(policy)) == NF_DROP;
    nlattr* each = nullptr;
    int left = 0;
    nla_for_each_nested(each, hook, left) {
        if (nla_type(each) == NFTA_HOOK_HOOKNUM && ntohl(nla_get_u32(each)) == NF_INET_FORWARD)
            static_cast<Forwarding*>(into)->drops[nameIn(message, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME)] = drops;
    }
    return NL_OK;
}

/// Where a rule about every packet sends it: "drop", "return"; empty for any other rule.
std::string endOf(nl_msg* message) {
    auto* rule = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_RULE_EXPRESSIONS);
    if (!rule) return {};
    std::string end;
    nlattr *each = nullptr, *one = nullptr, *deeper = nullptr, *last = nullptr;
    int left = 0, within = 0, below = 0, deepest = 0;
    nla_for_each_nested(each, rule, left) {
        std::string name;
        nlattr* data = nullptr;
        nla_for_each_nested(one, each, within) {
            if (nla_type(one) == NFTA_EXPR_NAME) name = nla_get_string(one);
            if (nla_type(one) == NFTA_EXPR_DATA) data = one;
        }
        if (name == "counter" || name == "log") continue;
        if (name == "reject") {
            end = "drop";
            continue;
        }
        if (!data) return {};
        if (name == "target") { // of iptables
            nla_for_each_nested(one, data, within) {
                if (nla_type(one) == NFTA_TARGET_NAME && std::string(nla_get_string(one)) == "REJECT") end = "drop";
            }
            if (end.empty()) return {};
            continue;
        }
        if (name != "immediate") return {};
        nla_for_each_nested(one, data, within) {
            if (nla_type(one) != NFTA_IMMEDIATE_DATA) continue;
            nla_for_each_nested(deeper, one, below) {
                if (nla_type(deeper) != NFTA_DATA_VERDICT) continue;
                nla_for_each_nested(last, deeper, deepest) {
                    if (nla_type(last) != NFTA_VERDICT_CODE) continue;
                    const auto code = static_cast<int>(ntohl(nla_get_u32(last)));
                    end = code == NF_DROP ? "drop" : code == NFT_RETURN ? "return" : "";
                }
            }
        }
    }
    return end;
}

int takeLast(nl_msg* message, void* into) {
    auto& forwarding = *static_cast<Forwarding*>(into);
    const auto chain = nameIn(message, NFTA_RULE_TABLE, NFTA_RULE_CHAIN);
    if (forwarding.drops.contains(chain)) forwarding.lastDrops[chain] = endOf(message) == "drop";
    return NL_OK;
}

int takeRuleOfChain(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    const auto* handle = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_RULE_HANDLE);
    const auto* said = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_RULE_USERDATA);
    static_cast<std::vector<ChainRule>*>(into)->push_back(
        {handle ? be64toh(nla_get_u64(handle)) : 0,
         said ? std::string(static_cast<const char*>(nla_data(said)), static_cast<std::size_t>(nla_len(said))) : "",
         endOf(message) == "return"});
    return NL_OK;
}

/// Tables of whose rules one has these bytes.
struct Naming {
    std::string_view bytes;
    std::set<std::string> tables;
};

int takeNaming(nl_msg* message, void* into) {
    auto& naming = *static_cast<Naming*>(into);
    const auto* rule = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_RULE_EXPRESSIONS);
    if (!rule) return NL_OK;
    const std::string_view all(static_cast<const char*>(nla_data(rule)), static_cast<std::size_t>(nla_len(rule)));
    if (all.find(naming.bytes) != std::string_view::npos) naming.tables.insert(nameIn(message, NFTA_RULE_TABLE, 0));
    return NL_OK;
}

/// The same of elements of sets.
int takeElementNaming(nl_msg* message, void* into) {
    auto& naming = *static_cast<Naming*>(into);
    const auto* list = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list) return NL_OK;
    const std::string_view all(static_cast<const char*>(nla_data(list)), static_cast<std::size_t>(nla_len(list)));
    if (all.find(naming.bytes) != std::string_view::npos)
        naming.tables.insert(nameIn(message, NFTA_SET_ELEM_LIST_TABLE, 0));
    return NL_OK;
}

/// A set with its family and table, also one without a name of its own.
struct AnySet {
    int family = 0;
    std::string table, name;
};
int takeAnySet(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    const auto* table = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_SET_TABLE);
    const auto* name = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_SET_NAME);
    const auto* type = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_SET_KEY_LEN);
    constexpr std::uint32_t interfaceBytes = 16; // IFNAMSIZ; joined with more it is longer
    if (table && name && type && ntohl(nla_get_u32(type)) >= interfaceBytes)
        static_cast<std::vector<AnySet>*>(into)->push_back(
            {static_cast<const nfgenmsg*>(nlmsg_data(header))->nfgen_family, nla_get_string(table),
             nla_get_string(name)});
    return NL_OK;
}

/// Rules that compare the number of a packet's interface with this one.
struct Numbered {
    int index;
    std::set<std::string> tables;
};
int takeNumbered(nl_msg* message, void* into) {
    auto& numbered = *static_cast<Numbered*>(into);
    auto* rule = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_RULE_EXPRESSIONS);
    if (!rule) return NL_OK;
    bool before = false; // the expression before has read that number
    nlattr *each = nullptr, *one = nullptr;
    int left = 0;
    nla_for_each_nested(each, rule, left) {
        std::string name;
        nlattr* data = nullptr;
        int within = 0;
        nla_for_each_nested(one, each, within) {
            if (nla_type(one) == NFTA_EXPR_NAME) name = nla_get_string(one);
            if (nla_type(one) == NFTA_EXPR_DATA) data = one;
        }
        bool reads = false;
        if (name == "meta" && data) nla_for_each_nested(one, data, within) if (nla_type(one) == NFTA_META_KEY) {
                const auto key = ntohl(nla_get_u32(one));
                reads = key == NFT_META_IIF || key == NFT_META_OIF;
            }
        if (name == "cmp" && data && before)
            nla_for_each_nested(one, data, within) if (nla_type(one) == NFTA_CMP_DATA) {
                nlattr* value = nullptr;
                int last = 0;
                nla_for_each_nested(value, one, last) if (nla_type(value) == NFTA_DATA_VALUE && nla_len(value) == 4 &&
                                                          static_cast<int>(nla_get_u32(value)) == numbered.index)
                    numbered.tables.insert(nameIn(message, NFTA_RULE_TABLE, 0));
            }
        before = reads;
    }
    return NL_OK;
}

int takeRule(nl_msg* message, void* into) {
    ++(*static_cast<Counts*>(into))[nameIn(message, NFTA_RULE_TABLE, NFTA_RULE_CHAIN)];
    return NL_OK;
}

int takeSet(nl_msg* message, void* into) {
    const auto* flags = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_SET_FLAGS);
    if (flags && ntohl(nla_get_u32(flags)) & NFT_SET_ANONYMOUS) return NL_OK;
    static_cast<Counts*>(into)->emplace(nameIn(message, NFTA_SET_TABLE, NFTA_SET_NAME), 0);
    return NL_OK;
}

int takeElements(nl_msg* message, void* into) {
    auto& counts = *static_cast<Counts*>(into);
    const auto name = nameIn(message, NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET);
    auto* list = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list) return NL_OK;
    nlattr* each = nullptr;
    int left = 0;
    nla_for_each_nested(each, list, left)++ counts[name];
    return NL_OK;
}

int takeCounter(nl_msg* message, void* into) {
    auto* header = nlmsg_hdr(message);
    const auto* type = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_OBJ_TYPE);
    auto* data = nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_OBJ_DATA);
    if (!type || !data || ntohl(nla_get_u32(type)) != NFT_OBJECT_COUNTER) return NL_OK;
    auto& counted =
        (*static_cast<std::map<std::string, Counted>*>(into))[nameIn(message, NFTA_OBJ_TABLE, NFTA_OBJ_NAME)];
    nlattr* each = nullptr;
    int left = 0;
    nla_for_each_nested(each, data, left) {
        if (nla_type(each) == NFTA_COUNTER_PACKETS) counted.packets = be64toh(nla_get_u64(each));
        if (nla_type(each) == NFTA_COUNTER_BYTES) counted.bytes = be64toh(nla_get_u64(each));
    }
    return NL_OK;
}

int takeGeneration(nl_msg* message, void* into) {
    if (const auto* id = nlmsg_find_attr(nlmsg_hdr(message), sizeof(nfgenmsg), NFTA_GEN_ID))
        *static_cast<std::uint32_t*>(into) = ntohl(nla_get_u32(id));
    return NL_OK;
}

// Not through libnftables: to list anything it reads every rule of the host, and aborts over some that it can't make
// sense of.
class Dump {
public:
    Dump() : socket_(nl_socket_alloc()) {
        if (!socket_ || nl_connect(socket_.get(), NETLINK_NETFILTER) < 0)
            throw Error(Failure::Broken, "could not open a netfilter socket");
    }

    /// `names` are attributes with texts.
    void run(int kind, int family, const std::vector<std::pair<int, std::string>>& names, int (*take)(nl_msg*, void*),
             void* into, int flags = NLM_F_DUMP) {
        nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, take, into);
        const Handle<nl_msg, nlmsg_free> message(nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | kind, flags));
        nfgenmsg header{};
        header.nfgen_family = static_cast<std::uint8_t>(family);
        header.version = NFNETLINK_V0;
        nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
        for (const auto& [attribute, text] : names) nla_put_string(message.get(), attribute, text.c_str());
        int result = nl_send_auto(socket_.get(), message.get());
        if (result >= 0) result = nl_recvmsgs_default(socket_.get());
        if (result == -NLE_OBJ_NOTFOUND) return; // it has just gone
        if (result < 0) throw Error(Failure::Broken, "could not read the rules of nftables: ", nl_geterror(result));
    }

private:
    Socket socket_;
};

/// A table that the kernel keeps beside nftables, for iptables-legacy, as far as it is asked for here.
struct LegacyTable {
    std::string name;              ///< "ip filter-legacy"
    std::set<std::string> chains;  ///< "ip filter-legacy FORWARD"
    std::set<std::string> devices; ///< that its rules name, as they do: "brq+" is "brq"
    bool drops = false;            ///< what is forwarded and none of its rules lets through
};

/// The words of the two versions of IP for the same (linux/netfilter_ipv4/ip_tables.h and its like).
struct Legacy4 {
    using Info = ipt_getinfo;
    using Table = ipt_get_entries;
    using Entry = ipt_entry;
    static constexpr int domain = AF_INET, level = SOL_IP, info = IPT_SO_GET_INFO, entries = IPT_SO_GET_ENTRIES;
    static constexpr const char *family = "ip", *known = "/proc/thread-self/net/ip_tables_names";
    static const auto& matchOf(const Entry& entry) { return entry.ip; }
};
struct Legacy6 {
    using Info = ip6t_getinfo;
    using Table = ip6t_get_entries;
    using Entry = ip6t_entry;
    static constexpr int domain = AF_INET6, level = SOL_IPV6, info = IP6T_SO_GET_INFO, entries = IP6T_SO_GET_ENTRIES;
    static constexpr const char *family = "ip6", *known = "/proc/thread-self/net/ip6_tables_names";
    static const auto& matchOf(const Entry& entry) { return entry.ipv6; }
};

template <class Words> LegacyTable readLegacy(const std::string& table) {
    using Entry = typename Words::Entry;
    const std::string what = "read the rules of iptables-legacy";
    const Fd socket(static_cast<int>(check(::socket(Words::domain, SOCK_DGRAM | SOCK_CLOEXEC, 0), what)));
    typename Words::Info info{};
    table.copy(info.name, sizeof info.name - 1);
    socklen_t length = sizeof info;
    check(getsockopt(socket.get(), Words::level, Words::info, &info, &length), what);
    std::string buffer(sizeof(typename Words::Table) + info.size, '\0');
    auto& head = *reinterpret_cast<typename Words::Table*>(buffer.data());
    table.copy(head.name, sizeof head.name - 1);
    head.size = info.size;
    length = static_cast<socklen_t>(buffer.size());
    check(getsockopt(socket.get(), Words::level, Words::entries, buffer.data(), &length), what);

    LegacyTable found{std::string(Words::family) + " " + table + "-legacy", {}, {}, false};
    const bool forwards = (info.valid_hooks & 1u << NF_INET_FORWARD) != 0;
    if (forwards) found.chains.insert(found.name + " FORWARD");
    const char* all = buffer.data() + sizeof(typename Words::Table);
    bool endsAll = false; // the entry before, of every packet
    for (std::size_t at = 0; at + sizeof(Entry) + sizeof(xt_standard_target) <= info.size;) {
        Entry entry;
        std::memcpy(&entry, all + at, sizeof entry);
        if (entry.next_offset < sizeof entry || entry.target_offset + sizeof(xt_standard_target) > entry.next_offset ||
            at + entry.next_offset > info.size)
            break;
        const auto& match = Words::matchOf(entry);
        for (const auto* device : {match.iniface, match.outiface})
            if (*device) found.devices.insert(std::string(device, strnlen(device, IFNAMSIZ)));
        xt_standard_target target;
        std::memcpy(&target, all + at + entry.target_offset, sizeof target);
        const std::string kind(target.target.u.user.name, strnlen(target.target.u.user.name, XT_EXTENSION_MAXNAMELEN));
        if (kind == XT_ERROR_TARGET) { // the head of a chain that somebody made; the last ends the table
            const char* name = all + at + entry.target_offset + sizeof(xt_entry_target);
            found.chains.insert(found.name + " " + std::string(name, strnlen(name, XT_FUNCTION_MAXNAMELEN)));
        }
        const bool isStandard = kind.empty(); // XT_STANDARD_TARGET
        const bool drops = (isStandard && target.verdict == -NF_DROP - 1) || kind == "REJECT";
        const std::string_view asked(reinterpret_cast<const char*>(&match), sizeof match); // nothing where all are 0
        if (forwards && at == info.underflow[NF_INET_FORWARD])
            found.drops = drops || (endsAll && at > info.hook_entry[NF_INET_FORWARD]);
        endsAll =
            drops && entry.target_offset == sizeof entry && asked.find_first_not_of('\0') == std::string_view::npos;
        at += entry.next_offset;
    }
    return found;
}

template <class Words> void readLegacyTo(std::vector<LegacyTable>& all) {
    std::ifstream names(Words::known); // only those that are there: to ask for another makes it
    for (std::string table; std::getline(names, table);) all.push_back(readLegacy<Words>(table));
}

std::vector<LegacyTable> legacyTables() {
    std::vector<LegacyTable> all;
    readLegacyTo<Legacy4>(all);
    readLegacyTo<Legacy6>(all);
    return all;
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
    std::set<std::string> found;
    Dump().run(NFT_MSG_GETTABLE, NFPROTO_UNSPEC, {}, takeTable, &found);
    return found;
}

std::uint32_t generation() {
    std::uint32_t id = 0;
    Dump().run(NFT_MSG_GETGEN, NFPROTO_UNSPEC, {}, takeGeneration, &id, 0);
    return id;
}

std::vector<std::string> chainsThatDrop(std::string_view prefix) {
    Forwarding forwarding;
    Dump dump;
    dump.run(NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, {}, takeForwarding, &forwarding);
    std::vector<std::string> chains;
    for (const auto& each : legacyTables())
        if (each.drops && std::none_of(each.devices.begin(), each.devices.end(),
                                       [&](const auto& device) { return device.starts_with(prefix); }))
            chains.push_back(each.name + " FORWARD");
    if (forwarding.drops.empty()) return chains;
    Naming naming{prefix, {}};
    dump.run(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, takeNaming, &naming);
    dump.run(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, takeLast, &forwarding);
    for (const auto& [chain, drops] : forwarding.drops) {
        const auto table = chain.substr(0, chain.rfind(' '));
        if ((drops || forwarding.lastDrops[chain]) && !naming.tables.contains(table) &&
            !table.substr(table.find(' ') + 1).starts_with("stratolet_"))
            chains.push_back(chain);
    }
    return chains;
}

std::set<std::string> chains() {
    Counts all;
    Dump().run(NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, {}, takeChain, &all);
    std::set<std::string> names;
    for (const auto& [name, none] : all) names.insert(name);
    for (auto& each : legacyTables()) names.merge(each.chains);
    return names;
}

std::vector<ChainRule> rulesOf(const std::string& chain) {
    const auto words = split(chain, ' ');
    std::vector<ChainRule> found;
    Dump().run(NFT_MSG_GETRULE, words.at(0) == "ip6" ? NFPROTO_IPV6 : NFPROTO_IPV4,
               {{NFTA_RULE_TABLE, std::string(words.at(1))}, {NFTA_RULE_CHAIN, std::string(words.at(2))}},
               takeRuleOfChain, &found);
    return found;
}

std::set<std::string> tablesNaming(const std::string& interface, int index) {
    const std::string bytes = '\0' + interface + '\0'; // one that is longer is another
    Naming naming{bytes, {}};
    Dump dump;
    dump.run(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, takeNaming, &naming);
    std::vector<AnySet> sets;
    dump.run(NFT_MSG_GETSET, NFPROTO_UNSPEC, {}, takeAnySet, &sets);
    for (const auto& each : sets)
        if (!each.table.starts_with("stratolet_"))
            dump.run(NFT_MSG_GETSETELEM, each.family,
                     {{NFTA_SET_ELEM_LIST_TABLE, each.table}, {NFTA_SET_ELEM_LIST_SET, each.name}}, takeElementNaming,
                     &naming);
    if (index != 0) {
        Numbered numbered{index, {}};
        dump.run(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, takeNumbered, &numbered);
        naming.tables.merge(numbered.tables);
    }
    for (const auto& each : legacyTables())
        if (each.devices.contains(interface)) naming.tables.insert(each.name);
    std::erase_if(naming.tables,
                  [](const auto& each) { return each.substr(each.find(' ') + 1).starts_with("stratolet_"); });
    return naming.tables;
}

std::map<std::string, Counted> takeCounters(const std::string& table) {
    const auto space = table.find(' ');
    std::map<std::string, Counted> all, named;
    int family = NFPROTO_UNSPEC;
    for (const int each : {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_BRIDGE})
        if (familyName(each) == table.substr(0, space)) family = each;
    Dump().run(NFT_MSG_GETOBJ_RESET, family, {{NFTA_OBJ_TABLE, table.substr(space + 1)}}, takeCounter, &all);
    for (const auto& [name, counted] : all)
        if (name.starts_with(table + " ")) named.emplace(name.substr(table.size() + 1), counted);
    return named;
}

std::map<std::string, std::size_t> counts(const std::vector<std::string>& tables) {
    Counts all, sets;
    Dump dump;
    dump.run(NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, {}, takeChain, &all);
    dump.run(NFT_MSG_GETRULE, NFPROTO_UNSPEC, {}, takeRule, &all);
    dump.run(NFT_MSG_GETSET, NFPROTO_UNSPEC, {}, takeSet, &sets);
    const auto isOf = [](const std::string& name, const std::string& table) { return name.starts_with(table + " "); };
    const auto wanted = [&](const auto& each) {
        return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return isOf(each.first, table); });
    };
    std::erase_if(all, [&](const auto& each) { return !wanted(each); });
    for (const auto& [name, none] : sets)
        for (const auto& table : tables) {
            if (!isOf(name, table)) continue;
            all.emplace(name, none);
            const auto family = table.substr(0, table.find(' '));
            int number = NFPROTO_UNSPEC;
            for (const int each : {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_BRIDGE})
                if (familyName(each) == family) number = each;
            dump.run(NFT_MSG_GETSETELEM, number,
                     {{NFTA_SET_ELEM_LIST_TABLE, table.substr(family.size() + 1)},
                      {NFTA_SET_ELEM_LIST_SET, name.substr(table.size() + 1)}},
                     takeElements, &all);
        }
    return all;
}

}
