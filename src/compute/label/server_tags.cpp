#include "compute/label/server_tags.hpp"

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"

namespace stratolet::compute {

std::vector<std::string> TagTable::of(store::Reader& db, const ServerId& id) {
    return db.query("SELECT tag FROM compute_server_tags WHERE server = ? ORDER BY tag", id).texts();
}

store::ByOwner<std::string> TagTable::of(store::Reader& db, const std::vector<std::string>& servers) {
    return store::many<std::string>(db,
                                    "SELECT t.server, t.tag FROM json_each(?) w JOIN compute_server_tags t ON t.server "
                                    "= w.value ORDER BY w.key, t.tag",
                                    servers, [](const store::Row& row) { return row.text(1); });
}

bool TagTable::add(store::Transaction& tx, const ServerId& id, const std::string& tag) {
    return tx.execute("INSERT OR IGNORE INTO compute_server_tags (server, tag) VALUES (?, ?)", id, tag) == 1;
}

bool TagTable::remove(store::Transaction& tx, const ServerId& id, const std::string& tag) {
    return tx.execute("DELETE FROM compute_server_tags WHERE server = ? AND tag = ?", id, tag) == 1;
}

void setTags(Core& core, const identity::Caller& caller, const ServerId& id, const std::set<std::string>& tags) {
    core.parts.store.write([&](store::Transaction& tx) {
        allowedServer(tx, caller, id);
        for (const auto& tag : TagTable::of(tx, id)) TagTable::remove(tx, id, tag);
        for (const auto& tag : tags) TagTable::add(tx, id, tag);
    });
}

bool addTag(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& tag) {
    return core.parts.store.write([&](store::Transaction& tx) {
        allowedServer(tx, caller, id);
        const bool fresh = TagTable::add(tx, id, tag);
        if (TagTable::of(tx, id).size() > tagsMost)
            throw Error(Failure::Invalid, "The number of tags exceeded the per-server limit ", tagsMost);
        return fresh;
    });
}

void removeTag(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& tag) {
    core.parts.store.write([&](store::Transaction& tx) {
        allowedServer(tx, caller, id);
        if (!TagTable::remove(tx, id, tag)) throw Error(Failure::NotFound, "Server ", id, " has no tag '", tag, "'");
    });
}

}
