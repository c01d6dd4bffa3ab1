#include "block/volume/volume_change_jobs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stratolet/error.hpp>

#include "block/attachment/attachment_table.hpp"
#include "block/driver/connection_info.hpp"
#include "block/message/message.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::block {
namespace {

using enum VolumeStatus;

ImageId imageIn(const jobs::Run& run) { return {run.arguments().text("image")}; }

/// A snapshot that nobody knows of but the upload that takes it: it has the image's id.
SnapshotId uploadSnapshot(const jobs::Run& run) { return {imageIn(run).text}; }

}

VolumeChangeJobs::VolumeChangeJobs(VolumeWork& work, VolumeJobs& volumes)
    : work_(work),
      volumes_(volumes),
      uploads_(std::filesystem::path(work.parts.config.text("DEFAULT", "state_dir")) / "volume-uploads") {}

void VolumeChangeJobs::end(store::Transaction& tx, const jobs::Run& run, VolumeStatus from,
                           std::optional<VolumeStatus> to) {
    auto volume = volume_table::find(tx, VolumeWork::idOf(run));
    if (!volume || volume->status != from) return;
    auto back = to.value_or(volume->previous.value_or(Available));
    // Whoever had it may have let it go meanwhile, and nobody gets it.
    if (back == InUse && attachment_table::of(tx, volume->id).empty()) back = Available;
    volume->status = back;
    volume->previous = std::nullopt;
    volume->updated = work_.parts.ambient.now();
    volume_table::save(tx, *volume);
}

void VolumeChangeJobs::declare() {
    auto& parts = work_.parts;
    const auto failed = [this](std::string_view what, VolumeStatus from, std::optional<VolumeStatus> to,
                               std::optional<Doing> doing = {}, Wrong wrong = Wrong::Unknown) {
        return [=, this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
            const auto id = VolumeWork::idOf(run);
            work_.parts.log.error(what, {{"volume", id.text}, {"reason", reason}});
            if (const auto volume = volume_table::find(tx, id); volume && doing)
                work_.tell(tx, *volume, requestIn(run.payload), *doing, wrong);
            end(tx, run, from, to);
        };
    };
    const auto restored = [](store::Transaction& tx, const jobs::Run& run) {
        auto snapshot = snapshot_table::find(tx, SnapshotId{run.arguments().text("snapshot")});
        if (!snapshot || snapshot->status != SnapshotStatus::Restoring) return;
        snapshot->status = SnapshotStatus::Available;
        snapshot_table::save(tx, *snapshot);
    };

    parts.jobs.declare(jobs::Job("block.volume.revert")
                           .lane(jobs::copyLane)
                           .step("revert",
                                 [this](jobs::Run& run) {
                                     const auto volume = work_.volumeOf(run);
                                     const auto turn = work_.turn(volume.id);
                                     work_.backends.of(volume).revert(
                                         volume.id, volume.size, {run.arguments().text("snapshot")}, run.cancelled);
                                 })
                           .within(std::chrono::hours(1))
                           .onDone([this, restored](store::Transaction& tx, jobs::Run& run) {
                               restored(tx, run);
                               end(tx, run, Reverting, Available);
                           })
                           .onFailed([failed = failed("volume could not be reverted", Reverting, VolumeStatus::Failed),
                                      restored](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                               restored(tx, run);
                               failed(tx, run, reason);
                           }));

    parts.jobs.declare(jobs::Job("block.volume.reimage")
                           .lane(jobs::copyLane)
                           .step("fill",
                                 [this](jobs::Run& run) {
                                     auto volume = work_.volumeOf(run);
                                     volume.image = imageIn(run);
                                     volumes_.pour(volume, run.cancelled);
                                 })
                           .within(std::chrono::hours(1))
                           .onDone([this](store::Transaction& tx, jobs::Run& run) {
                               volume_table::setBootable(tx, VolumeWork::idOf(run), true, work_.parts.ambient.now());
                               end(tx, run, Downloading, std::nullopt);
                           })
                           .onFailed(failed("volume could not be filled from another image", Downloading,
                                            VolumeStatus::Failed, Doing::Reimage, Wrong::ReimageFailed)));
    declareUpload();
    declareMove();
    declareManaging();
}

// --- to an image

std::filesystem::path VolumeChangeJobs::uploadFile(const jobs::Run& run) const {
    return uploads_ / (imageIn(run).text + ".raw");
}

