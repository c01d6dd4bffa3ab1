#include "compute/driver/disk_files.hpp"

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/process.hpp"

namespace stratolet::compute {
namespace {

namespace fs = std::filesystem;

// An image is a stranger's; qemu-img reads it in a process of its own that can eat only so much.
process::Limits limitsFor(std::int64_t fileBytesMax) {
    return {.memoryBytesMax = std::int64_t{4} << 30, .cpuSecondsMax = 1800, .fileBytesMax = fileBytesMax};
}

/// A name beside `path` that nobody else uses; the file is gone when this is, unless it was given its real name.
class Unfinished {
public:
    explicit Unfinished(fs::path path) : path_(std::move(path)) {
        static std::atomic<unsigned> count{0};
        temporary_ = path_;
        temporary_ += ".part-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    }
    ~Unfinished() {
        std::error_code ignored;
        fs::remove(temporary_, ignored);
    }
    Unfinished(const Unfinished&) = delete;
    std::string name() const { return temporary_.string(); }
    void finish() const { fs::rename(temporary_, path_); }

private:
    fs::path path_, temporary_;
};

Fd opened(const fs::path& disk) { return Fd(static_cast<int>(check(::open(disk.c_str(), O_RDONLY | O_CLOEXEC), "open a disk"))); }

std::int64_t virtualBytes(const DiskSource& disk) {
    // A raw file is what it is, in whole sectors; every server asks this about its base, and a process costs tens of milliseconds.
    if (disk.format == DiskFormat::Raw) return (static_cast<std::int64_t>(fs::file_size(localPath(disk))) + 511) / 512 * 512;
    const auto lent = opened(localPath(disk));
    const auto told =
        process::run({.argv = {"qemu-img", "info", "--output=json", "-U", "-f", std::string(nameOf(disk.format)), process::pathOf(lent)},
                      .timeout = std::chrono::seconds(60),
                      .limits = limitsFor(0),
                      .confined = true,
                      .reads = {lent.get()}});
    told.expectSuccess();
    return Json::parse(told.out).integer("virtual-size");
}

void runQemuImg(std::vector<std::string> argv) {
    process::run({.argv = std::move(argv), .timeout = std::chrono::minutes(30), .limits = limitsFor(0)}).expectSuccess();
}

void makeFolder(const fs::path& folder) {
    ensureFolder(folder, Lets::OthersThrough); // QEMU opens what is in it under a user of its own
}

}

void ensureBaseFile(const DiskSource& image, const DiskSource& base, const Cancelled& cancelled) {
    const auto& path = localPath(base);
    if (fs::exists(path)) return;
    makeFolder(path.parent_path());
    const Unfinished copy(path);
    // Room for the format's own tables beside the data.
    const std::int64_t most = virtualBytes(image) + virtualBytes(image) / 8 + (std::int64_t{64} << 20);
    const auto from = opened(localPath(image));
    const Fd to(static_cast<int>(check(::open(copy.name().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "make a disk")));
    process::run({.argv = {"qemu-img", "convert", "-f", std::string(nameOf(image.format)), "-O", std::string(nameOf(base.format)), "-t",
                           "writeback", process::pathOf(from), process::pathOf(to)},
                  .timeout = std::chrono::minutes(30),
                  .cancelled = cancelled,
                  .limits = limitsFor(most),
                  .confined = true,
                  .reads = {from.get()},
                  .writes = {to.get()}})
        .expectSuccess();
    fs::permissions(copy.name(),
                    fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read); // read by every guest on top of it
    copy.finish();
}

void ensureRootFile(const DiskSource& base, const DiskSource& root, Bytes size) {
    const auto& path = localPath(root);
    if (fs::exists(path)) return;
    makeFolder(path.parent_path());
    const Unfinished disk(path);
    const std::string baseFormat(nameOf(base.format)), bytes = std::to_string(std::max(size.count, virtualBytes(base)));
    if (root.format == DiskFormat::Qcow2) {
        runQemuImg({"qemu-img", "create", "-q", "-f", "qcow2", "-b", localPath(base).string(), "-F", baseFormat, disk.name(), bytes});
    } else {
        runQemuImg({"qemu-img", "convert", "-f", baseFormat, "-O", "raw", localPath(base).string(), disk.name()});
        runQemuImg({"qemu-img", "resize", "-q", "-f", "raw", disk.name(), bytes});
    }
    disk.finish();
}

}
