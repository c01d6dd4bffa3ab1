#pragma once

#include <string_view>

#include "compute/host/hypervisors.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

/// The availability zone that all hosts are in.
inline constexpr std::string_view defaultZone = "nova";

/// Hosts as the API shows them: hypervisors, services, zones. `hosts` outlives the routes.
void addHostRoutes(http::Routes& routes, Hypervisors& hosts);

}
