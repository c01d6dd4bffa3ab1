#include "resource/listing.hpp"

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

std::string pageHref(const http::Request& request, const std::string& marker, std::initializer_list<std::string_view> without) {
    std::string query;
    for (const auto& [name, value] : request.query)
        if (std::find(without.begin(), without.end(), name) == without.end())
            query += http::percentEncoded(name) + "=" + http::percentEncoded(value) + "&";
    return request.base + request.path + "?" + query + "marker=" + http::percentEncoded(marker);
}

}
