#pragma once

#include <stratolet/driver/network.hpp>

#include <string>
#include <vector>

#include "network/core.hpp"

namespace stratolet::network {

/// What counts for a router of this project: the labels of the project, and those that are for all.
std::vector<PlannedMeter> plannedMeters(store::Reader& db, const std::string& project);

/// The routers that a label counts for, by id.
std::vector<std::string> routersMetered(store::Reader& db, const std::string& label);

/// Adds what was counted to what is kept of each label and router; what is of a label that is gone is of no use.
void addReadings(store::Transaction& tx, const std::vector<MeterReading>& readings, Time now);

/// What is kept.
std::vector<MeterReading> readingsOf(store::Reader& db, const MeteringLabelId& label);

void addMeteringRoutes(http::Routes& routes, Core& core);

}
