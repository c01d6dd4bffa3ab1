#pragma once

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// A server that is put away: its disk becomes an image, and its host has nothing of it.

namespace stratolet::compute {

/// With [compute] shelved_offload_time of 0, or where it boots from a volume, it leaves its host at once; with -1 only
/// when it is told to.
void shelveServer(Core& core, const identity::Caller& caller, const ServerId& id);
void offloadServer(Core& core, const identity::Caller& caller, const ServerId& id);
/// `zone`: where it is to come back; empty: where it was.
void unshelveServer(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& zone);

/// Those that have been shelved for longer than shelved_offload_time. Now and then.
void offloadOldShelved(Core& core);

jobs::Job shelveServerJob(Core& core);
jobs::Job offloadServerJob(Core& core);
jobs::Job unshelveServerJob(Core& core);

}
