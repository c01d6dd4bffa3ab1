#include "network/floating_ip.hpp"

namespace stratolet::network::floating_ip_table {

namespace {

const std::string select = "SELECT f.id, f.project, '', f.description, f.revision, f.created, f.updated, f.network, f.own_port, f.address, "
                           "f.port, f.fixed, f.router, f.status "
                           "FROM floating_ips f";

FloatingIp fromRow(const store::Row& row) {
    return {row.id<FloatingIpId>(0), standardOf(row, 1), row.id<NetworkId>(7), row.id<PortId>(8), row.text(9),
            row.id<PortId>(10),      row.text(11),       row.id<RouterId>(12), row.text(13)};
}

std::optional<std::string> orNull(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

}

std::optional<FloatingIp> find(store::Reader& db, const FloatingIpId& id) {
    return db.query(select + " WHERE f.id = ?", id).maybe<FloatingIp>(fromRow);
}

std::vector<FloatingIp> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    return db.run(select + conditions.where() + order, conditions.values()).all<FloatingIp>(fromRow);
}

void insert(store::Transaction& tx, const FloatingIp& ip) {
    const auto& own = ip.standard;
    tx.execute("INSERT INTO floating_ips (id, project, description, revision, created, updated, network, own_port, address, port, fixed, "
               "router, status) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               ip.id, own.project, own.description, own.revision, own.created, own.updated, ip.network, ip.ownPort, ip.address,
               orNull(ip.port.text), orNull(ip.fixed), orNull(ip.router.text), ip.status);
}

void update(store::Transaction& tx, const FloatingIp& ip) {
    const auto& own = ip.standard;
    tx.execute(
        "UPDATE floating_ips SET description = ?, revision = ?, updated = ?, port = ?, fixed = ?, router = ?, status = ? WHERE id = ?",
        own.description, own.revision, own.updated, orNull(ip.port.text), orNull(ip.fixed), orNull(ip.router.text), ip.status, ip.id);
}

void remove(store::Transaction& tx, const FloatingIpId& id) { tx.execute("DELETE FROM floating_ips WHERE id = ?", id); }

void disassociate(store::Transaction& tx, const PortId& port, Time now) {
    tx.execute("UPDATE floating_ips SET port = NULL, fixed = NULL, router = NULL, status = 'DOWN', revision = revision + 1, updated = ? "
               "WHERE port = ?",
               now, port);
}

}
