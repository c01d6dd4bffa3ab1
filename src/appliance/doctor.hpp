#pragma once

#include <filesystem>
#include <iosfwd>

#include "appliance/settings.hpp"

namespace stratolet {

/// The unfinished jobs of a store, one a line. Reads only; the cloud may run meanwhile. Returns the exit code.
int printJobs(const Settings& settings, const std::filesystem::path& stateDir, std::ostream& out);

/// Looks for what should not be: in the store a resource in a transitional state that no job works on, rows whose owner
/// is gone, what could not be wired; on the host, where the cloud is no sandbox, whatever of its networks is not as the
/// store says. Changes nothing. One line each; 0 where there is nothing, 1 otherwise.
int examine(const Settings& settings, const std::filesystem::path& stateDir, std::ostream& out);

}
