#include "block/driver/disk_bytes.hpp"

#include <fcntl.h>
#include <libnbd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"

namespace stratolet::block {
namespace {

class RawBytes : public DiskBytes {
public:
    RawBytes(const std::filesystem::path& path, DiskUse use)
        : file_(static_cast<int>(
              check(::open(path.c_str(), (use == DiskUse::Write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW),
                    "open a disk"))) {
        struct stat about {};
        check(::fstat(file_.get(), &about), "look at a disk");
        device_ = S_ISBLK(about.st_mode);
        size_ = device_ ? check(::lseek(file_.get(), 0, SEEK_END), "measure a disk") : about.st_size;
    }

    std::int64_t size() override { return size_; }

    std::optional<Stretch> data(std::int64_t at) override {
        if (at >= size_) return std::nullopt;
        if (device_) return Stretch{at, size_}; // a device doesn't tell
        const auto begin = ::lseek(file_.get(), at, SEEK_DATA);
        if (begin < 0 && errno == ENXIO) return std::nullopt;
        check(begin, "read a disk");
        return Stretch{begin, check(::lseek(file_.get(), begin, SEEK_HOLE), "read a disk")};
    }

    void read(std::int64_t at, std::span<std::byte> into) override {
        while (!into.empty()) {
            const auto got = check(::pread(file_.get(), into.data(), into.size(), at), "read a disk");
            if (got == 0) throw Error(Failure::Broken, "a disk became shorter while it was read");
            into = into.subspan(static_cast<std::size_t>(got));
            at += got;
        }
    }

    void write(std::int64_t at, std::span<const std::byte> bytes) override {
        const auto begin = at;
        const auto length = static_cast<std::int64_t>(bytes.size());
        while (!bytes.empty()) {
            const auto put = check(::pwrite(file_.get(), bytes.data(), bytes.size(), at), "write a disk");
            bytes = bytes.subspan(static_cast<std::size_t>(put));
            at += put;
        }
        // The disk begins at once, so that a flush at the end doesn't find all of it undone. Only a hint: whether it
        // could be written is what flush() tells.
        ::sync_file_range(file_.get(), begin, length, SYNC_FILE_RANGE_WRITE);
    }

    void zero(std::int64_t at, std::int64_t length) override {
        if (length == 0) return;
        if (device_) {
            std::uint64_t range[2] = {static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(length)};
            check(::ioctl(file_.get(), BLKZEROOUT, range), "zero a disk");
        } else {
            check(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length), "zero a disk");
        }
    }

    void flush() override { check(::fsync(file_.get()), "flush a disk"); }

private:
    Fd file_;
    bool device_ = false;
    std::int64_t size_ = 0;
};

void nbdCheck(int result) {
    if (result >= 0) return;
    const char* why = ::nbd_get_error();
    throw Error(Failure::Broken, "could not read or write a disk by NBD: ", why ? why : "unknown reason");
}

/// By a server that libnbd starts, talks to on a socket pair, and that ends when we hang up.
class NbdBytes : public DiskBytes {
public:
    NbdBytes(const std::filesystem::path& path, DiskFormat format, DiskUse use) : connection_(::nbd_create()) {
        if (!connection_) throw Error(Failure::Broken, "could not begin to talk NBD");
        auto* nbd = connection_.get();
        nbdCheck(::nbd_add_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION));
        // The bytes of a guest's disk are not looked at for a format: it is said, and that of what lies below it stands
        // in what QEMU wrote itself.
        std::vector<std::string> words{"qemu-nbd",   "--format",        std::string(nameOf(format)),
                                       "--shared=1", "--discard=unmap", "--detect-zeroes=unmap"};
        if (use == DiskUse::Read) words.emplace_back("--read-only");
        words.push_back(path.string());
        std::vector<char*> argv;
        for (auto& each : words) argv.push_back(each.data());
        argv.push_back(nullptr);
        nbdCheck(::nbd_connect_systemd_socket_activation(nbd, argv.data()));
        const auto size = ::nbd_get_size(nbd);
        if (size < 0) nbdCheck(-1);
        size_ = size;
    }

    std::int64_t size() override { return size_; }

    std::optional<Stretch> data(std::int64_t at) override {
        std::optional<Stretch> found;
        while (at < size_) {
            const auto extents = extentsFrom(at);
            if (extents.empty()) return found ? found : Stretch{at, size_}; // it doesn't tell
            for (const auto& [length, zeros] : extents) {
                if (zeros && found) return found;
                if (!zeros) {
                    if (!found) found = Stretch{at, at};
                    found->end = std::min<std::int64_t>(at + length, size_);
                }
                at += length;
            }
            if (found) return found; // what comes after is the next stretch
        }
        return found;
    }

    void read(std::int64_t at, std::span<std::byte> into) override {
        each(into.size(), [&](std::size_t from, std::size_t count) {
            nbdCheck(
                ::nbd_pread(connection_.get(), into.data() + from, count, static_cast<std::uint64_t>(at) + from, 0));
        });
    }

    void write(std::int64_t at, std::span<const std::byte> bytes) override {
        each(bytes.size(), [&](std::size_t from, std::size_t count) {
            nbdCheck(
                ::nbd_pwrite(connection_.get(), bytes.data() + from, count, static_cast<std::uint64_t>(at) + from, 0));
        });
    }

    void zero(std::int64_t at, std::int64_t length) override {
        constexpr std::int64_t most = 1 << 30; // of one request; the protocol has 32 bits for it
        for (; length > 0; at += most, length -= most)
            nbdCheck(::nbd_zero(connection_.get(), static_cast<std::uint64_t>(std::min(length, most)),
                                static_cast<std::uint64_t>(at), 0));
    }

    void flush() override { nbdCheck(::nbd_flush(connection_.get(), 0)); }

private:
    struct Extent {
        std::int64_t length;
        bool zeros;
    };

    template <class Piece> static void each(std::size_t length, Piece piece) {
        constexpr std::size_t most = 32 << 20; // that every server takes (NBD protocol, "Size constraints")
        for (std::size_t from = 0; from < length; from += most) piece(from, std::min(most, length - from));
    }

    std::vector<Extent> extentsFrom(std::int64_t at) {
        std::vector<Extent> found;
        constexpr std::int64_t most = 1 << 30;
        const auto asked = std::min(size_ - at, most);
        const auto take = [](void* into, const char*, std::uint64_t, std::uint32_t* entries, std::size_t count,
                             int*) -> int {
            auto& all = *static_cast<std::vector<Extent>*>(into);
            for (std::size_t i = 0; i + 1 < count; i += 2)
                all.push_back({entries[i], (entries[i + 1] & LIBNBD_STATE_ZERO) != 0});
            return 0;
        };
        if (::nbd_can_meta_context(connection_.get(), LIBNBD_CONTEXT_BASE_ALLOCATION) != 1) return found;
        nbdCheck(::nbd_block_status(connection_.get(), static_cast<std::uint64_t>(asked),
                                    static_cast<std::uint64_t>(at),
                                    nbd_extent_callback{.callback = take, .user_data = &found, .free = nullptr}, 0));
        return found;
    }

    Handle<nbd_handle, ::nbd_close> connection_;
    std::int64_t size_ = 0;
};

}

std::unique_ptr<DiskBytes> openDisk(const DiskSource& disk, DiskUse use) {
    const auto path = localPath(disk);
    if (disk.format == DiskFormat::Raw) return std::make_unique<RawBytes>(path, use);
    return std::make_unique<NbdBytes>(path, disk.format, use);
}

}
