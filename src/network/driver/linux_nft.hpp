#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet::network::nft {

/// Loads `rules` (the language of nft(8)) as one transaction in the network namespace of this thread: all of it or,
/// with Error(Broken), nothing.
void load(const std::string& rules);

/// "bridge stratolet_guard": family and name of every table in the network namespace of this thread.
std::set<std::string> tables();

/// The number of the present ruleset of the network namespace of this thread: another after each transaction of
/// whomever.
std::uint32_t generation();

/// How many rules each chain of these tables has, and how many elements each set, by "family table name". Those of sets
/// of intervals are counted as the kernel has them, ends too.
std::map<std::string, std::size_t> counts(const std::vector<std::string>& tables);

/// "ip filter FORWARD": every chain there is. Those that the kernel keeps beside nftables, for iptables-legacy, are of
/// tables such as "ip filter-legacy".
std::set<std::string> chains();

/// A rule of a chain, by what tells it apart.
struct ChainRule {
    std::uint64_t handle = 0;
    std::string said;     ///< what it was given beside its matches, a comment among it
    bool returns = false; ///< with every packet
};
/// Those of "ip filter FORWARD" in their order; none where there is no such chain. Its family is ip or ip6.
std::vector<ChainRule> rulesOf(const std::string& chain);

/// "ip filter FORWARD": chains that drop what is forwarded where none of their rules lets it through, by their policy
/// or by a last rule, and whose table has no rule that names an interface that begins with `prefix`. Those of tables
/// called stratolet_… don't count.
std::vector<std::string> chainsThatDrop(std::string_view prefix);

/// "inet filter": tables with a rule that names the interface, by itself or in a set, or by its number (0: not looked
/// for). Those called stratolet_… don't count, nor do rules that iptables keeps without nftables.
std::set<std::string> tablesNaming(const std::string& interface, int index);

struct Counted {
    std::uint64_t packets = 0, bytes = 0;
};
/// What the named counters of a table ("ip stratolet_router") have counted, by name; they begin anew.
std::map<std::string, Counted> takeCounters(const std::string& table);

}
