#include "block/driver/nfs.hpp"

#include <sys/statvfs.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include <stratolet/error.hpp>

#include "block/driver/file.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/process.hpp"

namespace stratolet::block {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto lookEvery = 5s, goneAfter = 20s, firstLook = 3s;

/// Of the kernel's own list, so that no server is asked (proc(5): the fifth word).
bool isMounted(const fs::path& folder) {
    std::ifstream lines("/proc/self/mountinfo");
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        for (int count = 0; count < 5; ++count) words >> word;
        if (fs::path(word) == folder) return true;
    }
    return false;
}

/// What the driver and its thread share; the thread may hang in the kernel when the driver has long gone.
struct Shared {
    explicit Shared(NfsOptions given) : options(std::move(given)) {}

    const NfsOptions options;
    std::mutex mutex;
    std::condition_variable changed;
    std::shared_ptr<VolumeDriver> files; // once it has been mounted
    Clock::time_point seen = {};
    Bytes capacity, free;
    std::string trouble = "it has not been mounted yet";
    bool stopping = false;
};

void look(Shared& shared, const Mount& mount) {
    mount(shared.options);
    std::shared_ptr<VolumeDriver> files;
    {
        const std::lock_guard guard(shared.mutex);
        files = shared.files;
    }
    if (!files)
        files = fileVolumeDriver(
            {.folder = shared.options.folder, .name = shared.options.name, .copies = shared.options.copies});
    const auto capacity = files->capacity(), free = files->free(); // asks the server
    const std::lock_guard guard(shared.mutex);
    shared.files = std::move(files);
    shared.capacity = capacity;
    shared.free = free;
    shared.seen = Clock::now();
    shared.trouble = "it does not answer";
}

void watch(const std::shared_ptr<Shared>& shared, const Mount& mount) {
    for (;;) {
        try {
            look(*shared, mount);
        } catch (const std::exception& problem) {
            const std::lock_guard guard(shared->mutex);
            shared->trouble = problem.what();
        }
        std::unique_lock lock(shared->mutex);
        shared->changed.notify_all();
        if (shared->changed.wait_for(lock, lookEvery, [&] { return shared->stopping; })) return;
    }
}

class NfsDriver : public VolumeDriver {
public:
    NfsDriver(NfsOptions options, Mount mount) : shared_(std::make_shared<Shared>(std::move(options))) {
        std::thread([shared = shared_, mount = std::move(mount)] { watch(shared, mount); }).detach();
        std::unique_lock lock(shared_->mutex);
        shared_->changed.wait_for(lock, firstLook, [&] { return shared_->files != nullptr; });
    }
    ~NfsDriver() override {
        const std::lock_guard guard(shared_->mutex);
        shared_->stopping = true;
        shared_->changed.notify_all();
    }

    std::string_view name() const override { return shared_->options.name; }
    std::string_view protocol() const override { return "nfs"; }
    VolumeCapabilities capabilities() const override { return {.multiattach = true}; }

    void ensure(const VolumeId& volume, GiB size, Layout layout, LiveDisk* live) override {
        files()->ensure(volume, size, layout, live);
    }
    void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) override {
        files()->fill(volume, size, image, cancelled);
    }
    void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        files()->restore(volume, size, snapshot, cancelled);
    }
    void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
               LiveDisk* live) override {
        files()->clone(volume, size, source, cancelled, live);
    }
    void discard(const VolumeId& volume) override { files()->discard(volume); }
    void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                  LiveDisk* live) override {
        files()->snapshot(snapshot, volume, cancelled, live);
    }
    void discard(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                 LiveDisk* live) override {
        files()->discard(snapshot, volume, cancelled, live);
    }
    void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        files()->revert(volume, size, snapshot, cancelled);
    }
    DiskSource connect(const VolumeId& volume, const Connector& connector) override {
        return files()->connect(volume, connector);
    }
    void disconnect(const VolumeId& volume, const Connector& connector) override {
        files()->disconnect(volume, connector);
    }
    DiskSource source(const VolumeId& volume) override { return files()->source(volume); }
    DiskSource source(const SnapshotId& snapshot) override { return files()->source(snapshot); }
    std::vector<Manageable> manageable() override { return files()->manageable(); }
    GiB adopt(const VolumeId& volume, const std::string& reference) override {
        return files()->adopt(volume, reference);
    }
    void adopt(const SnapshotId& snapshot, const VolumeId& volume, const std::string& reference) override {
        files()->adopt(snapshot, volume, reference);
    }
    void release(const VolumeId& volume) override { files()->release(volume); }
    void release(const SnapshotId& snapshot, const VolumeId& volume) override { files()->release(snapshot, volume); }
    std::vector<VolumeId> present() override { return files()->present(); }
    std::vector<SnapshotId> presentSnapshots() override { return files()->presentSnapshots(); }

    Bytes capacity() override {
        files();
        const std::lock_guard guard(shared_->mutex);
        return shared_->capacity;
    }
    Bytes free() override {
        files();
        const std::lock_guard guard(shared_->mutex);
        return shared_->free;
    }

private:
    std::shared_ptr<VolumeDriver> files() const {
        const std::lock_guard guard(shared_->mutex);
        if (!shared_->files || Clock::now() - shared_->seen > goneAfter)
            throw Error(Failure::Busy, "the share ", shared_->options.share, " cannot be used: ", shared_->trouble);
        return shared_->files;
    }

    std::shared_ptr<Shared> shared_;
};

}

void mountNfs(const NfsOptions& options) {
    if (isMounted(options.folder)) return;
    ensureFolder(options.folder, Lets::OthersThrough);
    process::run({.argv = {"mount", "-t", "nfs", "-o", options.mountOptions, options.share, options.folder.string()},
                  .timeout = 30s})
        .expectSuccess();
}

std::unique_ptr<VolumeDriver> nfsVolumeDriver(NfsOptions options, Mount mount) {
    return std::make_unique<NfsDriver>(std::move(options), std::move(mount));
}

}
