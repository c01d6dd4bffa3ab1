#include "block/rows.hpp"

namespace stratolet::block {

store::ByOwner<Items::value_type> itemsIn(store::Reader& db, const ItemTable& in, const std::vector<std::string>& ids) {
    const auto owner = "m." + std::string(in.owner);
    return store::many<Items::value_type>(
        db,
        "SELECT " + owner + ", m.name, m.value FROM json_each(?) w JOIN " + std::string(in.table) + " m ON " + owner +
            " = w.value",
        ids, [](const store::Row& row) { return Items::value_type(row.text(1), row.text(2)); });
}

void setItems(store::Transaction& tx, const ItemTable& in, const std::string& id, const Items& items) {
    const std::string table(in.table);
    tx.execute("DELETE FROM " + table + " WHERE " + std::string(in.owner) + " = ?", id);
    for (const auto& [name, value] : items) tx.execute("INSERT INTO " + table + " VALUES (?, ?, ?)", id, name, value);
}

}
