#include "compute/driver/instance_files.hpp"

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <string>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

#include "compute/encoding.hpp"
#include "platform/json/json.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view unfinished = ".part-", diskSuffix = "_disk";

/// What follows "<server>_disk" in a file's name.
constexpr std::pair<InstanceDisk::Role, std::string_view> suffixes[] = {
    {InstanceDisk::Role::Root, ""},
    {InstanceDisk::Role::Rescue, ".rescue"},
    {InstanceDisk::Role::ConfigDrive, ".config"},
    {InstanceDisk::Role::ConfigDisk, ".config.vfat"},
    {InstanceDisk::Role::Swap, ".swap"},
    {InstanceDisk::Role::Ephemeral, ".eph"},
    {InstanceDisk::Role::Aside, ".aside"},
    {InstanceDisk::Role::Overlay, ".overlay"}};

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
        temporary_ += std::string(unfinished) + std::to_string(getpid()) + "-" + std::to_string(++count);
    }
    ~Unfinished() {
        std::error_code ignored;
        fs::remove(temporary_, ignored);
    }
    Unfinished(const Unfinished&) = delete;
    const fs::path& name() const { return temporary_; }
    void finish() const { fs::rename(temporary_, path_); }

private:
    fs::path path_, temporary_;
};

Fd opened(const fs::path& disk) {
    return Fd(static_cast<int>(check(::open(disk.c_str(), O_RDONLY | O_CLOEXEC), "open a disk")));
}

/// Of a raw file: what it is, in whole sectors. Every server asks this about its base, and a process costs tens of
/// milliseconds.
std::int64_t rawBytes(const fs::path& disk) {
    return (static_cast<std::int64_t>(fs::file_size(disk)) + 511) / 512 * 512;
}

/// What a guest sees of a disk that was inspected, or that we made: a qcow2 file says so in bytes 24 to 31, big-endian
/// (QEMU, docs/interop/qcow2.txt).
std::int64_t virtualBytes(const DiskSource& disk) {
    if (disk.format == DiskFormat::Raw) return rawBytes(localPath(disk));
    std::array<unsigned char, 32> header{};
    const auto file = opened(localPath(disk));
    if (check(::pread(file.get(), header.data(), header.size(), 0), "read a disk") != 32 || header[0] != 'Q')
        throw Error(Failure::Broken, localPath(disk).string(), " is no qcow2 file");
    std::int64_t bytes = 0;
    for (std::size_t at = 24; at < 32; ++at) bytes = bytes << 8 | header[at];
    return bytes;
}

void copyByQemu(const DiskSource& image, const fs::path& base, const Cancelled& cancelled) {
    const auto from = opened(localPath(image));
    const auto bytes = virtualBytes(image);
    const Fd to(
        static_cast<int>(check(::open(base.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "make a disk")));
    process::run({.argv = {"qemu-img", "convert", "-f", std::string(nameOf(image.format)), "-O", "raw", "-t",
                           "writeback", process::pathOf(from), process::pathOf(to)},
                  .timeout = std::chrono::minutes(30),
                  .cancelled = cancelled,
                  .limits = limitsFor(bytes + bytes / 8 + (std::int64_t{64} << 20)), // qemu-img writes whole clusters
                  .confined = true,
                  .reads = {from.get()},
                  .writes = {to.get()}})
        .expectSuccess();
}

void layerByQemu(const DiskSource& below, const fs::path& disk, Bytes size) {
    process::run({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", localPath(below).string(), "-F",
                           std::string(nameOf(below.format)), disk.string(),
                           std::to_string(std::max(size.count, virtualBytes(below)))},
                  .timeout = std::chrono::minutes(30),
                  .limits = limitsFor(0)})
        .expectSuccess();
}

