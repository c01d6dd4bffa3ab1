#include "platform/store/paging.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet::store {

void requireFewSortKeys(const std::vector<std::string>& keys) {
    if (keys.size() > sortKeysMax) throw Error(Failure::Invalid, "A list is sorted by ", sortKeysMax, " keys at most.");
    for (auto each = keys.begin(); each != keys.end(); ++each)
        if (std::find(keys.begin(), each, *each) != each) throw Error(Failure::Invalid, "The sort key ", *each, " comes twice.");
}

void requireFewSortKeys(const std::vector<std::pair<std::string, std::string>>& keysAndDirections) {
    std::vector<std::string> keys;
    for (const auto& [key, direction] : keysAndDirections) keys.push_back(key);
    requireFewSortKeys(keys);
}

std::string orderBy(const std::vector<SortKey>& keys) {
    std::string sql;
    for (const auto& key : keys)
        sql.append(sql.empty() ? " ORDER BY " : ", ").append(key.expression).append(key.descending ? " DESC" : " ASC");
    return sql;
}

void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table, std::string_view marker,
                std::string_view id) {
    // a > ma OR (a = ma AND (b > mb OR (b = mb AND …))), since the directions may differ. Each key stands there twice, however many there
    // are.
    std::string sql = "(";
    std::vector<Value> values;
    for (std::size_t each = 0; each < keys.size(); ++each) {
        const auto& key = keys[each];
        const std::string itsValue = "(SELECT " + key.expression + " FROM " + std::string(table) + " WHERE " + std::string(id) + " = ?)";
        sql.append(key.expression).append(key.descending ? " < " : " > ").append(itsValue);
        values.emplace_back(marker);
        if (each + 1 == keys.size()) break;
        sql.append(" OR (").append(key.expression).append(" = ").append(itsValue).append(" AND (");
        values.emplace_back(marker);
    }
    for (std::size_t each = 1; each < keys.size(); ++each) sql += "))";
    conditions.append(sql + ")", std::move(values));
}

}
