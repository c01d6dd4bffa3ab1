#pragma once

#include <string>

#include "compute/core.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// Starting, stopping, rebooting, pausing and suspending servers. Each verb only says that it shall be done; its job
// does it, and ends the action. Error(Conflict) where the server is in no state for it.

namespace stratolet::compute {

void startServer(Core& core, const identity::Caller& caller, const ServerId& id);
void stopServer(Core& core, const identity::Caller& caller, const ServerId& id);
void rebootServer(Core& core, const identity::Caller& caller, const ServerId& id,
                  bool hard); ///< `hard`: the guest isn't asked

void pauseServer(Core& core, const identity::Caller& caller, const ServerId& id);
void unpauseServer(Core& core, const identity::Caller& caller, const ServerId& id);
void suspendServer(Core& core, const identity::Caller& caller, const ServerId& id);
void resumeServer(Core& core, const identity::Caller& caller, const ServerId& id);

/// An interrupt that makes a guest write a crash dump, at once.
void crashServer(Core& core, const identity::Caller& caller, const ServerId& id);

/// By the agent in the guest, at once. Error(Conflict) where none answers.
void changePassword(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& password);

/// The host's network is made as the store says, for this server's ports.
void injectNetworkInfo(Core& core, const identity::Caller& caller, const ServerId& id);

/// An administrator knows better what state it is in. What is under way goes on.
void resetState(Core& core, const identity::Caller& caller, const ServerId& id, bool active);

jobs::Job startServerJob(Core& core);
jobs::Job stopServerJob(Core& core);
jobs::Job rebootServerJob(Core& core);
jobs::Job pauseServerJob(Core& core);
jobs::Job unpauseServerJob(Core& core);
jobs::Job suspendServerJob(Core& core);
jobs::Job resumeServerJob(Core& core);
jobs::Job injectNetworkInfoJob(Core& core);

}
