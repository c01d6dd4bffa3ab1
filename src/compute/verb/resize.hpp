#pragma once

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// A server that becomes another size, and may have the old one back: its disk as it was is kept until that is settled.

namespace stratolet::compute {

/// Error(Invalid) for the flavor that it has, or one that its image or disk doesn't fit; Error(OverLimit).
void resizeServer(Core& core, const identity::Caller& caller, const ServerId& id, const FlavorId& flavor,
                  const std::optional<std::string>& diskConfig);

/// The old size is forgotten.
void confirmResize(Core& core, const identity::Caller& caller, const ServerId& id);

/// It is what it was, and so are the bytes of its disk.
void revertResize(Core& core, const identity::Caller& caller, const ServerId& id);

/// Those that have waited for an answer for [compute] resize_confirm_window (0: for ever). Now and then.
void confirmOldResizes(Core& core);

/// Boots what was powered off to be resized or to move, or defines it where it was off before.
void bootUnlessStopped(Core& core, const jobs::Run& run);

/// It was powered off for nothing: it is what it was, and runs if it did.
void goOn(Core& core, const jobs::Run& run);

/// The job with both ends: it waits to be confirmed or reverted, or is what it was. `doing`: the verb, for its owner.
jobs::Job resized(jobs::Job&& job, Core& core, const char* doing);

jobs::Job resizeServerJob(Core& core);
jobs::Job confirmResizeJob(Core& core);
jobs::Job revertResizeJob(Core& core);

}
