#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace stratolet {

/// A format that is always said, never guessed: probing a disk that a guest has written hands the host to the guest (OSSA-2026-002).
enum class DiskFormat { Raw, Qcow2 };

constexpr std::string_view nameOf(DiskFormat format) { return format == DiskFormat::Raw ? "raw" : "qcow2"; }

/// Asked now and then by what takes long; once it says yes, the work ends early with Error(Busy) and leaves nothing half made. May be
/// empty.
using Cancelled = std::function<bool()>;

/// Where the bytes of a disk are on this host.
struct DiskSource {
    std::filesystem::path path;
    DiskFormat format = DiskFormat::Raw;
    bool readOnly = false; ///< a guest may only read it
};

}
