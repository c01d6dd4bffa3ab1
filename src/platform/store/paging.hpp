#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet::store {

/// One key that a listing is sorted by: an SQL expression of our own writing over the columns of one table, never null.
struct SortKey {
    std::string expression;
    bool descending = false;
};

/// " ORDER BY …". The last key must be unique, so that the order is the same every time.
std::string orderBy(const std::vector<SortKey>& keys);

/// Only rows that come after the row `marker` (by `id`) of `table` in that order.
void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table, std::string_view marker);

}
