#pragma once

#include "platform/parts.hpp"

namespace stratolet::identity {
class Identity;
}

namespace stratolet::block {

class Scheduler;
class VolumeQuotas;

/// Counts of what there is of block storage; whose it is is for operators. All that is given outlives the metrics'
/// last reading.
void declareMetrics(const Parts& parts, identity::Identity& identity, const VolumeQuotas& quotas,
                    const Scheduler& scheduler);

}
