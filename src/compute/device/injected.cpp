#include "compute/device/injected.hpp"

#include "platform/store/many.hpp"

namespace stratolet::compute {

void FileTable::add(store::Transaction& tx, const ServerId& server, const std::string& path,
                    const std::string& content) {
    tx.execute("INSERT INTO compute_files (server, number, path, content) VALUES (?, (SELECT count(*) FROM "
               "compute_files WHERE server = ?), ?, ?)",
               server, server, path, content);
}

std::vector<std::pair<std::string, std::string>> FileTable::of(store::Reader& db, const ServerId& server) {
    return db.query("SELECT path, content FROM compute_files WHERE server = ? ORDER BY number", server)
        .all<std::pair<std::string, std::string>>([](const store::Row& row) {
            return std::pair{row.text(0), row.text(1)};
        });
}

void FileTable::removeAll(store::Transaction& tx, const ServerId& server) {
    tx.execute("DELETE FROM compute_files WHERE server = ?", server);
}

void NicTable::setTag(store::Transaction& tx, const PortId& port, const std::optional<std::string>& tag) {
    if (tag) tx.execute("INSERT OR REPLACE INTO compute_nic_tags (port, tag) VALUES (?, ?)", port, *tag);
}

std::map<std::string, std::string> NicTable::of(store::Reader& db, const std::vector<std::string>& ports) {
    std::map<std::string, std::string> tags;
    auto rows = db.query("SELECT port, tag FROM compute_nic_tags WHERE port IN (SELECT value FROM json_each(?))",
                         store::asList(ports));
    while (rows.next()) tags[rows.row().text(0)] = rows.row().text(1);
    return tags;
}

void NicTable::remove(store::Transaction& tx, const PortId& port) {
    tx.execute("DELETE FROM compute_nic_tags WHERE port = ?", port);
}

Injected injectedOf(store::Reader& db, const ServerId& server, const std::vector<std::string>& ports) {
    return {FileTable::of(db, server), NicTable::of(db, ports)};
}

}
