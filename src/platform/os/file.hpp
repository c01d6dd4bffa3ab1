#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace stratolet {

/// How a file is to be.
struct FileWish {
    mode_t mode = 0600;                   ///< from its first moment, whatever the umask
    gid_t group = static_cast<gid_t>(-1); ///< that of who writes, where none is given
    bool onDisk = true;                   ///< else it is whole all the same, but a power cut may take it back
};

/// Puts the text in the place of the file, whole or not at all. Error(Broken) "could not write FILE: …".
void writeFile(const std::filesystem::path& file, std::string_view text, const FileWish& wish = {});

}
