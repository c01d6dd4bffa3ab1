#include "block/volume/volume_jobs.hpp"

#include <set>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/driver/luks.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {

using enum VolumeStatus;

void VolumeJobs::declare() {
    const auto discard = [this](jobs::Run& run) {
        const auto volume = volume_table::find(parts_.store.reader(), VolumeWork::idOf(run));
        if (!volume || volume->host == nowhere) return;
        const auto turn = work_.turn(volume->id);
        work_.backends.of(*volume).discard(volume->id);
    };

    parts_.jobs.declare(
        jobs::Job("block.volume.create")
            .step(
                "allocate",
                [this](jobs::Run& run) {
                    const auto volume = work_.volumeOf(run);
                    if (!volume.snapshot.empty() || !volume.source.empty()) return; // the copy makes it
                    const auto turn = work_.turn(volume.id);
                    work_.backends.of(volume).ensure(volume.id, volume.size, VolumeWork::layoutOf(volume));
                },
                discard)
            .step(
                "fill", [this](jobs::Run& run) { fill(work_.volumeOf(run), run.cancelled); }, {}, jobs::copyLane)
            .within(std::chrono::hours(1))
            .onDone([this](store::Transaction& tx, jobs::Run& run) {
                const auto volume = volume_table::find(tx, VolumeWork::idOf(run));
                if (!volume) return;
                if (!volume->image.empty()) volume_table::setBootable(tx, volume->id, true, parts_.ambient.now());
                if (volume->status == Creating || volume->status == Downloading)
                    volume_table::move(tx, volume->id, volume->status, Available, parts_.ambient.now());
            })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                const auto volume = volume_table::find(tx, VolumeWork::idOf(run));
                if (!volume) return;
                parts_.log.error("volume could not be made", {{"volume", volume->id.text}, {"reason", reason}});
                work_.tell(tx, *volume, requestIn(run.payload),
                           volume->image.empty() ? Doing::CreateVolume : Doing::CopyImage, Wrong::CreateFailed);
                if (volume->status == Creating || volume->status == Downloading)
                    volume_table::move(tx, volume->id, volume->status, VolumeStatus::Failed, parts_.ambient.now());
            }));

    parts_.jobs.declare(
        jobs::Job("block.volume.extend")
            .step("grow",
                  [this](jobs::Run& run) {
                      const auto volume = work_.volumeOf(run);
                      const auto turn = work_.turn(volume.id);
                      const auto live = work_.liveDisk(volume.id);
                      work_.backends.of(volume).ensure(volume.id, volume.newSize.value_or(volume.size),
                                                       VolumeWork::layoutOf(volume), live.get());
                  })
            .onDone([this](store::Transaction& tx, jobs::Run& run) { endExtension(tx, VolumeWork::idOf(run), true); })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                const auto volume = VolumeWork::idOf(run);
                parts_.log.error("volume could not be extended", {{"volume", volume.text}, {"reason", reason}});
                if (const auto there = volume_table::find(tx, volume))
                    work_.tell(tx, *there, requestIn(run.payload), Doing::Extend, Wrong::ExtendFailed);
                endExtension(tx, volume, false);
            }));

    parts_.jobs.declare(
        jobs::Job("block.volume.delete")
            .step("discard-snapshots",
                  [this](jobs::Run& run) {
                      const auto volume = volume_table::find(parts_.store.reader(), VolumeWork::idOf(run));
                      if (!volume) return;
                      auto snapshots = snapshot_table::of(parts_.store.reader(), volume->id);
                      const auto turn = work_.turn(volume->id);
                      for (auto each = snapshots.rbegin(); each != snapshots.rend(); ++each)
                          work_.backends.of(*volume).discard(each->id, volume->id, {});
                  })
            .step("discard", discard)
            .onDone([this](store::Transaction& tx, jobs::Run& run) {
                const auto volume = volume_table::find(tx, VolumeWork::idOf(run));
                if (!volume) return;
                for (const auto& each : snapshot_table::of(tx, volume->id))
                    snapshot_table::remove(tx, each.id, std::string(backendIn(volume->host)), parts_.ambient.now());
                secrets_.remove(tx, volume->encryptionKey);
                volume_table::remove(tx, *volume, parts_.ambient.now());
                parts_.bus.announce(tx, VolumeDeleted{volume->id, volume->project});
            })
            .untilDone());
}

/// What has been allocated becomes LUKS, with the image's bytes in it where there is one; what the image of a sealed
/// volume says is that already.
void VolumeJobs::seal(const Volume& volume, const Cancelled& cancelled) {
    auto& db = parts_.store.reader();
    const auto passphrase = secrets_.reveal(db, volume.encryptionKey);
    const auto turn = work_.turn(volume.id);
    const auto disk = work_.backends.of(volume).source(volume.id);
    if (!volume.image.empty() && !secrets_.ofImage(db, volume.image).empty())
        return VolumeWork::copyBytes(work_.images.source(volume.image, volume.size.bytes(), image::Content::Sealed),
                                     disk, cancelled);
    luks::format(disk, passphrase, parts_.ambient);
    if (!volume.image.empty())
        luks::fill(disk, passphrase, work_.images.source(volume.image, luks::inside(volume.size.bytes())), cancelled);
}