/// A sparse file of the volume's bytes as they are at one moment: a guest may write on.
void VolumeChangeJobs::copyForUpload(const jobs::Run& run) {
    const auto volume = work_.volumeOf(run);
    const auto turn = work_.turn(volume.id);
    auto& driver = work_.backends.of(volume);
    std::filesystem::create_directories(uploads_);
    std::filesystem::permissions(uploads_, std::filesystem::perms::owner_all);
    const auto file = uploadFile(run);
    std::filesystem::remove(file); // an attempt's before
    // Others may read it, who is in the folder: a program that converts it is nobody we know.
    const Fd made(static_cast<int>(check(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600),
                                         "make the data of an image")));
    check(::fchmod(made.get(), 0644), "let the data of an image be read"); // whatever the umask says
    check(::ftruncate(made.get(), volume.size.bytes().count), "size the data of an image");
    const auto copy = [&](const DiskSource& from) { VolumeWork::copyBytes(from, rawFile(file), run.cancelled); };
    auto& db = work_.parts.store.reader();
    if (!snapshot_table::isHeld(db, uploadSnapshot(run)) && attachment_table::of(db, volume.id).empty())
        return copy(driver.source(volume.id));
    const auto live = work_.liveDisk(volume.id);
    driver.snapshot(uploadSnapshot(run), volume.id, run.cancelled, live.get());
    copy(driver.source(uploadSnapshot(run)));
    driver.discard(uploadSnapshot(run), volume.id, run.cancelled, live.get());
}

void VolumeChangeJobs::declareUpload() {
    const auto clear = [this](jobs::Run& run) { std::filesystem::remove(uploadFile(run)); };
    work_.parts.jobs.declare(
        jobs::Job("block.volume.upload")
            .lane(jobs::copyLane)
            .step(
                "copy", [this](jobs::Run& run) { copyForUpload(run); },
                [this, clear](jobs::Run& run) {
                    clear(run);
                    const auto volume = volume_table::find(work_.parts.store.reader(), VolumeWork::idOf(run));
                    if (!volume) return;
                    const auto turn = work_.turn(volume->id);
                    const auto live = work_.liveDisk(volume->id);
                    work_.backends.of(*volume).discard(uploadSnapshot(run), volume->id, {}, live.get());
                })
            .step("upload",
                  [this](jobs::Run& run) {
                      const bool isSealed = !work_.volumeOf(run).encryptionKey.empty();
                      work_.images.fill(imageIn(run), uploadFile(run), run.cancelled,
                                        isSealed ? image::Content::Sealed : image::Content::Plain);
                  })
            .step("clear", clear)
            .within(std::chrono::hours(6))
            .onDone([this](store::Transaction& tx, jobs::Run& run) {
                snapshot_table::letGo(tx, uploadSnapshot(run));
                end(tx, run, Uploading, std::nullopt);
            })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                const auto id = VolumeWork::idOf(run);
                work_.parts.log.error("volume could not be uploaded to an image",
                                      {{"volume", id.text}, {"reason", reason}});
                work_.images.abandon(tx, imageIn(run));
                snapshot_table::letGo(tx, uploadSnapshot(run));
                if (const auto volume = volume_table::find(tx, id))
                    work_.tell(tx, *volume, requestIn(run.payload), Doing::UploadToImage, Wrong::UploadFailed);
                end(tx, run, Uploading, std::nullopt);
            }));
}

// --- to another place

