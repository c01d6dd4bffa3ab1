#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace stratolet {

class Config;

/// Adds the namespaces that `files` describe (as the API describes them: JSON, one namespace each) to the catalog of
/// metadata definitions. All of them, or none where one is wrong: Error(Invalid) names file and field. One that is
/// there already is kept as it is. The cloud may run meanwhile. A line for each; returns the exit code.
int loadMetadefFiles(const std::filesystem::path& stateDir, const Config& config, const std::vector<std::string>& files,
                     std::ostream& out);

}
