#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include <stratolet/error.hpp>

#include "block/driver/nfs.hpp"
#include "block/unit/driver_conformance.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;
using Catch::Contains;

namespace {

const VolumeId one{"00000000-0000-4000-8000-000000000001"};

/// A share that is there as soon as it is asked for: the folder itself. The kernel of this machine may have no NFS.
NfsOptions shareIn(const test::Folder& folder) {
    return {.name = "share", .share = "server:/path", .mountOptions = {}, .folder = folder / "mounted"};
}

}

TEST_CASE("Files of a share are volumes as every driver's are", "[block][nfs]") {
    const test::Folder folder;
    test::conforms({.start = [&] { return nfsVolumeDriver(shareIn(folder), [](const NfsOptions&) {}); },
                    .folder = folder.path(),
                    .snapshotsMax = 5});
}

TEST_CASE("A share whose server doesn't answer holds nobody", "[block][nfs]") {
    const test::Folder folder;
    std::promise<void> never;
    const auto began = std::chrono::steady_clock::now();
    const auto driver =
        nfsVolumeDriver(shareIn(folder), [gone = never.get_future().share()](const NfsOptions&) { gone.wait(); });
    for (const auto& verb :
         {std::function<void()>([&] { driver->ensure(one, GiB{1}); }), std::function<void()>([&] { driver->free(); }),
          std::function<void()>([&] { driver->present(); })}) {
        try {
            verb();
            FAIL("it came to something");
        } catch (const Error& problem) {
            CHECK(problem.failure() == Failure::Busy);
        }
    }
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
    never.set_value();
}

TEST_CASE("A share that can't be mounted says why, and is tried again", "[block][nfs]") {
    const test::Folder folder;
    const auto there = std::make_shared<std::atomic<bool>>(false);
    const auto driver = nfsVolumeDriver(shareIn(folder), [there](const NfsOptions& options) {
        if (!*there) throw Error(Failure::Broken, "no route to ", options.share);
    });
    CHECK_THROWS_WITH(driver->ensure(one, GiB{1}), Contains("no route to server:/path"));
    *there = true;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    bool made = false;
    while (!made && std::chrono::steady_clock::now() < until) {
        try {
            driver->ensure(one, GiB{1});
            made = true;
        } catch (const Error&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
    CHECK(made);
    CHECK(driver->free().count > 0);
}
