#pragma once

#include <stratolet/driver/instance_disks.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace stratolet::compute {

/// How the files come into being. Each that makes a file makes one that isn't there yet; what it leaves half made is
/// removed.
struct DiskMaker {
    using Path = std::filesystem::path;
    std::function<void(const DiskSource& image, const Path& base, const Cancelled& cancelled)> copy;
    std::function<void(const DiskSource& below, const Path& disk, Bytes size)> layer; ///< no smaller than what is below
    std::function<void(const Path& disk, Bytes size, DiskFilling filling, const std::string& label)> blank;
    std::function<void(const Path& disk, Bytes size)> grow;                    ///< to that size at least
    std::function<void(const Path& overlay, const Cancelled& cancelled)> fold; ///< into what it stands on
    std::function<void(const Path& disk, const Path& copy, const Cancelled& cancelled)> duplicate;
    std::function<void(const Path& disk, const Path& raw, const Cancelled& cancelled)> flatten;
    std::function<Bytes(const Path& folder)> capacity;
};

/// By qemu-img under limits: raw base copies, qcow2 root disks. Formats are always said, nothing is probed.
DiskMaker diskMaker();

/// Guests' disks as files in a folder of this machine (made where it is missing): "_base/<base>", "<server>_disk" (and
/// "<server>/disk" where an earlier version made it), and for other roles "<server>_disk.config" and the like.
std::unique_ptr<InstanceDisks> instanceFiles(const std::filesystem::path& folder, DiskMaker maker = diskMaker());

}
