#include "block/driver/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/os/process.hpp"

namespace stratolet::block {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "volume-", snapshotPrefix = "snapshot-", unfinished = ".part";

/// An id becomes a file name, so it may only be what an id is.
bool isId(std::string_view text) {
    return text.size() == 36 && std::all_of(text.begin(), text.end(), [](char each) {
               return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f') || each == '-';
           });
}

std::int64_t lengthOf(const Fd& file) {
    struct stat about {};
    check(::fstat(file.get(), &about), "look at a volume");
    return about.st_size;
}

void syncFolder(const fs::path& folder) {
    const Fd open(
        static_cast<int>(check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the volume folder")));
    check(::fsync(open.get()), "flush the volume folder");
}

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

/// Only what is not a hole, so that the volume is as sparse as the image.
void copySparse(const Fd& from, const Fd& to, const Cancelled& cancelled) {
    const off_t length = lengthOf(from);
    for (off_t at = 0; at < length;) {
        const off_t data = ::lseek(from.get(), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) return; // holes to the end
        check(data, "read an image");
        const off_t hole = check(::lseek(from.get(), data, SEEK_HOLE), "read an image");
        copyRange(from, to, data, hole, cancelled);
        at = hole;
    }
}

class FileDriver : public VolumeDriver {
public:
    FileDriver(fs::path folder, std::string name) : name_(std::move(name)), folder_(std::move(folder)) {
        fs::create_directories(folder_);
        fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
        for (const auto& entry : fs::directory_iterator(folder_)) // what a crash left; its job begins again
            if (entry.path().filename().string().ends_with(unfinished)) fs::remove(entry.path());
    }

    std::string_view name() const override { return name_; }
    std::string_view protocol() const override { return "file"; }

    VolumeCapabilities capabilities() const override { return {}; }

    void ensure(const VolumeId& volume, GiB size, Layout, LiveDisk*) override {
        const auto file = fileOf(volume);
        const Fd there(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
        if (!there) return make(volume, size);
        const auto length = lengthOf(there);
        if (length > size.bytes().count) throw Error(Failure::Broken, "volume ", volume, " is larger than ", size);
        if (length == size.bytes().count) return;
        check(::ftruncate(there.get(), size.bytes().count), "make a volume larger");
        check(::fsync(there.get()), "flush a volume");
    }

    void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) override {
        const auto file = fileOf(volume), part = partOf(file);
        const Fd from(static_cast<int>(check(::open(localPath(image).c_str(), O_RDONLY | O_CLOEXEC), "open an image")));
        if (image.format == DiskFormat::Raw) {
            if (lengthOf(from) > size.bytes().count)
                throw Error(Failure::Broken, "the image is larger than volume ", volume);
            copySparse(from, create(part), cancelled);
        } else {
            const Fd to = create(part); // so that it is ours alone from the beginning
            process::run({.argv = {"qemu-img", "convert", "-f", std::string(nameOf(image.format)), "-O", "raw",
                                   process::pathOf(from), process::pathOf(to)},
                          .timeout = std::chrono::minutes(30),
                          .cancelled = cancelled,
                          .limits = {.memoryBytesMax = std::int64_t{4} << 30,
                                     .cpuSecondsMax = 1800,
                                     .fileBytesMax = size.bytes().count},
                          .confined = true,
                          .reads = {from.get()},
                          .writes = {to.get()}})
                .expectSuccess();
        }
        finish(part, file, size.bytes());
    }

    void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        copy(fileOf(snapshot), fileOf(volume), size.bytes(), cancelled);
    }

    void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
               LiveDisk*) override {
        copy(fileOf(source), fileOf(volume), size.bytes(), cancelled);
    }

    void discard(const VolumeId& volume) override { remove(fileOf(volume)); }

    void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled, LiveDisk*) override {
        if (fs::exists(fileOf(snapshot))) return;
        const auto file = fileOf(volume);
        copy(file, fileOf(snapshot), {static_cast<std::int64_t>(fs::file_size(file))}, cancelled);
    }

    void discard(const SnapshotId& snapshot, const VolumeId&, const Cancelled&, LiveDisk*) override {
        remove(fileOf(snapshot));
    }

