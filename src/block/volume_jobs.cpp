#include <stratolet/error.hpp>

#include "block/volume_service.hpp"
#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {

using enum VolumeStatus;

void VolumeService::declareJobs() {
    const auto volumeOf = [this](const jobs::Run& run) {
        auto volume = table_.find(parts_.store.reader(), VolumeId{run.subject});
        if (!volume) throw Error(Failure::Broken, "volume ", run.subject, " is gone");
        return *volume;
    };

    parts_.jobs.declare(jobs::Job("block.volume.create")
                            .step(
                                "allocate", [this, volumeOf](jobs::Run& run) { driver_.ensure(VolumeId{run.subject}, volumeOf(run).size); },
                                [this](jobs::Run& run) { driver_.discard(VolumeId{run.subject}); })
                            .step(
                                "fill",
                                [this, volumeOf](jobs::Run& run) {
                                    const auto volume = volumeOf(run);
                                    if (volume.image.empty()) return;
                                    if (volume.status == Creating)
                                        parts_.store.write(
                                            [&](store::Transaction& tx) { table_.move(tx, volume.id, Creating, Downloading, now()); });
                                    driver_.fill(volume.id, volume.size, images_.source(volume.image, volume.size.bytes()), run.cancelled);
                                },
                                {}, jobs::copyLane)
                            .within(std::chrono::hours(1))
                            .onDone([this](store::Transaction& tx, jobs::Run& run) {
                                const auto volume = table_.find(tx, VolumeId{run.subject});
                                if (!volume) return;
                                if (!volume->image.empty()) table_.setBootable(tx, volume->id, true, now());
                                if (volume->status == Creating || volume->status == Downloading)
                                    table_.move(tx, volume->id, volume->status, Available, now());
                            })
                            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                                const auto volume = table_.find(tx, VolumeId{run.subject});
                                if (!volume) return;
                                parts_.log.error("volume could not be made", {{"volume", run.subject}, {"reason", reason}});
                                if (volume->status == Creating || volume->status == Downloading)
                                    table_.move(tx, volume->id, volume->status, VolumeStatus::Failed, now());
                            }));

    parts_.jobs.declare(jobs::Job("block.volume.extend")
                            .step("grow",
                                  [this, volumeOf](jobs::Run& run) {
                                      const auto volume = volumeOf(run);
                                      driver_.ensure(volume.id, volume.newSize.value_or(volume.size));
                                  })
                            .onDone([this](store::Transaction& tx, jobs::Run& run) { endExtension(tx, VolumeId{run.subject}, true); })
                            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                                parts_.log.error("volume could not be extended", {{"volume", run.subject}, {"reason", reason}});
                                endExtension(tx, VolumeId{run.subject}, false);
                            }));

    parts_.jobs.declare(jobs::Job("block.volume.delete")
                            .step("discard", [this](jobs::Run& run) { driver_.discard(VolumeId{run.subject}); })
                            .onDone([this](store::Transaction& tx, jobs::Run& run) {
                                const auto volume = table_.find(tx, VolumeId{run.subject});
                                if (!volume) return;
                                table_.remove(tx, volume->id);
                                parts_.bus.announce(tx, VolumeDeleted{volume->id, volume->project});
                            })
                            .untilDone());
}

/// Back to where it was: who had it has it still, unless it has been let go meanwhile. A volume in use that could not grow is as good as
/// before; an administrator looks at one that nobody uses.
void VolumeService::endExtension(store::Transaction& tx, const VolumeId& id, bool grown) {
    const auto volume = table_.find(tx, id);
    if (!volume) return;
    if (grown)
        table_.setSize(tx, id, volume->newSize.value_or(volume->size));
    else
        table_.setNewSize(tx, id, std::nullopt);
    const auto attachments = table_.attachmentsOf(tx, id);
    table_.move(tx, id, Extending, !attachments.empty() ? InUse : grown ? Available : ErrorExtending, now());
    for (const auto& each : attachments)
        if (grown && each.byCompute) parts_.bus.announce(tx, VolumeExtended{id, each.server});
}

/// A file is there because of a row, and a row is on its way somewhere because of a job.
void VolumeService::reconcile() {
    for (const auto& id : driver_.present()) {
        if (table_.exists(parts_.store.reader(), id)) continue;
        parts_.log.info("volume data without a volume removed", {{"volume", id.text}});
        driver_.discard(id);
    }
    auto& db = parts_.store.reader();
    for (const auto& [id, status] : table_.statuses(db)) {
        if (!needsJob(status) || parts_.jobs.busy(db, id.text)) continue;
        const auto present = table_.find(db, id); // the job may have ended since the list was made
        if (present && present->status == status && !parts_.jobs.busy(db, id.text))
            parts_.log.error("volume is on its way but nobody works on it", {{"volume", id.text}, {"status", nameOf(status)}});
    }
}

}
