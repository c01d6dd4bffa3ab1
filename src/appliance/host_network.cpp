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

HostNetwork::HostNetwork(const std::filesystem::path& stateDir) {
    struct stat network {};
    check(::stat("/proc/thread-self/ns/net", &network), "find the network namespace of this host");
    ensureFolder(folder, Lets::Nobody);
    file_ = folder / ("network-" + std::to_string(network.st_ino) + ".lock");
    const auto doing = "take the network of this host: " + file_.string();
    for (;;) {
        lock_ =
            Fd(static_cast<int>(check(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), doing)));
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
            throw Error(Failure::Broken, "the network of this host belongs to the stratolet of ", firstLineIn(lock_),
                        ", which is running: there can be one");
        struct stat held {
        }, there{};
        check(::fstat(lock_.get(), &held), doing);
        // Whoever had it may have let go, and removed the file, after we had opened it.
        if (::stat(file_.c_str(), &there) == 0 && there.st_ino == held.st_ino) break;
    }
    const auto line = stateDir.string() + "\n";
    check(::ftruncate(lock_.get(), 0), doing);
    check(::pwrite(lock_.get(), line.data(), line.size(), 0), doing);
}

HostNetwork::~HostNetwork() { ::unlink(file_.c_str()); } // still locked

}
