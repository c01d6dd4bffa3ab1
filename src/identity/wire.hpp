#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// How identity speaks: its error envelope, its lists, its filters, and the attributes that it only keeps.

namespace stratolet::identity {

http::Response refusal(const http::Request& request, const Error& error);
http::Response noRoute(const http::Request& request, const std::vector<http::Method>& allowed);

/// The 401 that the gate of any service gives (the other services' dialects leave it to the gate).
http::Response unauthenticated(const http::Request& request, std::string_view message);

/// {"<collection>": […], "links": {self, previous, next}}
http::Response listResponse(const http::Request& request, std::string_view collection, const std::function<void(JsonWriter&)>& writeItems);

/// "links": {"self": base/v3/<path>}
void writeSelf(JsonWriter& out, const http::Request& request, std::string_view path);

/// A query parameter that filters a column; where it comes more than once the first counts. Text columns also know __contains,
/// __startswith, __endswith and their forms without case.
struct Filter {
    enum class Kind {
        Text,
        Truth,
        Name ///< without case; the column is the folded one beside "name"
    };
    std::string_view parameter;
    std::string_view column;
    Kind kind = Kind::Text;
};
void applyFilters(store::Conditions& conditions, const http::Query& query, std::span<const Filter> filters);
inline void applyFilters(store::Conditions& conditions, const http::Query& query, std::initializer_list<Filter> filters) {
    applyFilters(conditions, query, std::span<const Filter>(filters.begin(), filters.size()));
}

/// A token of a domain lists what is in that domain (the column domain_id), whoever asks and whatever they filter by.
void onlyOfScope(store::Conditions& conditions, const Caller& caller);

/// Which part of a collection a query asks for, and in which order: sort_key (an attribute that filters, or "id"), sort_dir, marker, limit.
struct Page {
    std::string order;        ///< " ORDER BY …", with a LIMIT of one row more than is shown, so that one sees whether there is more
    std::size_t limitMax = 0; ///< rows to show; 0: all

    /// Restricts `conditions` to what follows the marker. `usually` is the column that sorts where nothing else is asked for.
    /// Error(Invalid) for a key that is not known, a limit that is no number from 1 up, and a marker that is no row of `table` that
    /// meets the conditions.
    static Page from(const http::Query& query, store::Conditions& conditions, store::Reader& db, std::string_view table,
                     std::span<const Filter> attributes, std::string_view usually);
};

/// The same with the rows that a Page's query gave: `idAt(i)` and `writeAt(i)` are asked for those that are shown.
http::Response pageResponse(const http::Request& request, std::string_view collection, const Page& page, std::size_t found,
                            const std::function<std::string(std::size_t)>& idAt,
                            const std::function<void(JsonWriter&, std::size_t)>& writeAt);

/// A page of what has been read whole already: the part of `ids` that the marker and the limit of the query ask for.
/// Error(Invalid) for a marker that is not among them, and a limit that is no number from 1 up.
http::Response slicedResponse(const http::Request& request, std::string_view collection, const std::vector<std::string>& ids,
                              const std::function<void(JsonWriter&, std::size_t)>& writeAt);

/// The same of things that have ids: what one user owns, say, which is never much.
template <class T> http::Response slicedResponse(const http::Request& request, std::string_view collection, const std::vector<T>& found,
                                                 const std::function<void(JsonWriter&, const T&)>& writeOne) {
    std::vector<std::string> ids;
    for (const auto& each : found) ids.push_back(each.id.text);
    return slicedResponse(request, collection, ids, [&](JsonWriter& out, std::size_t at) { writeOne(out, found[at]); });
}

template <class T> http::Response pageResponse(const http::Request& request, std::string_view collection, const Page& page,
                                               const std::vector<T>& found, const std::function<void(JsonWriter&, const T&)>& writeOne) {
    return pageResponse(
        request, collection, page, found.size(), [&](std::size_t at) { return found[at].id.text; },
        [&](JsonWriter& out, std::size_t at) { writeOne(out, found[at]); });
}

/// Members of `body` that are not in `known`, on top of what `kept` (a JSON object) has already; a null removes nothing, it is kept as
/// null.
std::string mergedExtra(const std::string& kept, const Json& body, std::initializer_list<std::string_view> known);

/// The members of the JSON object `extra` as fields.
void writeExtra(JsonWriter& out, const std::string& extra);

/// `options` with the members of `body.options` put over it; Error(Invalid) for one that is not in `known`.
std::string mergedOptions(const std::string& options, const Json& body, std::initializer_list<std::string_view> known);

bool isImmutable(const std::string& options);

/// True where a PATCH is about the option immutable and nothing else: all that may be done to what is immutable.
bool changesOnlyImmutable(const Json& body);

/// The domain that something new belongs to unless the request names another: that of the caller's scope.
DomainId homeDomainOf(const Caller& caller);

/// A name of 1 to `lengthMax` characters, none of them NUL, that is not blank; Error(Invalid) otherwise.
std::string checkedName(const Json& value, std::size_t lengthMax);

/// true or false, and nothing else.
bool checkedTruth(const Json& body, std::string_view name, bool otherwise);

}
