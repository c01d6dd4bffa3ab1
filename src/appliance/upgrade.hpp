#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "appliance/settings.hpp"

namespace stratolet {

/// A program that stands in its place on the host, and the service that runs it.
struct InstalledProgram {
    std::filesystem::path file;
    std::string version;
    std::function<void()> stop, start; ///< of the service; start is called only where stop was
};

/// What a package does before it puts another version in the place of this one: the program and a copy of the store are
/// kept in "previous" below the state directory, in the place of what was kept there before. The cloud may run.
void keepVersion(const Settings& settings, const std::filesystem::path& stateDir, const InstalledProgram& program,
                 std::ostream& out);

/// Puts the version that was kept back in its place. The store stays as it is where both versions read the same form of
/// it: nothing is lost. Where they don't, or it is asked for, the copy takes its place, and what there was until now is
/// kept beside it. Killed at any moment, it can be called again. Error(Invalid), and nothing has changed, where nothing
/// was kept; Error(Broken) where the cloud runs and can't be stopped.
void rollBack(const Settings& settings, const std::filesystem::path& stateDir, const InstalledProgram& program,
              bool storeToo, std::ostream& out);

}
