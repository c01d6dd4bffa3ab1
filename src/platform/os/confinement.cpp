#include "platform/os/confinement.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>

namespace stratolet::process {
namespace {

constexpr const char* newRoot = "/sys"; // which every host has, and which nobody needs who is confined

bool writes(const char* file, std::string_view text) {
    const int out = ::open(file, O_WRONLY | O_CLOEXEC);
    if (out < 0) return false;
    const bool whole = ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(out);
    return whole;
}

/// In a user namespace that has just been made, somebody is who they were.
std::string mapOf(unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; }

}

ConfinedView::ConfinedView() {
    if (::geteuid() != 0) {
        user_ = mapOf(::geteuid());
        group_ = mapOf(::getegid());
    }
    for (const std::string name : {"/usr", "/proc", "/lib", "/lib64", "/bin", "/sbin"}) {
        std::error_code problem;
        if (const auto target = std::filesystem::read_symlink(name, problem); !problem) // into /usr, on most systems
            links_.emplace_back(target.string(), newRoot + name);
        else if (std::filesystem::is_directory(name, problem))
            folders_.emplace_back(name, newRoot + name);
    }
}

bool ConfinedView::enter() const {
    if (!user_.empty() && (!writes("/proc/self/setgroups", "deny") || !writes("/proc/self/uid_map", user_) ||
                           !writes("/proc/self/gid_map", group_)))
        return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    if (::mount("none", newRoot, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") != 0) return false;
    for (const auto& [target, link] : links_)
        if (::symlink(target.c_str(), link.c_str()) != 0) return false;
    for (const auto& [folder, place] : folders_)
        if (::mkdir(place.c_str(), 0755) != 0 ||
            ::mount(folder.c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
            return false;
    mount_attr readOnly{};
    readOnly.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(-1, newRoot, AT_RECURSIVE, &readOnly, sizeof readOnly) != 0) return false;
    // The old root is put on top of the new one, and taken off.
    return ::chdir(newRoot) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0 &&
           ::chdir("/") == 0;
}

}
