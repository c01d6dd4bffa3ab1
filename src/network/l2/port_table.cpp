#include <unordered_map>

#include "network/l2/port.hpp"

namespace stratolet::network {

using namespace resource;

namespace {

/// Addresses and groups: two statements, however many ports there are.
void completeAddresses(store::Reader& db, std::vector<Port>& ports) {
    std::unordered_map<std::string, Port*> byId;
    Texts ids;
    for (auto& each : ports) {
        byId.emplace(each.id.text, &each);
        ids.push_back(each.id.text);
    }
    const auto wanted = store::asList(ids);
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

bool isBound(const Port& port) { return !port.server.empty() || !port.host.empty(); }

void showPairs(JsonWriter& out, const Port& port) {
    const auto list = out.array();
    for (const auto& [mac, address] : port.pairs) {
        const auto pair = out.object();
        out.field("mac_address", mac);
        out.field("ip_address", address);
    }
}

void showVifDetails(JsonWriter& out, const Port& port) { out.raw(isBound(port) ? R"({"port_filter": true, "connectivity": "l2"})" : "{}"); }

}

const Table<Port> portTable(
    "ports", 'p',
    withStandard<Port>({
        attribute<&Port::network>("network_id", Post | Show | Find).in("network").readByHook(),
        attribute<&Port::adminUp>("admin_state_up", Post | Put | Show | Find).in("admin_up"),
        attribute<&Port::mac>("mac_address", Post | Put | Show | Find).in("mac").readByHook(),
        attribute<&Port::device>("device_id", Post | Put | Show | Find).in("device"),
        attribute<&Port::owner>("device_owner", Post | Put | Show | Find).in("owner"),
        attribute<&Port::status>("status", Show | Find | Moves),
        attribute<&Port::portSecurity>("port_security_enabled", Post | Put | Show | Find).in("port_security"),
        computed<Port>("fixed_ips", Kind::Other, Post | Put | Show,
                       [](JsonWriter& out, const Port& port) { Codec<PortAddresses>::show(out, port.addresses); }),
        computed<Port>("security_groups", Kind::Other, Post | Put | Show,
                       [](JsonWriter& out, const Port& port) { Codec<Texts>::show(out, port.groups); }),
        attribute<&Port::pairs>("allowed_address_pairs", Post | Put | Show).in("pairs").shown(showPairs),
        attribute<&Port::vnicType>("binding:vnic_type", Post | Put | Show | Find).in("vnic_type").readByHook(),
        attribute<&Port::host>("binding:host_id", Post | Put | Show | Find | Guarded).in("host"),
        attribute<&Port::profile>("binding:profile", Post | Put | Show | Guarded)
            .in("profile")
            .as(Kind::Other)
            .shown([](JsonWriter& out, const Port& port) { out.raw(port.profile); })
            .readByHook(),
        computed<Port>("binding:vif_type", Kind::Other, Show | Guarded,
                       [](JsonWriter& out, const Port& port) { out.value(isBound(port) ? "bridge" : "unbound"); }),
        computed<Port>("binding:vif_details", Kind::Other, Show | Guarded, showVifDetails),
        derived<Port>("network_project", Kind::Text, 0, [](const Port& port) { return store::Value(port.networkProject); }).nameless(),
        column<&Port::server>("server", Moves),
        column<&Port::madeForServer>("made_for_server", Moves),
        column<&Port::hostname>("hostname", Moves),
        column<&Port::router>("router", Moves),
    }),
    completeAddresses);

std::vector<Port> portsWhere(store::Reader& db, const store::Conditions& conditions) {
    return portTable.list(db, conditions, " ORDER BY p.position");
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

bool hasAddress(store::Reader& db, const SubnetId& subnet, const Address& address) {
    return db.query("SELECT 1 FROM fixed_ips WHERE subnet = ? AND number = ?", subnet, sortable(address)).any();
}

}

namespace stratolet::resource {

void Codec<network::PortAddresses>::show(JsonWriter& out, const network::PortAddresses& addresses) {
    const auto list = out.array();
    for (const auto& each : addresses) {
        const auto address = out.object();
        out.field("subnet_id", each.subnet);
        out.field("ip_address", each.address.text());
    }
}

}
