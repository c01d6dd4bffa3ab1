#include "block/driver/file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "block/driver/layered_disk.hpp"
#include "block/driver/layers.hpp"
#include "block/driver/qcow2.hpp"
#include "platform/os/fd.hpp"
#include "platform/os/folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "volume-", snapshotPrefix = "snapshot-", unfinished = ".part", flatSuffix = ".flat",
                           layersSuffix = ".layers";

fs::path with(fs::path file, std::string_view suffix) { return file += suffix; }

/// Where the bytes of a volume or a snapshot may be.
struct Place {
    explicit Place(const fs::path& stem) : file(stem), flat(with(stem, flatSuffix)), layers(with(stem, layersSuffix)) {}

    fs::path file, flat, layers;

    bool layered() const { return fs::is_directory(layers); }
    bool isFlat() const { return !layered() && fs::exists(flat); }
    bool there() const { return layered() || fs::exists(flat) || fs::exists(file); }
    const fs::path& raw() const { return isFlat() ? flat : file; } ///< where it isn't layered
};

/// "volume-…" of a name in the folder, whatever form it has.
std::string stemOf(std::string name) {
    for (const auto suffix : {flatSuffix, layersSuffix})
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    return name;
}

template <class AnId> std::optional<AnId> idIn(const std::string& stem, std::string_view kind) {
    if (!stem.starts_with(kind) || !isUuid(stem.substr(kind.size()))) return std::nullopt;
    return AnId{stem.substr(kind.size())};
}

class FileDriver : public VolumeDriver {
public:
    explicit FileDriver(FileOptions options)
        : options_(std::move(options)),
          folder_(options_.folder),
          released_(folder_ / "released") {
        fs::create_directories(folder_);
        fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
        for (const auto& entry : fs::directory_iterator(folder_)) // what a crash left; its job begins again
            if (entry.path().filename().string().ends_with(unfinished)) fs::remove_all(entry.path());
        layering_ = !options_.copies && !sharesBlocks(folder_);
        instant_ = sharesBlocks(folder_);
    }

    std::string_view name() const override { return options_.name; }
    std::string_view protocol() const override { return "file"; }
    VolumeCapabilities capabilities() const override { return {.multiattach = true}; }

    void ensure(const VolumeId& volume, GiB size, Layout layout, LiveDisk* live) override {
        const auto place = placeOf(volume);
        if (!place.there()) return make(layout == Layout::Flat ? place.flat : place.file, size);
        if (place.layered()) diskOf(place).settle(live);
        const auto length = sizeOf(place);
        if (length > size.bytes()) throw Error(Failure::Broken, "volume ", volume, " is larger than ", size);
        if (length < size.bytes()) grow(place, size.bytes(), live);
    }

