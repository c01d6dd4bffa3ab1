#include "platform/os/temporary_folder.hpp"

#include <cstdlib>
#include <string>

#include <stratolet/error.hpp>

namespace stratolet {

void removeSoon(const std::filesystem::path& folder) {
    std::error_code failed;
    for (int tries = 0; tries < 10 && std::filesystem::exists(folder, failed); ++tries)
        std::filesystem::remove_all(folder, failed);
}

TemporaryFolder::TemporaryFolder(std::string_view name) {
    const char* parent = std::getenv("TMPDIR");
    auto pattern = std::string(parent ? parent : "/tmp") + "/" + std::string(name) + "-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw Error(Failure::Broken, "could not make a temporary folder ", pattern);
    path_ = pattern;
}

}
