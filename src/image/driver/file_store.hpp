#pragma once

#include <stratolet/driver/image_store.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace stratolet::image {

/// Images as files, one each, in a folder of their own (made where it is missing). What is still coming in has the
/// suffix ".part".
std::unique_ptr<ImageStore> fileImageStore(const std::filesystem::path& folder, std::string name = "file");

}
