#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstring>

#include <stratolet/error.hpp>

#include "compute/driver/libvirt.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::compute;

TEST_CASE("A libvirt that takes connections and never answers keeps nobody waiting past the limit",
          "[compute][libvirt]") {
    const test::Folder folder;
    const auto path = (folder / "socket").string();
    const Fd deaf(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::bind(deaf.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(deaf.get(), 8) == 0); // the kernel takes the connections; nobody reads from them

    Log log({.level = Log::Level(99)});
    const auto began = std::chrono::steady_clock::now();
    try {
        libvirtHypervisor({.uri = "qemu+unix:///system?socket=" + path,
                           .virtType = "qemu",
                           .openLimit = std::chrono::milliseconds(300),
                           .callLimit = std::chrono::milliseconds(300),
                           .consoleDir = folder / "consoles"},
                          log);
        FAIL("it was reached");
    } catch (const Error& problem) {
        INFO(problem.what());
        CHECK(problem.failure() == Failure::Busy);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took >= std::chrono::milliseconds(300)); // it was waited for
    CHECK(took < std::chrono::seconds(10));        // without the limit it would be for ever
}
