#include "compute/label/server_metadata.hpp"

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {

Metadata MetadataTable::of(store::Reader& db, const ServerId& id) {
    Metadata items;
    auto rows = db.query("SELECT name, value FROM compute_server_metadata WHERE server = ?", id);
    while (rows.next()) items[rows.row().text(0)] = rows.row().text(1);
    return items;
}

store::ByOwner<MetadataTable::Item> MetadataTable::of(store::Reader& db, const std::vector<std::string>& servers) {
    return store::many<Item>(
        db, "SELECT m.server, m.name, m.value FROM json_each(?) w JOIN compute_server_metadata m ON m.server = w.value",
        servers, [](const store::Row& row) { return Item(row.text(1), row.text(2)); });
}

void MetadataTable::set(store::Transaction& tx, const ServerId& id, const Metadata& items) {
    for (const auto& [name, value] : items)
        tx.execute("INSERT INTO compute_server_metadata (server, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                   "SET value = excluded.value",
                   id, name, value);
}

bool MetadataTable::remove(store::Transaction& tx, const ServerId& id, const std::string& name) {
    return tx.execute("DELETE FROM compute_server_metadata WHERE server = ? AND name = ?", id, name) == 1;
}

void setMetadata(Core& core, const identity::Caller& caller, const ServerId& id, const Metadata& items, bool replace) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        requireState(server, caller, "update metadata", withGuest, While::Busy);
        if (replace)
            for (const auto& [name, value] : MetadataTable::of(tx, id)) MetadataTable::remove(tx, id, name);
        MetadataTable::set(tx, id, items);
        core.claimMetadata(tx, server.project, MetadataTable::of(tx, id).size());
    });
}

void removeMetadata(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        if (!MetadataTable::of(tx, id).contains(name)) throw Error(Failure::NotFound, "Metadata item was not found");
        requireState(server, caller, "delete metadata", withGuest, While::Busy);
        MetadataTable::remove(tx, id, name);
    });
}

}
