#include "block/backup/backup_jobs.hpp"

#include <malloc.h>

#include <set>

#include <stratolet/error.hpp>

#include "block/backup/archive.hpp"
#include "block/backup/backup_table.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/log/log.hpp"

namespace stratolet::block {
namespace {

using enum VolumeStatus;

/// Of a job whose subject it isn't.
BackupId backupOf(const jobs::Run& run) { return {run.arguments().text("backup", run.subject)}; }

/// The snapshot that a backup of a volume in use is copied from: it has the backup's id.
SnapshotId heldBy(const Backup& backup) { return {backup.id.text}; }

/// A copy's buffers are large: what the allocator has kept of them goes back to the system.
struct Trimmed {
    Trimmed() = default;
    Trimmed(const Trimmed&) = delete;
    ~Trimmed() { ::malloc_trim(0); }
};

}

/// Where a backup's objects lie; empty of none.
BackupId BackupJobs::archiveOf(const BackupId& id) {
    if (id.empty()) return {};
    const auto backup = backup_table::find(work_.parts.store.reader(), id);
    if (!backup) throw Error(Failure::Broken, "backup ", id, " is gone");
    return backup->archive;
}

std::unique_ptr<DiskBytes> BackupJobs::sourceOf(const Backup& backup) {
    const auto volume = volume_table::find(work_.parts.store.reader(), backup.volume);
    if (!volume) throw Error(Failure::Broken, "volume ", backup.volume, " is gone");
    auto& driver = work_.backends.of(*volume);
    auto source = backup.held               ? driver.source(heldBy(backup))
                  : backup.snapshot.empty() ? driver.source(backup.volume)
                                            : driver.source(backup.snapshot);
    return openDisk(source, DiskUse::Read);
}

/// What was being copied is what it was before. `failure`: why there is no backup; empty: there is one.
void BackupJobs::endCreation(store::Transaction& tx, const BackupId& id, const std::string& failure) {
    auto backup = backup_table::find(tx, id);
    if (!backup) return;
    const auto now = work_.parts.ambient.now();
    if (!failure.empty()) {
        log_.error("volume could not be backed up", {{"backup", id.text}, {"reason", failure}});
        backup->failReason = failure.substr(0, 255);
    }
    const auto volume = volume_table::find(tx, backup->volume);
    if (volume && backup->held) work_.enqueue(tx, "block.backup.release", *volume, {{"backup", id.text}});
    if (volume && volume->status == BackingUp) volume_table::move(tx, volume->id, BackingUp, Available, now);
    backup_table::update(tx, *backup);
    if (backup->status == BackupStatus::Creating)
        backup_table::move(tx, id, backup->status, failure.empty() ? BackupStatus::Available : BackupStatus::Failed,
                           now);
}

void BackupJobs::declareCreation() {
    auto& jobs = work_.parts.jobs;
    const auto release = [this](jobs::Run& run) {
        const auto volume = volume_table::find(work_.parts.store.reader(), VolumeWork::idOf(run));
        if (!volume) return;
        const auto turn = work_.turn(volume->id);
        const auto live = work_.liveDisk(volume->id);
        work_.backends.of(*volume).discard(SnapshotId{backupOf(run).text}, volume->id, run.cancelled, live.get());
    };
    jobs.declare(jobs::Job("block.backup.hold")
                     .step(
                         "snapshot",
                         [this](jobs::Run& run) {
                             const auto volume = work_.volumeOf(run);
                             const auto turn = work_.turn(volume.id);
                             const auto live = work_.liveDisk(volume.id);
                             work_.backends.of(volume).snapshot(SnapshotId{backupOf(run).text}, volume.id,
                                                                run.cancelled, live.get());
                         },
                         release)
                     .onDone([this](store::Transaction& tx, jobs::Run& run) {
                         const auto backup = backup_table::find(tx, backupOf(run));
                         if (!backup || backup->status != BackupStatus::Creating) // given up meanwhile
                             return endCreation(tx, backupOf(run), "it was given up");
                         work_.parts.jobs.enqueue(tx, "block.backup.create", backup->id.text, "", backup->project.text);
                     })
                     .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                         endCreation(tx, backupOf(run), reason);
                     }));
    jobs.declare(jobs::Job("block.backup.create")
                     .lane(jobs::copyLane)
                     .step(
                         "copy",
                         [this](jobs::Run& run) {
                             const Trimmed trimmed;
                             const auto backup = backup_table::find(work_.parts.store.reader(), BackupId{run.subject});
                             if (!backup) throw Error(Failure::Broken, "backup ", run.subject, " is gone");
                             const auto source = sourceOf(*backup);
                             const auto made = archive::write(store_, backup->archive, archiveOf(backup->parent),
                                                              *source, run.cancelled, run.progress);
                             work_.parts.store.write([&](store::Transaction& tx) {
                                 backup_table::setObjects(tx, backup->id, made.objects);
                             });
                         },
                         [this](jobs::Run& run) { store_.discard({run.subject}); })
                     .within(std::chrono::hours(24))
                     .onDone([this](store::Transaction& tx, jobs::Run& run) { endCreation(tx, {run.subject}, ""); })
                     .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                         endCreation(tx, {run.subject}, reason.empty() ? "it was given up" : reason);
                     }));
    jobs.declare(
        jobs::Job("block.backup.release")
            .step("discard", release)
            .onDone([](store::Transaction& tx, jobs::Run& run) { snapshot_table::letGo(tx, {backupOf(run).text}); })
            .untilDone());
    jobs.declare(jobs::Job("block.backup.delete")
                     .step("discard",
                           [this](jobs::Run& run) {
                               // One that was imported under another id may share what lies there.
                               const BackupId id{run.subject}, archive = archiveOf(id);
                               if (!backup_table::isUsed(work_.parts.store.reader(), archive, id))
                                   store_.discard(archive);
                           })
                     .onDone([this](store::Transaction& tx, jobs::Run& run) {
                         const auto backup = backup_table::find(tx, BackupId{run.subject});
                         if (!backup) return;
                         secrets_.remove(tx, backup->key);
                         backup_table::remove(tx, backup->id);
                         if (!backup_table::isUsed(tx, backup->archive))
                             bury(tx, "backup", "", backup->archive.text, work_.parts.ambient.now());
                     })
                     .untilDone());
    jobs.declare(jobs::Job("block.backup.import")
                     .lane(jobs::copyLane)
                     .step("inspect",
                           [this](jobs::Run& run) {
                               const auto made = archive::inspect(store_, archiveOf({run.subject}));
                               work_.parts.store.write([&](store::Transaction& tx) {
                                   backup_table::setObjects(tx, {run.subject}, made.objects);
                               });
                           })
                     .onDone([this](store::Transaction& tx, jobs::Run& run) { endCreation(tx, {run.subject}, ""); })
                     .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                         endCreation(tx, {run.subject}, reason);
                     }));
}