    void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        copy(fileOf(snapshot), fileOf(volume), size.bytes(), cancelled);
    }

    DiskSource connect(const VolumeId& volume, const Connector&) override { return source(volume); }
    void disconnect(const VolumeId&, const Connector&) override {}

    DiskSource source(const VolumeId& volume) override {
        auto file = fileOf(volume);
        if (!fs::exists(file)) throw Error(Failure::Broken, "volume ", volume, " has no file");
        return {FileDisk{std::move(file)}, DiskFormat::Raw};
    }
    DiskSource source(const SnapshotId& snapshot) override {
        auto file = fileOf(snapshot);
        if (!fs::exists(file)) throw Error(Failure::Broken, "snapshot ", snapshot, " has no file");
        return {FileDisk{std::move(file)}, DiskFormat::Raw, true};
    }

    std::vector<Manageable> manageable() override {
        std::vector<Manageable> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const auto name = entry.path().filename().string();
            if (!entry.is_regular_file() || name.ends_with(unfinished)) continue;
            Manageable one;
            one.reference = name;
            one.size = {static_cast<std::int64_t>(entry.file_size())};
            if (name.starts_with(prefix) && isId(name.substr(prefix.size())))
                one.volume = VolumeId{name.substr(prefix.size())};
            else if (name.starts_with(snapshotPrefix))
                one.snapshot = SnapshotId{name.substr(snapshotPrefix.size())};
            found.push_back(std::move(one));
        }
        return found;
    }

    GiB adopt(const VolumeId& volume, const std::string& reference) override {
        const auto file = fileOf(volume);
        if (!fs::exists(file)) {
            const auto from = folder_ / reference;
            if (reference.find('/') != std::string::npos || reference.starts_with('.') ||
                !fs::is_regular_file(fs::symlink_status(from)))
                throw Error(Failure::Invalid, "There is no file ", reference, " in this back end.");
            fs::rename(from, file);
            syncFolder(folder_);
        }
        const auto length = static_cast<std::int64_t>(fs::file_size(file));
        const GiB size{std::max<std::int64_t>((length + (std::int64_t{1} << 30) - 1) >> 30, 1)};
        ensure(volume, size, Layout::Any, nullptr);
        return size;
    }

    void release(const VolumeId&) override {}

    void adopt(const SnapshotId& snapshot, const VolumeId&, const std::string& reference) override {
        const auto file = fileOf(snapshot);
        if (fs::exists(file)) return;
        const auto from = folder_ / reference;
        if (reference.find('/') != std::string::npos || !reference.starts_with(snapshotPrefix) ||
            !fs::is_regular_file(fs::symlink_status(from)))
            throw Error(Failure::Invalid, "There is no snapshot ", reference, " in this back end.");
        fs::rename(from, file);
        syncFolder(folder_);
    }
    void release(const SnapshotId&, const VolumeId&) override {}

    std::vector<VolumeId> present() override { return called<VolumeId>(prefix); }
    std::vector<SnapshotId> presentSnapshots() override { return called<SnapshotId>(snapshotPrefix); }

    Bytes capacity() override { return space(&Space::f_blocks); }
    Bytes free() override { return space(&Space::f_bavail); }

private:
    using Space = struct statvfs;

    Bytes space(fsblkcnt_t Space::*blocks) const {
        Space about{};
        check(::statvfs(folder_.c_str(), &about), "look at the volume folder");
        return {static_cast<std::int64_t>(about.*blocks * about.f_frsize)};
    }

    fs::path named(std::string_view kind, const std::string& id) const {
        if (!isId(id)) throw Error(Failure::Broken, "an id cannot be a file name: ", id);
        return folder_ / (std::string(kind) + id);
    }
    fs::path fileOf(const VolumeId& volume) const { return named(prefix, volume.text); }
    fs::path fileOf(const SnapshotId& snapshot) const { return named(snapshotPrefix, snapshot.text); }
    static fs::path partOf(fs::path file) { return file += unfinished; }

    template <class AnId> std::vector<AnId> called(std::string_view kind) const {
        std::vector<AnId> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const auto name = entry.path().filename().string();
            if (name.starts_with(kind) && isId(name.substr(kind.size()))) found.push_back({name.substr(kind.size())});
        }
        return found;
    }

    void remove(const fs::path& file) {
        fs::remove(partOf(file));
        if (fs::remove(file)) syncFolder(folder_);
    }

    void copy(const fs::path& from, const fs::path& to, Bytes size, const Cancelled& cancelled) {
        const Fd source(
            static_cast<int>(check(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
        copySparse(source, create(partOf(to)), cancelled);
        finish(partOf(to), to, size);
    }

    static Fd create(const fs::path& file) {
        ::unlink(file.c_str()); // never what somebody had before
        return Fd(static_cast<int>(check(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600),
                                         "make a file for a volume")));
    }

    void make(const VolumeId& volume, GiB size) {
        const auto part = partOf(fileOf(volume));
        create(part);
        finish(part, fileOf(volume), size.bytes());
    }

    /// A volume is whole or isn't there: it gets its name when all of it is on disk.
    void finish(const fs::path& part, const fs::path& file, Bytes size) {
        const Fd open(static_cast<int>(check(::open(part.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW), "open a volume")));
        if (lengthOf(open) > size.count) throw Error(Failure::Broken, "the content is larger than the volume");
        check(::ftruncate(open.get(), size.count), "size a volume");
        check(::fsync(open.get()), "flush a volume");
        fs::rename(part, file);
        syncFolder(folder_);
    }

    std::string name_;
    fs::path folder_;
};

}

std::unique_ptr<VolumeDriver> fileVolumeDriver(const fs::path& folder, const std::string& name) {
    return std::make_unique<FileDriver>(folder, name);
}

}
