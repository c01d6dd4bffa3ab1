#include "appliance/state_folder.hpp"

#include <stratolet/error.hpp>

namespace stratolet {

std::filesystem::path storeIn(const std::filesystem::path& stateDir) {
    auto file = stateDir / "stratolet.db";
    if (!std::filesystem::exists(file)) throw Error(Failure::Invalid, stateDir.string(), " has no store (stratolet.db)");
    return file;
}

}