    void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) override {
        const auto place = placeOf(volume);
        const auto from = openToRead(localPath(image));
        if (image.format == DiskFormat::Raw && lengthOf(from) > size.bytes().count)
            throw Error(Failure::Broken, "the image is larger than volume ", volume);
        if (image.format == DiskFormat::Raw && mayLayer(place) && standOnFile(place, size.bytes(), localPath(image)))
            return;
        fillRaw(place, place.isFlat(), size.bytes(), [&](const Fd& to) {
            image.format == DiskFormat::Raw ? copySparse(from, to, cancelled)
                                            : convertImage(image, to, size.bytes(), cancelled);
        });
    }

    void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        const auto place = placeOf(volume), from = placeOf(snapshot);
        if (!from.layered()) return copy(from, place, size.bytes(), cancelled);
        standOn(place, size.bytes(), from.layers, layers::head(from.layers), cancelled);
    }

    void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
               LiveDisk* live) override {
        const auto place = placeOf(volume), from = placeOf(source);
        if (isCopied(from)) {
            requireStill(live);
            return copy(from, place, size.bytes(), cancelled);
        }
        const auto below = layered(from, live).stepUp(volume.text, live, cancelled);
        standOn(place, size.bytes(), from.layers, below, cancelled);
    }

    void discard(const VolumeId& volume) override { remove(placeOf(volume)); }

    void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                  LiveDisk* live) override {
        const auto to = placeOf(snapshot), from = placeOf(volume);
        if (to.there()) return;
        if (isCopied(from)) {
            requireStill(live);
            return copy(from, to, sizeOf(from), cancelled);
        }
        const auto below = layered(from, live).stepUp(snapshot.text, live, cancelled);
        const auto part = with(to.layers, unfinished);
        layers::make(part);
        layers::link(from.layers, layers::chain(from.layers, below), part);
        layers::setHead(part, below);
        publish(part, to.layers);
    }

    void discard(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                 LiveDisk* live) override {
        remove(placeOf(snapshot));
        if (const auto place = placeOf(volume); place.layered()) {
            auto disk = diskOf(place);
            disk.settle(live);
            disk.compact(live, cancelled);
        }
    }

    void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        if (const auto place = placeOf(volume); place.layered()) diskOf(place).settle(nullptr);
        restore(volume, size, snapshot, cancelled);
    }

    DiskSource connect(const VolumeId& volume, const Connector&) override { return source(volume); }
    void disconnect(const VolumeId&, const Connector&) override {}

    DiskSource source(const VolumeId& volume) override {
        const auto place = placeOf(volume);
        if (!place.there()) throw Error(Failure::Broken, "volume ", volume, " has no file");
        return sourceIn(place);
    }
    DiskSource source(const SnapshotId& snapshot) override {
        const auto place = placeOf(snapshot);
        if (!place.there()) throw Error(Failure::Broken, "snapshot ", snapshot, " has no file");
        auto found = sourceIn(place);
        found.readOnly = true;
        return found;
    }

    std::vector<Manageable> manageable() override {
        std::vector<Manageable> found;
        std::set<std::string> seen;
        for (const auto& folder : {folder_, released_})
            for (const auto& entry : entriesOf(folder)) {
                const auto stem = stemOf(entry.path().filename().string());
                const Place place(folder / stem);
                if ((!entry.is_regular_file() && !place.layered()) || !seen.insert(stem).second) continue;
                Manageable one{.reference = stem,
                               .size = {},
                               .volume = idIn<VolumeId>(stem, prefix),
                               .snapshot = idIn<SnapshotId>(stem, snapshotPrefix),
                               .reason = {}};
                try {
                    one.size = sizeToAdopt(place);
                } catch (const Error& problem) {
                    one.reason = problem.what();
                }
                found.push_back(std::move(one));
            }
        return found;
    }

    GiB adopt(const VolumeId& volume, const std::string& reference) override {
        const auto place = placeOf(volume);
        if (!place.there()) {
            const auto from = named(reference);
            try {
                sizeToAdopt(from);
            } catch (const Error& problem) {
                throw Error(Failure::Invalid, problem.what());
            }
            take(from, place);
            forgetReleased();
        }
        const auto size = volumeSizeFor(sizeOf(place));
        ensure(volume, size, Layout::Any, nullptr);
        return size;
    }

    void release(const VolumeId& volume) override {
        const auto place = placeOf(volume), to = Place(released_ / place.file.filename());
        if (!place.there()) return;
        if (place.layered()) diskOf(place).settle(nullptr);
        fs::create_directories(released_);
        move(place, to);
        syncFolder(released_);
    }

    void adopt(const SnapshotId& snapshot, const VolumeId&, const std::string& reference) override {
        const auto place = placeOf(snapshot);
        if (place.there()) return;
        const auto from = named(reference);
        if (!reference.starts_with(snapshotPrefix) || !from.there())
            throw Error(Failure::Invalid, "There is no snapshot ", reference, " in this back end.");
        take(from, place);
        forgetReleased();
    }

    void release(const SnapshotId& snapshot, const VolumeId&) override {
        const auto place = placeOf(snapshot);
        if (!place.there()) return;
        fs::create_directories(released_);
        move(place, Place(released_ / place.file.filename()));
        syncFolder(released_);
    }

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

    Place placed(std::string_view kind, const std::string& id) const {
        if (!isUuid(id)) throw Error(Failure::Broken, "an id cannot be a file name: ", id);
        return Place(folder_ / (std::string(kind) + id));
    }
    Place placeOf(const VolumeId& volume) const { return placed(prefix, volume.text); }
    Place placeOf(const SnapshotId& snapshot) const { return placed(snapshotPrefix, snapshot.text); }

    static LayeredDisk diskOf(const Place& place) { return LayeredDisk(place.layers, place.file); }

    /// Its bytes are never shared as layers.
    bool isCopied(const Place& place) const { return !place.layered() && !mayLayer(place); }
    bool mayLayer(const Place& place) const { return layering_ && !place.isFlat(); }

    /// A copy takes its time; where a guest writes meanwhile it would be of no moment.
    void requireStill(const LiveDisk* live) const {
        if (live && !instant_)
            throw Error(Failure::Broken, "a volume that lies in one file cannot be copied while a guest has it");
    }

    static Bytes sizeOf(const Place& place) {
        if (place.layered()) return layers::sizeOf(place.layers, layers::head(place.layers));
        return {static_cast<std::int64_t>(fs::file_size(place.raw()))};
    }

    static DiskSource sourceIn(const Place& place) {
        return place.layered() ? diskOf(place).source() : DiskSource{FileDisk{place.raw()}, DiskFormat::Raw};
    }

    void grow(const Place& place, Bytes size, LiveDisk* live) {
        if (place.layered()) return diskOf(place).grow(size, live);
        layers::resizeRaw(place.raw(), size);
    }

    /// The volume as layers, ready to be changed.
    LayeredDisk layered(const Place& place, LiveDisk* live) {
        if (!place.layered()) {
            const auto part = with(place.layers, unfinished);
            layers::make(part);
            const auto lowest = layers::freshName(DiskFormat::Raw);
            fs::create_hard_link(place.file, part / lowest);
            layers::setHead(part, lowest);
            publish(part, place.layers);
        }
        auto disk = diskOf(place);
        disk.settle(live);
        return disk;
    }

    /// The volume has what `bring` puts into its folder, and returns the topmost layer of, below it from now on.
    template <class Bring> void standOn(const Place& place, Bytes size, Bring bring) {
        const bool there = place.layered();
        const auto folder = there ? place.layers : with(place.layers, unfinished);
        if (!there) layers::make(folder);
        const std::string below = bring(folder);
        const auto top = layers::freshName(DiskFormat::Qcow2);
        layers::addOverlay(folder, top, below, size);
        layers::setHead(folder, top);
        if (!there) publish(folder, place.layers);
        if (fs::remove(place.file)) syncFolder(folder_);
        layers::sweep(place.layers);
    }

    void standOn(const Place& place, Bytes size, const fs::path& from, const std::string& top,
                 const Cancelled& cancelled) {
        const auto names = layers::chain(from, top);
        if (layers::sizeOf(from, top) > size) throw Error(Failure::Broken, "the content is larger than the volume");
        if (place.isFlat() || names.size() >= LayeredDisk::depthMax)
            return fillRaw(place, place.isFlat(), size,
                           [&](const Fd& to) { layers::copyOut(from, top, to, cancelled); });
        standOn(place, size, [&](const fs::path& folder) {
            layers::link(from, names, folder);
            return top;
        });
    }

    /// Without a copy; false where the image is in another file system.
    bool standOnFile(const Place& place, Bytes size, const fs::path& image) {
        const auto lowest = layers::freshName(DiskFormat::Raw);
        std::error_code cannot;
        fs::create_hard_link(image, folder_ / (lowest + std::string(unfinished)), cannot);
        if (cannot) return false;
        standOn(place, size, [&](const fs::path& folder) {
            fs::rename(folder_ / (lowest + std::string(unfinished)), folder / lowest);
            return lowest;
        });
        return true;
    }

    /// The volume's content is what `write` puts into a raw file, which has its size already.
    template <class Write> void fillRaw(const Place& place, bool flat, Bytes size, Write write) {
        const auto& file = flat ? place.flat : place.file;
        const auto part = with(file, unfinished);
        {
            const auto to = createAnew(part);
            check(::ftruncate(to.get(), size.count), "size a volume");
            write(to);
            if (lengthOf(to) != size.count) check(::ftruncate(to.get(), size.count), "size a volume");
            check(::fsync(to.get()), "flush a volume");
        }
        publish(part, file);
        if (flat && fs::remove(place.file)) syncFolder(folder_);
        if (fs::is_directory(place.layers)) removeFolder(place.layers);
    }

    /// What is made of a flat volume is flat.
    void copy(const Place& from, const Place& to, Bytes size, const Cancelled& cancelled) {
        const auto source = openToRead(from.raw());
        if (lengthOf(source) > size.count) throw Error(Failure::Broken, "the content is larger than the volume");
        fillRaw(to, from.isFlat() || to.isFlat(), size, [&](const Fd& file) { copySparse(source, file, cancelled); });
    }

    void make(const fs::path& file, GiB size) {
        const auto part = with(file, unfinished);
        {
            const auto made = createAnew(part);
            check(::ftruncate(made.get(), size.bytes().count), "size a volume");
            check(::fsync(made.get()), "flush a volume");
        }
        publish(part, file);
    }

    /// What is whole gets its name.
    void publish(const fs::path& part, const fs::path& whole) {
        fs::rename(part, whole);
        syncFolder(folder_);
    }

    /// At once for who looks, whatever it takes.
    void removeFolder(const fs::path& folder) {
        const auto part = with(folder, unfinished);
        fs::remove_all(part);
        if (fs::is_directory(folder)) publish(folder, part);
        fs::remove_all(part);
    }

    void remove(const Place& place) {
        for (const auto& each : {place.file, place.flat}) {
            fs::remove(with(each, unfinished));
            if (fs::remove(each)) syncFolder(folder_);
        }
        removeFolder(place.layers);
    }

    // Taking over and giving up.

    static std::vector<fs::directory_entry> entriesOf(const fs::path& folder) {
        std::vector<fs::directory_entry> all;
        if (!fs::is_directory(folder)) return all;
        for (const auto& entry : fs::directory_iterator(folder))
            if (!entry.path().filename().string().ends_with(unfinished)) all.push_back(entry);
        return all;
    }

    /// What an administrator calls so. Error(Invalid) where there is nothing of that name.
    Place named(const std::string& reference) const {
        const bool plain =
            !reference.empty() && reference.find('/') == std::string::npos && !reference.starts_with('.');
        for (const auto& folder : {folder_, released_})
            if (const Place place(folder / reference); plain && place.there()) return place;
        throw Error(Failure::Invalid, "There is no file ", reference, " in this back end.");
    }

    /// Only a file that is all there is: what it names besides could be anything of the host (OSSA-2024-001). Its name
    /// says the format.
    static Bytes sizeToAdopt(const Place& place) {
        const auto name = place.file.filename().string();
        if (place.layered() || place.isFlat()) return sizeOf(place);
        if (!fs::is_regular_file(fs::symlink_status(place.file))) throw Error(Failure::Invalid, name, " is no file.");
        if (!name.ends_with(".qcow2")) return sizeOf(place);
        const auto header = qcow2::headerOf(place.file);
        if (!header.alone) throw Error(Failure::Invalid, name, " needs another file.");
        return header.size;
    }

    void move(const Place& from, const Place& to) {
        if (from.layered())
            fs::rename(from.layers, to.layers);
        else
            fs::rename(from.raw(), from.isFlat() ? to.flat : to.file);
        syncFolder(folder_);
    }

    void take(const Place& from, const Place& to) {
        if (!from.layered()) fs::permissions(from.raw(), fs::perms::owner_read | fs::perms::owner_write);
        if (from.layered() || !from.file.string().ends_with(".qcow2")) return move(from, to);
        const auto part = with(to.layers, unfinished);
        layers::make(part);
        const auto layer = layers::freshName(DiskFormat::Qcow2);
        fs::create_hard_link(from.file, part / layer);
        layers::setHead(part, layer);
        publish(part, to.layers);
        fs::remove(from.file);
        syncFolder(folder_);
    }

    /// The folder goes with the last that was in it.
    void forgetReleased() const {
        std::error_code holdsMore;
        fs::remove(released_, holdsMore);
    }

    template <class AnId> std::vector<AnId> called(std::string_view kind) const {
        std::set<AnId> found;
        for (const auto& entry : entriesOf(folder_))
            if (auto id = idIn<AnId>(stemOf(entry.path().filename().string()), kind)) found.insert(*std::move(id));
        return {found.begin(), found.end()};
    }

    FileOptions options_;
    fs::path folder_, released_;
    bool layering_ = true, instant_ = false; ///< `instant_`: a copy is of one moment, whoever writes
};

}

std::unique_ptr<VolumeDriver> fileVolumeDriver(FileOptions options) {
    return std::make_unique<FileDriver>(std::move(options));
}

}
