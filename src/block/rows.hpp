#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/json/json.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

// What the tables of block storage have in common.

namespace stratolet::block {

/// Names and values that hang on a row: metadata, extra specs, QoS specs.
using Items = std::map<std::string, std::string>;

/// Where such items are: a table of (owner's id, name, value).
struct ItemTable {
    std::string_view table, owner; ///< owner: the column
};

/// Those of the rows with these ids: one statement, however many there are.
store::ByOwner<Items::value_type> itemsIn(store::Reader& db, const ItemTable& in, const std::vector<std::string>& ids);

/// In the place of those that the row has.
void setItems(store::Transaction& tx, const ItemTable& in, const std::string& id, const Items& items);

template <class Record> std::vector<std::string> idsOf(const std::vector<Record>& records) {
    std::vector<std::string> ids;
    ids.reserve(records.size());
    for (const auto& each : records) ids.push_back(resource::idOf(each));
    return ids;
}

/// Fills a member of records that were just read with their items.
template <class Record>
void complete(store::Reader& db, std::vector<Record>& records, const ItemTable& in, Items Record::*items) {
    const auto ids = idsOf(records);
    auto found = itemsIn(db, in, ids);
    for (std::size_t at = 0; at < records.size(); ++at)
        for (auto& each : store::takeOf(found, ids[at])) (records[at].*items).insert(std::move(each));
}

/// A time as block storage shows it: with microseconds and no Z; null where there is none.
template <auto Member> inline constexpr auto showMicros = [](JsonWriter& out, const auto& record) {
    const std::optional<Time> time = record.*Member;
    time ? out.value(isoMicros(*time)) : out.value(nullptr);
};

}
