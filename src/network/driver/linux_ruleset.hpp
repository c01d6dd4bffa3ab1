#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet::network {

/// An element of a named set or map. Numbers, names and addresses only: it goes into a rule text as it is.
struct RuleElement {
    std::string set;
    std::string key;
    std::string value; ///< of a map; of a set the limit that the element has for itself
    auto operator<=>(const RuleElement&) const = default;
};
using RuleElements = std::vector<RuleElement>;

/// A chain of nftables: where it hangs, and its rules in order.
struct RuleChain {
    std::string hook; ///< "type … hook … priority …; policy …;" of a base chain; empty: none
    std::vector<std::string> rules;
    bool operator==(const RuleChain&) const = default;
};

/// The blocks that no other holds, as a set of intervals takes them. All must be such.
std::vector<std::string> disjoint(const std::vector<std::string>& blocks);

/// Tables of nftables as values: what should be in them, and what has been loaded. A change is told as what it changes:
/// no table is replaced while it is in use, and what one element costs does not depend on how many there are. Names of
/// sets and chains are unique over all tables.
class Ruleset {
public:
    /// `table` is family and name: "inet stratolet_filter". Before anything that is in it.
    void addTable(std::string table);

    /// `type` as nft has it: "type ifname : mark;". With "flags interval;" in it, elements that overlap become one.
    /// Sets and maps of elements that are not overlapping by themselves (concatenations) are declared `plain`. A
    /// "counter" is declared like a set, with the type "packets 0 bytes 0", and goes on counting until it is dropped.
    void declare(std::string_view table, std::string_view name, std::string_view keyword, std::string_view type,
                 bool plain = true);
    void drop(std::string_view set); ///< with its elements

    void put(std::string_view table, std::string_view chain, RuleChain content);
    void removeChain(std::string_view chain);

    /// An element that several give is there until the last of them takes it.
    void give(const RuleElements& elements);
    void take(const RuleElements& elements);

    bool loadsAll() const { return fresh_; } ///< commands() puts everything in place of what is there
    bool changed() const { return !sets_.touched.empty() || !chains_.touched.empty() || fresh_; }

    /// What nft must do: the changes since the last loaded(), or (after forget()) everything, in place of what is
    /// there.
    std::string commands() const;
    void loaded(); ///< commands() has been done
    void forget(); ///< nobody knows what is loaded

    /// How many elements and rules sets (of single elements) and chains should have, by "family table name".
    std::map<std::string, std::size_t> counts() const;
    const std::vector<std::string>& tables() const { return tables_; }

private:
    struct Set {
        std::string table, keyword, type;
        bool plain = true;
        std::map<std::pair<std::string, std::string>, int> wanted; ///< key and value → how many give it
        std::map<std::pair<std::string, std::string>, bool>
            changes;                     ///< of plain ones: there (true) or gone since loaded()
        std::vector<std::string> loaded; ///< of those that are not plain
        bool there = false, gone = false;
    };
    struct Chain {
        std::string table;
        RuleChain content;
        bool there = false, gone = false;
    };
    template <class T> struct Named {
        std::map<std::string, T, std::less<>> all;
        std::set<std::string, std::less<>> touched;
    };

    void change(const RuleElement& element, int by);

    std::vector<std::string> tables_;
    Named<Set> sets_;
    Named<Chain> chains_;
    bool fresh_ = true;
};

}
