#include "appliance/state_folder.hpp"

#include <stratolet/error.hpp>

namespace stratolet {

store::Store::Options storeOptions(const std::filesystem::path& file, const Config& config) {
    const bool shipped = config.text("store", "checkpoints") == "shipper";
    return {
        .file = file, .durable = true, .checkpoints = shipped ? store::Checkpoints::Shipper : store::Checkpoints::Self};
}

store::Store::Options storeIn(const std::filesystem::path& stateDir, const Config& config) {
    const auto file = stateDir / "stratolet.db";
    if (!std::filesystem::exists(file))
        throw Error(Failure::Invalid, stateDir.string(), " has no store (stratolet.db)");
    return storeOptions(file, config);
}

}
