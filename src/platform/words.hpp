#pragma once

#include <cstdlib>
#include <optional>
#include <string_view>

namespace stratolet {

// A table of (value, word) pairs gives an enum the API's words, both ways.

/// The word of a value; every value must be in the table.
template <class Table> std::string_view nameIn(const Table& table, auto wanted) {
    for (const auto& [each, name] : table)
        if (each == wanted) return name;
    std::abort();
}

/// The value of a word; nothing where the table has no such word.
template <class Table> auto findIn(const Table& table, std::string_view wanted)
    -> std::optional<decltype(table[0].first)> {
    for (const auto& [each, name] : table)
        if (name == wanted) return each;
    return std::nullopt;
}

}
