#pragma once

#include <stratolet/driver/instance_disks.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace stratolet::compute {

/// How the files come into being. Each writes a file that isn't there yet; what it leaves half made is removed.
struct DiskMaker {
    std::function<void(const DiskSource& image, const std::filesystem::path& base, const Cancelled& cancelled)> copy;
    std::function<void(const std::filesystem::path& base, const std::filesystem::path& root, Bytes size)> layer;
    std::function<Bytes(const std::filesystem::path& folder)> capacity;
};

/// By qemu-img under limits: raw base copies, qcow2 root disks. Formats are always said, nothing is probed.
DiskMaker diskMaker();

/// Guests' disks as files in a folder of this machine (made where it is missing): "_base/<base>" and "<server>_disk",
/// and "<server>/disk" where an earlier version made it.
std::unique_ptr<InstanceDisks> instanceFiles(const std::filesystem::path& folder, DiskMaker maker = diskMaker());

}
