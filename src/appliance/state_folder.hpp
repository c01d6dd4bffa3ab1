#pragma once

#include <filesystem>

#include "platform/config/config.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

/// How every program of ours opens a store.
store::Store::Options storeOptions(const std::filesystem::path& file, const Config& config);

/// That of a cloud whose state is in this folder, for the commands that work beside it. Error(Invalid) where there is
/// none, since opening it would make one.
store::Store::Options storeIn(const std::filesystem::path& stateDir, const Config& config);

}
