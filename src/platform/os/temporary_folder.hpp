#pragma once

#include <filesystem>
#include <string_view>

namespace stratolet {

/// Removes a folder with all that is in it, also while somebody still makes files there, within reason.
void removeSoon(const std::filesystem::path& folder);

/// A new folder that lets nobody else in and is gone when this is.
class TemporaryFolder {
public:
    /// Its name begins so. Below `parent`; empty: below $TMPDIR, or /tmp.
    explicit TemporaryFolder(std::string_view name, const std::filesystem::path& parent = {});
    ~TemporaryFolder() { removeSoon(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}
