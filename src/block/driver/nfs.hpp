#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace stratolet::block {

struct NfsOptions {
    std::string name;             ///< the back end's
    std::string share;            ///< "host:/path"
    std::string mountOptions;     ///< of mount(8), with commas
    std::filesystem::path folder; ///< where it is mounted; made where it is missing
    bool copies = false;          ///< as of files (file.hpp)
};

/// Mounts a share where it isn't mounted yet; Error(Broken) where that can't be. May take its time.
using Mount = std::function<void(const NfsOptions& options)>;

/// By mount(8).
void mountNfs(const NfsOptions& options);

/// Volumes as files of a share. A thread of its own mounts it and looks every few seconds whether it answers.
/// Error(Busy) from every verb while it doesn't, at once: a server that is gone holds nobody but who was at work on it.
/// How much room there is, is what that thread saw last. The share stays mounted when this ends: guests use it.
std::unique_ptr<VolumeDriver> nfsVolumeDriver(NfsOptions options, Mount mount = mountNfs);

}
