#pragma once

#include "compute/core.hpp"

namespace stratolet::compute {

/// The reconciler's part: each host's guests and disks against what the store says there should be. A guest that was
/// lost is started again, one whose server is gone is removed; what no row has ever known is told of and left alone.
/// Called by the reconciler, on its thread, at start, when kicked and now and then; a host that can't be reached delays
/// no other, and is thrown about at the end.
void mendServers(Core& core);

}
