#pragma once

#include <filesystem>

namespace stratolet {

/// The store of a cloud whose state is in this folder, for the commands that work beside it. Error(Invalid) where there is none, since
/// opening it would make one.
std::filesystem::path storeIn(const std::filesystem::path& stateDir);

}
