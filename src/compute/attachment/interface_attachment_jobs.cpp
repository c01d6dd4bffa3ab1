#include <optional>

#include <stratolet/error.hpp>

#include "compute/attachment/interface_attachment.hpp"
#include "compute/server/server_guest.hpp"
#include "compute/server/server_table.hpp"
#include "platform/log/log.hpp"

namespace stratolet::compute {
namespace {

using jobs::Job;
using jobs::Run;
using store::Transaction;

PortId portOf(const Run& run) { return PortId{run.arguments().text("port")}; }
bool isAgain(const Run& run) { return run.arguments().boolean("again", false); }

std::optional<network::PortFacts> boundPort(Core& core, const Run& run) {
    for (auto& port : core.network.portsOf(core.reader(), run.id_of<ServerId>()))
        if (port.id == portOf(run)) return port;
    return std::nullopt;
}

/// The device under a guest's interface is gone, and there is another: the guest gives the interface back, to get it on
/// that one. True once it has.
bool letGoOfLostDevice(Core& core, Run& run, const network::PortFacts& port) {
    if (core.network.plugged(port.id)) return true; // started anew meanwhile
    return letGo(run, [&](bool ask) { return hypervisorOf(core, run).nicUnplugged(port.server, port.mac, ask); });
}

void letGoOf(Core& core, Run& run, const std::string& mac) {
    letGo(run, [&](bool ask) { return hypervisorOf(core, run).nicDetached(run.id_of<ServerId>(), mac, ask); });
}

void attach(Core& core, Run& run) {
    const auto port = boundPort(core, run);
    if (isAgain(run) && (!port || !letGoOfLostDevice(core, run, *port))) return;
    if (!port) throw Error(Failure::Broken, "the port ", portOf(run), " is gone");
    if (const auto server = ServerTable::find(core.reader(), run.id_of<ServerId>()))
        core.hypervisors.on({server->host}).ensureAttached(server->id, nicOf(core, core.reader(), *server, *port));
}

void attachFailed(Core& core, Transaction& tx, const Run& run, const std::string& reason) {
    if (isAgain(run)) {
        core.parts.log.warning(
            "A guest is cut off until it is started again: its interface could not be put on the new device",
            {{"server", run.subject}, {"port", portOf(run).text}, {"reason", reason}});
        return;
    }
    core.network.releasePort(tx, portOf(run));
    failAction(core, tx, run, "attach an interface to", reason);
}

}

Job attachInterfaceJob(Core& core) {
    return wired(Job("compute.server.attach-nic"), core)
        .step(
            "attach", [&core](Run& run) { attach(core, run); },
            [&core](Run& run) {
                if (const auto port = isAgain(run) ? std::nullopt : boundPort(core, run)) letGoOf(core, run, port->mac);
            })
        .onDone([&core](Transaction& tx, Run& run) { endAction(core, tx, run); })
        .onFailed(
            [&core](Transaction& tx, Run& run, const std::string& reason) { attachFailed(core, tx, run, reason); });
}

Job detachInterfaceJob(Core& core) {
    return Job("compute.server.detach-nic")
        .attempts(2) // each waits two minutes for the guest to let go
        .step("detach", [&core](Run& run) { letGoOf(core, run, run.arguments().text("mac")); })
        .onDone([&core](Transaction& tx, Run& run) {
            core.network.releasePort(tx, portOf(run));
            endAction(core, tx, run);
        })
        .onFailed([&core](Transaction& tx, Run& run, const std::string& reason) {
            failAction(core, tx, run, "detach an interface from", reason);
        });
}

}
