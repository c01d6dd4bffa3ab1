#include "compute/base/base_copies.hpp"

#include <chrono>

#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {

std::string baseNameOf(const ImageId& image, const std::string& checksum) { return image.text + "-" + checksum; }

using jobs::Job;
using jobs::Run;
using store::Transaction;

std::vector<image::NearCopy> BaseCopies::all(store::Reader& db) { return BaseCopyTable::all(db); }

void BaseCopies::queue(Transaction& tx, const ImageId& image, const std::string& checksum) {
    if (!BaseCopyTable::queue(tx, image, baseNameOf(image, checksum), core_.now())) return;
    core_.parts.jobs.enqueue(tx, "compute.base.fetch", image.text);
}

void BaseCopies::lookAgain(Transaction& tx) {
    tx.afterCommit([&reconciler = core_.parts.reconciler] { reconciler.kick("compute"); });
}

bool BaseCopies::remove(Transaction& tx, const ImageId& image) {
    if (!BaseCopyTable::drop(tx, image, core_.now())) return false;
    core_.parts.jobs.cancel(tx, "compute.base.fetch", image.text);
    lookAgain(tx);
    return true;
}

void forgetGoneBases(Core& core, Transaction& tx, Time then) {
    for (const auto& image : BaseCopyTable::droppedBefore(tx, then))
        if (!core.parts.jobs.busy(tx, image.text)) // what it has put there meanwhile is looked at when it ends
            BaseCopyTable::forgetDropped(tx, image);
}

void BaseCopies::declareJobs() {
    auto& core = core_;
    core.parts.jobs.declare(Job("compute.base.fetch")
                                .within(std::chrono::minutes(60)) // a large image takes its time to copy
                                .step(
                                    "fetch",
                                    [&core](Run& run) {
                                        const auto image = run.id_of<ImageId>();
                                        const std::string base = BaseCopyTable::baseOf(core.reader(), image);
                                        if (base.empty()) return;
                                        for (const auto& host : core.hypervisors.names())
                                            core.hypervisors.disksOn(host).ensureBase(
                                                base, [&] { return core.images.source(image); }, run.cancelled);
                                    },
                                    {}, jobs::copyLane)
                                .onDone([&core](Transaction& tx, Run& run) {
                                    BaseCopyTable::fetched(tx, run.id_of<ImageId>(), core.now());
                                })
                                .onFailed([this](Transaction& tx, Run& run, const std::string& why) {
                                    const auto image = run.id_of<ImageId>();
                                    if (why != "cancelled") BaseCopyTable::drop(tx, image, core_.now());
                                    BaseCopyTable::dropAgain(tx, image, core_.now()); // it may have got there
                                    lookAgain(tx);
                                }));
    core.parts.bus.on<image::ImageDeleted>(
        "compute.drop-base", [this](Transaction& tx, const image::ImageDeleted& event) { remove(tx, event.image); });
}

}
