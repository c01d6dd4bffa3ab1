#include "network/driver/linux_ruleset.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

#include "network/address.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using Pair = std::pair<std::string, std::string>;

/// Of a map what the key leads to, of a set what it counts for itself.
std::string written(const Pair& element, std::string_view keyword) {
    if (element.second.empty()) return element.first;
    return element.first + (keyword == "map" ? " : " : " ") + element.second;
}

std::vector<std::string> disjoint(const std::map<Pair, int>& wanted) {
    std::vector<std::string> texts;
    for (const auto& [element, count] : wanted) texts.push_back(element.first);
    return network::disjoint(texts);
}

}

std::vector<std::string> disjoint(const std::vector<std::string>& texts) {
    std::vector<Prefix> blocks;
    for (const auto& each : texts) blocks.push_back(*Prefix::parseLoosely(each));
    std::sort(blocks.begin(), blocks.end()); // a block comes before those that it holds
    std::vector<std::string> out;
    std::optional<Prefix> last;
    for (const auto& each : blocks) {
        if (last && last->overlaps(each)) continue;
        last = each;
        if (each.length > 0)
            out.push_back(each.length == each.base.bits() ? each.base.text() : each.text());
        else // a whole family at once is nothing that such a set knows
            for (const auto* half : {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"})
                if (Prefix::parse(half)->version() == each.version()) out.emplace_back(half);
    }
    return out;
}

void Ruleset::addTable(std::string table) { tables_.push_back(std::move(table)); }

void Ruleset::declare(std::string_view table, std::string_view name, std::string_view keyword, std::string_view type,
                      bool plain) {
    auto& set = sets_.all[std::string(name)];
    set.table = table;
    set.keyword = keyword;
    set.type = type;
    set.plain = plain;
    set.gone = false;
    sets_.touched.emplace(name);
}

void Ruleset::drop(std::string_view name) {
    const auto found = sets_.all.find(name);
    if (found == sets_.all.end()) return;
    auto& set = found->second;
    for (const auto& [element, count] : set.wanted) set.changes[element] = false; // if it comes back before it went
    set.gone = true;
    set.wanted.clear();
    sets_.touched.emplace(name);
}

void Ruleset::put(std::string_view table, std::string_view name, RuleChain content) {
    auto& chain = chains_.all[std::string(name)];
    if (chain.there && !chain.gone && chain.content == content) return;
    chain.table = table;
    chain.content = std::move(content);
    chain.gone = false;
    chains_.touched.emplace(name);
}

void Ruleset::removeChain(std::string_view name) {
    const auto found = chains_.all.find(name);
    if (found == chains_.all.end()) return;
    found->second.gone = true;
    chains_.touched.emplace(name);
}

void Ruleset::give(const RuleElements& elements) {
    for (const auto& each : elements) change(each, 1);
}

void Ruleset::take(const RuleElements& elements) {
    for (const auto& each : elements) change(each, -1);
}

void Ruleset::change(const RuleElement& element, int by) {
    const auto found = sets_.all.find(element.set);
    if (found == sets_.all.end()) return; // of a set that has been dropped
    auto& set = found->second;
    const Pair key{element.key, element.value};
    auto& count = set.wanted[key];
    const bool before = count > 0;
    count += by;
    const bool after = count > 0;
    if (count <= 0) set.wanted.erase(key);
    if (before == after) return;
    sets_.touched.emplace(element.set);
    if (const auto earlier = set.changes.find(key); earlier != set.changes.end() && earlier->second != after)
        set.changes.erase(earlier); // there and back again
    else
        set.changes[key] = after;
}

std::string Ruleset::commands() const {
    std::string out;
    if (fresh_)
        for (const auto& table : tables_)
            out += "add table " + table + "\ndelete table " + table + "\nadd table " + table + "\n";
    const auto touchedSets = [&](auto work) {
        for (const auto& [name, set] : sets_.all)
            if (fresh_ || sets_.touched.contains(name)) work(name, set, set.there && !fresh_);
    };
    const auto touchedChains = [&](auto work) {
        for (const auto& [name, chain] : chains_.all)
            if (fresh_ || chains_.touched.contains(name)) work(name, chain, chain.there && !fresh_);
    };
    const auto elements = [&](const char* verb, const Set& set, const std::string& name,
                              const std::vector<std::string>& which) {
        if (!which.empty())
            out += std::string(verb) + " element " + set.table + " " + name + " { " + joined(which) + " }\n";
    };
    // What is named must be there before it is named, and is named no more before it goes.
    touchedSets([&](const auto& name, const auto& set, bool there) {
        if (!there && !set.gone) out += "add " + set.keyword + " " + set.table + " " + name + " { " + set.type + " }\n";
    });
    touchedChains([&](const auto& name, const auto& chain, bool there) {
        if (!there && !chain.gone)
            out += "add chain " + chain.table + " " + name +
                   (chain.content.hook.empty() ? "" : " { " + chain.content.hook + " }") + "\n";
    });
    touchedSets([&](const auto& name, const auto& set, bool there) {
        if (set.gone || !set.plain || !there) return;
        std::vector<std::string> gone;
        for (const auto& [element, is] : set.changes)
            if (!is) gone.push_back(element.first);
        elements("delete", set, name, gone);
    });
    touchedChains([&](const auto& name, const auto& chain, bool there) {
        if (there) out += "flush chain " + chain.table + " " + name + "\n";
        if (!chain.gone)
            for (const auto& rule : chain.content.rules)
                out += "add rule " + chain.table + " " + name + " " + rule + "\n";
    });
    touchedSets([&](const auto& name, const auto& set, bool there) {
        if (set.gone) return;
        std::vector<std::string> more;
        if (!set.plain) {
            more = disjoint(set.wanted);
            if (there && more == set.loaded) return;
            if (there) out += "flush set " + set.table + " " + name + "\n";
        } else if (there) {
            for (const auto& [element, is] : set.changes)
                if (is) more.push_back(written(element, set.keyword));
        } else {
            for (const auto& [element, count] : set.wanted) more.push_back(written(element, set.keyword));
        }
        elements("add", set, name, more);
    });
    touchedChains([&](const auto& name, const auto& chain, bool there) {
        if (there && chain.gone) out += "delete chain " + chain.table + " " + name + "\n";
    });
    touchedSets([&](const auto& name, const auto& set, bool there) {
        if (there && set.gone) out += "delete " + set.keyword + " " + set.table + " " + name + "\n";
    });
    return out;
}

void Ruleset::loaded() {
    const auto settle = [&](auto& named, auto each) {
        const auto settled = [&](auto found) {
            if (found->second.gone) return named.all.erase(found);
            found->second.there = true;
            each(found->second);
            return std::next(found);
        };
        if (fresh_)
            for (auto found = named.all.begin(); found != named.all.end();) found = settled(found);
        else
            for (const auto& name : named.touched)
                if (const auto found = named.all.find(name); found != named.all.end()) settled(found);
        named.touched.clear();
    };
    settle(sets_, [](Set& set) {
        set.changes.clear();
        if (!set.plain) set.loaded = disjoint(set.wanted);
    });
    settle(chains_, [](Chain&) {});
    fresh_ = false;
}

void Ruleset::forget() { fresh_ = true; }

std::map<std::string, std::size_t> Ruleset::counts() const {
    std::map<std::string, std::size_t> out;
    for (const auto& [name, set] : sets_.all)
        if (set.plain && !set.gone && set.keyword != "counter") out[set.table + " " + name] = set.wanted.size();
    for (const auto& [name, chain] : chains_.all)
        if (!chain.gone) out[chain.table + " " + name] = chain.content.rules.size();
    return out;
}

}
