#pragma once

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// A server that is booted from another disk, with its own beside it, to be mended.

namespace stratolet::compute {

/// `image`: empty is the server's own, as it was when it was made. Error(Invalid) for an image that can't be had.
void rescueServer(Core& core, const identity::Caller& caller, const ServerId& id, const ImageId& image);

/// It runs from its own disk again.
void unrescueServer(Core& core, const identity::Caller& caller, const ServerId& id);

jobs::Job rescueServerJob(Core& core);
jobs::Job unrescueServerJob(Core& core);

}
