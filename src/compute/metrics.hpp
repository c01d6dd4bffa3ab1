#pragma once

namespace stratolet::identity {
class Identity;
}

namespace stratolet::compute {

struct Core;

/// Counts of what there is of compute, and what hosts have room for; whose it is and on which host is for operators.
/// What is given outlives the metrics' last reading.
void declareMetrics(Core& core, identity::Identity& identity);

}
