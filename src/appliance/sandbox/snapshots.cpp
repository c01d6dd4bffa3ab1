#include "appliance/sandbox/snapshots.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ownFolder = "snapshots", storeFile = "stratolet.db";

/// The sandbox's own as long as it runs, whatever it goes back to.
bool stays(const fs::path& name) { return name == ownFolder || name == "lock"; }

bool isOfStore(const fs::path& name) { return name.string().starts_with(storeFile); }

/// Copies a tree: several names of one file stay several names of one file (which disks count on), holes stay holes.
class TreeCopy {
public:
    void copy(const fs::path& from, const fs::path& to) {
        struct stat is {};
        // Gone since the folder was read: as if it had gone a moment before.
        if (::lstat(from.c_str(), &is) != 0) return;
        if (S_ISDIR(is.st_mode)) {
            fs::create_directory(to);
            ::chmod(to.c_str(), is.st_mode & 07777);
            std::error_code gone;
            for (const auto& each : fs::directory_iterator(from, gone)) copy(each.path(), to / each.path().filename());
        } else if (S_ISLNK(is.st_mode)) {
            fs::copy_symlink(from, to);
        } else if (S_ISREG(is.st_mode)) {
            copyFile(from, to, is);
        }
    }

private:
    void copyFile(const fs::path& from, const fs::path& to, const struct stat& is) {
        if (is.st_nlink > 1) {
            const auto [known, first] = copied_.try_emplace(is.st_ino, to);
            if (!first) return fs::create_hard_link(known->second, to);
        }
        const Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!in && errno == ENOENT) return;
        check(in.get(), "copy " + from.string());
        const auto out = block::createAnew(to);
        check(::ftruncate(out.get(), block::lengthOf(in)), "copy " + from.string()); // holes at its end
        block::copySparse(in, out, {});
        check(::fchmod(out.get(), is.st_mode & 07777), "copy " + from.string());
        const timespec times[] = {is.st_atim, is.st_mtim};
        ::futimens(out.get(), times);
    }

    std::map<ino_t, fs::path> copied_;
};

/// What is in `from`, but for what `leaves` says, is put into `to`.
template <class Leaves> void copyInto(const fs::path& from, const fs::path& to, Leaves leaves) {
    TreeCopy tree;
    for (const auto& each : fs::directory_iterator(from))
        if (const auto name = each.path().filename(); !leaves(name)) tree.copy(each.path(), to / name);
}

/// The file system's refusals as ours.
template <class Work> void saying(std::string_view doing, Work work) {
    try {
        work();
    } catch (const fs::filesystem_error& problem) {
        throw Error(problem.code() == std::errc::no_space_on_device ? Failure::Full : Failure::Broken, "could not ",
                    doing, ": ", problem.what());
    }
}

}

Snapshots::Snapshots(const fs::path& stateDir)
    : stateDir_(stateDir),
      folder_(stateDir / ownFolder),
      coming_(folder_ / "coming") {}

void Snapshots::clear() const {
    saying("remove old snapshots", [&] { fs::remove_all(folder_); });
}

void Snapshots::take(const Snapshot& snapshot, store::Store& store) {
    const auto place = placeOf(snapshot);
    try {
        saying("take a snapshot", [&] {
            ensureFolder(place, Lets::Nobody);
            store.backupTo(place / storeFile);
            copyInto(stateDir_, place, [](const fs::path& name) { return stays(name) || isOfStore(name); });
        });
    } catch (...) {
        std::error_code none;
        fs::remove_all(place, none);
        throw;
    }
    const std::lock_guard guard(mutex_);
    snapshots_.push_back(snapshot);
}

std::vector<Snapshot> Snapshots::all() const {
    const std::lock_guard guard(mutex_);
    return snapshots_;
}

Snapshot Snapshots::named(const std::string& idOrName) const {
    const std::lock_guard guard(mutex_);
    const auto found = std::find_if(snapshots_.rbegin(), snapshots_.rend(),
                                    [&](const Snapshot& each) { return each.id == idOrName || each.name == idOrName; });
    if (found == snapshots_.rend()) throw Error(Failure::NotFound, "There is no snapshot \"", idOrName, "\".");
    return *found;
}

void Snapshots::remove(const std::string& idOrName) {
    const auto snapshot = named(idOrName);
    {
        const std::lock_guard guard(mutex_);
        std::erase_if(snapshots_, [&](const Snapshot& each) { return each.id == snapshot.id; });
    }
    saying("remove a snapshot", [&] { fs::remove_all(placeOf(snapshot)); });
}

void Snapshots::prepare(const Snapshot& snapshot) const {
    saying("go back to a snapshot", [&] {
        fs::remove_all(coming_);
        ensureFolder(coming_, Lets::Nobody);
        copyInto(placeOf(snapshot), coming_, [](const fs::path&) { return false; });
    });
}

void Snapshots::bringBack() const {
    saying("go back to a snapshot", [&] {
        for (const auto& each : fs::directory_iterator(stateDir_))
            if (!stays(each.path().filename())) fs::remove_all(each.path());
        for (const auto& each : fs::directory_iterator(coming_))
            fs::rename(each.path(), stateDir_ / each.path().filename());
        fs::remove(coming_);
    });
}

}
