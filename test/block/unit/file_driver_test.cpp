#include <catch2/catch.hpp>

#include <fcntl.h>

#include <fstream>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/file.hpp"
#include "block/driver/layered_disk.hpp"
#include "block/driver/qcow2.hpp"
#include "block/unit/driver_conformance.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;
using test::reads;
using test::write;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t mib = 1 << 20;
const VolumeId one{"00000000-0000-4000-8000-000000000001"}, two{"00000000-0000-4000-8000-000000000002"};
const SnapshotId first{"00000000-0000-4000-8000-00000000000a"}, second{"00000000-0000-4000-8000-00000000000b"};

test::BackEnd files(const test::Folder& folder, bool copies = false) {
    return {
        .start = [path = folder / "volumes", copies] { return fileVolumeDriver({.folder = path, .copies = copies}); },
        .folder = folder.path()};
}

std::size_t entriesIn(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// How many files are below the volume.
std::size_t layersOf(const test::Folder& folder, const VolumeId& volume) {
    return entriesIn(folder / "volumes" / ("volume-" + volume.text + ".layers")) - 1; // "head"
}

}

TEST_CASE("Files that share layers are volumes as every driver's are", "[block][file]") {
    const test::Folder folder;
    conforms(files(folder));
}

TEST_CASE("Files of their own are volumes as every driver's are", "[block][file]") {
    const test::Folder folder;
    conforms(files(folder, true));
}

TEST_CASE("An overlay that we write is one that QEMU finds nothing wrong with, whatever its size", "[block][file]") {
    const test::Folder folder;
    std::ofstream(folder / "base.raw") << std::string(4096, 'b');
    for (const std::int64_t size : {std::int64_t{512}, mib, GiB{1}.bytes().count, GiB{16384}.bytes().count}) {
        const auto path = folder / "over.qcow2";
        fs::remove(path);
        {
            std::ofstream{path};
            const Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
            qcow2::writeOverlay(file, {size}, "base.raw", DiskFormat::Raw);
        }
        process::run({.argv = {"qemu-img", "check", "-q", "-f", "qcow2", path.string()}}).expectSuccess();
        CHECK(qcow2::headerOf(path).size == Bytes{size});
        CHECK(qcow2::headerOf(path).below == "base.raw");
        CHECK_FALSE(qcow2::headerOf(path).alone);
        CHECK(reads({FileDisk{path}, DiskFormat::Qcow2}, 'b', 0, 512));
        write({FileDisk{path}, DiskFormat::Qcow2}, 9, size - 512, 512);
        CHECK(reads({FileDisk{path}, DiskFormat::Qcow2}, 9, size - 512, 512));
        process::run({.argv = {"qemu-img", "check", "-q", "-f", "qcow2", path.string()}}).expectSuccess();
    }
}

TEST_CASE("Layers that nobody else has become one when a snapshot goes", "[block][file]") {
    const test::Folder folder;
    const auto driver = files(folder).start();
    driver->ensure(one, GiB{1});
    write(driver->source(one), 1, 0, mib);
    driver->snapshot(first, one, {});
    driver->snapshot(second, one, {});
    write(driver->source(one), 2, mib, mib);
    CHECK(layersOf(folder, one) == 3);
    driver->discard(first, one, {}); // the other one has its layers too
    CHECK(layersOf(folder, one) == 3);
    driver->discard(second, one, {});
    CHECK(layersOf(folder, one) == 1);
    CHECK(reads(driver->source(one), 1, 0, mib));
    CHECK(reads(driver->source(one), 2, mib, mib));
}

TEST_CASE("A guest that runs goes through snapshots, clones, merging and growing with its bytes", "[block][file]") {
    const test::Folder folder;
    const auto driver = files(folder).start();
    driver->ensure(one, GiB{1});
    test::FakeGuest guest(driver->source(one)); // on the file that the volume was before
    write(guest.disk(), 1, 0, mib);
    const auto began = guest.disk();
    driver->snapshot(first, one, {}, &guest);
    CHECK(fs::exists(localPath(began))); // the guest knows its lowest layer by this name
    write(guest.disk(), 2, 0, mib);
    driver->clone(two, GiB{1}, one, {}, &guest);
    write(guest.disk(), 3, 0, mib);
    driver->ensure(one, GiB{2}, Layout::Any, &guest);
    CHECK(test::sizeOf(guest.disk()) == GiB{2}.bytes());
    CHECK(guest.disk() == driver->source(one));
    CHECK(reads(driver->source(first), 1, 0, mib));
    CHECK(reads(driver->source(two), 2, 0, mib));
    driver->discard(two);
    driver->discard(first, one, {}, &guest);
    CHECK(layersOf(folder, one) == 1);
    CHECK(guest.disk() == driver->source(one));
    CHECK(reads(guest.disk(), 3, 0, mib));
    driver->ensure(one, GiB{3}, Layout::Any, nullptr); // it has gone
    CHECK_FALSE(fs::exists(localPath(began)));
    CHECK(reads(driver->source(one), 3, 0, mib));
}