void blankByTools(const fs::path& disk, Bytes size, DiskFilling filling, const std::string& label) {
    {
        const Fd made(static_cast<int>(
            check(::open(disk.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "make a disk")));
        check(ftruncate(made.get(), size.count), "give a disk its size");
    }
    const auto file = disk.string();
    const std::vector<std::string> argv =
        filling == DiskFilling::Swap   ? std::vector<std::string>{"mkswap", "-L", label, file}
        : filling == DiskFilling::Ext4 ? std::vector<std::string>{"mkfs.ext4", "-q", "-F", "-L", label, file}
                                       : std::vector<std::string>{"mkfs.vfat", "-n", label, file};
    process::run({.argv = argv, .timeout = std::chrono::minutes(5)}).expectSuccess();
}

void growByQemu(const fs::path& disk, Bytes size) {
    const DiskSource source{FileDisk{disk}, DiskFormat::Qcow2};
    if (virtualBytes(source) >= size.count) return;
    process::run({.argv = {"qemu-img", "resize", "-q", "-f", "qcow2", disk.string(), std::to_string(size.count)},
                  .timeout = std::chrono::minutes(5)})
        .expectSuccess();
}

void foldByQemu(const fs::path& overlay, const Cancelled& cancelled) {
    process::run({.argv = {"qemu-img", "commit", "-q", "-d", "-f", "qcow2", overlay.string()},
                  .timeout = std::chrono::hours(1),
                  .cancelled = cancelled})
        .expectSuccess();
}

void duplicateByTools(const fs::path& disk, const fs::path& copy, const Cancelled& cancelled) {
    process::run({.argv = {"cp", "--reflink=auto", "--sparse=always", "--", disk.string(), copy.string()},
                  .timeout = std::chrono::hours(1),
                  .cancelled = cancelled})
        .expectSuccess();
}

void flattenByQemu(const fs::path& disk, const fs::path& raw, const Cancelled& cancelled) {
    // -U: a guest may read it at the same time, whose writes go elsewhere.
    process::run({.argv = {"qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", disk.string(), raw.string()},
                  .timeout = std::chrono::hours(1),
                  .cancelled = cancelled})
        .expectSuccess();
}

Bytes fileSystemSize(const fs::path& folder) {
    struct statvfs about {};
    check(::statvfs(folder.c_str(), &about), "ask for the size of the file system");
    return {static_cast<std::int64_t>(about.f_blocks * about.f_frsize)};
}

class InstanceFiles : public InstanceDisks {
public:
    InstanceFiles(const fs::path& folder, DiskMaker maker)
        : folder_(fs::absolute(folder)),
          bases_(folder_ / "_base"),
          maker_(std::move(maker)) {
        for (const auto& each : {folder_, bases_}) {
            ensureFolder(each, Lets::OthersThrough);               // QEMU opens what is in it under a user of its own
            for (const auto& entry : fs::directory_iterator(each)) // what a crash left; its job begins again
                if (entry.path().filename().string().find(unfinished) != std::string::npos) fs::remove(entry.path());
        }
    }

    Bytes ensureBase(const std::string& base, const std::function<DiskSource()>& image,
                     const Cancelled& cancelled) override {
        const auto file = baseFile(base);
        if (!fs::exists(file)) {
            const Hold alone(*this, base, cancelled);
            if (!fs::exists(file)) copy(image(), file, cancelled);
        }
        return {rawBytes(file)};
    }

    DiskSource ensureLayer(const ServerId& server, InstanceDisk disk, const std::string& base, Bytes size) override {
        const DiskSource below{FileDisk{baseFile(base)}, DiskFormat::Raw};
        return ensured(server, disk, [&](const fs::path& file) { maker_.layer(below, file, size); });
    }

    DiskSource ensureBlank(const ServerId& server, InstanceDisk disk, Bytes size, DiskFilling filling,
                           const std::string& label) override {
        return ensured(server, disk, [&](const fs::path& file) { maker_.blank(file, size, filling, label); });
    }

    DiskSource put(const ServerId& server, InstanceDisk disk, const std::string& bytes) override {
        const Unfinished made(fileOf(server, disk));
        const Fd file(static_cast<int>(check(
            ::open(made.name().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), "make a disk")));
        writeAll(file.get(), bytes, "make a disk");
        made.finish();
        return sourceOf(fileOf(server, disk), disk);
    }

    std::optional<DiskSource> find(const ServerId& server, InstanceDisk disk) override {
        if (const auto file = fileOf(server, disk); fs::exists(file)) return sourceOf(file, disk);
        // A disk that an earlier version made stays where it is: its guest may run on it now.
        if (const auto file = earlierFolder(server) / "disk"; disk.role == InstanceDisk::Role::Root && fs::exists(file))
            return sourceOf(file, disk);
        return std::nullopt;
    }

    void remove(const ServerId& server, InstanceDisk disk) override {
        fs::remove(fileOf(server, disk));
        if (disk.role == InstanceDisk::Role::Root) fs::remove_all(earlierFolder(server));
    }

    void grow(const ServerId& server, Bytes size) override { maker_.grow(localPath(have(server, {})), size); }

    void setAside(const ServerId& server, const Cancelled& cancelled) override {
        const auto root = localPath(have(server, {}));
        ensured(server, {InstanceDisk::Role::Aside},
                [&](const fs::path& file) { maker_.duplicate(root, file, cancelled); });
    }

    void takeBack(const ServerId& server) override {
        const auto aside = fileOf(server, {InstanceDisk::Role::Aside});
        if (!fs::exists(aside)) return;
        fs::rename(aside, fileOf(server, {}));
        fs::remove_all(earlierFolder(server));
    }

    DiskSource ensureOverlay(const ServerId& server) override {
        const auto root = have(server, {});
        return ensured(server, {InstanceDisk::Role::Overlay},
                       [&](const fs::path& file) { maker_.layer(root, file, {}); });
    }

    void foldOverlay(const ServerId& server, const Cancelled& cancelled) override {
        const auto overlay = fileOf(server, {InstanceDisk::Role::Overlay});
        if (!fs::exists(overlay)) return;
        maker_.fold(overlay, cancelled);
        fs::remove(overlay);
    }

    void save(const ServerId& server, const fs::path& file, const Cancelled& cancelled) override {
        const auto root = localPath(have(server, {}));
        const Unfinished made(file);
        maker_.flatten(root, made.name(), cancelled);
        made.finish();
    }

    void discard(const ServerId& server) override {
        for (const auto& [role, suffix] : suffixes)
            for (int number = 0; number < (role == InstanceDisk::Role::Ephemeral ? InstanceDisk::ephemeralsMax : 1);
                 ++number)
                fs::remove(fileOf(server, {role, number}));
        fs::remove_all(earlierFolder(server));
    }

    std::vector<ServerId> present() override {
        std::set<ServerId> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const auto name = entry.path().filename().string();
            const auto disk = name.find(diskSuffix);
            const auto id = disk == std::string::npos ? name : name.substr(0, disk);
            if (isUuid(id) && (disk != std::string::npos || entry.is_directory())) found.insert({id});
        }
        return {found.begin(), found.end()};
    }

    std::vector<std::string> removeBases(const std::function<bool(const std::string& base)>& used) override {
        std::vector<std::string> removed;
        for (const auto& entry : fs::directory_iterator(bases_)) {
            const std::string name = entry.path().filename().string();
            if (name.find(unfinished) != std::string::npos) continue; // somebody makes it now
            const Hold alone(*this, name);
            std::error_code failure;
            if (alone && !used(name) && fs::remove(entry.path(), failure)) removed.push_back(name);
        }
        return removed;
    }

    Bytes capacity() override { return maker_.capacity(folder_); }

private:
    /// Nobody else makes or removes this base as long as it lives.
    class Hold {
    public:
        /// Waits till nobody else does. Error(Busy) once the work is cancelled.
        Hold(InstanceFiles& files, const std::string& base, const Cancelled& cancelled) : files_(files), base_(base) {
            std::unique_lock lock(files_.lock_);
            while (files_.held_.contains(base)) {
                files_.letGo_.wait_for(lock, std::chrono::milliseconds(200));
                if (cancelled && cancelled())
                    throw Error(Failure::Busy, "waiting for the copy of an image was stopped");
            }
            files_.held_.insert(base);
            mine_ = true;
        }
        /// Is false where somebody else does.
        Hold(InstanceFiles& files, const std::string& base) : files_(files), base_(base) {
            const std::lock_guard lock(files_.lock_);
            mine_ = files_.held_.insert(base).second;
        }
        ~Hold() {
            if (!mine_) return;
            {
                const std::lock_guard lock(files_.lock_);
                files_.held_.erase(base_);
            }
            files_.letGo_.notify_all();
        }
        Hold(const Hold&) = delete;
        explicit operator bool() const { return mine_; }

    private:
        InstanceFiles& files_;
        std::string base_;
        bool mine_ = false;
    };

    void copy(const DiskSource& image, const fs::path& file, const Cancelled& cancelled) const {
        const Unfinished copy(file);
        maker_.copy(image, copy.name(), cancelled);
        fs::permissions(copy.name(), // read by every guest on top of it
                        fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
        copy.finish();
    }

    fs::path baseFile(const std::string& base) const {
        if (base.empty() || base.starts_with('.') ||
            base.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
            throw Error(Failure::Broken, "a base copy cannot be called \"", base, "\"");
        return bases_ / base;
    }
    fs::path fileOf(const ServerId& server, InstanceDisk disk) const {
        if (!isUuid(server.text)) throw Error(Failure::Broken, "a server's id cannot be a file name: ", server);
        const auto* const named = std::find_if(std::begin(suffixes), std::end(suffixes),
                                               [&](const auto& each) { return each.first == disk.role; });
        auto name = server.text + std::string(diskSuffix) + std::string(named->second);
        if (disk.role == InstanceDisk::Role::Ephemeral) name += std::to_string(disk.number);
        return folder_ / name;
    }
    fs::path earlierFolder(const ServerId& server) const { return folder_ / server.text; }

    /// What a guest is handed in one piece is raw; what stands on something else is a layer.
    static DiskSource sourceOf(const fs::path& file, InstanceDisk disk) {
        using enum InstanceDisk::Role;
        const bool config = disk.role == ConfigDrive || disk.role == ConfigDisk;
        const bool plain = config || disk.role == Swap || disk.role == Ephemeral;
        DiskSource source{FileDisk{file}, plain ? DiskFormat::Raw : DiskFormat::Qcow2};
        source.readOnly = config;
        return source;
    }

    template <class Make> DiskSource ensured(const ServerId& server, InstanceDisk disk, Make make) {
        if (const auto there = find(server, disk)) return *there;
        const auto file = fileOf(server, disk);
        const Unfinished made(file);
        make(made.name());
        made.finish();
        return sourceOf(file, disk);
    }

    fs::path folder_, bases_;
    DiskMaker maker_;
    std::mutex lock_;
    std::condition_variable letGo_;
    std::set<std::string> held_;
};

}

DiskMaker diskMaker() {
    return {copyByQemu, layerByQemu,      blankByTools,  growByQemu,
            foldByQemu, duplicateByTools, flattenByQemu, fileSystemSize};
}

std::unique_ptr<InstanceDisks> instanceFiles(const fs::path& folder, DiskMaker maker) {
    return std::make_unique<InstanceFiles>(folder, std::move(maker));
}

}
