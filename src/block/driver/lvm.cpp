#include "block/driver/lvm.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

#include <stratolet/driver/local_path.hpp>
#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "platform/config/config.hpp"
#include "platform/json/json.hpp"
#include "platform/os/process.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "volume-", snapshotPrefix = "_snapshot-", releasedPrefix = "released-",
                           unfinished = "part-";
// What a logical volume says of itself in a tag: up to where its bytes are its volume's, and how long a snapshot is.
constexpr std::string_view zeroedTag = "zeroed.to.", lengthTag = "length.";

/// A logical volume, as LVM reports it.
struct Logical {
    std::string name, attributes, origin, pool;
    Bytes size;
    std::vector<std::string> tags;

    bool isOpen() const { return attributes.size() > 5 && attributes[5] == 'o'; }
    bool isThin() const { return !attributes.empty() && attributes[0] == 'V'; }
    bool isPlain() const { return !attributes.empty() && (attributes[0] == '-' || attributes[0] == 'o'); }

    std::optional<std::int64_t> tagged(std::string_view tag) const {
        for (const auto& each : tags)
            if (each.starts_with(tag)) return std::stoll(each.substr(tag.size()));
        return std::nullopt;
    }
};

process::Outcome lvm(std::vector<std::string> argv) {
    return process::run({.argv = std::move(argv), .timeout = std::chrono::minutes(2)});
}

std::string inBytes(Bytes size) { return std::to_string(size.count) + "b"; }

Fd openDevice(const fs::path& device, int flags) {
    return Fd(static_cast<int>(check(::open(device.c_str(), flags | O_CLOEXEC), "open a logical volume")));
}

void requireDeviceMapper(const std::string& backEnd) {
    const Fd control(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control)
        throw Error(Failure::Invalid, "back end \"", backEnd,
                    "\": this kernel has no device-mapper, which LVM needs (there is no /dev/mapper/control)");
}

/// In pieces, so that it can be stopped; the kernel lets the disk do it where that can.
void zero(const Fd& device, std::int64_t from, std::int64_t to, const Cancelled& cancelled) {
    constexpr std::int64_t pieceMax = std::int64_t{256} << 20;
    for (auto at = from; at < to; at += pieceMax) {
        if (cancelled && cancelled()) throw Error(Failure::Busy, "the zeroing of a volume was stopped");
        std::array<std::uint64_t, 2> range{static_cast<std::uint64_t>(at),
                                           static_cast<std::uint64_t>(std::min(pieceMax, to - at))};
        check(::ioctl(device.get(), BLKZEROOUT, range.data()), "zero a volume");
    }
}

class LvmDriver : public VolumeDriver {
public:
    explicit LvmDriver(LvmOptions options) : options_(std::move(options)) {
        requireDeviceMapper(options_.name);
        const auto groups = report("vgs", "vg_name", {options_.group}, "vg");
        if (groups.empty())
            throw Error(Failure::Invalid, "back end \"", options_.name, "\": there is no volume group ",
                        options_.group);
        if (options_.thin) {
            const auto pools = report("lvs", "lv_attr,zero", {options_.group + "/" + options_.pool}, "lv");
            if (pools.empty() || !pools.front().text("lv_attr").starts_with('t'))
                throw Error(Failure::Invalid, "back end \"", options_.name, "\": there is no thin pool ", options_.pool,
                            " in volume group ", options_.group);
            if (pools.front().text("zero") != "zero")
                throw Error(Failure::Invalid, "back end \"", options_.name, "\": the thin pool ", options_.pool,
                            " does not zero what it hands out: lvchange --zero y ", options_.group, "/", options_.pool);
        }
        for (const auto& each : all()) // what a crash left; its job begins again
            if (each.name.starts_with(unfinished)) remove(each.name);
    }

    std::string_view name() const override { return options_.name; }
    std::string_view protocol() const override { return "lvm"; }
    VolumeCapabilities capabilities() const override { return {.thin = options_.thin, .multiattach = true}; }

