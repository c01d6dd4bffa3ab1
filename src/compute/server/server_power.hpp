#pragma once

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// Starting, stopping and rebooting servers. Each verb only says that it shall be done; its job does it, and ends the
// action. Error(Conflict) where the server is in no state for it.

namespace stratolet::compute {

void startServer(Core& core, const identity::Caller& caller, const ServerId& id);
void stopServer(Core& core, const identity::Caller& caller, const ServerId& id);
void rebootServer(Core& core, const identity::Caller& caller, const ServerId& id,
                  bool hard); ///< `hard`: the guest isn't asked

jobs::Job startServerJob(Core& core);
jobs::Job stopServerJob(Core& core);
jobs::Job rebootServerJob(Core& core);

}
