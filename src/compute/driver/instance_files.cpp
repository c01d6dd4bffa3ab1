#include "compute/driver/instance_files.hpp"

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <string>
#include <sys/statvfs.h>
#include <unistd.h>

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

std::int64_t virtualBytes(const DiskSource& disk) {
    if (disk.format == DiskFormat::Raw) return rawBytes(localPath(disk));
    const auto lent = opened(localPath(disk));
    const auto told = process::run({.argv = {"qemu-img", "info", "--output=json", "-U", "-f",
                                             std::string(nameOf(disk.format)), process::pathOf(lent)},
                                    .timeout = std::chrono::seconds(60),
                                    .limits = limitsFor(0),
                                    .confined = true,
                                    .reads = {lent.get()}});
    told.expectSuccess();
    return Json::parse(told.out).integer("virtual-size");
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

void layerByQemu(const fs::path& base, const fs::path& root, Bytes size) {
    process::run({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", base.string(), "-F", "raw", root.string(),
                           std::to_string(std::max(size.count, rawBytes(base)))},
                  .timeout = std::chrono::minutes(30),
                  .limits = limitsFor(0)})
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

    DiskSource ensureRoot(const ServerId& server, const std::string& base, Bytes size) override {
        const auto below = baseFile(base);
        if (const auto there = find(server)) return *there;
        const Unfinished disk(rootFile(server));
        maker_.layer(below, disk.name(), size);
        disk.finish();
        return {FileDisk{rootFile(server)}, DiskFormat::Qcow2};
    }

    DiskSource root(const ServerId& server) override {
        if (auto there = find(server)) return *std::move(there);
        throw Error(Failure::Broken, "server ", server, " has no root disk in ", folder_.string());
    }

    void discard(const ServerId& server) override {
        fs::remove(rootFile(server));
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
    fs::path rootFile(const ServerId& server) const {
        if (!isUuid(server.text)) throw Error(Failure::Broken, "a server's id cannot be a file name: ", server);
        return folder_ / (server.text + std::string(diskSuffix));
    }
    fs::path earlierFolder(const ServerId& server) const { return folder_ / server.text; }

    /// A disk that an earlier version made stays where it is: its guest may run on it now.
    std::optional<DiskSource> find(const ServerId& server) const {
        for (const auto& file : {rootFile(server), earlierFolder(server) / "disk"})
            if (fs::exists(file)) return DiskSource{FileDisk{file}, DiskFormat::Qcow2};
        return std::nullopt;
    }

    fs::path folder_, bases_;
    DiskMaker maker_;
    std::mutex lock_;
    std::condition_variable letGo_;
    std::set<std::string> held_;
};

}

DiskMaker diskMaker() { return {copyByQemu, layerByQemu, fileSystemSize}; }

std::unique_ptr<InstanceDisks> instanceFiles(const fs::path& folder, DiskMaker maker) {
    return std::make_unique<InstanceFiles>(folder, std::move(maker));
}

}
