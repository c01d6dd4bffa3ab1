#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet::store {

/// One key that a listing is sorted by: an SQL expression of our own writing over the columns of one table, never null.
struct SortKey {
    std::string expression;
    bool descending = false;
};

constexpr std::size_t sortKeysMax = 16;

/// Error(Invalid) where a client sorts by more keys than that, or by one twice. `keys` are what the client calls them.
void requireFewSortKeys(const std::vector<std::string>& keys);
void requireFewSortKeys(const std::vector<std::pair<std::string, std::string>>& keysAndDirections);

/// " ORDER BY …". The last key must be unique, so that the order is the same every time.
std::string orderBy(const std::vector<SortKey>& keys);

/// Only rows that come after the row `marker` (by the column `id`) of `table` in that order. What it costs grows with the number of keys,
/// not with its square.
void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table, std::string_view marker,
                std::string_view id = "id");

}
