#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet::store {

/// The texts as the one value that json_each(?) takes apart: a statement about many is one statement, whatever their
/// number.
std::string asList(const std::vector<std::string>& texts);

/// What belongs to each of many rows, by their ids. Who has nothing is not in it.
template <class T> using ByOwner = std::unordered_map<std::string, std::vector<T>>;

/// All that `sql` finds for `owners`, in one statement. It has one "?", for json_each, and says the owner first:
/// "SELECT t.resource, t.tag FROM json_each(?) w JOIN network_tags t ON t.resource = w.value ORDER BY t.tag". `make`
/// makes a T of a row.
template <class T, class Make>
ByOwner<T> many(Reader& db, std::string_view sql, const std::vector<std::string>& owners, Make make) {
    ByOwner<T> found;
    if (owners.empty()) return found;
    auto rows = db.query(sql, asList(owners));
    while (rows.next()) found[rows.row().text(0)].push_back(make(rows.row()));
    return found;
}

/// What `owner` has of it, moved out.
template <class T> std::vector<T> takeOf(ByOwner<T>& all, const std::string& owner) {
    const auto found = all.find(owner);
    return found == all.end() ? std::vector<T>() : std::move(found->second);
}

}
