#include "platform/os/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "platform/os/fd.hpp"

namespace stratolet {
namespace {

mode_t modeOf(Lets lets) {
    switch (lets) {
    case Lets::Nobody: return 0700;
    case Lets::OthersThrough: return 0711;
    case Lets::OthersRead: return 0755;
    }
    std::abort();
}

}

void ensureFolder(const std::filesystem::path& folder, Lets lets) {
    std::error_code unknown;
    if (folder.empty() || std::filesystem::is_directory(folder, unknown)) return;
    if (folder.has_parent_path() && folder.parent_path() != folder) ensureFolder(folder.parent_path(), lets);
    if (!folder.has_filename()) return; // "a/" was made as "a"
    if (::mkdir(folder.c_str(), 0700) != 0) {
        const int problem = errno;
        if (problem == EEXIST && std::filesystem::is_directory(folder, unknown)) return;
        errno = problem;
        check(-1, "make the folder " + folder.string());
    }
    check(::chmod(folder.c_str(), modeOf(lets)), "give the folder " + folder.string() + " its rights");
}

void syncFolder(const std::filesystem::path& folder) {
    const Fd open(static_cast<int>(
        check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the folder " + folder.string())));
    check(::fsync(open.get()), "flush the folder " + folder.string());
}

}
