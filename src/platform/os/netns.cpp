#include "platform/os/netns.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
#include <thread>

#include <stratolet/error.hpp>

#include "platform/os/folder.hpp"

namespace stratolet {
namespace {

const std::filesystem::path folder = "/run/netns"; // iproute2's place: `ip netns` shows what we make

Fd openNetns(const std::filesystem::path& path) {
    return Fd(static_cast<int>(
        check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open the network namespace " + path.string())));
}

void onThreadOfItsOwn(const std::function<void()>& work) {
    std::exception_ptr failed;
    std::thread([&] {
        try {
            work();
        } catch (...) {
            failed = std::current_exception();
        }
    }).join();
    if (failed) std::rethrow_exception(failed);
}

void bringLoopbackUp() {
    const Fd socket(static_cast<int>(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket")));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "bring the loopback interface up");
}

/// A mount under /run/netns must reach namespaces made later too, so the folder is a shared mount of its own (as
/// iproute2 has it).
void ensureFolder() {
    stratolet::ensureFolder(folder, Lets::OthersRead);
    if (::mount("", folder.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0) return;
    if (errno != EINVAL) check(-1, "share " + folder.string());
    check(::mount(folder.c_str(), folder.c_str(), "none", MS_BIND | MS_REC, nullptr), "mount " + folder.string());
    check(::mount("", folder.c_str(), "none", MS_SHARED | MS_REC, nullptr), "share " + folder.string());
}

/// A file is there before the namespace is mounted on it, and stays when a crash came between.
bool isNetns(const std::filesystem::path& path) {
    struct stat here {
    }, folderItself{};
    if (::stat(path.c_str(), &here) != 0 || ::stat(folder.c_str(), &folderItself) != 0) return false;
    return here.st_dev != folderItself.st_dev;
}

}

namespace netns {

bool exists(const std::string& name) { return isNetns(folder / name); }

void ensure(const std::string& name) {
    if (exists(name)) return;
    ensureFolder();
    const auto path = folder / name;
    const Fd file(
        static_cast<int>(check(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444), "make " + path.string())));
    onThreadOfItsOwn([&] {
        check(::unshare(CLONE_NEWNET), "make a network namespace");
        bringLoopbackUp();
        check(::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr),
              "mount the network namespace " + name);
    });
}

void remove(const std::string& name) {
    const auto path = folder / name;
    if (isNetns(path)) check(::umount2(path.c_str(), MNT_DETACH), "unmount the network namespace " + name);
    std::error_code absent;
    std::filesystem::remove(path, absent);
}

Fd open(const std::string& name) { return openNetns(folder / name); }

std::vector<std::string> list() {
    std::vector<std::string> names;
    std::error_code absent;
    for (const auto& each : std::filesystem::directory_iterator(folder, absent))
        if (isNetns(each.path())) names.push_back(each.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

void inside(const std::string& name, const std::function<void()>& work) {
    const Fd target = open(name);
    onThreadOfItsOwn([&] {
        check(::setns(target.get(), CLONE_NEWNET), "enter the network namespace " + name);
        work();
    });
}

}
}