    void ensure(const VolumeId& volume, GiB size, Layout, LiveDisk*) override {
        const auto name = nameOf(volume);
        const auto there = find(name);
        if (!there) return make(name, size.bytes());
        if (there->size > size.bytes()) throw Error(Failure::Broken, "volume ", volume, " is larger than ", size);
        grow(*there, size.bytes());
    }

    void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) override {
        const auto from = openToRead(localPath(image));
        if (image.format == DiskFormat::Raw && lengthOf(from) > size.bytes().count)
            throw Error(Failure::Broken, "the image is larger than volume ", volume);
        write(nameOf(volume), size.bytes(), [&](const Fd& to) {
            image.format == DiskFormat::Raw ? copySparse(from, to, cancelled)
                                            : convertImage(image, to, size.bytes(), cancelled);
        });
    }

    void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        const auto from = known(nameOf(snapshot));
        if (options_.thin) return share(from.name, nameOf(volume), size.bytes());
        write(nameOf(volume), size.bytes(),
              [&](const Fd& to) { copyTo(to, from.name, lengthOf(from), size.bytes(), There::Zeros, cancelled); });
    }

    void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
               LiveDisk* live) override {
        const auto from = known(nameOf(source));
        if (options_.thin) return share(from.name, nameOf(volume), size.bytes());
        // A moment of what a guest writes to.
        const auto moment = std::string(unfinished) + nameOf(volume);
        if (live) keep(from.name, moment);
        write(nameOf(volume), size.bytes(), [&](const Fd& to) {
            copyTo(to, live ? moment : from.name, from.size.count, size.bytes(), There::Zeros, cancelled);
        });
        if (live) remove(moment);
    }

    void discard(const VolumeId& volume) override {
        const auto there = find(nameOf(volume));
        if (!there) return;
        wipe(*there);
        remove(there->name);
    }

    void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled&, LiveDisk*) override {
        if (!find(nameOf(snapshot))) keep(nameOf(volume), nameOf(snapshot));
    }

    void discard(const SnapshotId& snapshot, const VolumeId&, const Cancelled&, LiveDisk*) override {
        if (find(nameOf(snapshot))) remove(nameOf(snapshot));
    }

    void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) override {
        if (options_.thin) return restore(volume, size, snapshot, cancelled);
        // In place: the snapshot keeps what is overwritten, and stays what it is.
        const auto from = known(nameOf(snapshot));
        const auto to = openDevice(pathOf(nameOf(volume)), O_RDWR);
        copyTo(to, from.name, lengthOf(from), size.bytes(), There::Anything, cancelled);
        zero(to, lengthOf(from), size.bytes().count, cancelled);
        check(::fsync(to.get()), "flush a volume");
    }

    DiskSource connect(const VolumeId& volume, const Connector&) override { return source(volume); }
    void disconnect(const VolumeId&, const Connector&) override {}

    DiskSource source(const VolumeId& volume) override {
        return {BlockDisk{activated(nameOf(volume))}, DiskFormat::Raw};
    }
    DiskSource source(const SnapshotId& snapshot) override {
        return {BlockDisk{activated(nameOf(snapshot))}, DiskFormat::Raw, true};
    }

    std::vector<Manageable> manageable() override {
        std::vector<Manageable> found;
        for (const auto& each : all()) {
            if (each.attributes.starts_with('t') || each.name.starts_with(unfinished)) continue;
            auto name = each.name;
            if (name.starts_with(releasedPrefix)) name.erase(0, releasedPrefix.size());
            Manageable one{.reference = name,
                           .size = each.size,
                           .volume = idIn<VolumeId>(name, prefix),
                           .snapshot = idIn<SnapshotId>(name, snapshotPrefix),
                           .reason = {}};
            if (!one.snapshot) one.reason = objectionTo(each);
            if (one.snapshot) one.volume = idIn<VolumeId>(each.origin, prefix);
            found.push_back(std::move(one));
        }
        return found;
    }

    GiB adopt(const VolumeId& volume, const std::string& reference) override {
        const auto name = nameOf(volume);
        if (!find(name)) {
            auto from = find(reference);
            if (!from) from = find(std::string(releasedPrefix) + reference);
            if (!from) throw Error(Failure::Invalid, "There is no logical volume ", reference, " in this back end.");
            if (auto objection = objectionTo(*from); !objection.empty()) throw Error(Failure::Invalid, objection);
            rename(from->name, name);
        }
        const auto size = volumeSizeFor(known(name).size);
        ensure(volume, size, Layout::Any, nullptr);
        return size;
    }

    void release(const VolumeId& volume) override {
        if (find(nameOf(volume))) rename(nameOf(volume), std::string(releasedPrefix) + nameOf(volume));
    }

    void adopt(const SnapshotId& snapshot, const VolumeId& volume, const std::string& reference) override {
        const auto name = nameOf(snapshot);
        if (find(name)) return;
        auto from = find(reference);
        if (!from) from = find(std::string(releasedPrefix) + reference);
        if (!from || from->origin != nameOf(volume))
            throw Error(Failure::Invalid, "There is no snapshot ", reference, " of this volume in this back end.");
        rename(from->name, name);
    }

    void release(const SnapshotId& snapshot, const VolumeId&) override {
        if (find(nameOf(snapshot))) rename(nameOf(snapshot), std::string(releasedPrefix) + nameOf(snapshot));
    }

    std::vector<VolumeId> present() override { return called<VolumeId>(prefix); }
    std::vector<SnapshotId> presentSnapshots() override { return called<SnapshotId>(snapshotPrefix); }

    Bytes capacity() override {
        return options_.thin ? sizeIn("lvs", "lv_size", options_.group + "/" + options_.pool, "lv")
                             : sizeIn("vgs", "vg_size", options_.group, "vg");
    }
    Bytes free() override {
        if (!options_.thin) return sizeIn("vgs", "vg_free", options_.group, "vg");
        const auto pool = report("lvs", "lv_size,data_percent", {options_.group + "/" + options_.pool}, "lv").at(0);
        const auto size = std::stod(pool.text("lv_size"));
        return {static_cast<std::int64_t>(size * (1 - std::stod(pool.text("data_percent")) / 100))};
    }

