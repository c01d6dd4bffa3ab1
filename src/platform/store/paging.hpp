#pragma once

#include <cstdint>
#include <optional>
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

/// A way in which a row may be one of a list's.
struct Alternative {
    std::string sql; ///< a condition of our own writing
    std::vector<Value> values;
};

/// Where the search for a page's rows begins.
enum class Begin {
    WithEither,    ///< with a condition or an alternative, as their indexes promise
    WithConditions ///< they find few, which SQLite can't know of a condition that asks another table
};

/// The ids of a page, in its order: of the rows of `table` that meet `conditions` and one of `alternatives`, no two of
/// which may hold for one row (empty: it's all the same). Each alternative is walked in that order by an index of its
/// own, no further than the page goes, where an OR of them would collect and sort all that there is.
std::vector<std::string> idsOf(Reader& db, std::string_view table, std::string_view id, const Conditions& conditions,
                               const std::vector<Alternative>& alternatives, const std::vector<SortKey>& keys,
                               const std::optional<std::int64_t>& limit, Begin begin = Begin::WithEither);

/// Only rows that come after the row `marker` (by the column `id`) of `table` in that order. What it costs grows with
/// the number of keys, not with its square.
void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table,
                std::string_view marker, std::string_view id = "id");

}