void VolumeChangeJobs::declareMove() {
    auto& parts = work_.parts;
    const auto targetOf = [this](const Volume& volume) -> VolumeDriver& {
        auto there = volume;
        there.host = volume.newHost;
        return work_.backends.of(there);
    };
    const auto sweep = [this](store::Transaction& tx, const Volume& volume, const std::string& place) {
        // A subject of its own: a back end that doesn't answer keeps nobody from the volume, which isn't there.
        work_.parts.jobs.enqueue(tx, "block.volume.sweep", volume.id.text + " in " + place,
                                 R"({"volume":)" + jsonText(volume.id.text) + R"(,"place":)" + jsonText(place) + "}",
                                 volume.project.text);
    };
    parts.jobs.declare(
        jobs::Job("block.volume.move")
            .lane(jobs::copyLane)
            .step("copy",
                  [this, targetOf](jobs::Run& run) {
                      const auto volume = work_.volumeOf(run);
                      if (volume.newHost.empty()) return;
                      work_.parts.store.write([&](store::Transaction& tx) {
                          volume_table::setMigrationStatus(tx, volume.id, "migrating");
                      });
                      const auto turn = work_.turn(volume.id);
                      auto& target = targetOf(volume);
                      if (const auto live = work_.liveDisk(volume.id)) {
                          target.ensure(volume.id, volume.size, VolumeWork::layoutOf(volume));
                          const auto to = target.connect(volume.id, {.host = work_.parts.cloud.host});
                          if (live->moveTo(to, run.cancelled)) return;
                      }
                      VolumeWork::copy(work_.backends.of(volume).source(volume.id), target, volume, run.cancelled);
                  })
            .within(std::chrono::hours(12))
            .onDone([this, sweep](store::Transaction& tx, jobs::Run& run) {
                auto volume = volume_table::find(tx, VolumeWork::idOf(run));
                if (!volume || volume->newHost.empty()) return;
                const auto left = std::exchange(volume->host, std::exchange(volume->newHost, {}));
                if (!volume->newType.empty()) volume->type = std::exchange(volume->newType, {});
                volume->migrationStatus = "success";
                volume_table::save(tx, *volume);
                bury(tx, "volume", backendIn(left), volume->id.text, work_.parts.ambient.now());
                sweep(tx, *volume, left);
                for (const auto from : {Retyping, Maintenance}) end(tx, run, from, std::nullopt);
            })
            .onFailed([this, sweep](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                auto volume = volume_table::find(tx, VolumeWork::idOf(run));
                if (!volume) return;
                work_.parts.log.error("volume could not be moved", {{"volume", volume->id.text}, {"reason", reason}});
                const auto wanted = std::exchange(volume->newHost, {});
                volume->newType.clear();
                volume->migrationStatus = "error";
                volume_table::save(tx, *volume);
                if (!wanted.empty()) {
                    bury(tx, "volume", backendIn(wanted), volume->id.text, work_.parts.ambient.now());
                    sweep(tx, *volume, wanted);
                }
                for (const auto from : {Retyping, Maintenance}) end(tx, run, from, std::nullopt);
            }));

    // What a move has left where the volume isn't.
    parts.jobs.declare(jobs::Job("block.volume.sweep")
                           .step("discard",
                                 [this](jobs::Run& run) {
                                     const auto id = VolumeWork::idOf(run);
                                     auto left = volume_table::find(work_.parts.store.reader(), id);
                                     if (!left) left.emplace().id = id;
                                     const auto place = run.arguments().text("place");
                                     if (left->host == place || left->newHost == place) return; // it is back
                                     const auto turn = work_.turn(id);
                                     left->host = place;
                                     work_.backends.of(*left).discard(id);
                                 })
                           .untilDone());
}

// --- from and to another master

void VolumeChangeJobs::declareManaging() {
    work_.parts.jobs.declare(
        jobs::Job("block.volume.manage")
            .step("adopt",
                  [this](jobs::Run& run) {
                      const auto volume = work_.volumeOf(run);
                      const auto turn = work_.turn(volume.id);
                      work_.backends.of(volume).adopt(volume.id, run.arguments().text("reference"));
                  })
            .onDone([this](store::Transaction& tx, jobs::Run& run) { end(tx, run, Managing, Available); })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                work_.parts.log.error("volume could not be taken over",
                                      {{"volume", VolumeWork::idOf(run).text}, {"reason", reason}});
                end(tx, run, Managing, ErrorManaging);
            }));

    work_.parts.jobs.declare(
        jobs::Job("block.volume.unmanage")
            .step("release",
                  [this](jobs::Run& run) {
                      const auto volume = work_.volumeOf(run);
                      const auto turn = work_.turn(volume.id);
                      work_.backends.of(volume).release(volume.id);
                  })
            .onDone([](store::Transaction& tx, jobs::Run& run) { volume_table::forget(tx, VolumeWork::idOf(run)); })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& reason) {
                const auto id = VolumeWork::idOf(run);
                work_.parts.log.error("volume could not be let go", {{"volume", id.text}, {"reason", reason}});
                if (const auto volume = volume_table::find(tx, id))
                    work_.tell(tx, *volume, requestIn(run.payload), Doing::Unmanage, Wrong::Unknown);
                end(tx, run, Unmanaging, Available);
            }));
}

}
