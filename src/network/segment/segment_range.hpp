#pragma once

#include <string>
#include <vector>

#include "network/core.hpp"

namespace stratolet::network {

/// Out of which a project's networks of this type are given numbers, in this order: its own ranges, then those of all.
std::vector<Ml2Options::Range> rangesFor(store::Reader& db, NetworkType type, const std::string& project);

/// The ranges of the configuration are among the rows, and none that it had before.
void placeRanges(Core& core, store::Transaction& tx);

void addSegmentRangeRoutes(http::Routes& routes, Core& core);

}
