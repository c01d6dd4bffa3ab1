#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "platform/os/fd.hpp"

namespace stratolet {

/// Writes a tar file (pax) compressed by zstd. Files keep their rights, links and holes' emptiness, not their owners.
/// Failures are Error(Broken) or Error(Full). One thread; `out` outlives it.
class ArchiveWriter {
public:
    explicit ArchiveWriter(const Fd& out);
    ~ArchiveWriter();

    void addText(const std::string& name, const std::string& text);
    /// One file, or a folder with all below it that `wanted` lets through (asked by the path below `place`; a folder
    /// that is not wanted hides what is in it). Sockets and what vanishes meanwhile are left out. A file that changes
    /// while it is read has the size that it had when it was opened.
    void add(const std::filesystem::path& place, const std::string& name,
             const std::function<bool(const std::filesystem::path& below)>& wanted = {});
    void finish(); ///< once, at the end

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The text of the file that such an archive begins with, if that has this name. Error(Invalid) where it does not, or
/// the file is no archive.
std::string firstTextIn(const std::filesystem::path& archive, const std::string& name);

/// All of it into a folder, which is there and empty. Error(Invalid) for an archive that is damaged, or has anything
/// but files, folders and links that stay below the folder.
void unpack(const std::filesystem::path& archive, const std::filesystem::path& folder);

}
