#include "block/list/list_query.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Request;
using http::Response;

Error wrong(std::string_view parameter, std::string_view value, std::string_view what) {
    return Error(Failure::Invalid, "Invalid input for query parameter ", parameter, ". Value: ", value, ". ", what);
}

// Block storage API, "List accessible volumes with details": sort, or the older sort_key and sort_dir of which each
// comes once.
constexpr resource::Sorting sorting{
    .direction = [](std::string_view) { return std::string_view("desc"); },
    .items =
        [](const std::string& sort) {
            std::vector<std::string> items;
            for (const auto each : split(sort, ','))
                if (!each.empty()) items.emplace_back(each);
            return items;
        },
    .mixed =
        [] {
            return Error(Failure::Invalid, "The \"sort_key\" and \"sort_dir\" parameters are deprecated and cannot be "
                                           "used with the \"sort\" parameter.");
        },
    .notSorted = [](std::string_view key) { return wrong("sort_key", key, "This list cannot be sorted by it."); },
    .noDirection = [](std::string_view direction) { return wrong("sort_dir", direction, "It must be asc or desc."); },
    .limit = 1000,
    .limitMax = 1000};

void addFilter(store::Conditions& conditions, const ListFilter* filter, const FilterAsked& asked) {
    const auto version = microversionOf(asked.request);
    const bool admin = identity::callerOf(asked.request).may("context_is_admin", {});
    if (!filter || filter->since > version || (filter->adminOnly && !admin)) {
        if (admin)
            conditions.add("0"); // none has it
        else if (version >= Microversion{31})
            throw Error(Failure::Invalid, "Invalid filters ", asked.name, " are found in query options.");
        return;
    }
    if (filter->add) return filter->add(conditions, asked);
    conditions.add(resource::wordOf(asked.words, asked.name)->kept(asked.alias) + " = ?", asked.value);
}

Response listFilters(Request& request, std::span<const ListNoun> nouns) {
    require(request, {33});
    identity::callerOf(request).enforce();
    const auto wanted = request.query.find("resource");
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("resource_filters");
        for (const auto& noun : nouns) {
            if (wanted && *wanted != noun.resource) continue;
            const auto one = out.object();
            out.field("resource", noun.resource);
            const auto filters = out.array("filters");
            for (const auto& each : noun.filters)
                if (!each.adminOnly) out.value(each.name);
        }
    });
}

}

void refuseParameter(std::string_view parameter, std::string_view value, std::string_view what) {
    throw wrong(parameter, value, what);
}

ListQuery listQueryIn(const http::Request& request, const ListNoun& noun) {
    constexpr std::array<std::string_view, 8> notFilters{"limit",    "marker",   "offset",      "sort",
                                                         "sort_key", "sort_dir", "all_tenants", "with_count"};
    const auto& query = request.query;
    ListQuery wanted;
    wanted.listing = resource::listingIn(query, noun.table, noun.words, sorting);
    wanted.offset = query.integer("offset", 0, std::numeric_limits<std::int32_t>::max()).value_or(0);
    wanted.counted = microversionOf(request) >= Microversion{45} && query.flag("with_count");
    if (const auto all = query.find("all_tenants")) {
        const auto truth = truthOf(*all);
        if (!truth) refuseParameter("all_tenants", *all, "It must be true or false.");
        wanted.allProjects = *truth;
    }
    for (const auto& [name, value] : query) {
        if (std::find(notFilters.begin(), notFilters.end(), name) != notFilters.end()) continue;
        const auto found = std::find_if(noun.filters.begin(), noun.filters.end(),
                                        [&wanted = name](const ListFilter& each) { return each.name == wanted; });
        addFilter(wanted.listing.conditions, found == noun.filters.end() ? nullptr : &*found,
                  {request, noun.words, noun.table.alias, name, value});
    }
    return wanted;
}

void filterLike(store::Conditions& conditions, const FilterAsked& asked) {
    const auto& word = *resource::wordOf(asked.words, asked.name.substr(0, asked.name.size() - 1));
    conditions.add("instr(" + word.sql(asked.alias) + ", ?) > 0", asked.value);
}

void filterTruth(store::Conditions& conditions, const FilterAsked& asked) {
    const auto truth = truthOf(asked.value);
    if (!truth) refuseParameter(asked.name, asked.value, "It must be true or false.");
    conditions.add(resource::wordOf(asked.words, asked.name)->kept(asked.alias) + " = ?", *truth);
}

void filterZone(store::Conditions& conditions, const FilterAsked& asked) {
    if (asked.value != availabilityZone) conditions.add("0"); // there is one
}

void filterTimes(store::Conditions& conditions, const FilterAsked& asked) {
    const auto& word = *resource::wordOf(asked.words, asked.name);
    if (microversionOf(asked.request) < Microversion{60}) {
        if (!identity::callerOf(asked.request).may("context_is_admin", {})) return; // not known yet
        const auto time = parseIsoTime(asked.value);
        if (!time) refuseParameter(asked.name, asked.value, "It must be a time.");
        return resource::addSeconds(conditions, word.kept(asked.alias), "=", *time);
    }
    for (const auto each : split(asked.value, ',')) {
        if (each.empty()) continue;
        const auto [sign, value] = resource::comparedIn(each);
        const auto time = parseIsoTime(value);
        if (sign.empty() || !time)
            refuseParameter(asked.name, asked.value, "It must be gt, gte, lt, lte, eq or neq, a colon, and a time.");
        conditions.add(word.sql(asked.alias) + " " + std::string(sign) + " ?", *time);
    }
}

Metadata pairsIn(std::string_view parameter, std::string_view text) {
    Metadata pairs;
    std::size_t at = 0;
    const auto spaces = [&] { at = std::min(text.find_first_not_of(' ', at), text.size()); };
    const auto take = [&](char wanted) {
        spaces();
        if (at >= text.size() || text[at] != wanted) return false;
        ++at;
        return true;
    };
    const auto quoted = [&] {
        spaces();
        if (at < text.size() && text[at] == 'u') ++at; // u'name'
        if (at >= text.size() || (text[at] != '\'' && text[at] != '"'))
            refuseParameter(parameter, text, "It must be an object of texts.");
        const char quote = text[at++];
        std::string word;
        for (; at < text.size() && text[at] != quote; ++at) {
            if (text[at] == '\\' && at + 1 < text.size()) ++at;
            word += text[at];
        }
        if (at >= text.size()) refuseParameter(parameter, text, "A quote is not closed.");
        ++at;
        return word;
    };
    if (!take('{')) refuseParameter(parameter, text, "It must be an object of texts.");
    if (!take('}')) {
        do {
            auto name = quoted();
            if (!take(':')) refuseParameter(parameter, text, "It must be an object of texts.");
            pairs.insert_or_assign(std::move(name), quoted());
        } while (take(','));
        if (!take('}')) refuseParameter(parameter, text, "It must be an object of texts.");
    }
    return pairs;
}

void addItems(store::Conditions& conditions, const FilterAsked& asked, std::string_view table, std::string_view owner) {
    for (const auto& [name, value] : pairsIn(asked.name, asked.value))
        conditions.add("id IN (SELECT " + std::string(owner) + " FROM " + std::string(table) +
                           " WHERE name = ? AND value = ?)",
                       name, value);
}

http::Routes resourceFilterRoutes(std::span<const ListNoun> nouns) {
    http::Routes routes;
    add(routes, http::Method::Get, "/resource_filters", "volume:get_all",
        [nouns](Request& request) { return listFilters(request, nouns); });
    return routes;
}

}
