#include "identity/dialect.hpp"

#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "identity/caller.hpp"
#include "identity/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

using namespace http;
using namespace resource;

/// LIKE's own wild cards in what a user typed are only characters.
std::string likeText(const std::string& text) {
    std::string escaped;
    for (const char each : text) {
        if (each == '%' || each == '_' || each == '\\') escaped += '\\';
        escaped += each;
    }
    return escaped;
}

bool isTruth(const std::string& text) { return text != "0" && text != "false" && text != "False"; }

/// What is compared and sorted by as it was given. A column that may be null stays null: it is not the same as an empty
/// one.
std::string plainSql(const Word& word, char alias) {
    if (!word.found.empty() && word.found != nameKey) return withAlias(word.found, alias);
    return std::string(1, alias).append(".").append(word.column);
}

void applyInexact(store::Conditions& conditions, const std::string& sql, std::string_view comparator,
                  const std::string& value) {
    const bool anyCase = comparator.starts_with('i');
    if (anyCase) comparator.remove_prefix(1);
    const std::string pattern = comparator == "contains"     ? "%" + likeText(value) + "%"
                                : comparator == "startswith" ? likeText(value) + "%"
                                : comparator == "endswith"   ? "%" + likeText(value)
                                                             : std::string();
    if (pattern.empty()) return;
    if (anyCase)
        conditions.add("lower(" + sql + ") LIKE lower(?) ESCAPE '\\'", pattern);
    else if (comparator == "contains")
        conditions.add("instr(" + sql + ", ?) > 0", value);
    else if (comparator == "startswith")
        conditions.add("substr(" + sql + ", 1, length(?)) = ?", value, value);
    else
        conditions.add("substr(" + sql + ", -length(?)) = ?", value, value);
}

Error markerNotFound(const std::string& id) {
    return Error(Failure::Invalid, "Invalid input for field 'marker': there is no ", id, ".");
}

std::string ruleOf(std::string_view verb, std::string_view noun) {
    return std::string("identity:").append(verb).append("_").append(noun);
}

std::string listRuleOf(std::string_view plural) { return ruleOf("list", plural); }

Posted posted(const Request& request, std::string_view noun, std::string_view) {
    return {{request.json().object(noun)}, false};
}

Json changed(const Request& request, std::string_view noun) { return request.json().object(noun); }

void checkNothing(const Json&, const Words&, bool) {
} // each attribute is checked as it is read; what none is, is kept as extra

bool may(const Request& request, std::string_view rule, const Target& target) {
    return callerOf(request).may(rule, target);
}

bool seesAll(const Request& request, std::string_view) {
    return callerOf(request).system || callerOf(request).isAdmin();
}

void enforce(const Request& request, std::string_view rule, std::string_view, const Target& target, const Error&) {
    callerOf(request).enforce(rule, target);
}

void enforceCreating(const Request& request, std::string_view rule, const Json&, const Target& target) {
    callerOf(request).enforce(rule, target);
}

void enforceNothing(const Request&, std::string_view, const Json&, const Target&) {
} // no attribute has a rule of its own

Listing listingById(const Request& request, const TableText& table, const Words& words, const SpecialFilters&) {
    return listingOf(request, table, words, "id");
}

Response pageOfIds(const Request& request, std::string_view plural, const Listing& listing,
                   const std::vector<std::string>& ids, const std::function<void(JsonWriter&, std::size_t)>& write) {
    return pageResponse(
        request, plural, listing, ids.size(), [&](std::size_t at) { return ids[at]; }, write);
}

void checkNoRevision(const Request&, std::string_view, const std::string&, std::int64_t) {} // nothing has one

}

void applyFilters(store::Conditions& conditions, const Query& query, const Words& words, char alias) {
    std::set<std::string_view> seen; // the first of a name counts, however often it comes: the SQL stays bounded
    for (const auto& [name, value] : query) {
        if (!seen.insert(name).second) continue;
        for (const auto& word : words) {
            if (!word.may(Find) || !name.starts_with(word.name)) continue;
            const auto rest = std::string_view(name).substr(word.name.size());
            if (rest.empty()) {
                if (word.kind == Kind::Truth)
                    conditions.add(plainSql(word, alias) + " = ?", isTruth(value));
                else if (word.found == nameKey)
                    conditions.add(withAlias(nameKey, alias) + " = ?", foldedName(value));
                else
                    conditions.add(plainSql(word, alias) + " = ?", value);
            } else if (word.kind != Kind::Truth && rest.starts_with("__")) {
                applyInexact(conditions, plainSql(word, alias), rest.substr(2), value);
            }
        }
    }
}

Listing listingOf(const Request& request, const TableText& table, const Words& words, std::string_view usually) {
    const auto& query = request.query;
    Listing listing;
    listing.table = table.named();
    applyFilters(listing.conditions, query, words, table.alias);
    auto column = std::string(1, table.alias).append(".").append(usually);
    if (const auto wanted = query.find("sort_key"); wanted && *wanted != "id") {
        const auto* word = wordOf(words, *wanted);
        if (word == nullptr || !word->may(Find))
            throw Error(Failure::Invalid, "Invalid input for field 'sort_key': it cannot be sorted by ", *wanted, ".");
        column = plainSql(*word, table.alias);
    } else if (wanted) {
        column = table.id();
    }
    const auto direction = query.text("sort_dir", "asc");
    if (direction != "asc" && direction != "desc")
        throw Error(Failure::Invalid, "Invalid input for field 'sort_dir': it is asc or desc.");
    const bool descending = direction == "desc";
    if (column != table.id()) listing.keys.push_back({"coalesce(" + column + ", '')", descending});
    listing.keys.push_back({table.id(), descending});
    if (const auto marker = query.find("marker")) {
        if (marker->empty()) throw markerNotFound(*marker);
        listing.marker = *marker;
    }
    if (const auto limit = query.integer("limit", 1, 1'000'000)) listing.limit = *limit + 1;
    return listing;
}

Response pageResponse(const Request& request, std::string_view plural, const Listing& listing, std::size_t count,
                      const std::function<std::string(std::size_t)>& idAt,
                      const std::function<void(JsonWriter&, std::size_t)>& write) {
    const bool more = listing.limit && static_cast<std::int64_t>(count) == *listing.limit;
    const auto shown = count - (more ? 1 : 0);
    return listResponse(request, plural, more ? std::optional(pageHref(request, idAt(shown - 1))) : std::nullopt,
                        [&](JsonWriter& out) {
                            for (std::size_t at = 0; at < shown; ++at) write(out, at);
                        });
}

const Dialect& dialect() {
    static const Dialect keystone{
        .change = Method::Patch,
        .reading = {.truth = [](const Json& value) -> std::optional<bool> { return value.boolean(); },
                    .whole = [](const Json& value) -> std::optional<std::int64_t> { return value.integer(); }},
        .rule = ruleOf,
        .listRule = listRuleOf,
        .choosesFields = false,
        .posted = posted,
        .changed = changed,
        .check = checkNothing,
        .may = may,
        .seesAll = seesAll,
        .enforce = enforce,
        .enforceCreating = enforceCreating,
        .enforceChanging = enforceNothing,
        .listing = listingById,
        .markerNotFound = markerNotFound,
        .list = pageOfIds,
        .checkRevision = checkNoRevision};
    return keystone;
}

}
