#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>
#include <string>

#include "platform/os/fd.hpp"

// Empty overlays without a process for each (QEMU: docs/interop/qcow2.txt). What a file that guests write says about
// itself is believed only where QEMU alone has written it.
namespace stratolet::block::qcow2 {

/// Writes an empty overlay of `size` into an empty file: it reads as `below`, a file in the same folder, does.
void writeOverlay(const Fd& to, Bytes size, const std::string& below, DiskFormat format);

/// What a file's header says.
struct Header {
    Bytes size;        ///< as a guest sees it
    std::string below; ///< the name of the backing file, empty where it has none
    bool alone = true; ///< no backing file and no data file: all its bytes are in it
};

/// Error(Broken) where it is no qcow2 file.
Header headerOf(const std::filesystem::path& file);

}
