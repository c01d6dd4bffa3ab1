#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "image/data/inspection.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::image {

/// Whether a disk of this format can be made into one of another.
bool isConvertible(std::string_view diskFormat);

/// Writes the disk in `from`, which has passed inspectAs(), as `to` ("raw" or "qcow2") into the file `into`, which is
/// there, by qemu-img, confined and under limits of memory, processor time and size. Error(Invalid) where that can't be
/// done, Error(TooLarge) for a disk of more than `bytesMax` bytes.
void convert(const std::filesystem::path& from, const Inspected& inspected, const std::filesystem::path& into,
             const std::string& to, std::int64_t bytesMax);

/// The disk in the raw file `disk` in another format, in a file without a name.
Fd converted(const std::filesystem::path& disk, const std::string& to);

}
