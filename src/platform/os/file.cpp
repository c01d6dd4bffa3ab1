#include "platform/os/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet {

void writeFile(const std::filesystem::path& file, std::string_view text, const FileWish& wish) {
    const auto fresh = file.string() + ".new";
    const auto doing = "write " + file.string();
    ::unlink(fresh.c_str());
    const Fd out(static_cast<int>(check(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), doing)));
    if (wish.group != FileWish().group) check(::fchown(out.get(), static_cast<uid_t>(-1), wish.group), doing);
    check(::fchmod(out.get(), wish.mode), doing);
    writeAll(out.get(), text, doing);
    if (wish.onDisk) check(::fsync(out.get()), doing);
    check(::rename(fresh.c_str(), file.c_str()), doing);
    if (wish.onDisk) syncFolder(file.parent_path());
}

}
