#include <algorithm>
#include <set>

#include <stratolet/error.hpp>

#include "network/segment/segment.hpp"
#include "network/trunk/trunk.hpp"

namespace stratolet::network {

namespace {

void checkUp(const Trunk& trunk) {
    if (!trunk.adminUp)
        throw Error(Failure::Conflict, "Trunk ", trunk.id, " is currently disabled.").as("TrunkDisabled");
}

/// A port of the caller's that is to be in a trunk.
Port portFor(store::Reader& db, const identity::Caller& caller, const PortId& id) {
    auto port = portTable.find(db, id);
    const auto target = port ? targetOf(*port, networkOf(db, port->network)) : Target();
    if (!port || !mayOn(caller, "get_port", target)) throw portNotFound(id.text);
    // Who owns a network sees the ports of others on it, which are theirs all the same.
    demandOn(caller, "update_port", target);
    return *std::move(port);
}

/// The VLAN id of the port's own network.
int inherited(store::Reader& db, const Port& port) {
    const auto segments = segmentsOf(db, port.network);
    if (segments.size() != 1 || segments.front().type != "vlan")
        throw Error(Failure::Invalid, "Invalid input for operation: Cannot inherit segmentation of port ", port.id,
                    ": its network is no vlan network.")
            .as("InvalidInput");
    return static_cast<int>(segments.front().number);
}

}

std::vector<Subport> Trunks::checked(store::Reader& db, const identity::Caller& caller, const Trunk& trunk,
                                     const std::vector<WantedSubport>& wanted) {
    const auto parent = portTable.find(db, trunk.port);
    if (!parent) throw portNotFound(trunk.port.text);
    const int parentMtu = networkOf(db, parent->network).mtu;
    std::set<int> numbers;
    std::set<PortId> ports;
    for (const auto& each : trunk.subports) numbers.insert(each.number);
    std::vector<Subport> out;
    for (const auto& [id, number] : wanted) {
        const auto port = portFor(db, caller, id);
        Subport subport{id, trunk.id, "vlan", number ? *number : inherited(db, port), port.mac};
        if (id == trunk.port)
            throw Error(Failure::Conflict, "Port ", id, " is in use by another trunk: it is the parent.")
                .as("TrunkPortInUse");
        if (!ports.insert(id).second)
            throw Error(Failure::Invalid, "Invalid input for operation: port ", id, " is given twice.")
                .as("InvalidInput");
        checkNotInTrunk(db, id);
        if (!port.server.empty() || !port.host.empty() || port.owner.starts_with("network:"))
            throw Error(Failure::Conflict, "Port ", id, " is in use: it is bound, and can be no subport.")
                .as("PortInUse");
        if (!numbers.insert(subport.number).second)
            throw Error(Failure::Conflict, "segmentation_type vlan and segmentation_id ", subport.number,
                        " already in use on trunk ", trunk.id, ".")
                .as("DuplicateSubPort");
        if (const int mtu = networkOf(db, port.network).mtu; mtu > parentMtu)
            throw Error(Failure::Conflict, "MTU ", mtu, " of subport ", id, " cannot be greater than MTU ", parentMtu,
                        " of trunk port ", trunk.port, ".")
                .as("SubPortMtuGreaterThanTrunkPortMtu");
        out.push_back(std::move(subport));
    }
    return out;
}

void Trunks::insert(store::Transaction& tx, const Trunk& trunk, const std::vector<Subport>& subports) {
    for (const auto& each : subports) {
        tx.execute("INSERT INTO trunk_subports (port, trunk, type, number) VALUES (?, ?, ?, ?)", each.port, trunk.id,
                   each.type, each.number);
        tx.execute("UPDATE ports SET owner = ?, revision = revision + 1, updated = ? WHERE id = ?", subportOwner,
                   core_.now(), each.port);
        core_.changed(tx, each.port.text);
    }
}

void Trunks::letGo(store::Transaction& tx, const Subport& subport) {
    tx.execute("DELETE FROM trunk_subports WHERE port = ?", subport.port);
    tx.execute("UPDATE ports SET owner = '', status = 'DOWN', revision = revision + 1, updated = ? WHERE id = ? AND "
               "owner = ?",
               core_.now(), subport.port, subportOwner);
    core_.changed(tx, subport.port.text);
}

void Trunks::changed(store::Transaction& tx, const Trunk& trunk) {
    touch(tx, "trunks", trunk.id.text, core_.now());
    touch(tx, "ports", trunk.port.text, core_.now());
}

Trunk Trunks::create(store::Transaction& tx, const identity::Caller& caller, const Body& body) {
    Trunk trunk;
    trunk.standard = freshStandard(core_, caller, body);
    core_.claim(tx, trunk.standard.project, "trunk");
    trunk.id.text = core_.uuid();
    trunk.adminUp = body.truth("admin_state_up", true);
    trunk.port.text = body.text("port_id");
    if (trunk.port.empty()) throw notSpecified("port_id");
    const auto parent = portFor(tx, caller, trunk.port);
    checkNotInTrunk(tx, trunk.port);
    if (parent.owner.starts_with("network:"))
        throw Error(Failure::Conflict, "Port ", trunk.port, " is in use: it has device owner ", parent.owner, ".")
            .as("PortInUse");
    const auto subports = checked(tx, caller, trunk, subportsIn(body));
    trunkTable.insert(tx, trunk);
    insert(tx, trunk, subports);
    touch(tx, "ports", trunk.port.text, core_.now());
    return trunkTable.find(tx, trunk.id).value();
}

Trunk Trunks::update(store::Transaction& tx, Trunk trunk, const Body& body) {
    const bool before = trunk.adminUp;
    body.readInto(trunk, trunkTable);
    changeStandard(core_, trunk.standard, body);
    trunkTable.update(tx, trunk);
    if (trunk.adminUp != before)
        for (const auto& each : trunk.subports) {
            if (!trunk.adminUp) tx.execute("UPDATE ports SET status = 'DOWN' WHERE id = ?", each.port);
            core_.changed(tx, each.port.text);
        }
    return trunk;
}

void Trunks::remove(store::Transaction& tx, const Trunk& trunk) {
    for (const auto& each : trunk.subports) letGo(tx, each);
    touch(tx, "ports", trunk.port.text, core_.now());
    forgetTags(tx, trunk.id.text);
    trunkTable.remove(tx, trunk.id);
}

Trunk Trunks::add(store::Transaction& tx, const identity::Caller& caller, Trunk trunk,
                  const std::vector<WantedSubport>& wanted) {
    checkUp(trunk);
    const auto subports = checked(tx, caller, trunk, wanted);
    if (subports.empty()) return trunk;
    insert(tx, trunk, subports);
    changed(tx, trunk);
    return trunkTable.find(tx, trunk.id).value();
}

Trunk Trunks::take(store::Transaction& tx, Trunk trunk, const std::vector<PortId>& ports) {
    checkUp(trunk);
    std::vector<Subport> gone;
    for (const auto& id : ports) {
        const auto found = std::find_if(trunk.subports.begin(), trunk.subports.end(),
                                        [&](const auto& each) { return each.port == id; });
        if (found == trunk.subports.end())
            throw Error(Failure::NotFound, "SubPort on trunk ", trunk.id, " with parent port ", trunk.port,
                        " could not be found: ", id, ".")
                .as("SubPortNotFound");
        gone.push_back(*found);
    }
    if (gone.empty()) return trunk;
    for (const auto& each : gone) letGo(tx, each);
    changed(tx, trunk);
    return trunkTable.find(tx, trunk.id).value();
}

}
