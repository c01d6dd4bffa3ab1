#include "platform/store/paging.hpp"

namespace stratolet::store {

std::string orderBy(const std::vector<SortKey>& keys) {
    std::string sql;
    for (const auto& key : keys)
        sql.append(sql.empty() ? " ORDER BY " : ", ").append(key.expression).append(key.descending ? " DESC" : " ASC");
    return sql;
}

void startAfter(Conditions& conditions, const std::vector<SortKey>& keys, std::string_view table, std::string_view marker) {
    // (a > ma) OR (a = ma AND b > mb) OR …, since the directions may differ
    std::string sql = "(", equalSoFar;
    std::vector<Value> values;
    std::size_t equals = 0;
    for (const auto& key : keys) {
        const std::string itsValue = "(SELECT " + key.expression + " FROM " + std::string(table) + " WHERE id = ?)";
        sql.append(sql.size() == 1 ? "(" : " OR (")
            .append(equalSoFar)
            .append(key.expression)
            .append(key.descending ? " < " : " > ")
            .append(itsValue)
            .append(")");
        for (std::size_t each = 0; each <= equals; ++each) values.emplace_back(marker);
        equalSoFar.append(key.expression).append(" = ").append(itsValue).append(" AND ");
        ++equals;
    }
    conditions.append(sql + ")", std::move(values));
}

}
