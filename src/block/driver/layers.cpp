#include "block/driver/layers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "block/driver/qcow2.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/process.hpp"

namespace stratolet::block::layers {
namespace {

constexpr std::string_view raw = ".raw", qcow2 = ".qcow2", part = ".part", headLink = "head", nextLink = "next";
constexpr std::size_t chainMax = 200; // libvirt's own bound; beyond it a circle is more likely

std::string named(const fs::path& folder, std::string_view link) {
    std::error_code failure;
    const auto target = fs::read_symlink(folder / link, failure);
    if (failure) return {};
    if (target.has_parent_path()) throw Error(Failure::Broken, (folder / link).string(), " leads out of its folder");
    return target.string();
}

void name(const fs::path& folder, std::string_view link, const std::string& layer) {
    const auto fresh = folder / (std::string(link) + std::string(part));
    fs::remove(fresh);
    fs::create_symlink(layer, fresh);
    fs::rename(fresh, folder / link);
    syncFolder(folder);
}

bool isLayer(const std::string& name) { return name.ends_with(raw) || name.ends_with(qcow2); }

/// The overlay that stands on `layer` right away, but is not below it; empty where there is none.
std::string above(const fs::path& folder, const std::string& layer) {
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto name = entry.path().filename().string();
        if (name.ends_with(qcow2) && qcow2::headerOf(entry.path()).below == layer) return name;
    }
    return {};
}

void qemuImg(std::vector<std::string> arguments, const Cancelled& cancelled) {
    arguments.insert(arguments.begin(), "qemu-img");
    process::run({.argv = std::move(arguments),
                  .timeout = std::chrono::hours(1),
                  .cancelled = cancelled,
                  .limits = {.memoryBytesMax = std::int64_t{4} << 30, .cpuSecondsMax = 3600}})
        .expectSuccess();
}

}

DiskFormat formatOf(const std::string& layer) {
    if (!isLayer(layer)) throw Error(Failure::Broken, "\"", layer, "\" is no name of a layer");
    return layer.ends_with(raw) ? DiskFormat::Raw : DiskFormat::Qcow2;
}

std::string freshName(DiskFormat format) {
    return RealAmbient().uuid() + std::string(format == DiskFormat::Raw ? raw : qcow2);
}

void make(const fs::path& folder) {
    fs::remove_all(folder);
    ensureFolder(folder, Lets::OthersThrough); // a guest's process opens what is in it under its own user
}

std::string linkedHead(const fs::path& folder) { return named(folder, headLink); }
std::string next(const fs::path& folder) { return named(folder, nextLink); }

std::string head(const fs::path& folder) {
    auto at = linkedHead(folder);
    if (at.empty()) throw Error(Failure::Broken, folder.filename().string(), " names no layer");
    // While layers are merged, the overlay on them is what is merged, or is gone already.
    if (!next(folder).empty()) return at;
    for (std::size_t steps = 0; steps < chainMax; ++steps) {
        auto higher = above(folder, at);
        if (higher.empty()) return at;
        at = std::move(higher);
    }
    throw Error(Failure::Broken, "the layers in ", folder.filename().string(), " stand on each other");
}

void setHead(const fs::path& folder, const std::string& layer) { name(folder, headLink, layer); }

void setNext(const fs::path& folder, const std::string& layer) {
    if (!layer.empty()) return name(folder, nextLink, layer);
    if (fs::remove(folder / nextLink)) syncFolder(folder);
}

Names chain(const fs::path& folder, const std::string& layer) {
    Names names;
    for (auto at = layer; !at.empty();) {
        if (names.size() == chainMax || !fs::is_regular_file(fs::symlink_status(folder / at)) ||
            fs::path(at).has_parent_path())
            throw Error(Failure::Broken, "the layers in ", folder.filename().string(), " lead nowhere");
        names.push_back(at);
        at = formatOf(at) == DiskFormat::Raw ? std::string() : qcow2::headerOf(folder / at).below;
    }
    return names;
}

void link(const fs::path& from, const Names& names, const fs::path& to) {
    for (const auto& each : names)
        if (::link((from / each).c_str(), (to / each).c_str()) != 0 && errno != EEXIST)
            check(-1, "let a volume stand on another one's layers");
}

void addOverlay(const fs::path& folder, const std::string& layer, const std::string& below, Bytes size) {
    const auto fresh = folder / (layer + std::string(part));
    {
        const auto file = createAnew(fresh);
        qcow2::writeOverlay(file, size, below, formatOf(below));
        check(::fsync(file.get()), "flush a layer of a volume");
    }
    fs::rename(fresh, folder / layer);
    syncFolder(folder);
}

Bytes sizeOf(const fs::path& folder, const std::string& layer) {
    if (formatOf(layer) == DiskFormat::Qcow2) return qcow2::headerOf(folder / layer).size;
    return {static_cast<std::int64_t>(fs::file_size(folder / layer))};
}

std::size_t owners(const fs::path& folder, const std::string& layer) {
    struct stat about {};
    check(::lstat((folder / layer).c_str(), &about), "look at a layer of a volume");
    return about.st_nlink;
}

void commit(const fs::path& folder, const std::string& layer, const std::string& base, const Cancelled& cancelled) {
    // Into a raw base it is by the format's own name, which each layer says of what is below it.
    qemuImg({"commit", "-q", "-d", "-f", std::string(nameOf(formatOf(layer))), "-b", base, (folder / layer).string()},
            cancelled);
}

void copyOut(const fs::path& folder, const std::string& layer, const Fd& to, const Cancelled& cancelled) {
    qemuImg({"convert", "-q", "-n", "--target-is-zero", "-f", std::string(nameOf(formatOf(layer))), "-O", "raw",
             (folder / layer).string(), "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(to.get())},
            cancelled);
}

void resize(const fs::path& folder, const std::string& layer, Bytes size) {
    if (formatOf(layer) == DiskFormat::Qcow2)
        return qemuImg({"resize", "-q", "-f", "qcow2", (folder / layer).string(), std::to_string(size.count)}, {});
    resizeRaw(folder / layer, size);
}

void resizeRaw(const fs::path& file, Bytes size) {
    const auto open = openToWrite(file);
    check(::ftruncate(open.get(), size.count), "make a volume larger");
    check(::fsync(open.get()), "flush a volume");
}

void removeAbove(const fs::path& folder, const std::string& layer) {
    const auto higher = above(folder, layer);
    if (higher.empty()) return;
    fs::remove(folder / higher);
    syncFolder(folder);
}

void sweep(const fs::path& folder) {
    const auto wanted = chain(folder, head(folder));
    const auto coming = next(folder);
    std::vector<fs::path> gone;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto name = entry.path().filename().string();
        const bool unfinished = name.ends_with(part), unused = isLayer(name) && name != coming;
        if (unfinished || (unused && std::find(wanted.begin(), wanted.end(), name) == wanted.end()))
            gone.push_back(entry.path());
    }
    for (const auto& each : gone) fs::remove(each);
    if (!gone.empty()) syncFolder(folder);
}

}