TEST_CASE("A guest that refuses keeps its disk, and one that nobody heard is asked again", "[block][file]") {
    const test::Folder folder;
    const auto driver = files(folder).start();
    for (const bool refuses : {true, false})
        for (const int at : {1, 2, 3}) {
            INFO((refuses ? "refuses the call " : "is not heard at the call ") << at);
            driver->ensure(one, GiB{1});
            test::FakeGuest guest(driver->source(one));
            (refuses ? guest.failOn : guest.killedOn) = at;
            const auto surely = [&](const auto& verb) {
                try {
                    verb();
                } catch (const Error& problem) {
                    CHECK(problem.failure() == (refuses ? Failure::Broken : Failure::Busy));
                    verb();
                }
            };
            write(guest.disk(), 1, 0, mib);
            surely([&] { driver->snapshot(first, one, {}, &guest); });
            write(guest.disk(), 2, 0, mib);
            surely([&] { driver->ensure(one, GiB{2}, Layout::Any, &guest); });
            write(guest.disk(), 3, GiB{1}.bytes().count, mib);
            CHECK(reads(driver->source(first), 1, 0, mib));
            surely([&] { driver->discard(first, one, {}, &guest); });
            write(guest.disk(), 4, mib, mib);
            CHECK(guest.disk() == driver->source(one));
            CHECK(reads(driver->source(one), 2, 0, mib));
            CHECK(reads(driver->source(one), 3, GiB{1}.bytes().count, mib));
            CHECK(reads(driver->source(one), 4, mib, mib));
            driver->discard(one);
        }
}

TEST_CASE("Nobody relies on a layer while only the guest knows which one it writes to", "[block][file]") {
    const test::Folder folder;
    const auto driver = files(folder).start();
    driver->ensure(one, GiB{1});
    test::FakeGuest guest(driver->source(one));
    driver->snapshot(first, one, {}, &guest);
    guest.killedOn = guest.asked + 1;
    CHECK_THROWS_AS(driver->discard(first, one, {}, &guest), Error);
    write(guest.disk(), 5, 0, mib);
    try {
        driver->source(one);
        FAIL("it was given out");
    } catch (const Error& problem) {
        CHECK(problem.failure() == Failure::Busy);
    }
    driver->discard(first, one, {}, &guest);
    CHECK(reads(driver->source(one), 5, 0, mib));
}

