#include "network/network_record.hpp"

namespace stratolet::network::network_table {

namespace {

const std::string select =
    "SELECT n.id, n.project, n.name, n.description, n.revision, n.created, n.updated, n.admin_up, n.shared, "
    "n.external, n.is_default, n.mtu, n.port_security, EXISTS (SELECT 1 FROM network_problems x WHERE x.subject = n.id) FROM networks n";

NetworkRecord fromRow(const store::Row& row) {
    return {row.id<NetworkId>(0),
            standardOf(row, 1),
            row.boolean(7),
            row.boolean(8),
            row.boolean(9),
            row.boolean(10),
            static_cast<int>(row.integer(11)),
            row.boolean(12),
            row.boolean(13) ? "ERROR" : "ACTIVE"};
}

}

std::optional<NetworkRecord> find(store::Reader& db, const NetworkId& id) {
    return db.query(select + " WHERE n.id = ?", id).maybe<NetworkRecord>(fromRow);
}

std::vector<NetworkRecord> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<NetworkRecord>(fromRow);
}

std::vector<NetworkRecord> of(store::Reader& db, const std::vector<std::string>& ids) {
    return db.query(select + " WHERE n.id IN (SELECT value FROM json_each(?))", store::asList(ids)).all<NetworkRecord>(fromRow);
}

void insert(store::Transaction& tx, const NetworkRecord& network) {
    const auto& own = network.standard;
    tx.execute("INSERT INTO networks (id, project, name, description, revision, created, updated, admin_up, shared, external, is_default, "
               "mtu, port_security) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               network.id, own.project, own.name, own.description, own.revision, own.created, own.updated, network.adminUp, network.shared,
               network.external, network.isDefault, network.mtu, network.portSecurity);
}

void update(store::Transaction& tx, const NetworkRecord& network) {
    const auto& own = network.standard;
    tx.execute("UPDATE networks SET name = ?, description = ?, revision = ?, updated = ?, admin_up = ?, shared = ?, external = ?, "
               "is_default = ?, mtu = ?, "
               "port_security = ? WHERE id = ?",
               own.name, own.description, own.revision, own.updated, network.adminUp, network.shared, network.external, network.isDefault,
               network.mtu, network.portSecurity, network.id);
}

void remove(store::Transaction& tx, const NetworkId& id) { tx.execute("DELETE FROM networks WHERE id = ?", id); }

}
