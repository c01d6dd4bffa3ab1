#include "network/port.hpp"

#include <unordered_map>

namespace stratolet::network::port_table {

namespace {

const std::string select =
    "SELECT p.id, p.project, p.name, p.description, p.revision, p.created, p.updated, p.network, p.admin_up, p.mac, "
    "p.device, p.owner, p.status, "
    "p.port_security, p.vnic_type, p.profile, p.host, p.server, p.made_for_server, p.hostname, p.pairs, p.router FROM ports p";

Port fromRow(const store::Row& row) {
    Port port;
    port.id = row.id<PortId>(0);
    port.standard = standardOf(row, 1);
    port.network = row.id<NetworkId>(7);
    port.adminUp = row.boolean(8);
    port.mac = row.text(9);
    port.device = row.text(10);
    port.owner = row.text(11);
    port.status = row.text(12);
    port.portSecurity = row.boolean(13);
    port.vnicType = row.text(14);
    port.profile = row.text(15);
    port.host = row.text(16);
    port.server = row.id<ServerId>(17);
    port.madeForServer = row.boolean(18);
    port.hostname = row.text(19);
    port.pairs = pairsOf(row.text(20));
    port.router = row.id<RouterId>(21);
    return port;
}

/// Addresses and groups: two statements, however many ports there are.
void complete(store::Reader& db, std::vector<Port>& ports) {
    if (ports.empty()) return;
    std::unordered_map<std::string, Port*> byId;
    Texts ids;
    for (auto& each : ports) {
        byId.emplace(each.id.text, &each);
        ids.push_back(each.id.text);
    }
    const auto wanted = encoded(ids);
    auto addresses = db.query("SELECT f.port, f.subnet, f.address FROM json_each(?) w JOIN fixed_ips f ON f.port = w.value ORDER BY w.key, "
                              "f.position",
                              wanted);
    while (addresses.next()) {
        const auto row = addresses.row();
        byId.at(row.text(0))->addresses.push_back({row.id<SubnetId>(1), Address::parse(row.text(2)).value()});
    }
    auto groups = db.query("SELECT g.port, g.security_group FROM json_each(?) w JOIN port_security_groups g ON g.port = w.value ORDER BY "
                           "w.key, g.security_group",
                           wanted);
    while (groups.next()) byId.at(groups.row().text(0))->groups.push_back(groups.row().text(1));
}

}

std::optional<Port> find(store::Reader& db, const PortId& id) {
    auto ports = db.query(select + " WHERE p.id = ?", id).all<Port>(fromRow);
    complete(db, ports);
    return ports.empty() ? std::nullopt : std::optional(std::move(ports.front()));
}

std::vector<Port> list(store::Reader& db, const store::Conditions& conditions, const std::string& order) {
    auto ports = db.run(select + conditions.where() + order, conditions.values()).all<Port>(fromRow);
    complete(db, ports);
    return ports;
}

void insert(store::Transaction& tx, const Port& port) {
    const auto& own = port.standard;
    tx.execute(
        "INSERT INTO ports (id, project, name, description, revision, created, updated, network, admin_up, mac, device, owner, "
        "status, port_security, vnic_type, profile, "
        "host, server, made_for_server, hostname, pairs, router) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        port.id, own.project, own.name, own.description, own.revision, own.created, own.updated, port.network, port.adminUp, port.mac,
        port.device, port.owner, port.status, port.portSecurity, port.vnicType, port.profile, port.host, port.server, port.madeForServer,
        port.hostname, encoded(port.pairs), port.router);
    writeAddresses(tx, port);
    writeGroups(tx, port);
}

void update(store::Transaction& tx, const Port& port) {
    const auto& own = port.standard;
    tx.execute("UPDATE ports SET name = ?, description = ?, revision = ?, updated = ?, admin_up = ?, mac = ?, device = ?, owner = ?, "
               "status = ?, port_security = ?, "
               "vnic_type = ?, profile = ?, host = ?, server = ?, made_for_server = ?, hostname = ?, pairs = ?, router = ? WHERE id = ?",
               own.name, own.description, own.revision, own.updated, port.adminUp, port.mac, port.device, port.owner, port.status,
               port.portSecurity, port.vnicType, port.profile, port.host, port.server, port.madeForServer, port.hostname,
               encoded(port.pairs), port.router, port.id);
}

void placeAll(store::Transaction& tx, const std::string& host) {
    tx.execute("UPDATE ports SET host = ? WHERE host = '' AND server <> ''", host);
}

void writeAddresses(store::Transaction& tx, const Port& port) {
    tx.execute("DELETE FROM fixed_ips WHERE port = ?", port.id);
    int position = 0;
    for (const auto& each : port.addresses)
        tx.execute("INSERT INTO fixed_ips (port, position, network, subnet, address, number) VALUES (?, ?, ?, ?, ?, ?)", port.id,
                   position++, port.network, each.subnet, each.address.text(), sortable(each.address));
}

void writeGroups(store::Transaction& tx, const Port& port) {
    tx.execute("DELETE FROM port_security_groups WHERE port = ?", port.id);
    for (const auto& each : port.groups) tx.execute("INSERT OR IGNORE INTO port_security_groups VALUES (?, ?)", port.id, each);
}

void remove(store::Transaction& tx, const PortId& id) { tx.execute("DELETE FROM ports WHERE id = ?", id); }

bool hasAddress(store::Reader& db, const SubnetId& subnet, const Address& address) {
    return db.query("SELECT 1 FROM fixed_ips WHERE subnet = ? AND number = ?", subnet, sortable(address)).any();
}

}
