#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/core.hpp"
#include "compute/placement/provider.hpp"

// The names of traits and of classes of resources: those that everybody knows, and those that somebody has made up.

namespace stratolet::compute::placement {

std::vector<std::string> knownClasses(store::Reader& db); ///< in their order: the usual ones, then made-up ones
std::vector<std::string> knownTraits(const std::vector<Provider>& providers, store::Reader& db); ///< sorted
bool isStandardClass(std::string_view name);

/// "CUSTOM_" and up to 248 capitals, digits and underscores.
bool isCustom(std::string_view name);

}
