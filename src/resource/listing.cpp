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

std::string Listing::order() const { return store::orderBy(keys); }

std::string pageHref(const http::Request& request, const std::string& marker, std::initializer_list<std::string_view> without) {
    std::string query;
    for (const auto& [name, value] : request.query)
        if (std::find(without.begin(), without.end(), name) == without.end())
            query += http::percentEncoded(name) + "=" + http::percentEncoded(value) + "&";
    return request.base + request.path + "?" + query + "marker=" + http::percentEncoded(marker);
}

}
