#pragma once

#include <filesystem>

namespace stratolet {

/// Whom a folder lets in beside its owner, who may do all.
enum class Lets {
    Nobody,        ///< 0700
    OthersThrough, ///< 0711: to what is below, by who knows its name (disks that a guest's process opens under its own
                   ///< user)
    OthersRead,    ///< 0755
};

/// Makes the folder and those above it that are missing, each with these rights, whatever the umask (umask(2)). One
/// that is there already keeps its own, which are its owner's choice. Error(Broken) where it can't be made.
void ensureFolder(const std::filesystem::path& folder, Lets lets);

/// What was made, renamed or removed in the folder is on disk (fsync(2)). Error(Broken) where it can't be said.
void syncFolder(const std::filesystem::path& folder);

}
