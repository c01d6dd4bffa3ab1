#include "block/volume/volume_work.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/driver/disk_bytes.hpp"
#include "block/volume/volume_table.hpp"

namespace stratolet::block {

std::string VolumeWork::subjectOf(store::Reader& db, const VolumeId& volume) {
    for (const auto& each : attachment_table::of(db, volume))
        if (each.byCompute) return each.server.text;
    return volume.text;
}

void VolumeWork::enqueue(store::Transaction& tx, std::string_view kind, const Volume& volume,
                         std::initializer_list<std::pair<std::string_view, std::string>> more) {
    auto payload = R"({"volume":)" + jsonText(volume.id.text);
    for (const auto& [name, value] : more) payload += "," + jsonText(name) + ":" + jsonText(value);
    parts.jobs.enqueue(tx, kind, subjectOf(tx, volume.id), payload + "}", volume.project.text);
}

bool VolumeWork::busy(store::Reader& db, const VolumeId& volume) {
    return parts.jobs.busy(db, volume.text) || parts.jobs.busy(db, subjectOf(db, volume));
}

VolumeId VolumeWork::idOf(const jobs::Run& run) {
    // Jobs of versions that knew no servers' order say nothing: their subject is the volume.
    return {run.arguments().text("volume", run.subject)};
}

Volume VolumeWork::volumeOf(const jobs::Run& run) {
    const auto id = idOf(run);
    auto volume = volume_table::find(parts.store.reader(), id);
    if (!volume) throw Error(Failure::Broken, "volume ", id, " is gone");
    return *std::move(volume);
}

void VolumeWork::tell(store::Transaction& tx, const Volume& volume, const std::string& request, Doing action,
                      Wrong detail) {
    record(tx, parts.ambient,
           {.project = volume.project,
            .request = request,
            .resource = volume.id.text,
            .action = action,
            .detail = detail});
}

VolumeWork::Turn VolumeWork::turn(const VolumeId& volume) {
    const std::lock_guard guard(lock_);
    if (!taken_.insert(volume.text).second) throw Error(Failure::Busy, "volume ", volume, " is being worked on");
    return {*this, volume.text};
}

VolumeWork::Turn::~Turn() {
    if (!work_) return;
    const std::lock_guard guard(work_->lock_);
    work_->taken_.erase(volume_);
}

void VolumeWork::copy(const DiskSource& from, VolumeDriver& to, const Volume& volume, const Cancelled& cancelled) {
    to.ensure(volume.id, volume.size, layoutOf(volume));
    copyBytes(from, to.source(volume.id), cancelled);
}

void VolumeWork::copyBytes(const DiskSource& from, const DiskSource& to, const Cancelled& cancelled) {
    const auto source = openDisk(from, DiskUse::Read), target = openDisk(to, DiskUse::Write);
    if (source->size() > target->size()) throw Error(Failure::Broken, "what is copied is larger than its copy");
    constexpr std::int64_t pieceMax = 4 << 20; // between two looks at whether it is still wanted
    std::vector<std::byte> piece(pieceMax);
    std::int64_t at = 0;
    while (const auto data = source->data(at)) {
        target->zero(at, data->begin - at); // whatever an attempt before has left there
        for (at = data->begin; at < data->end;) {
            if (cancelled && cancelled()) throw Error(Failure::Busy, "the copy was stopped");
            const auto some = std::span(piece).first(static_cast<std::size_t>(std::min(data->end - at, pieceMax)));
            source->read(at, some);
            target->write(at, some);
            at += static_cast<std::int64_t>(some.size());
        }
    }
    target->zero(at, target->size() - at);
    target->flush();
}

std::unique_ptr<LiveDisk> VolumeWork::liveDisk(const VolumeId& volume) {
    std::unique_ptr<LiveDisk> found;
    if (!live) return found;
    for (const auto& each : attachment_table::of(parts.store.reader(), volume)) {
        auto disk = each.byCompute ? live->of(each.server, volume) : nullptr;
        if (disk && found) // what one of them is asked to do the others would not know of
            throw Error(Failure::Broken, "several guests have volume ", volume, ", which can't be changed under them");
        if (disk) found = std::move(disk);
    }
    return found;
}

}
