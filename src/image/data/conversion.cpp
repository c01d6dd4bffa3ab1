#include "image/data/conversion.hpp"

#include <fcntl.h>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"

namespace stratolet::image {
namespace {

/// What QEMU calls it.
std::string driverFor(const std::string& format) { return format == "vhd" ? "vpc" : format; }

}

bool isConvertible(std::string_view format) {
    return format == "raw" || format == "qcow2" || format == "vmdk" || format == "vdi" || format == "vhd" ||
           format == "vhdx";
}

void convert(const std::filesystem::path& from, const Inspected& inspected, const std::filesystem::path& into,
             const std::string& to, std::int64_t bytesMax) {
    if (inspected.virtualSize.count > bytesMax)
        throw Error(Failure::TooLarge, "Image content is refused: its disk has more than ", bytesMax, " bytes.");
    const Fd source(
        static_cast<int>(check(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open image data")));
    const Fd target(static_cast<int>(check(::open(into.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW), "open image data")));
    // The formats are said, never guessed, and whatever the image names, there is nothing but these two files.
    const auto made =
        process::run({.argv = {"qemu-img", "convert", "-f", driverFor(inspected.format), "-O", driverFor(to), "-t",
                               "writeback", process::pathOf(source), process::pathOf(target)},
                      .timeout = std::chrono::hours(2),
                      // Of address space its threads alone take more than 1 GiB, now and then.
                      .limits = {.memoryBytesMax = std::int64_t{4} << 30,
                                 .cpuSecondsMax = 3600,
                                 .fileBytesMax = bytesMax + (bytesMax >> 4) + (std::int64_t{64} << 20)},
                      .confined = true,
                      .reads = {source.get()},
                      .writes = {target.get()}});
    constexpr int notThere = 127;
    if (made.exitCode == notThere) throw Error(Failure::Broken, "There is no qemu-img to convert images with.");
    if (made.timedOut) throw Error(Failure::Invalid, "The image could not be converted in time.");
    if (!made.succeeded())
        throw Error(Failure::Invalid, "The image could not be converted from ", inspected.format, " to ", to, ".");
}

Fd converted(const std::filesystem::path& disk, const std::string& to) {
    if (!isConvertible(to)) throw Error(Failure::Invalid, "A disk cannot be converted to ", to, ".");
    auto into = disk;
    into += ".converted";
    std::filesystem::remove(into); // what a crash left
    Fd file(static_cast<int>(
        check(::open(into.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), "make image data")));
    try {
        const Bytes size{static_cast<std::int64_t>(std::filesystem::file_size(disk))};
        convert(disk, {.format = "raw", .virtualSize = size}, into, to, size.count);
    } catch (...) {
        std::filesystem::remove(into);
        throw;
    }
    Fd made(static_cast<int>(check(::open(into.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open image data")));
    std::filesystem::remove(into);
    return made;
}

}
