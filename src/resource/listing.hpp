#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/error.hpp>

#include "platform/http/http.hpp"
#include "platform/store/many.hpp"
#include "platform/store/paging.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// One way to page for all services: what a list was asked for, the rows of it that the caller may see, and the links to the rest.

namespace stratolet::resource {

/// More values of one filter than any page has rows are nobody's question.
constexpr std::size_t filterValuesMost = 1000;

/// A list as it was asked for. How a query says it is the dialect's matter.
struct Listing {
    std::string table; ///< with its alias: "networks n"
    store::Conditions conditions;
    std::vector<store::SortKey> keys; ///< each once; the id is the last
    std::string marker;    ///< what the page begins behind; empty: at the beginning. Whether the caller may see that is not asked yet.
    bool reversed = false; ///< read from the end, shown in order
    store::Begin begin = store::Begin::WithEither;
    std::optional<std::int64_t> limit;

    store::Conditions after(const std::string& id) const; ///< the conditions of what comes behind the row `id`, which is there

    /// The ids of what comes behind the row `id`, as far as the limit goes, and meets one of `alternatives` (no two of which hold for one
    /// row; none: no matter).
    std::vector<std::string> idsAfter(store::Reader& db, const std::string& id, const std::vector<store::Alternative>& alternatives) const;

    /// Whether the row `id` is in the list: it meets the conditions and one of `alternatives`.
    bool has(store::Reader& db, const std::string& id, const std::vector<store::Alternative>& alternatives) const;

    std::string order() const; ///< " ORDER BY …"
};

/// Reads pages till one is full of rows that the caller may see or nothing is left, so that a page is short only where the list ends.
/// `read(last)` gives the rows behind the one with the id `last` ("": the first), as far as the limit goes, those among them that may be
/// seen and the id of the last of all.
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
        std::move(stretch.seen.begin(), stretch.seen.end(), std::back_inserter(rows));
        more = listing.limit && static_cast<std::int64_t>(stretch.read) == *listing.limit &&
               static_cast<std::int64_t>(rows.size()) < *listing.limit;
    }
    if (listing.limit && static_cast<std::int64_t>(rows.size()) > *listing.limit)
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*listing.limit), rows.end());
    return rows;
}

/// The rows of a page of a list that hides none of its rows: one statement, or two where there are `alternatives`.
/// Throws `missing` where the marker is not in the list, however it comes: else its place would tell of a row that isn't the caller's.
template <class Record> std::vector<Record> openPage(store::Reader& db, const Table<Record>& table, const Listing& listing,
                                                     const std::vector<store::Alternative>& alternatives,
                                                     Error (*missing)(const std::string& id)) {
    if (!listing.marker.empty() && !listing.has(db, listing.marker, alternatives)) throw missing(listing.marker);
    if (alternatives.empty())
        return table.list(db, listing.after(listing.marker),
                          listing.order() + (listing.limit ? " LIMIT " + std::to_string(*listing.limit) : ""),
                          static_cast<std::size_t>(std::min<std::int64_t>(listing.limit.value_or(0), 1000)));
    return table.where(db, "WHERE " + table.text().id() + " IN (SELECT value FROM json_each(?))" + listing.order(),
                       store::asList(listing.idsAfter(db, listing.marker, alternatives)));
}

/// The address of another page of the list that `request` asked for: the same query with this marker. `without` names parameters that
/// say where a page begins.
std::string pageHref(const http::Request& request, const std::string& marker, std::initializer_list<std::string_view> without = {"marker"});

}
