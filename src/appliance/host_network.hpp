#pragma once

#include <filesystem>

#include "platform/os/fd.hpp"

namespace stratolet {

/// The network of this host (its network namespace), taken for the cloud in `stateDir` as long as this and the process
/// live. The host's links and rules are what a store says they should be: two stores would take each other's away.
class HostNetwork {
public:
    /// Error(Broken) that names the other cloud's state directory where there is one.
    explicit HostNetwork(const std::filesystem::path& stateDir);
    ~HostNetwork(); ///< and nothing is left of it
    HostNetwork(const HostNetwork&) = delete;

private:
    std::filesystem::path file_;
    Fd lock_;
};

}
