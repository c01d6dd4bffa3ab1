#include "appliance/host_network.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include <stratolet/error.hpp>

#include "platform/os/folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

const std::filesystem::path folder = "/run/stratolet";

std::string firstLineIn(const Fd& file) {
    std::array<char, 4096> text{};
    const auto got = ::pread(file.get(), text.data(), text.size(), 0);
    return got > 0 ? std::string(split({text.data(), static_cast<std::size_t>(got)}, '\n').front()) : std::string();
}

}

Fd takeHostNetwork(const std::filesystem::path& stateDir) {
    struct stat network {};
    check(::stat("/proc/thread-self/ns/net", &network), "find the network namespace of this host");
    ensureFolder(folder, Lets::Nobody);
    const auto file = folder / ("network-" + std::to_string(network.st_ino) + ".lock");
    Fd lock(static_cast<int>(check(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), "open " + file.string())));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error(Failure::Broken, "the network of this host belongs to the stratolet of ", firstLineIn(lock),
                    ", which is running: there can be one");
    const auto line = stateDir.string() + "\n";
    check(::ftruncate(lock.get(), 0), "write " + file.string());
    check(::pwrite(lock.get(), line.data(), line.size(), 0), "write " + file.string());
    return lock;
}

}
