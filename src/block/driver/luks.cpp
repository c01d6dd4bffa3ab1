#include "block/driver/luks.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"

namespace stratolet::block::luks {
namespace {

/// The passphrase in a file that is nowhere: arguments are everybody's to read (proc(5)).
Fd lent(const std::string& passphrase) {
    Fd file(static_cast<int>(check(::memfd_create("passphrase", MFD_CLOEXEC), "keep a passphrase")));
    if (check(::write(file.get(), passphrase.data(), passphrase.size()), "keep a passphrase") !=
        static_cast<long>(passphrase.size()))
        throw Error(Failure::Broken, "could not keep a passphrase");
    return file;
}

}

void format(const DiskSource& disk, Bytes size, const std::string& passphrase) {
    const auto path = localPath(disk).string();
    process::run({.argv = {"qemu-img", "create", "-q", "-f", "luks", "--object", "secret,id=key,file=/proc/self/fd/0",
                           "-o", "key-secret=key,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,iter-time=10",
                           path, std::to_string(inside(size).count)},
                  .input = passphrase})
        .expectSuccess();
    if (std::filesystem::is_regular_file(path) &&
        static_cast<std::int64_t>(std::filesystem::file_size(path)) != size.count)
        throw Error(Failure::Broken, "the LUKS header of ", path,
                    " is not as large as that of QEMU that is known here");
}

void fill(const DiskSource& disk, const std::string& passphrase, const DiskSource& image, const Cancelled& cancelled) {
    const Fd from(static_cast<int>(check(::open(localPath(image).c_str(), O_RDONLY | O_CLOEXEC), "open an image")));
    const Fd to(
        static_cast<int>(check(::open(localPath(disk).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
    const Fd key = lent(passphrase);
    const std::string driver = std::holds_alternative<BlockDisk>(disk.at) ? "host_device" : "file";
    process::run(
        {.argv = {"qemu-img", "convert", "-n", "--object", "secret,id=key,file=" + process::pathOf(key), "-f",
                  std::string(nameOf(image.format)), "--target-image-opts", process::pathOf(from),
                  "driver=luks,key-secret=key,file.driver=" + driver + ",file.filename=" + process::pathOf(to)},
         .timeout = std::chrono::hours(1),
         .cancelled = cancelled,
         .limits = {.memoryBytesMax = std::int64_t{4} << 30, .cpuSecondsMax = 3600},
         .confined = true,
         .reads = {from.get(), key.get()},
         .writes = {to.get()}})
        .expectSuccess();
}

}
