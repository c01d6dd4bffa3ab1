#pragma once

#include <optional>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// How servers end: at once, or after a while in which they can be had back.

namespace stratolet::compute {

/// DELETE. Whatever the server does: what is under way is given up. Where [compute] reclaim_instance_interval is more
/// than 0, one that has run is only switched off, counts as long as it is there, and is deleted when that time is over.
void removeServer(Core& core, const identity::Caller& caller, const ServerId& id);

/// At once, whatever the configuration says.
void forceRemoveServer(Core& core, const identity::Caller& caller, const ServerId& id);

/// Out of the state in which it waits to be deleted; it runs again.
void restoreServer(Core& core, const identity::Caller& caller, const ServerId& id);

/// Those whose time is over. Now and then.
void reclaimServers(Core& core);

jobs::Job deleteServerJob(Core& core);
jobs::Job softDeleteServerJob(Core& core);
jobs::Job restoreServerJob(Core& core);

}