private:
    // --- what LVM says

    /// Rows of a report, none where what it is asked about isn't there.
    static std::vector<Json> report(const std::string& program, const std::string& fields,
                                    const std::vector<std::string>& about, const std::string& kind) {
        std::vector<std::string> argv = {program, "--reportformat", "json", "--units", "b", "--nosuffix", "-o", fields};
        argv.insert(argv.end(), about.begin(), about.end());
        const auto said = lvm(std::move(argv));
        if (said.exitCode == 127) throw Error(Failure::Invalid, "there is no ", program, ": install lvm2");
        if (said.exitCode == 5) return {}; // LVM's own: what was named is not there
        said.expectSuccess();
        return Json::parse(said.out).array("report").items().at(0).array(kind).items();
    }

    Bytes sizeIn(const std::string& program, const std::string& field, const std::string& about,
                 const std::string& kind) const {
        return {std::stoll(report(program, field, {about}, kind).at(0).text(field))};
    }

    std::vector<Logical> asked(const std::string& about) const {
        std::vector<Logical> found;
        for (const auto& row : report("lvs", "lv_name,lv_attr,lv_size,origin,pool_lv,lv_tags", {about}, "lv"))
            found.push_back({.name = row.text("lv_name"),
                             .attributes = row.text("lv_attr"),
                             .origin = row.text("origin"),
                             .pool = row.text("pool_lv"),
                             .size = {std::stoll(row.text("lv_size"))},
                             .tags = itemsOf(row.text("lv_tags"))});
        return found;
    }

    std::vector<Logical> all() const { return asked(options_.group); }

    /// Only what LVM may call a volume is asked for; what it doesn't know isn't there.
    std::optional<Logical> find(const std::string& name) const {
        const bool plain = !name.empty() && name[0] != '-' && name[0] != '.' &&
                           std::all_of(name.begin(), name.end(), [](unsigned char each) {
                               return std::isalnum(each) ||
                                      std::string_view("_.+-").find(static_cast<char>(each)) != std::string_view::npos;
                           });
        if (!plain) return std::nullopt;
        auto found = asked(options_.group + "/" + name);
        if (found.empty()) return std::nullopt;
        return std::move(found.front());
    }

    Logical known(const std::string& name) const {
        auto found = find(name);
        if (!found) throw Error(Failure::Broken, "there is no logical volume ", name, " in ", options_.group);
        return *std::move(found);
    }

    static std::int64_t lengthOf(const Logical& volume) { return volume.tagged(lengthTag).value_or(volume.size.count); }
    static std::int64_t lengthOf(const Fd& file) { return block::lengthOf(file); }

    // --- names

    static std::string named(std::string_view kind, const std::string& id) {
        if (!isUuid(id)) throw Error(Failure::Broken, "an id cannot be a logical volume's name: ", id);
        return std::string(kind) + id;
    }
    static std::string nameOf(const VolumeId& volume) { return named(prefix, volume.text); }
    static std::string nameOf(const SnapshotId& snapshot) { return named(snapshotPrefix, snapshot.text); }
    std::string fullNameOf(const std::string& name) const { return options_.group + "/" + name; }
    fs::path pathOf(const std::string& name) const { return fs::path("/dev") / options_.group / name; }

    template <class AnId> static std::optional<AnId> idIn(const std::string& name, std::string_view kind) {
        if (!name.starts_with(kind) || !isUuid(name.substr(kind.size()))) return std::nullopt;
        return AnId{name.substr(kind.size())};
    }

    template <class AnId> std::vector<AnId> called(std::string_view kind) const {
        std::vector<AnId> found;
        for (const auto& each : all())
            if (auto id = idIn<AnId>(each.name, kind)) found.push_back(*std::move(id));
        return found;
    }

    // --- verbs of LVM

    void make(const std::string& name, Bytes size) {
        if (options_.thin) {
            lvm({"lvcreate", "--yes", "--quiet", "--thin", "--name", name, "--virtualsize", inBytes(size),
                 fullNameOf(options_.pool)})
                .expectSuccess();
            return;
        }
        // It has its name from the beginning, and says with it that it isn't whole.
        const auto part = std::string(unfinished) + name;
        if (find(part)) remove(part);
        lvm({"lvcreate", "--yes", "--quiet", "--wipesignatures", "n", "--zero", "n", "--name", part, "--size",
             inBytes(size), options_.group})
            .expectSuccess();
        zero(openDevice(pathOf(part), O_RDWR), 0, size.count, {});
        rename(part, name);
    }

    /// What comes is zeros: thin pools see to it, else we do, before anybody knows that it is there.
    void grow(const Logical& volume, Bytes size) {
        const auto name = fullNameOf(volume.name);
        if (options_.thin) {
            if (volume.size < size) lvm({"lvextend", "--quiet", "--size", inBytes(size), name}).expectSuccess();
            return;
        }
        auto zeroed = volume.tagged(zeroedTag);
        if (volume.size == size && !zeroed) return;
        if (!zeroed) {
            zeroed = volume.size.count;
            lvm({"lvchange", "--quiet", "--addtag", std::string(zeroedTag) + std::to_string(*zeroed), name})
                .expectSuccess();
        }
        if (volume.size < size) {
            // LVM extends what has snapshots only while nobody can use it.
            const bool idle = volume.attributes.starts_with('o') && !volume.isOpen();
            if (idle) lvm({"lvchange", "--quiet", "--activate", "n", name}).expectSuccess();
            const auto extended = lvm({"lvextend", "--quiet", "--size", inBytes(size), name});
            if (idle) lvm({"lvchange", "--quiet", "--activate", "y", name}).expectSuccess();
            extended.expectSuccess();
        }
        zero(openDevice(pathOf(volume.name), O_RDWR), *zeroed, size.count, {});
        lvm({"lvchange", "--quiet", "--deltag", std::string(zeroedTag) + std::to_string(*zeroed), name})
            .expectSuccess();
    }

    /// The bytes of this moment, whoever writes.
    void keep(const std::string& of, const std::string& name) {
        const auto origin = known(of);
        std::vector<std::string> argv = {"lvcreate", "--yes", "--quiet", "--snapshot", "--name", name};
        // A thick one never overflows: it has room for all that could be overwritten.
        const auto more = options_.thin
                              ? std::vector<std::string>{"--setactivationskip", "n"}
                              : std::vector<std::string>{"--extents", "100%ORIGIN", "--addtag",
                                                         std::string(lengthTag) + std::to_string(origin.size.count)};
        argv.insert(argv.end(), more.begin(), more.end());
        argv.push_back(fullNameOf(of));
        lvm(std::move(argv)).expectSuccess();
    }

    /// `name` is a volume of its own that begins with the blocks of another one.
    void share(const std::string& of, const std::string& name, Bytes size) {
        const auto part = std::string(unfinished) + name;
        if (find(part)) remove(part);
        keep(of, part);
        grow(known(part), size);
        if (find(name)) remove(name);
        rename(part, name);
    }

    /// A volume with what `write` puts on a device that reads as zeros; zeros, where that fails.
    template <class Write> void write(const std::string& name, Bytes size, Write write) {
        const auto renew = [&] {
            const auto there = find(name);
            if (there && options_.thin) remove(name);
            if (!there || options_.thin) return make(name, size);
            grow(*there, size);
            zero(openDevice(pathOf(name), O_RDWR), 0, size.count, {});
        };
        renew();
        try {
            const auto to = openDevice(pathOf(name), O_RDWR);
            write(to);
            check(::fsync(to.get()), "flush a volume");
        } catch (const Error&) {
            renew();
            throw;
        }
    }

    void copyTo(const Fd& to, const std::string& from, std::int64_t length, Bytes size, There there,
                const Cancelled& cancelled) const {
        if (length > size.count) throw Error(Failure::Broken, "the content is larger than the volume");
        copyBytes(openDevice(pathOf(from), O_RDONLY), to, length, there, cancelled);
    }

    /// A thick volume's blocks are the next one's: nothing of its bytes is left to whoever gets them, of this cloud or
    /// not.
    void wipe(const Logical& volume) {
        const auto device = openDevice(activated(volume.name), O_RDWR);
        std::array<std::uint64_t, 2> whole{0, static_cast<std::uint64_t>(volume.size.count)};
        if (!options_.thin) zero(device, 0, volume.size.count, {});
        ::ioctl(device.get(), BLKDISCARD, whole.data()); // a favour to the disk, where it takes it
    }

    void remove(const std::string& name) { lvm({"lvremove", "--yes", "--quiet", fullNameOf(name)}).expectSuccess(); }

    void rename(const std::string& from, const std::string& to) {
        lvm({"lvrename", "--quiet", options_.group, from, to}).expectSuccess();
    }

    /// After a start of the machine, nobody may have let it in yet.
    fs::path activated(const std::string& name) const {
        const auto path = pathOf(name);
        if (fs::exists(path)) return path;
        const auto there = known(name);
        lvm({"lvchange", "--quiet", "--activate", "y", "--ignoreactivationskip", fullNameOf(there.name)})
            .expectSuccess();
        if (!fs::exists(path)) throw Error(Failure::Broken, path.string(), " does not appear");
        return path;
    }

    /// Why it can't be taken over; empty: it can.
    std::string objectionTo(const Logical& volume) const {
        if (volume.isOpen()) return volume.name + " is in use.";
        if (options_.thin ? !volume.isThin() || volume.pool != options_.pool : !volume.isPlain())
            return volume.name + " is of another kind than the volumes of this back end.";
        return {};
    }

    LvmOptions options_;
};

}

std::unique_ptr<VolumeDriver> lvmVolumeDriver(LvmOptions options) {
    return std::make_unique<LvmDriver>(std::move(options));
}

}
