#pragma once

#include <filesystem>
#include <string_view>

namespace stratolet {

/// Removes a folder with all that is in it, also while somebody still makes files there, within reason.
void removeSoon(const std::filesystem::path& folder);

/// A new folder below $TMPDIR, or /tmp, that lets nobody else in and is gone when this is.
class TemporaryFolder {
public:
    explicit TemporaryFolder(std::string_view name); ///< its name begins so
    ~TemporaryFolder() { removeSoon(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}
