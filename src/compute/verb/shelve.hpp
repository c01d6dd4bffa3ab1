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
/// Where a server is to come back; nothing of it: where there is room in the zone that it was asked to be in.
struct ComesBack {
    std::optional<std::string> zone = {}; ///< that it is to stay in from now on; empty: it may be in any
    HostName host = {};
};
void unshelveServer(Core& core, const identity::Caller& caller, const ServerId& id, const ComesBack& to);

/// Those that have been shelved for longer than shelved_offload_time. Now and then.
void offloadOldShelved(Core& core);

jobs::Job shelveServerJob(Core& core);
jobs::Job offloadServerJob(Core& core);
jobs::Job unshelveServerJob(Core& core);

}
