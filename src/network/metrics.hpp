#pragma once

namespace stratolet::network {

struct Core;
class Agents;

/// Counts of what there is of the network; whose it is is for operators. What is given outlives the metrics' last
/// reading.
void declareMetrics(Core& core, const Agents& agents);

}
