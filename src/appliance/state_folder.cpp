#include "appliance/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>

#include <stratolet/error.hpp>

#include "platform/os/file.hpp"

namespace stratolet {
namespace {

/// A simulated cloud must not take the volumes and records of a real one for its own, nor the other way round: the
/// first that runs here says for which this is.
void requireKind(const std::filesystem::path& stateDir, bool sandbox) {
    const auto file = stateDir / "made-for";
    const std::string kind = sandbox ? "sandbox" : "serve";
    std::string found;
    if (std::ifstream in(file); std::getline(in, found)) {
        if (found != kind)
            throw Error(Failure::Invalid, stateDir.string(), " was made by \"stratolet ", found,
                        "\" and is used by that alone");
        return;
    }
    writeFile(file, kind + "\n", {.onDisk = !sandbox});
}

}

Fd lockOf(const std::filesystem::path& stateDir, bool sandbox) {
    Fd lock(static_cast<int>(check(::open((stateDir / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                                   "open the lock of " + stateDir.string())));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error(Failure::Broken, stateDir.string(), " is in use by another stratolet");
    requireKind(stateDir, sandbox);
    return lock;
}

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
