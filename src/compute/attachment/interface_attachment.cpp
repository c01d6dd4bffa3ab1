#include "compute/attachment/interface_attachment.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/server/server_reading.hpp"
#include "compute/server/server_table.hpp"
#include "compute/server/server_verb.hpp"

namespace stratolet::compute {
namespace {

NetworkId onlyNetwork(Core& core, store::Reader& db, const identity::Caller& caller) {
    const auto networks = core.network.networksFor(db, caller);
    if (networks.size() != 1)
        throw Error(Failure::Invalid, networks.empty()
                                          ? "No network to attach the interface to."
                                          : "Multiple possible networks found, use a Network ID to be more specific.");
    return networks.front();
}

network::PortFacts portFor(Core& core, store::Transaction& tx, const identity::Caller& caller, const Server& server,
                           const WantedNic& wanted) {
    if (wanted.port) return core.network.bindPort(tx, caller, wanted.port, server.id, server.hostname);
    return core.network.createPort(tx, caller,
                                   {.network = wanted.network ? wanted.network : onlyNetwork(core, tx, caller),
                                    .fixedIp = wanted.fixedIp,
                                    .securityGroups = {},
                                    .server = server.id,
                                    .hostname = server.hostname});
}

}

network::PortFacts attachInterface(Core& core, const identity::Caller& caller, const ServerId& id,
                                   const WantedNic& wanted) {
    return core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        requireState(server, caller, "attach_interface", withGuest, While::Idle);
        auto port = portFor(core, tx, caller, server, wanted);
        enqueueVerb(core, tx, server, askerOf(caller), "attach-nic", "attach_interface", "compute_attach_interface",
                    "\"port\":" + jsonText(port.id.text));
        return port;
    });
}

void detachInterface(Core& core, const identity::Caller& caller, const ServerId& id, const PortId& port) {
    core.parts.store.write([&](store::Transaction& tx) {
        const Server server = allowedServer(tx, caller, id);
        const auto ports = core.network.portsOf(tx, id);
        const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& each) { return each.id == port; });
        if (found == ports.end()) throw Error(Failure::NotFound, "Port ", port, " not found on instance ", id);
        requireState(server, caller, "detach_interface", withGuest, While::Idle);
        enqueueVerb(core, tx, server, askerOf(caller), "detach-nic", "detach_interface", "compute_detach_interface",
                    "\"port\":" + jsonText(port.text) + ",\"mac\":" + jsonText(found->mac));
    });
}

void plugAgain(Core& core, store::Transaction& tx, const ServerId& id, const PortId& port) {
    const auto server = ServerTable::find(tx, id);
    if (!server || server->deleted || server->vm != VmState::Active) return;
    core.parts.jobs.enqueue(tx, "compute.server.attach-nic", id.text,
                            "{\"port\":" + jsonText(port.text) + ",\"again\":true}", server->project.text);
}

}
