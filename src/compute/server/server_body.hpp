#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/api.hpp"
#include "platform/json/json.hpp"

// What the body of a server says, when it is created and when it is changed. Each Error(Invalid) names the field.

namespace stratolet::compute {

std::string accessAddress(const Json& value, int version); ///< of IP version 4 or 6; empty where it is null or empty
std::string diskConfigOf(const Json& value);
std::optional<std::string> descriptionOf(const Json& value);
std::string hostnameOf(const Json& value, bool qualified); ///< `qualified`: it may have a domain behind it

std::string lastOf(std::string reference); ///< the id that a link or an id names

/// "personality", which bodies had until 2.56: paths and contents. Nothing where it is missing.
std::optional<std::vector<std::pair<std::string, std::string>>> filesIn(const Call& call, const Json& body);

}
