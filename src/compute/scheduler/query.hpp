#pragma once

#include <string>

#include "compute/host/host.hpp"
#include "platform/json/json.hpp"

namespace stratolet::compute {

/// Whether a host is as the scheduler hint "query" has it (Nova, JsonFilter): an operation (=, <, >, in, <=, >=, not,
/// or, and) with what it is about, a list, in which "$name" stands for what the host has. A query that says nothing, or
/// names what no host has, is met by none; one that can't be is Error(Invalid).
bool meetsQuery(const Host& host, const std::string& query);

/// Error(Invalid) for what is no such query. For bodies.
void requireQuery(const std::string& query);

}
