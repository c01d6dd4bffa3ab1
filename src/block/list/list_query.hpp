#pragma once

#include <span>
#include <string>
#include <string_view>

#include "block/list/list.hpp"
#include "block/wire.hpp"
#include "platform/http/http.hpp"
#include "resource/listing.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// One filter in a request.
struct FilterAsked {
    const http::Request& request;
    const resource::Words& words;
    char alias;
    std::string_view name;
    const std::string& value;
};

/// What a list is filtered by: one line of a noun's table. All that follows of it does: what is refused, and what
/// "resource_filters" tells.
struct ListFilter {
    std::string_view name;
    void (*add)(store::Conditions&, const FilterAsked&) = nullptr; ///< null: its column has the value
    Microversion since = {};
    bool adminOnly = false; ///< means nothing to others, and is refused as what nobody knows
};

/// A noun's lists.
struct ListNoun {
    std::string_view resource; ///< as "resource_filters" calls it
    std::span<const ListFilter> filters;
    const resource::TableText& table;
    const resource::Words& words;
};

/// The filters, order and page that a request for a list asks for. Error(Invalid) naming the parameter that can't be;
/// one that nobody knows is refused since 3.31 and means nothing before; to an administrator's it finds nothing.
ListQuery listQueryIn(const http::Request& request, const ListNoun& noun);

// Filters that more than one noun has.
void filterLike(store::Conditions& conditions, const FilterAsked& asked);  ///< "name~": a part of it
void filterTruth(store::Conditions& conditions, const FilterAsked& asked); ///< "consumes_quota"
void filterZone(store::Conditions& conditions, const FilterAsked& asked);
void filterTimes(store::Conditions& conditions, const FilterAsked& asked); ///< "gt:2022-01-01T00:00:00,lt:…"
/// What such a text says.
Metadata pairsIn(std::string_view parameter, std::string_view text);
/// Those that have all items of {'name': 'value'} in the table "<noun>_metadata".
void addItems(store::Conditions& conditions, const FilterAsked& asked, std::string_view table, std::string_view owner);

[[noreturn]] void refuseParameter(std::string_view parameter, std::string_view value, std::string_view what);

http::Routes resourceFilterRoutes(std::span<const ListNoun> nouns);

/// {"<plural>": […], "<plural>_links": […], "count": …}; `links` where those are called otherwise
template <class Row, class IdOf, class Write>
http::Response listResponse(const http::Request& request, const std::string& plural, const ListQuery& query,
                            const ListPage<Row>& page, IdOf idOf, Write write, const std::string& links = {}) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array(plural);
            for (const auto& each : page.rows) write(out, each);
        }
        if (!page.rows.empty() && static_cast<std::int64_t>(page.rows.size()) == query.listing.limit) {
            const auto pages = out.array(links.empty() ? plural + "_links" : links);
            const auto link = out.object();
            out.field("rel", "next");
            out.field("href", resource::pageHref(request, idOf(page.rows.back()), {"marker", "offset"}));
        }
        if (query.counted) out.field("count", page.count);
    });
}

}
