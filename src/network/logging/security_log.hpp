#pragma once

#include <stratolet/driver/network.hpp>

#include <string>
#include <vector>

#include "network/l2/port.hpp"

namespace stratolet::network {

/// What is written down of a port's packets, by whichever logs are about it: those that name it, or a group that it is
/// in and no port, or nothing but its project.
std::vector<PlannedLog> plannedLogs(store::Reader& db, const Port& port);

/// The ports that a log is about, by id.
Texts portsLogged(store::Reader& db, const std::string& log);

void addSecurityLogRoutes(http::Routes& routes, Core& core);

}
