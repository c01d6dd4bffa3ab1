#pragma once

#include <string>
#include <vector>

#include "network/core.hpp"

namespace stratolet::network {

/// The addresses of a group, each once, in order; none where there is no such group.
std::vector<Prefix> addressesOf(store::Reader& db, const std::string& group);

/// Error(NotFound) unless there is such a group that the caller may see.
void checkAddressGroup(store::Reader& db, const identity::Caller& caller, const std::string& group);

}
