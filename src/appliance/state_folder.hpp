#pragma once

#include <filesystem>

#include "platform/config/config.hpp"
#include "platform/os/fd.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

/// To be held as long as somebody works on what is in the folder: two of us on one store would undo each other's work
/// on the host. Error(Broken) where another has it, Error(Invalid) where it is of the other kind of cloud.
Fd lockOf(const std::filesystem::path& stateDir, bool sandbox);

/// How every program of ours opens a store.
store::Store::Options storeOptions(const std::filesystem::path& file, const Config& config);

/// That of a cloud whose state is in this folder, for the commands that work beside it. Error(Invalid) where there is
/// none, since opening it would make one.
store::Store::Options storeIn(const std::filesystem::path& stateDir, const Config& config);

}
