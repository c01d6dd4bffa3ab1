#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace stratolet::block {

/// Volumes as sparse raw files in a folder of their own (made where it is missing). `name` is the back end's.
std::unique_ptr<VolumeDriver> fileVolumeDriver(const std::filesystem::path& folder, const std::string& name = "file");

}
