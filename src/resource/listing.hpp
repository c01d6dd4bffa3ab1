#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/http.hpp"
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
    std::optional<std::int64_t> limit;

    store::Conditions after(const std::string& id) const; ///< the conditions of what comes behind the row `id`, which is there
    std::string order() const;                            ///< " ORDER BY … LIMIT …"
};

/// Reads pages till one is full of rows that `seen` leaves (it drops those that the caller may not see from what it gets) or nothing is
/// left, so that a page is short only where the list ends. `read(conditions, order)` gives rows in order, `idOf(row)` the id of one.
template <class Row>
std::vector<Row> fullPage(const Listing& listing, const std::function<std::vector<Row>(const store::Conditions&, const std::string&)>& read,
                          const std::function<void(std::vector<Row>&)>& dropUnseen, const std::function<std::string(const Row&)>& idOf) {
    std::vector<Row> rows;
    auto last = listing.marker;
    for (bool more = true; more;) {
        auto found = read(listing.after(last), listing.order());
        more = listing.limit && static_cast<std::int64_t>(found.size()) == *listing.limit;
        if (more) last = idOf(found.back());
        dropUnseen(found);
        std::move(found.begin(), found.end(), std::back_inserter(rows));
        more = more && static_cast<std::int64_t>(rows.size()) < *listing.limit;
    }
    if (listing.limit && static_cast<std::int64_t>(rows.size()) > *listing.limit)
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*listing.limit), rows.end());
    return rows;
}

/// The address of another page of the list that `request` asked for: the same query with this marker. `without` names parameters that
/// say where a page begins.
std::string pageHref(const http::Request& request, const std::string& marker, std::initializer_list<std::string_view> without = {"marker"});

}
