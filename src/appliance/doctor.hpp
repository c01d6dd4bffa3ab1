#pragma once

#include <filesystem>
#include <iosfwd>

namespace stratolet {

/// The unfinished jobs of a store, one a line. Reads only; the cloud may run meanwhile. Returns the exit code.
int printJobs(const std::filesystem::path& stateDir, std::ostream& out);

/// Looks for what should not be in a store: a resource in a transitional state that no job works on, rows whose owner is gone.
/// One line each; 0 where there is nothing, 1 otherwise.
int examine(const std::filesystem::path& stateDir, std::ostream& out);

}
