#include "block/snapshot/snapshot_jobs.hpp"

#include <set>

#include <stratolet/error.hpp>

#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {
namespace {

using enum SnapshotStatus;

SnapshotId idIn(const jobs::Run& run) { return {run.arguments().text("snapshot")}; }

}

/// Where it was when the job ends: nothing where it is gone.
void SnapshotJobs::end(store::Transaction& tx, const jobs::Run& run, SnapshotStatus status) {
    auto snapshot = snapshot_table::find(tx, idIn(run));
    if (!snapshot || !needsJob(snapshot->status)) return; // gone, or an administrator has said otherwise
    snapshot->status = status;
    if (status == Available) snapshot->progress = "100%";
    snapshot->updated = work_.parts.ambient.now();
    snapshot_table::save(tx, *snapshot);
}

void SnapshotJobs::declare() {
    const auto discard = [this](jobs::Run& run) {
        const auto volume = volume_table::find(work_.parts.store.reader(), VolumeWork::idOf(run));
        if (!volume) return; // and with it all of its snapshots
        const auto turn = work_.turn(volume->id);
        const auto live = work_.liveDisk(volume->id);
        work_.backends.of(*volume).discard(idIn(run), volume->id, run.cancelled, live.get());
    };
    const auto failed = [this](SnapshotStatus status, std::string_view what) {
        return [this, status, what](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
            work_.parts.log.error(what, {{"snapshot", idIn(run).text}, {"reason", reason}});
            end(tx, run, status);
        };
    };
    auto& jobs = work_.parts.jobs;

    jobs.declare(jobs::Job("block.snapshot.create")
                     .lane(jobs::copyLane)
                     .step(
                         "take",
                         [this](jobs::Run& run) {
                             const auto volume = work_.volumeOf(run);
                             const auto turn = work_.turn(volume.id);
                             const auto live = work_.liveDisk(volume.id);
                             work_.backends.of(volume).snapshot(idIn(run), volume.id, run.cancelled, live.get());
                         },
                         discard)
                     .within(std::chrono::hours(1))
                     .onDone([this](store::Transaction& tx, jobs::Run& run) { end(tx, run, Available); })
                     .onFailed(failed(SnapshotStatus::Failed, "snapshot could not be taken")));

    jobs.declare(jobs::Job("block.snapshot.delete")
                     .lane(jobs::copyLane)
                     .step("discard", discard)
                     .within(std::chrono::hours(1))
                     .onDone([this](store::Transaction& tx, jobs::Run& run) {
                         const auto place = snapshot_table::placeOf(tx, idIn(run));
                         if (place)
                             snapshot_table::remove(tx, idIn(run), std::string(backendIn(*place)),
                                                    work_.parts.ambient.now());
                     })
                     .onFailed(failed(ErrorDeleting, "snapshot could not be deleted")));

    jobs.declare(jobs::Job("block.snapshot.manage")
                     .step("adopt",
                           [this](jobs::Run& run) {
                               const auto volume = work_.volumeOf(run);
                               const auto turn = work_.turn(volume.id);
                               work_.backends.of(volume).adopt(idIn(run), volume.id, run.arguments().text("reference"));
                           })
                     .onDone([this](store::Transaction& tx, jobs::Run& run) { end(tx, run, Available); })
                     .onFailed(failed(SnapshotStatus::Failed, "snapshot could not be taken over")));

    jobs.declare(jobs::Job("block.snapshot.unmanage")
                     .step("release",
                           [this](jobs::Run& run) {
                               const auto volume = work_.volumeOf(run);
                               const auto turn = work_.turn(volume.id);
                               work_.backends.of(volume).release(idIn(run), volume.id);
                           })
                     .onDone([](store::Transaction& tx, jobs::Run& run) { snapshot_table::forget(tx, idIn(run)); })
                     .onFailed(failed(Available, "snapshot could not be let go")));
}

void SnapshotJobs::reconcile(VolumeDriver& driver) {
    auto& parts = work_.parts;
    std::set<std::string> strays;
    for (const auto& id : driver.presentSnapshots()) {
        auto& db = parts.store.reader();
        if (const auto place = snapshot_table::placeOf(db, id); place && backendIn(*place) == driver.name()) continue;
        if (snapshot_table::isHeld(db, id)) continue; // it is being copied
        if (!isBuried(db, "snapshot", driver.name(), id.text)) {
            strays.insert(id.text);
            continue;
        }
        parts.log.info("snapshot data without a snapshot removed",
                       {{"snapshot", id.text}, {"back end", std::string(driver.name())}});
        driver.discard(id, VolumeId{}, {}, nullptr);
    }
    tellStrays(parts, "snapshot", driver.name(), strays);
}

void SnapshotJobs::lookAfterRows() {
    auto& db = work_.parts.store.reader();
    for (const auto& [id, status] : snapshot_table::inTransit(db)) {
        const auto present = snapshot_table::find(db, id); // the job may have ended since the list was made
        if (present && present->status == status && !work_.busy(db, present->volume))
            work_.parts.log.error("snapshot is on its way but nobody works on it",
                                  {{"snapshot", id.text}, {"status", nameOf(status)}});
    }
}

}
