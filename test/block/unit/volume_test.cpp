#include <catch2/catch.hpp>

#include <fstream>

#include <sys/stat.h>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/file.hpp"
#include "block/volume/volume.hpp"
#include "block/wire.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;

namespace {

const VolumeId one{"00000000-0000-4000-8000-000000000001"}, two{"00000000-0000-4000-8000-000000000002"};

std::string bytesAt(const DiskSource& disk, std::streamoff at, std::size_t count) {
    std::ifstream file(localPath(disk), std::ios::binary);
    file.seekg(at);
    std::string bytes(count, '?');
    file.read(bytes.data(), static_cast<std::streamsize>(count));
    return bytes;
}

Failure refusalOf(const std::string& header) {
    http::Request request;
    request.headers.add("OpenStack-API-Version", header);
    try {
        microversionOf(request);
    } catch (const Error& error) {
        return error.failure();
    }
    FAIL("it was not refused");
    std::abort();
}

Microversion versionIn(const std::string& header) {
    http::Request request;
    request.headers.add("OpenStack-API-Version", header);
    return microversionOf(request);
}

}

TEST_CASE("A volume is made once, sparse, zeros, and nobody else's to read", "[block][file]") {
    const test::Folder folder;
    const auto driver = fileVolumeDriver({.folder = folder.path() / "volumes"});
    driver->ensure(one, GiB{1});
    const auto disk = driver->connect(one, {});
    CHECK(disk.format == DiskFormat::Raw);
    CHECK(std::filesystem::file_size(localPath(disk)) == 1U << 30);
    CHECK(bytesAt(disk, (1 << 30) - 4, 4) == std::string(4, '\0'));
    struct stat about {};
    REQUIRE(::stat(localPath(disk).c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(about.st_blocks < 1024);

    std::ofstream(localPath(disk), std::ios::binary | std::ios::in) << "data";
    driver->ensure(one, GiB{1});
    CHECK(bytesAt(disk, 0, 4) == "data"); // looking again changes nothing
    driver->ensure(one, GiB{2});
    CHECK(std::filesystem::file_size(localPath(disk)) == 2ULL << 30);
    CHECK(bytesAt(disk, 0, 4) == "data");
    CHECK_THROWS_AS(driver->ensure(one, GiB{1}), Error); // never smaller
}

TEST_CASE("A volume that is discarded is gone, and what is there is told", "[block][file]") {
    const test::Folder folder;
    {
        const auto driver = fileVolumeDriver({.folder = folder.path()});
        driver->ensure(one, GiB{1});
        driver->ensure(two, GiB{1});
        std::ofstream(folder / "somebody-elses") << "x";
        CHECK(driver->present().size() == 2);
        driver->discard(one);
        driver->discard(one);
        CHECK(driver->present() == std::vector{two});
        CHECK_THROWS_AS(driver->connect(one, {}), Error);
        CHECK(driver->capacity().count >= driver->free().count);
        CHECK_THROWS_AS(driver->ensure({"../../etc/passwd"}, GiB{1}), Error);
    }
    std::ofstream(folder / ("volume-" + one.text + ".part")) << "half";
    const auto driver = fileVolumeDriver({.folder = folder.path()});
    CHECK_FALSE(std::filesystem::exists(folder / ("volume-" + one.text + ".part")));
    CHECK(std::filesystem::exists(folder / "somebody-elses"));
}

TEST_CASE("S11: what is new reads as zeros even where another volume was", "[block][file][security]") {
    const test::Folder folder;
    const auto driver = fileVolumeDriver({.folder = folder.path()});
    for (const auto& each : {one, two}) {
        driver->ensure(each, GiB{1});
        CHECK(bytesAt(driver->connect(each, {}), 0, 4096) == std::string(4096, '\0'));
        std::ofstream(localPath(driver->connect(each, {})), std::ios::binary | std::ios::in)
            << std::string(1 << 20, 's');
        driver->discard(each);
    }
    driver->ensure(one, GiB{1});
    CHECK(bytesAt(driver->connect(one, {}), 0, 1 << 20) == std::string(1 << 20, '\0'));
}

TEST_CASE("Every status has a name, and none that needs a job leads nowhere", "[block]") {
    for (const auto* name : {"creating", "downloading", "available", "reserved", "attaching", "in-use", "detaching",
                             "extending", "deleting", "maintenance", "error", "error_deleting", "error_extending"}) {
        const auto status = volumeStatusNamed(name);
        REQUIRE(status);
        CHECK(nameOf(*status) == name);
    }
    CHECK_FALSE(volumeStatusNamed("null"));
    CHECK_FALSE(mayFollow(VolumeStatus::InUse, VolumeStatus::Deleting));
    CHECK(mayFollow(VolumeStatus::Available, VolumeStatus::Deleting));
}

TEST_CASE("A microversion is understood, or refused as what it is", "[block][dialect]") {
    CHECK(microversionOf({}).minor == 0);
    CHECK(versionIn("volume 3.59").minor == 59);
    CHECK(versionIn("compute 2.1, volume 3.27").minor == 27);
    CHECK(versionIn("volume latest") == newest);
    CHECK(versionIn("compute 2.90").minor == 0);
    CHECK(refusalOf("volume 3.99") == Failure::Unsupported);
    CHECK(refusalOf("volume 2.0") == Failure::Unsupported);
    CHECK(refusalOf("volume 3") == Failure::Invalid);
    CHECK(refusalOf("volume 3.x") == Failure::Invalid);
    CHECK(refusalOf("volume -3.-1") == Failure::Invalid);
}
