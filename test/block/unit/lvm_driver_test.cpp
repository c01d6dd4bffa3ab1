#include <catch2/catch.hpp>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include <fcntl.h>

#include <filesystem>

#include "block/driver/lvm.hpp"
#include "block/unit/driver_conformance.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;
using Catch::Contains;

// Those of the laboratory (test/lab/run) want device-mapper, a volume group "lab" with 20 GiB of room and a thin pool
// "pool" in it.

namespace {

const VolumeId one{"00000000-0000-4000-8000-000000000001"}, two{"00000000-0000-4000-8000-000000000002"};

test::BackEnd logical(const test::Folder& folder, bool thin) {
    return {.start = [thin] { return lvmVolumeDriver({.name = "lvm", .group = "lab", .thin = thin, .pool = "pool"}); },
            .folder = folder.path(),
            .flat = false,
            .small = !thin,
            .snapshotsMax = thin ? 4 : 2};
}

}

TEST_CASE("A host without device-mapper, a group or a pool that isn't there is refused at the start", "[block][lvm]") {
    const auto starts = [](const std::string& group, const std::string& pool) {
        return lvmVolumeDriver({.name = "fast", .group = group, .thin = true, .pool = pool});
    };
    if (!std::filesystem::exists("/dev/mapper/control")) {
        CHECK_THROWS_WITH(starts("none", "none"), Contains("back end \"fast\": this kernel has no device-mapper"));
        return;
    }
    CHECK_THROWS_WITH(starts("no-such-group", "pool"), Contains("there is no volume group no-such-group"));
}

TEST_CASE("Thin logical volumes are volumes as every driver's are", "[.lab][lvm]") {
    const test::Folder folder;
    conforms(logical(folder, true));
    CHECK_THROWS_WITH(lvmVolumeDriver({.name = "fast", .group = "lab", .thin = true, .pool = "no-such-pool"}),
                      Contains("there is no thin pool no-such-pool"));
}

TEST_CASE("Thick logical volumes are volumes as every driver's are", "[.lab][lvm]") {
    const test::Folder folder;
    conforms(logical(folder, false));
}

TEST_CASE("S11: what a thick volume had is read by nobody who gets its room, nor by one that has grown into it",
          "[.lab][lvm]") {
    const test::Folder folder;
    const auto driver = logical(folder, false).start();
    driver->ensure(one, GiB{1});
    test::write(driver->source(one), 7, 0, 64 << 20);
    driver->discard(one);
    driver->ensure(two, GiB{1});
    CHECK(test::reads(driver->source(two), 0, 0, 64 << 20));
    driver->ensure(two, GiB{2});
    CHECK(test::reads(driver->source(two), 0, GiB{1}.bytes().count, 64 << 20));
    driver->discard(two);
}

TEST_CASE("A logical volume of somebody else becomes a volume, unless it is in use", "[.lab][lvm]") {
    const test::Folder folder;
    for (const bool thin : {true, false}) {
        const auto driver = logical(folder, thin).start();
        driver->ensure(one, GiB{1});
        driver->release(one);
        const auto found = driver->manageable();
        REQUIRE(found.size() == 1);
        CHECK(found[0].reason.empty());
        {
            const std::filesystem::path device = "/dev/lab/released-volume-" + one.text;
            const Fd held(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
            REQUIRE(held);
            CHECK_THROWS_WITH(driver->adopt(two, found[0].reference), Contains("in use"));
        }
        CHECK(driver->adopt(two, found[0].reference) == GiB{1});
        driver->discard(two);
    }
}
