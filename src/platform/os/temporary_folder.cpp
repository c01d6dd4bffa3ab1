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

TemporaryFolder::TemporaryFolder(std::string_view name, const std::filesystem::path& parent) {
    const char* usual = std::getenv("TMPDIR");
    const std::filesystem::path above = parent.empty() ? usual ? usual : "/tmp" : parent;
    auto pattern = (above / (std::string(name) + "-XXXXXX")).string();
    if (!::mkdtemp(pattern.data())) throw Error(Failure::Broken, "could not make a temporary folder ", pattern);
    path_ = pattern;
}

}
