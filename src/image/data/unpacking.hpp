#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace stratolet::image {

/// Gives `take` the one file that is inside a gzip, xz or zip file. Error(Invalid) for anything else, for a zip of
/// several files, and where it is broken; Error(TooLarge) where more than `bytesMax` bytes come out of it (the file
/// itself says nothing that is believed).
void unpack(const std::filesystem::path& packed, std::int64_t bytesMax,
            const std::function<void(std::span<const std::byte>)>& take);

}