TEST_CASE("What is cut off anywhere is done when it is done again, and no bytes are lost", "[block][file][crash]") {
    const test::Folder folder;
    const auto backEnd = files(folder);
    const auto volumeWith = [](VolumeDriver& driver, int pattern) {
        driver.ensure(one, GiB{1});
        write(driver.source(one), pattern, 0, 65536);
    };
    const auto away = [&](VolumeDriver& driver) {
        for (const auto& each : driver.presentSnapshots()) driver.discard(each, one, {});
        for (const auto& each : driver.present()) driver.discard(each);
        CHECK(entriesIn(folder / "volumes") == 0);
    };
    SECTION("the first snapshot of a volume") {
        const auto snapshot = [](VolumeDriver& driver) { driver.snapshot(first, one, {}); };
        cutOffAnywhere(
            backEnd, [&](VolumeDriver& driver) { volumeWith(driver, 1); }, snapshot,
            [&](VolumeDriver& driver) {
                CHECK(reads(driver.source(one), 1, 0, 65536));
                snapshot(driver);
                write(driver.source(one), 2, 0, 65536);
                CHECK(reads(driver.source(first), 1, 0, 65536));
                CHECK(reads(driver.source(one), 2, 0, 65536));
                CHECK(layersOf(folder, one) == 2);
                away(driver);
            });
    }
    SECTION("a snapshot's end") {
        const auto discard = [](VolumeDriver& driver) { driver.discard(first, one, {}); };
        cutOffAnywhere(
            backEnd,
            [&](VolumeDriver& driver) {
                volumeWith(driver, 1);
                driver.snapshot(first, one, {});
                write(driver.source(one), 2, 65536, 65536);
            },
            discard,
            [&](VolumeDriver& driver) {
                CHECK(reads(driver.source(one), 1, 0, 65536));
                CHECK(reads(driver.source(one), 2, 65536, 65536));
                discard(driver);
                CHECK(reads(driver.source(one), 1, 0, 65536));
                CHECK(reads(driver.source(one), 2, 65536, 65536));
                CHECK(layersOf(folder, one) == 1);
                away(driver);
            });
    }
    SECTION("a clone") {
        const auto clone = [](VolumeDriver& driver) { driver.clone(two, GiB{1}, one, {}); };
        cutOffAnywhere(
            backEnd,
            [&](VolumeDriver& driver) {
                volumeWith(driver, 1);
                driver.ensure(two, GiB{1});
            },
            clone,
            [&](VolumeDriver& driver) {
                clone(driver);
                write(driver.source(one), 2, 0, 65536);
                CHECK(reads(driver.source(two), 1, 0, 65536));
                CHECK(reads(driver.source(one), 2, 0, 65536));
                away(driver);
            });
    }
    SECTION("a revert") {
        const auto revert = [](VolumeDriver& driver) { driver.revert(one, GiB{1}, first, {}); };
        cutOffAnywhere(
            backEnd,
            [&](VolumeDriver& driver) {
                volumeWith(driver, 1);
                driver.snapshot(first, one, {});
                write(driver.source(one), 2, 0, 65536);
            },
            revert,
            [&](VolumeDriver& driver) {
                CHECK((reads(driver.source(one), 1, 0, 65536) || reads(driver.source(one), 2, 0, 65536)));
                revert(driver);
                CHECK(reads(driver.source(one), 1, 0, 65536));
                CHECK(layersOf(folder, one) == 2);
                away(driver);
            });
    }
    SECTION("a volume from an image") {
        const DiskSource image{FileDisk{folder / "image.raw"}, DiskFormat::Raw};
        std::ofstream(localPath(image)) << std::string(65536, 'i');
        const auto fill = [&](VolumeDriver& driver) { driver.fill(one, GiB{1}, image, {}); };
        cutOffAnywhere(
            backEnd, [&](VolumeDriver& driver) { driver.ensure(one, GiB{1}); }, fill,
            [&](VolumeDriver& driver) {
                fill(driver);
                CHECK(reads(driver.source(one), 'i', 0, 65536));
                away(driver);
            });
    }
}

TEST_CASE("A volume that a version before made is one, in place", "[block][file]") {
    const test::Folder folder;
    fs::create_directories(folder / "volumes");
    std::ofstream(folder / "volumes" / ("volume-" + one.text)) << std::string(65536, 'o');
    fs::resize_file(folder / "volumes" / ("volume-" + one.text), GiB{1}.bytes().count);
    const auto driver = files(folder).start();
    CHECK(localPath(driver->source(one)) == folder / "volumes" / ("volume-" + one.text));
    CHECK(reads(driver->source(one), 'o', 0, 65536));
    driver->snapshot(first, one, {});
    write(driver->source(one), 1, 0, 65536);
    CHECK(reads(driver->source(first), 'o', 0, 65536));
}

TEST_CASE("A file that an administrator put there becomes a volume, unless it needs another file", "[block][file]") {
    const test::Folder folder;
    const auto driver = files(folder).start();
    const auto inside = folder / "volumes";
    std::ofstream(inside / "plain") << std::string(65536, 'p');
    const auto qemuImg = [&](std::vector<std::string> argv) {
        argv.insert(argv.begin(), {"qemu-img", "create", "-q", "-f", "qcow2"});
        process::run({.argv = std::move(argv)}).expectSuccess();
    };
    qemuImg({(inside / "good.qcow2").string(), "1500M"});
    qemuImg({"-b", "/etc/passwd", "-F", "raw", (inside / "backed.qcow2").string(), "1G"});
    qemuImg({"-o", "data_file=" + (inside / "data").string() + ",data_file_raw=on", (inside / "split.qcow2").string(),
             "1G"});
    fs::create_symlink("/etc/passwd", inside / "link");
    std::size_t refused = 0;
    for (const auto& each : driver->manageable()) refused += each.reason.empty() ? 0 : 1;
    CHECK(refused == 3);
    for (const auto* each : {"backed.qcow2", "split.qcow2", "link"}) CHECK_THROWS_AS(driver->adopt(two, each), Error);
    CHECK(driver->adopt(one, "good.qcow2") == GiB{2});
    CHECK(test::sizeOf(driver->source(one)) == GiB{2}.bytes());
    CHECK(driver->source(one).format == DiskFormat::Qcow2);
    CHECK(driver->adopt(two, "plain") == GiB{1});
    CHECK(reads(driver->source(two), 'p', 0, 65536));
    CHECK_FALSE(fs::exists(inside / "good.qcow2"));
}
