#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/ambient/ambient.hpp"
#include "platform/http/http.hpp"
#include "platform/store/many.hpp"
#include "platform/store/paging.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// One way to page for all services: what a list was asked for, the rows of it that the caller may see, and the links to
// the rest.

namespace stratolet::resource {

/// More values of one filter than any page has rows are nobody's question.
constexpr std::size_t filterValuesMost = 1000;

/// A list as it was asked for. How a query says it is the dialect's matter.
struct Listing {
    std::string table; ///< with its alias: "networks n"
    store::Conditions conditions;
    std::vector<store::SortKey> keys; ///< each once; the id is the last
    std::string marker;    ///< what the page begins behind; empty: at the beginning. Whether the caller may see that is
                           ///< not asked yet.
    bool reversed = false; ///< read from the end, shown in order
    store::Begin begin = store::Begin::WithEither;
    std::optional<std::int64_t> limit;

    store::Conditions
    after(const std::string& id) const; ///< the conditions of what comes behind the row `id`, which is there

    /// The ids of what comes behind the row `id`, as far as the limit goes, and meets one of `alternatives` (no two of
    /// which hold for one row; none: no matter).
    std::vector<std::string> idsAfter(store::Reader& db, const std::string& id,
                                      const std::vector<store::Alternative>& alternatives) const;

    /// Whether the row `id` is in the list: it meets the conditions and one of `alternatives`.
    bool has(store::Reader& db, const std::string& id, const std::vector<store::Alternative>& alternatives) const;

    std::string order() const; ///< " ORDER BY …"
};

/// Reads pages till one is full of rows that the caller may see or nothing is left, so that a page is short only where
/// the list ends. `read(last)` gives the rows behind the one with the id `last` ("": the first), as far as the limit
/// goes, those among them that may be seen and the id of the last of all.
template <class Row> struct Stretch {
    std::vector<Row> seen;
    std::size_t read = 0;
    std::string last;
};
template <class Row, class Read> std::vector<Row> fullPage(const Listing& listing, Read read) {
    std::vector<Row> rows;
    auto last = listing.marker;
    for (bool more = true; more;) {
        Stretch<Row> stretch = read(last);
        last = stretch.last;
        if (rows.empty())
            rows = std::move(stretch.seen); // as a rule one stretch is the page
        else
            std::move(stretch.seen.begin(), stretch.seen.end(), std::back_inserter(rows));
        more = listing.limit && static_cast<std::int64_t>(stretch.read) == *listing.limit &&
               static_cast<std::int64_t>(rows.size()) < *listing.limit;
    }
    if (listing.limit && static_cast<std::int64_t>(rows.size()) > *listing.limit)
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*listing.limit), rows.end());
    return rows;
}

/// The rows behind the one with the id `last` ("": the first), in the listing's order and as far as it goes, by the ids
/// that idsAfter finds.
template <class Record>
std::vector<Record> rowsAfter(store::Reader& db, const Table<Record>& table, const Listing& listing,
                              const std::vector<store::Alternative>& alternatives, const std::string& last) {
    return table.listed(db, listing.idsAfter(db, last, alternatives));
}

/// The rows of the page that begins behind the listing's marker and `offset` rows more.
template <class Record> std::vector<Record> pageOf(store::Reader& db, const Table<Record>& table,
                                                   const Listing& listing, std::int64_t offset = 0) {
    const auto conditions = listing.after(listing.marker);
    auto values = conditions.values();
    values.emplace_back(listing.limit.value_or(-1));
    values.emplace_back(offset);
    return table.run(db, conditions.where() + listing.order() + " LIMIT ? OFFSET ?", values);
}

/// What a query says of an order and of a page's length, as far as services differ there. One value for each list, or
/// for all of a service.
struct Sorting {
    std::string_view (*direction)(std::string_view key) = nullptr; ///< of a key that comes without one
    std::vector<std::string> (*items)(const std::string&) =
        nullptr;                ///< the "key:direction" of "sort"; null: there is no such parameter
    bool several = false;       ///< "sort_key" and "sort_dir" may come more than once
    Error (*mixed)() = nullptr; ///< "sort" beside "sort_key" or "sort_dir"
    Error (*notSorted)(std::string_view key) = nullptr;         ///< a key that lists aren't sorted by
    Error (*noDirection)(std::string_view direction) = nullptr; ///< neither "asc" nor "desc"
    std::int64_t limit = 1000,
                 limitMax = 1000; ///< where a query says none, and the most that a page has whatever it says
};

/// What "sort", "sort_key" and "sort_dir" ask for, by the attributes that are for it; "created_at" where they name
/// none. The id comes last, in the direction of the first key. Error(Invalid) for more keys than store::sortKeysMax,
/// for one that comes twice, and as `sorting` says.
std::vector<store::SortKey> sortKeysIn(const http::Query& query, const TableText& table, const Words& words,
                                       const Sorting& sorting);

/// A list without filters yet: table, keys, limit, marker. The caller reads what else the query has.
Listing listingIn(const http::Query& query, const TableText& table, const Words& words, const Sorting& sorting);

/// "gt:", "gte:", "lt:", "lte:", "eq:", "neq:" before a value: the SQL of it, and what comes behind; no sign where
/// there is none of them.
struct Compared {
    std::string_view sign; ///< ">="
    std::string_view value;
};
Compared comparedIn(std::string_view text);

/// That the time in `sql` is the same second as `time`, or before or after it by `sign`: clients know whole seconds,
/// the store microseconds.
void addSeconds(store::Conditions& conditions, const std::string& sql, std::string_view sign, Time time);

/// The query of `request` but for the parameters `without`: "name=value&" of each, as an address has it.
std::string queryWithout(const http::Request& request, std::initializer_list<std::string_view> without);

/// The rows of a page of a list that hides none of its rows: one statement, or two where there are `alternatives`.
/// Throws `missing` where the marker is not in the list, however it comes: else its place would tell of a row that
/// isn't the caller's.
template <class Record> std::vector<Record> openPage(store::Reader& db, const Table<Record>& table,
                                                     const Listing& listing,
                                                     const std::vector<store::Alternative>& alternatives,
                                                     Error (*missing)(const std::string& id)) {
    if (!listing.marker.empty() && !listing.has(db, listing.marker, alternatives)) throw missing(listing.marker);
    if (alternatives.empty())
        return table.list(db, listing.after(listing.marker),
                          listing.order() + (listing.limit ? " LIMIT " + std::to_string(*listing.limit) : ""),
                          static_cast<std::size_t>(std::min<std::int64_t>(listing.limit.value_or(0), 1000)));
    return rowsAfter(db, table, listing, alternatives, listing.marker);
}

/// The address of another page of the list that `request` asked for: the same query with this marker. `without` names
/// parameters that say where a page begins.
std::string pageHref(const http::Request& request, const std::string& marker,
                     std::initializer_list<std::string_view> without = {"marker"});

}
