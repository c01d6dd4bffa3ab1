#pragma once

#include <string_view>

#include "compute/host/hypervisors.hpp"
#include "platform/http/http.hpp"

namespace stratolet::compute {

inline constexpr std::string_view defaultZone = "nova";

void addHostRoutes(http::Routes& routes, Hypervisors& hosts);

}
