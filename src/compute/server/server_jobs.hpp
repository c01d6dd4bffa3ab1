#pragma once

#include "compute/core.hpp"

namespace stratolet::compute {

/// Tells the runner the jobs of servers, and the bus which events of network and block they follow. Before the runner
/// starts.
void declareServerJobs(Core& core);

}
