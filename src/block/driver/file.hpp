#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <memory>

namespace stratolet::block {

/// Volumes as sparse raw files in a folder of their own (made where it is missing).
std::unique_ptr<VolumeDriver> fileVolumeDriver(const std::filesystem::path& folder);

}
