#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "platform/http/http.hpp"

namespace stratolet {

class Metrics;

/// The site at the root of the listener: what is here, whether it is alive (/healthz) and ready (/readyz), and how it
/// fares (/metrics). `parts` gives each part's name and complaint (empty where it is well).
http::Site statusSite(Metrics& metrics, std::function<std::vector<std::pair<std::string, std::string>>()> parts);

}
