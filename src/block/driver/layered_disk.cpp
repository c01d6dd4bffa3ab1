#include "block/driver/layered_disk.hpp"

#include <algorithm>

#include <unistd.h>

#include <stratolet/error.hpp>

#include "block/driver/copying.hpp"
#include "block/driver/layers.hpp"
#include "platform/os/folder.hpp"

namespace stratolet::block {

namespace fs = std::filesystem;

LayeredDisk::LayeredDisk(fs::path folder, fs::path alias) : folder_(std::move(folder)), alias_(std::move(alias)) {}

DiskSource LayeredDisk::sourceOf(const std::string& layer) const {
    return {FileDisk{folder_ / layer}, layers::formatOf(layer)};
}

DiskSource LayeredDisk::source() const {
    if (const auto coming = layers::next(folder_); !coming.empty() && coming != layers::linkedHead(folder_))
        throw Error(Failure::Busy, "the layers of a volume are being merged");
    return sourceOf(layers::head(folder_));
}

void LayeredDisk::settle(LiveDisk* live) {
    if (const auto coming = layers::next(folder_); !coming.empty()) {
        const auto top = layers::linkedHead(folder_);
        const auto names = layers::chain(folder_, top);
        const bool below = std::find(names.begin(), names.end(), coming) != names.end();
        if (top == coming)
            arrive(coming);
        else if (!live) // a guest has written to one of them last; nothing that is here says to which
            throw Error(Failure::Busy, "the layers of a volume were being merged for a guest that is gone");
        else if (below)
            merge(coming, live, {});
        else
            takesGuestTo(coming, live, [&](LiveDisk& disk) { return disk.moveTo(sourceOf(coming), {}); });
    }
    if (const auto top = layers::head(folder_); top != layers::linkedHead(folder_)) {
        if (live) live->switchTo(sourceOf(top));
        layers::setHead(folder_, top);
    }
    if (!live && fs::remove(alias_)) syncFolder(alias_.parent_path());
    layers::sweep(folder_);
}

void LayeredDisk::grow(Bytes size, LiveDisk* live) {
    const auto top = layers::head(folder_);
    // A raw file may grow under who writes to it; what else a layer says of its size QEMU keeps in memory.
    if (layers::formatOf(top) == DiskFormat::Qcow2 && live && live->resize(size)) return;
    layers::resize(folder_, top, size);
}

std::string LayeredDisk::stepUp(const std::string& cause, LiveDisk* live, const Cancelled& cancelled) {
    const auto wanted = cause + ".qcow2";
    const auto names = layers::chain(folder_, layers::head(folder_));
    if (names.front() == wanted) return names.at(1);
    if (names.size() >= depthMax) flatten(live, cancelled);
    const auto below = layers::head(folder_);
    const auto above = fs::exists(folder_ / wanted) ? layers::freshName(DiskFormat::Qcow2) : wanted;
    layers::addOverlay(folder_, above, below, layers::sizeOf(folder_, below));
    try {
        if (live) live->switchTo(sourceOf(above));
    } catch (const Error& problem) {
        if (problem.failure() != Failure::Busy) fs::remove(folder_ / above); // the guest is where it was
        throw;
    }
    layers::setHead(folder_, above);
    return below;
}

/// Its own name here, and the one beside the folder, are ours.
bool LayeredDisk::isOursAlone(const std::string& layer) const {
    std::error_code ignored;
    const std::size_t ours = fs::equivalent(alias_, folder_ / layer, ignored) ? 2 : 1;
    return layers::owners(folder_, layer) == ours;
}

void LayeredDisk::compact(LiveDisk* live, const Cancelled& cancelled) {
    const auto names = layers::chain(folder_, layers::head(folder_));
    auto base = names.front(); // the head is always ours
    for (const auto& each : names) {
        if (!isOursAlone(each)) break;
        base = each;
    }
    if (base == names.front()) return;
    try {
        merge(base, live, cancelled);
    } catch (const Error& problem) {
        if (problem.failure() == Failure::Busy) throw;
    }
}

/// The guest gets there by itself, where one runs. As long as "next" is named, nobody may rely on the head.
template <class Ask> bool LayeredDisk::takesGuestTo(const std::string& layer, LiveDisk* live, Ask ask) {
    if (!live) return false;
    layers::setNext(folder_, layer);
    bool there = false;
    try {
        there = ask(*live);
    } catch (const Error& problem) {
        if (problem.failure() != Failure::Busy) layers::setNext(folder_, {}); // it is where it was
        throw;
    }
    there ? arrive(layer) : layers::setNext(folder_, {});
    return there;
}

void LayeredDisk::merge(const std::string& base, LiveDisk* live, const Cancelled& cancelled) {
    if (takesGuestTo(base, live, [&](LiveDisk& disk) { return disk.mergeInto(sourceOf(base), cancelled); })) return;
    // As long as the head stands above them, whatever has got into the layers below reads the same.
    layers::commit(folder_, layers::linkedHead(folder_), base, cancelled);
    arrive(base);
}

void LayeredDisk::flatten(LiveDisk* live, const Cancelled& cancelled) {
    const auto top = layers::head(folder_), layer = layers::freshName(DiskFormat::Raw);
    const auto file = createAnew(folder_ / layer);
    check(::ftruncate(file.get(), layers::sizeOf(folder_, top).count), "size a volume");
    check(::fsync(file.get()), "flush a volume");
    if (takesGuestTo(layer, live, [&](LiveDisk& disk) { return disk.moveTo(sourceOf(layer), cancelled); })) return;
    layers::copyOut(folder_, top, file, cancelled);
    check(::fsync(file.get()), "flush a volume");
    arrive(layer);
}

/// The guest, if there is one, writes to this layer now.
void LayeredDisk::arrive(const std::string& layer) {
    layers::setHead(folder_, layer);
    layers::removeAbove(folder_, layer);
    layers::sweep(folder_);
    layers::setNext(folder_, {});
}

}
