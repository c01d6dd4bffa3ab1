#include <map>

#include <stratolet/error.hpp>

#include "network/l2/port.hpp"

namespace stratolet::network {

/// Addresses and groups: two statements, however many ports there are.
void completePortAddresses(store::Reader& db, std::vector<Port>& ports) {
    std::unordered_map<std::string, Port*> byId;
    Texts ids;
    for (auto& each : ports) {
        byId.emplace(each.id.text, &each);
        ids.push_back(each.id.text);
    }
    const auto wanted = store::asList(ids);
    auto addresses = db.query(
        "SELECT f.port, f.subnet, f.address FROM json_each(?) w JOIN fixed_ips f ON f.port = w.value ORDER BY w.key, "
        "f.position",
        wanted);
    while (addresses.next()) {
        const auto row = addresses.row();
        byId.at(row.text(0))->addresses.push_back({row.id<SubnetId>(1), Address::parse(row.text(2)).value()});
    }
    auto groups = db.query(
        "SELECT g.port, g.security_group FROM json_each(?) w JOIN port_security_groups g ON g.port = w.value ORDER BY "
        "w.key, g.security_group",
        wanted);
    while (groups.next()) byId.at(groups.row().text(0))->groups.push_back(groups.row().text(1));
}

std::vector<Port> portsWhere(store::Reader& db, const store::Conditions& conditions, std::size_t about) {
    return portTable.list(db, conditions, " ORDER BY p.position", about);
}

std::unordered_map<std::string, Port> portsOf(store::Reader& db, const Texts& ids) {
    std::unordered_map<std::string, Port> found;
    if (ids.empty()) return found;
    for (auto& each : portTable.where(db, "WHERE p.id IN (SELECT value FROM json_each(?))", store::asList(ids))) {
        auto id = each.id.text;
        found.emplace(std::move(id), std::move(each));
    }
    return found;
}

void insertPort(store::Transaction& tx, const Port& port) {
    portTable.insert(tx, port);
    writeAddresses(tx, port);
    writeGroups(tx, port);
}

void placeAll(store::Transaction& tx, const std::string& host) {
    tx.execute("UPDATE ports SET host = ? WHERE host = '' AND (server <> '' OR owner IN ('network:dhcp', "
               "'network:router_interface', 'network:router_gateway'))",
               host);
}

void writeAddresses(store::Transaction& tx, const Port& port) {
    tx.execute("DELETE FROM fixed_ips WHERE port = ?", port.id);
    int position = 0;
    for (const auto& each : port.addresses)
        tx.execute("INSERT INTO fixed_ips (port, position, network, subnet, address, number) VALUES (?, ?, ?, ?, ?, ?)",
                   port.id, position++, port.network, each.subnet, each.address.text(), sortable(each.address));
}

void writeGroups(store::Transaction& tx, const Port& port) {
    tx.execute("DELETE FROM port_security_groups WHERE port = ?", port.id);
    for (const auto& each : port.groups)
        tx.execute("INSERT OR IGNORE INTO port_security_groups VALUES (?, ?)", port.id, each);
}

bool hasAddress(store::Reader& db, const SubnetId& subnet, const Address& address) {
    return db.query("SELECT 1 FROM fixed_ips WHERE subnet = ? AND number = ?", subnet, sortable(address)).any();
}

/// fixed_ips=ip_address=10.0.0.5, fixed_ips=subnet_id=…, fixed_ips=ip_address_substr=10.0. (all kinds must hold, one
/// value of each)
store::Begin filterPortAddresses(store::Conditions& conditions, const std::vector<std::string>& values) {
    std::map<std::string, std::vector<std::string>> wanted;
    for (const auto& each : values) {
        const auto equals = each.find('=');
        const auto key = each.substr(0, equals);
        if (equals == std::string::npos || (key != "ip_address" && key != "subnet_id" && key != "ip_address_substr"))
            throw Error(Failure::Invalid, "Invalid filter for fixed_ips: ", each).as("HTTPBadRequest");
        wanted[key].push_back(each.substr(equals + 1));
    }
    for (const auto& [key, texts] : wanted) {
        Texts asked;
        for (const auto& text : texts) {
            const auto address = key == "ip_address" ? Address::parse(text) : std::nullopt;
            asked.push_back(address ? address->text() : text);
        }
        // As one JSON text: the condition doesn't grow with what is asked for.
        conditions.add("p.id IN (SELECT f.port FROM json_each(?) wanted JOIN fixed_ips f ON " +
                           std::string(key == "subnet_id"    ? "f.subnet = wanted.value)"
                                       : key == "ip_address" ? "f.address = wanted.value)"
                                                             : "instr(f.address, wanted.value) > 0)"),
                       store::asList(asked));
    }
    return store::Begin::WithConditions;
}

store::Begin filterPortGroups(store::Conditions& conditions, const std::vector<std::string>& values) {
    conditions.add("p.id IN (SELECT g.port FROM json_each(?) wanted JOIN port_security_groups g ON g.security_group = "
                   "wanted.value)",
                   store::asList(values));
    return store::Begin::WithConditions;
}

}
