#include "block/driver/copying.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "platform/os/process.hpp"

namespace stratolet::block {

namespace fs = std::filesystem;

Fd openToRead(const fs::path& file) {
    return Fd(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
}

Fd openToWrite(const fs::path& file) {
    return Fd(static_cast<int>(check(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
}

Fd createAnew(const fs::path& file) {
    ::unlink(file.c_str());
    return Fd(static_cast<int>(check(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600),
                                     "make a file for a volume")));
}

std::int64_t lengthOf(const Fd& file) {
    struct stat about {};
    check(::fstat(file.get(), &about), "look at a volume");
    if (!S_ISBLK(about.st_mode)) return about.st_size;
    std::uint64_t bytes = 0;
    check(::ioctl(file.get(), BLKGETSIZE64, &bytes), "look at a volume");
    return static_cast<std::int64_t>(bytes);
}

namespace {

/// Through a buffer of ours, for file systems that the kernel can't copy between.
ssize_t copyPiece(const Fd& from, off_t in, const Fd& to, off_t out, std::size_t most) {
    std::vector<char> piece(std::min<std::size_t>(most, 1 << 20));
    const auto got = check(::pread(from.get(), piece.data(), piece.size(), in), "read an image");
    for (ssize_t written = 0; written < got;)
        written +=
            check(::pwrite(to.get(), piece.data() + written, static_cast<std::size_t>(got - written), out + written),
                  "write a volume");
    return got;
}

void copyRange(const Fd& from, const Fd& to, off_t begin, off_t end, const Cancelled& cancelled) {
    constexpr off_t pieceMax = 64 << 20; // between two looks at whether it is still wanted
    bool byKernel = true;
    for (off_t at = begin; at < end;) {
        if (cancelled && cancelled()) throw Error(Failure::Busy, "the copy was stopped");
        const auto most = static_cast<std::size_t>(std::min(end - at, pieceMax));
        off_t in = at, out = at;
        auto copied = byKernel ? ::copy_file_range(from.get(), &in, to.get(), &out, most, 0) : -1;
        if (copied < 0) {
            // copy_file_range(2): EXDEV between file systems, the others where one of them can't do it at all.
            const bool cannot = errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
            if (byKernel && !cannot) check(copied, "copy an image into a volume");
            byKernel = false;
            copied = copyPiece(from, at, to, at, most);
        }
        if (copied == 0) throw Error(Failure::Broken, "an image became shorter while it was copied");
        at += copied;
    }
}

}

void copySparse(const Fd& from, const Fd& to, const Cancelled& cancelled) {
    if (::ioctl(to.get(), FICLONE, from.get()) == 0) return;
    const off_t length = lengthOf(from);
    for (off_t at = 0; at < length;) {
        const off_t data = ::lseek(from.get(), at, SEEK_DATA);
        if (data < 0 && errno == EINVAL) return copyRange(from, to, at, length, cancelled); // a block device
        if (data < 0 && errno == ENXIO) return;                                             // holes to the end
        check(data, "read an image");
        const off_t hole = check(::lseek(from.get(), data, SEEK_HOLE), "read an image");
        copyRange(from, to, data, hole, cancelled);
        at = hole;
    }
}

void copyBytes(const Fd& from, const Fd& to, std::int64_t length, There there, const Cancelled& cancelled) {
    constexpr std::int64_t pieceMax = 1 << 20;
    std::vector<char> piece(pieceMax), before(pieceMax);
    const auto readAll = [](const Fd& file, std::vector<char>& into, std::int64_t count, std::int64_t at) {
        for (std::int64_t got = 0; got < count;) {
            const auto some =
                check(::pread(file.get(), into.data() + got, static_cast<std::size_t>(count - got), at + got),
                      "read a volume");
            if (some == 0) throw Error(Failure::Broken, "a volume ended while it was copied");
            got += some;
        }
    };
    for (std::int64_t at = 0; at < length; at += pieceMax) {
        if (cancelled && cancelled()) throw Error(Failure::Busy, "the copy was stopped");
        const auto count = std::min(pieceMax, length - at);
        readAll(from, piece, count, at);
        if (there == There::Anything) readAll(to, before, count, at);
        if (std::equal(piece.begin(), piece.begin() + count, before.begin())) continue;
        for (std::int64_t written = 0; written < count;)
            written += check(
                ::pwrite(to.get(), piece.data() + written, static_cast<std::size_t>(count - written), at + written),
                "write a volume");
    }
}

void convertImage(const DiskSource& image, const Fd& to, Bytes size, const Cancelled& cancelled) {
    const auto from = openToRead(localPath(image));
    process::run(
        {.argv = {"qemu-img", "convert", "-n", "--target-is-zero", "-f", std::string(nameOf(image.format)), "-O", "raw",
                  process::pathOf(from), process::pathOf(to)},
         .timeout = std::chrono::minutes(30),
         .cancelled = cancelled,
         .limits = {.memoryBytesMax = std::int64_t{4} << 30, .cpuSecondsMax = 1800, .fileBytesMax = size.count},
         .confined = true,
         .reads = {from.get()},
         .writes = {to.get()}})
        .expectSuccess();
}

bool sharesBlocks(const fs::path& folder) {
    const auto one = folder / "probe-1.part", other = folder / "probe-2.part";
    bool shares = false;
    {
        const Fd from = createAnew(one), to = createAnew(other);
        check(::ftruncate(from.get(), 4096), "try the volume folder");
        shares = ::ioctl(to.get(), FICLONE, from.get()) == 0;
    }
    fs::remove(one);
    fs::remove(other);
    return shares;
}

}
