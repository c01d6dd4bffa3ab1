#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "appliance/settings.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

/// What should not be, one line each, of one moment of the store: see examine(). Where the cloud works on its host's
/// network, that is compared, too. Changes nothing.
std::vector<std::string> findingsIn(store::Reader& db, const Settings& settings, const std::filesystem::path& stateDir);

/// Looks for what should not be: in the store a resource in a transitional state that no job works on, rows whose owner
/// is gone, what could not be wired; on the host, where the cloud is no sandbox, whatever of its networks is not as the
/// store says. Changes nothing. One line each; 0 where there is nothing, 1 otherwise.
int examine(const Settings& settings, const std::filesystem::path& stateDir, std::ostream& out);

}
