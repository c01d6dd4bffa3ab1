#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compute/core.hpp"
#include "compute/host/host.hpp"

namespace stratolet::compute {

inline constexpr std::string_view computeBinary = "nova-compute";
inline constexpr std::string_view internalZone = "internal"; ///< of what runs no servers

/// What Nova's services are here: a host that runs servers is one, and this process is the others.
struct Service {
    std::int64_t number = 0;
    std::string id = {}, binary = {}, host = {}, zone = {};
    bool up = true, disabled = false, forcedDown = false;
    std::optional<std::string> reason = {}; ///< why it is disabled
    std::optional<Time> updated = {};       ///< when it was last heard of
};

/// All of them: the process's own parts first.
std::vector<Service> services(const Core& core, store::Reader& db);
Service serviceOf(const Host& host);

}
