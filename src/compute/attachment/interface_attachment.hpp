#pragma once

#include <optional>
#include <string>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"

// Network interfaces of servers: ports of the network's, which a guest has a device for.

namespace stratolet::compute {

/// Which network interface a server gets.
struct WantedNic {
    NetworkId network; ///< or
    PortId port;
    std::string fixedIp; ///< on that network; empty: any
    std::optional<std::string> tag = {};
};

/// The port is there at once, the device once the job has made it. Error(Conflict) where the server is in no state for
/// it.
network::PortFacts attachInterface(Core& core, const identity::Caller& caller, const ServerId& id,
                                   const WantedNic& wanted);
void detachInterface(Core& core, const identity::Caller& caller, const ServerId& id, const PortId& port);

/// The device under a guest's interface is gone, and there is another: it is put on that one, where the guest runs.
void plugAgain(Core& core, store::Transaction& tx, const ServerId& id, const PortId& port);

jobs::Job attachInterfaceJob(Core& core);
jobs::Job detachInterfaceJob(Core& core);

/// /servers/{id}/os-interface.
void addInterfaceAttachmentRoutes(http::Routes& routes, Core& core);

}
