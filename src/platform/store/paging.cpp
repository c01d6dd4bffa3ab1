#include "platform/store/paging.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

namespace stratolet::store {

void requireFewSortKeys(const std::vector<std::string>& keys) {
    if (keys.size() > sortKeysMax) throw Error(Failure::Invalid, "A list is sorted by ", sortKeysMax, " keys at most.");
    for (auto each = keys.begin(); each != keys.end(); ++each)
        if (std::find(keys.begin(), each, *each) != each)
            throw Error(Failure::Invalid, "The sort key ", *each, " comes twice.");
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

std::vector<std::string> idsOf(Reader& db, std::string_view table, std::string_view id, const Conditions& conditions,
                               const std::vector<Alternative>& alternatives, const std::vector<SortKey>& keys,
                               const std::optional<std::int64_t>& limit, Begin begin) {
    std::string what = "SELECT " + std::string(id), sql;
    for (const auto& key : keys) what += ", " + key.expression;
    what.append(" FROM ").append(table);
    std::vector<Value> values;
    const auto walk = [&](const Conditions& where) {
        sql.append(sql.empty() ? "" : " UNION ALL ").append(what).append(where.where());
        values.insert(values.end(), where.values().begin(), where.values().end());
    };
    if (alternatives.empty()) walk(conditions);
    for (const auto& each : alternatives) {
        auto where = conditions;
        // "IS TRUE" keeps an alternative from being looked up by its index, which would be in the page's order and find
        // many.
        where.append(begin == Begin::WithConditions ? "(" + each.sql + ") IS TRUE" : each.sql, each.values);
        walk(where);
    }
    for (std::size_t each = 0; each < keys.size(); ++each)
        sql += (each ? ", " : " ORDER BY ") + std::to_string(each + 2) + (keys[each].descending ? " DESC" : "");
    values.emplace_back(limit.value_or(-1));
    return db.run(sql + " LIMIT ?", values).texts();
}

void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table,
                std::string_view marker, std::string_view id) {
    // a > ma OR (a = ma AND (b > mb OR (b = mb AND …))), since the directions may differ. Each key stands there twice,
    // however many there are. What begins it says the same of the first key alone, in the words that an index
    // understands.
    const auto first =
        "(SELECT " + keys.front().expression + " FROM " + std::string(table) + " WHERE " + std::string(id) + " = ?)";
    std::string sql = keys.front().expression + (keys.front().descending ? " <= " : " >= ") + first + " AND (";
    std::vector<Value> values{marker};
    for (std::size_t each = 0; each < keys.size(); ++each) {
        const auto& key = keys[each];
        const std::string itsValue =
            "(SELECT " + key.expression + " FROM " + std::string(table) + " WHERE " + std::string(id) + " = ?)";
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
