#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "platform/http/http.hpp"
#include "platform/store/store.hpp"
#include "resource/dialect.hpp"
#include "resource/listing.hpp"

namespace stratolet::identity {

/// How identity's nouns speak: changes by PATCH; rules called identity:get_region, lists with rules of their own and
/// nothing hidden in them; texts, numbers and truths of JSON taken for nothing else; "links" with every list. A value
/// for the whole program, for any thread.
const resource::Dialect& dialect();

/// What a name is compared by where its case is no matter: Keystone's names are the same in any. To be given to
/// Attribute::foundBy.
inline constexpr std::string_view nameKey = "$.name_key";

/// The parameters of a query that filter by attributes: the first of a name counts, the unknown are ignored. Texts also
/// know __contains,
/// __startswith, __endswith and their forms without case (Keystone's "inexact" filters).
void applyFilters(store::Conditions& conditions, const http::Query& query, const resource::Words& words, char alias);

/// The list that a query asks for: filters, sort_key (an attribute that filters, or "id"), sort_dir, marker, limit.
/// `usually` is the column that sorts where nothing else is asked for. It reads one row more than it shows, so that one
/// sees whether there is another page. Error(Invalid) for a key that is not known, and a limit that is no number from 1
/// up.
resource::Listing listingOf(const http::Request& request, const resource::TableText& table,
                            const resource::Words& words, std::string_view usually);

/// {"<plural>": […], "links": {next, self, previous}} of the `count` rows that a listingOf() read; `idAt` and `write`
/// are asked for some.
http::Response pageResponse(const http::Request& request, std::string_view plural, const resource::Listing& listing,
                            std::size_t count, const std::function<std::string(std::size_t)>& idAt,
                            const std::function<void(JsonWriter&, std::size_t)>& write);

/// The rows of a list that hides none. Error(Invalid) where the marker is none of them.
template <class Record>
std::vector<Record> rowsOf(store::Reader& db, const resource::Table<Record>& table, const resource::Listing& listing) {
    return resource::openPage(db, table, listing, {}, dialect().markerNotFound);
}

/// The same with those rows; `write` shows one.
template <class Record>
http::Response pageResponse(const http::Request& request, std::string_view plural, const resource::Listing& listing,
                            const std::vector<Record>& found,
                            const std::type_identity_t<std::function<void(JsonWriter&, const Record&)>>& write) {
    return pageResponse(
        request, plural, listing, found.size(), [&](std::size_t at) { return found[at].id.text; },
        [&](JsonWriter& out, std::size_t at) { write(out, found[at]); });
}

}
