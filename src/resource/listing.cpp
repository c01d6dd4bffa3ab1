#include "resource/listing.hpp"

#include <array>
#include <limits>
#include <utility>

namespace stratolet::resource {

store::Conditions Listing::after(const std::string& id) const {
    auto following = conditions;
    if (!id.empty()) store::startAfter(following, keys, table, id, std::string(1, table.back()) + ".id");
    return following;
}

std::vector<std::string> Listing::idsAfter(store::Reader& db, const std::string& id,
                                           const std::vector<store::Alternative>& alternatives) const {
    return store::idsOf(db, table, std::string(1, table.back()) + ".id", after(id), alternatives, keys, limit, begin);
}

bool Listing::has(store::Reader& db, const std::string& id, const std::vector<store::Alternative>& alternatives) const {
    auto named = conditions;
    named.add(std::string(1, table.back()) + ".id = ?", id);
    std::string sql;
    std::vector<store::Value> values;
    for (const auto& each : alternatives) {
        sql.append(sql.empty() ? "(" : " OR (").append(each.sql).append(")");
        values.insert(values.end(), each.values.begin(), each.values.end());
    }
    if (!sql.empty()) named.append(sql, std::move(values));
    return db.run("SELECT 1 FROM " + table + named.where(), named.values()).any();
}

std::string Listing::order() const { return store::orderBy(keys); }

namespace {

using Wanted = std::vector<std::pair<std::string, std::string>>; ///< keys and directions

Wanted wantedIn(const http::Query& query, const Sorting& sorting) {
    Wanted wanted;
    if (const auto sort = sorting.items != nullptr ? query.find("sort") : std::nullopt) {
        if (query.has("sort_key") || query.has("sort_dir")) throw sorting.mixed();
        for (const auto& each : sorting.items(*sort)) {
            const auto colon = each.find(':');
            const auto key = each.substr(0, colon);
            wanted.emplace_back(key, colon == std::string::npos ? std::string(sorting.direction(key))
                                                                : each.substr(colon + 1));
        }
    }
    if (!wanted.empty()) return wanted;
    auto keys = query.all("sort_key"), directions = query.all("sort_dir");
    if (!sorting.several) {
        if (keys.size() > 1) keys.resize(1);
        if (directions.size() > 1) directions.resize(1);
    }
    if (directions.size() > 1 && directions.size() != keys.size())
        throw Error(Failure::Invalid, "Number of sort dirs does not match the number of sort keys");
    if (keys.empty()) keys.emplace_back("created_at");
    for (std::size_t each = 0; each < keys.size(); ++each)
        wanted.emplace_back(keys[each], directions.empty() ? std::string(sorting.direction(keys[each]))
                                                           : directions[directions.size() == 1 ? 0 : each]);
    return wanted;
}

}

std::vector<store::SortKey> sortKeysIn(const http::Query& query, const TableText& table, const Words& words,
                                       const Sorting& sorting) {
    const auto wanted = wantedIn(query, sorting);
    store::requireFewSortKeys(wanted);
    std::vector<store::SortKey> keys;
    bool byId = false;
    for (const auto& [key, direction] : wanted) {
        const auto* word = wordOf(words, key);
        if (word == nullptr || !word->may(Sort)) throw sorting.notSorted(key);
        if (direction != "asc" && direction != "desc") throw sorting.noDirection(direction);
        keys.push_back({word->sql(table.alias), direction == "desc"});
        byId = byId || key == "id";
    }
    if (!byId) keys.push_back({table.id(), keys.front().descending});
    return keys;
}

Listing listingIn(const http::Query& query, const TableText& table, const Words& words, const Sorting& sorting) {
    Listing listing;
    listing.table = table.named();
    listing.keys = sortKeysIn(query, table, words, sorting);
    const auto limit = query.integer("limit", 0, std::numeric_limits<std::int64_t>::max());
    listing.limit = std::min(limit.value_or(sorting.limit), sorting.limitMax);
    listing.marker = query.text("marker");
    return listing;
}

Compared comparedIn(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> signs{
        {{"gt", ">"}, {"gte", ">="}, {"lt", "<"}, {"lte", "<="}, {"eq", "="}, {"neq", "!="}}};
    const auto colon = text.find(':');
    if (colon != std::string_view::npos)
        for (const auto& [word, sign] : signs)
            if (text.substr(0, colon) == word) return {sign, text.substr(colon + 1)};
    return {{}, text};
}

void addSeconds(store::Conditions& conditions, const std::string& sql, std::string_view sign, Time time) {
    constexpr std::int64_t micros = 1'000'000;
    conditions.add(sql + " / 1000000 " + std::string(sign) + " ?", toMicros(time) / micros);
}

std::string queryWithout(const http::Request& request, std::initializer_list<std::string_view> without) {
    std::string query;
    for (const auto& [name, value] : request.query)
        if (std::find(without.begin(), without.end(), name) == without.end())
            query += http::percentEncoded(name) + "=" + http::percentEncoded(value) + "&";
    return query;
}

std::string pageHref(const http::Request& request, const std::string& marker,
                     std::initializer_list<std::string_view> without) {
    return request.base + request.path + "?" + queryWithout(request, without) +
           "marker=" + http::percentEncoded(marker);
}

}