void BackupJobs::endRestoration(store::Transaction& tx, const jobs::Run& run, VolumeStatus status) {
    const auto now = work_.parts.ambient.now();
    const auto id = VolumeWork::idOf(run);
    volume_table::move(tx, id, RestoringBackup, status, now);
    backup_table::move(tx, backupOf(run), BackupStatus::Restoring, BackupStatus::Available, now);
    backup_table::setRestoring(tx, backupOf(run), {});
}

void BackupJobs::declareRestoration() {
    // What a restored volume said before is gone, whether or not the copy ends well: there is no undo.
    work_.parts.jobs.declare(
        jobs::Job("block.backup.restore")
            .step("allocate",
                  [this](jobs::Run& run) {
                      const auto volume = work_.volumeOf(run);
                      const auto turn = work_.turn(volume.id);
                      work_.backends.of(volume).ensure(volume.id, volume.size, VolumeWork::layoutOf(volume));
                  })
            .step(
                "fill",
                [this](jobs::Run& run) {
                    const Trimmed trimmed;
                    const auto volume = work_.volumeOf(run);
                    const auto turn = work_.turn(volume.id);
                    const auto disk = openDisk(work_.backends.of(volume).source(volume.id), DiskUse::Write);
                    archive::read(store_, archiveOf(backupOf(run)), *disk, !disk->data(0), run.cancelled, run.progress);
                },
                {}, jobs::copyLane)
            .within(std::chrono::hours(24))
            .onDone([this](store::Transaction& tx, jobs::Run& run) { endRestoration(tx, run, Available); })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                log_.error(
                    "backup could not be restored",
                    {{"backup", backupOf(run).text}, {"volume", VolumeWork::idOf(run).text}, {"reason", reason}});
                endRestoration(tx, run, ErrorRestoring);
            }));
}

void BackupJobs::declare() {
    declareCreation();
    declareRestoration();
}

void BackupJobs::reconcile() {
    auto& parts = work_.parts;
    std::set<std::string> strays;
    for (const auto& id : store_.present()) {
        auto& db = parts.store.reader();
        if (backup_table::isUsed(db, id)) continue;
        if (!isBuried(db, "backup", "", id.text)) {
            strays.insert(id.text);
            continue;
        }
        log_.info("data without a backup removed", {{"backup", id.text}});
        store_.discard(id);
    }
    tellStrays(parts, "backup", "", strays);
    auto& db = parts.store.reader();
    for (const auto& [id, status] : backup_table::moving(db)) {
        const auto present = backup_table::find(db, id);
        if (!present || present->status != status || parts.jobs.busy(db, id.text)) continue;
        const auto& volume = status == BackupStatus::Restoring ? present->restoring : present->volume;
        if (status != BackupStatus::Deleting && work_.busy(db, volume)) continue;
        log_.error("backup is on its way but nobody works on it", {{"backup", id.text}, {"status", nameOf(status)}});
    }
}

}
