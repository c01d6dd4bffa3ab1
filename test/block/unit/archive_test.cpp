#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <random>
#include <vector>

#include <stratolet/error.hpp>

#include "block/backup/archive.hpp"
#include "block/driver/backup_folder.hpp"
#include "block/driver/disk_bytes.hpp"
#include "platform/os/process.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::block;

namespace {

const BackupId full{"00000000-0000-4000-8000-00000000000f"}, later{"00000000-0000-4000-8000-00000000001f"};
constexpr std::int64_t mib = 1 << 20;

std::filesystem::path emptyFile(const test::Folder& folder, const std::string& name, std::int64_t bytes) {
    const auto path = folder.path() / name;
    std::ofstream(path).close();
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(bytes));
    return path;
}

/// Bytes that zstd can't make smaller.
std::vector<std::byte> noise(std::size_t count, unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<std::byte> bytes(count);
    for (auto& each : bytes) each = static_cast<std::byte>(random());
    return bytes;
}

std::unique_ptr<DiskBytes> raw(const std::filesystem::path& path, DiskUse use = DiskUse::Write) {
    return openDisk({FileDisk{path}, DiskFormat::Raw}, use);
}

std::vector<std::byte> all(DiskBytes& disk) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(disk.size()));
    disk.read(0, bytes);
    return bytes;
}

}

TEST_CASE("What a backup gives back is, byte for byte, what the disk said", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    const auto disk = raw(emptyFile(folder, "disk", 100 * mib + 12345));
    disk->write(0, noise(3 * mib + 17, 1));
    disk->write(50 * mib + 5, noise(40 * mib, 2)); // more than one object
    disk->write(100 * mib + 12340, noise(5, 3));
    std::int64_t done = 0;
    const auto kept = archive::write(*store, full, {}, *disk, {}, [&](auto now, auto) { done = now; });
    CHECK(done == disk->size());
    CHECK(kept.objects == 2);
    CHECK(kept.bytesKept < 46 * mib); // zeros take nothing
    CHECK(archive::inspect(*store, full).bytesKept == kept.bytesKept);

    const auto fresh = raw(emptyFile(folder, "fresh", disk->size()));
    archive::read(*store, full, *fresh, true, {}, {});
    CHECK(all(*fresh) == all(*disk));
    const auto used = raw(emptyFile(folder, "used", 128 * mib));
    used->write(0, noise(128 * mib, 4));
    archive::read(*store, full, *used, false, {}, {});
    auto wanted = all(*disk);
    wanted.resize(128 * mib);
    CHECK(all(*used) == wanted);

    store->discard(full);
    store->discard(full);
    CHECK(store->present().empty());
}

TEST_CASE("A later backup keeps only the chunks that say something else", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    const auto disk = raw(emptyFile(folder, "disk", 64 * mib));
    disk->write(0, noise(20 * mib, 1));
    archive::write(*store, full, {}, *disk, {}, {});
    disk->write(7 * mib + 100, noise(10, 2));
    disk->zero(3 * mib, mib);
    const auto kept = archive::write(*store, later, full, *disk, {}, {});
    CHECK(kept.bytesKept < 2 * mib);
    const auto fresh = raw(emptyFile(folder, "fresh", 64 * mib));
    archive::read(*store, later, *fresh, true, {}, {});
    CHECK(all(*fresh) == all(*disk));
}

TEST_CASE("A backup that was cut off goes on behind what it has", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    const auto disk = raw(emptyFile(folder, "disk", 128 * mib));
    disk->write(0, noise(100 * mib, 1));
    const auto enough = [&store] { return store->lengthOf(full, 1).has_value(); };
    CHECK_THROWS_AS(archive::write(*store, full, {}, *disk, enough, {}), Error);
    CHECK_THROWS_WITH(archive::inspect(*store, full), Catch::Contains("missing"));
    std::int64_t first = -1;
    archive::write(*store, full, {}, *disk, {}, [&](auto done, auto) { first = first < 0 ? done : first; });
    CHECK(first > 32 * mib);
    const auto fresh = raw(emptyFile(folder, "fresh", 128 * mib));
    archive::read(*store, full, *fresh, true, {}, {});
    CHECK(all(*fresh) == all(*disk));
}

TEST_CASE("A backup that isn't what it was is not restored", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    const auto disk = raw(emptyFile(folder, "disk", 4 * mib));
    disk->write(0, noise(4 * mib, 1));
    archive::write(*store, full, {}, *disk, {}, {});
    const auto file = folder.path() / "backups" / ("backup-" + full.text) / "000001";
    const auto length = static_cast<std::int64_t>(std::filesystem::file_size(file));
    const auto change = [&](std::int64_t at) {
        const auto object = raw(file);
        std::vector<std::byte> one(1);
        object->read(at, one);
        one[0] ^= std::byte{1};
        object->write(at, one);
    };
    const auto fresh = raw(emptyFile(folder, "fresh", 4 * mib));
    change(2 * mib);
    CHECK_THROWS_WITH(archive::read(*store, full, *fresh, true, {}, {}), Catch::Contains("chunk"));
    CHECK_NOTHROW(archive::inspect(*store, full));
    change(2 * mib);
    CHECK_NOTHROW(archive::read(*store, full, *fresh, true, {}, {}));
    change(length - 100);
    CHECK_THROWS_WITH(archive::inspect(*store, full), Catch::Contains("the list of object 1"));
}

TEST_CASE("A disk of layers is read and written as the guest sees it", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    {
        const auto base = raw(emptyFile(folder, "base", 8 * mib));
        base->write(mib, noise(mib, 1));
    }
    const auto head = folder.path() / "head.qcow2";
    process::run({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base", head.string(), "16M"}})
        .expectSuccess();
    const DiskSource layered{FileDisk{head}, DiskFormat::Qcow2};
    const auto change = noise(5000, 2);
    {
        const auto disk = openDisk(layered, DiskUse::Write);
        CHECK(disk->size() == 16 * mib);
        disk->write(12 * mib, change);
        disk->flush();
    }
    const auto disk = openDisk(layered, DiskUse::Read);
    const auto data = disk->data(0);
    REQUIRE(data);
    CHECK(data->begin == mib);
    CHECK(data->end == 2 * mib);
    archive::write(*store, full, {}, *disk, {}, {});
    const auto fresh = raw(emptyFile(folder, "fresh", 16 * mib));
    archive::read(*store, full, *fresh, true, {}, {});
    CHECK(all(*fresh) == all(*disk));
    CHECK(std::equal(change.begin(), change.end(), all(*fresh).begin() + 12 * mib));
}

TEST_CASE("The zeros of a large disk cost nothing", "[block][backup]") {
    const test::Folder folder;
    const auto store = backupFolder(folder.path() / "backups");
    const auto disk = raw(emptyFile(folder, "disk", std::int64_t{1} << 40));
    disk->write(std::int64_t{1} << 39, noise(10, 1));
    const auto kept = archive::write(*store, full, {}, *disk, {}, {});
    CHECK(kept.bytesKept < 2000);
    const auto fresh = raw(emptyFile(folder, "fresh", std::int64_t{1} << 40));
    archive::read(*store, full, *fresh, true, {}, {});
    std::vector<std::byte> bytes(10);
    fresh->read(std::int64_t{1} << 39, bytes);
    CHECK(bytes == noise(10, 1));
}
