#pragma once

#include <filesystem>

#include "platform/os/fd.hpp"

namespace stratolet {

/// Takes the network of this host (its network namespace) for the cloud in `stateDir`, as long as the result and this process live. The
/// host's links and rules are what a store says they should be: two stores would take each other's away. Error(Broken) that names the other
/// cloud's state directory where there is one.
Fd takeHostNetwork(const std::filesystem::path& stateDir);

}
