#pragma once

#include <optional>
#include <string>

#include "platform/json/json.hpp"

// What the body of a server says, when it is created and when it is changed. Each Error(Invalid) names the field.

namespace stratolet::compute {

std::string accessAddress(const Json& value, int version); ///< of IP version 4 or 6; empty where it is null or empty
std::string diskConfigOf(const Json& value);
std::optional<std::string> descriptionOf(const Json& value);
std::string hostnameOf(const Json& value, bool qualified); ///< `qualified`: it may have a domain behind it

}