void VolumeJobs::pour(const Volume& volume, const Cancelled& cancelled) {
    if (!volume.encryptionKey.empty()) return seal(volume, cancelled);
    const auto turn = work_.turn(volume.id);
    work_.backends.of(volume).fill(volume.id, volume.size, work_.images.source(volume.image, volume.size.bytes()),
                                   cancelled);
}

/// The bytes that a new volume has from what it is made from; nothing is left to do where it is made empty.
void VolumeJobs::fill(const Volume& volume, const Cancelled& cancelled) {
    auto& db = parts_.store.reader();
    auto& driver = work_.backends.of(volume);
    if (!volume.image.empty() && volume.status == Creating)
        parts_.store.write([&](store::Transaction& tx) {
            volume_table::move(tx, volume.id, Creating, Downloading, parts_.ambient.now());
        });
    if (!volume.image.empty()) return pour(volume, cancelled);
    if (!volume.encryptionKey.empty() && volume.snapshot.empty() && volume.source.empty())
        return seal(volume, cancelled);
    if (volume.snapshot.empty() && volume.source.empty()) return;
    const auto snapshot = volume.snapshot.empty() ? std::nullopt : snapshot_table::find(db, volume.snapshot);
    const auto source = volume_table::find(db, snapshot ? snapshot->volume : volume.source);
    if (!source) throw Error(Failure::Broken, "what volume ", volume.id, " is made from is gone");
    const auto turn = work_.turn(volume.id), sourceTurn = work_.turn(source->id);
    auto& from = work_.backends.of(*source);
    if (&from == &driver && snapshot) return driver.restore(volume.id, volume.size, snapshot->id, cancelled);
    const auto live = snapshot ? nullptr : work_.liveDisk(source->id);
    if (&from == &driver) return driver.clone(volume.id, volume.size, source->id, cancelled, live.get());
    if (live) throw Error(Failure::Broken, "a volume in use can be copied in its own back end only");
    VolumeWork::copy(snapshot ? from.source(snapshot->id) : from.source(source->id), driver, volume, cancelled);
}

/// Back to where it was: who had it has it still, unless it has been let go meanwhile. A volume in use that could not
/// grow is as good as before; an administrator looks at one that nobody uses.
void VolumeJobs::endExtension(store::Transaction& tx, const VolumeId& id, bool grown) {
    const auto volume = volume_table::find(tx, id);
    if (!volume) return;
    if (grown)
        volume_table::setSize(tx, id, volume->newSize.value_or(volume->size));
    else
        volume_table::setNewSize(tx, id, std::nullopt);
    const auto attachments = attachment_table::of(tx, id);
    volume_table::move(tx, id, Extending,
                       !attachments.empty() ? InUse
                       : grown              ? Available
                                            : ErrorExtending,
                       parts_.ambient.now());
    for (const auto& each : attachments)
        if (grown && each.byCompute) parts_.bus.announce(tx, VolumeExtended{id, each.server});
}

/// What is in a back end is there because of a row, or its volume was deleted; anything else this store may be too old
/// to know.
void VolumeJobs::reconcile(VolumeDriver& driver) {
    std::set<std::string> strays;
    for (const auto& id : driver.present()) {
        auto& db = parts_.store.reader();
        if (const auto volume = volume_table::find(db, id);
            volume && (backendIn(volume->host) == driver.name() || backendIn(volume->newHost) == driver.name()))
            continue; // or on its way there
        if (!isBuried(db, "volume", driver.name(), id.text)) {
            strays.insert(id.text);
            continue;
        }
        parts_.log.info("volume data without a volume removed",
                        {{"volume", id.text}, {"back end", std::string(driver.name())}});
        driver.discard(id);
    }
    tellStrays(parts_, "volume", driver.name(), strays);
    snapshots_.reconcile(driver);
}

/// A row is on its way somewhere because of a job. A back end that can't be asked keeps no other from being looked at.
void VolumeJobs::reconcile() {
    for (auto* each : work_.backends.all()) {
        try {
            reconcile(*each);
        } catch (const std::exception& problem) {
            parts_.log.error("a back end could not be looked at",
                             {{"back end", std::string(each->name())}, {"reason", problem.what()}});
        }
    }
    snapshots_.lookAfterRows();
    auto& db = parts_.store.reader();
    for (const auto& [id, status] : volume_table::inTransit(db)) {
        if (work_.busy(db, id)) continue;
        const auto present = volume_table::find(db, id); // the job may have ended since the list was made
        if (present && present->status == status && !work_.busy(db, id))
            parts_.log.error("volume is on its way but nobody works on it",
                             {{"volume", id.text}, {"status", nameOf(status)}});
    }
}

}
