#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/error.hpp>

namespace stratolet {

/// Where this machine opens the bytes of a disk. Error(Broken) for one that is reached over the network only. For
/// drivers that work on this machine: to anybody else a disk has no path.
inline const std::filesystem::path& localPath(const DiskSource& disk) {
    if (const auto* file = std::get_if<FileDisk>(&disk.at)) return file->path;
    if (const auto* block = std::get_if<BlockDisk>(&disk.at)) return block->path;
    const auto& network = std::get<NetworkDisk>(disk.at);
    throw Error(Failure::Broken, "the disk ", nameOf(network.protocol), ":", network.name,
                " can't be opened as a file");
}

}
