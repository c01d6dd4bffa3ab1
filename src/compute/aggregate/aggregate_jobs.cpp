#include <chrono>
#include <optional>

#include "compute/aggregate/aggregate.hpp"
#include "compute/aggregate/cached_image.hpp"
#include "image/image.hpp"
#include "platform/bus/bus.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::compute {
namespace {

/// "<image>@<host>"
std::pair<ImageId, HostName> partsOf(const std::string& subject) {
    const auto at = subject.find('@');
    return {ImageId{subject.substr(0, at)}, HostName{subject.substr(at + 1)}};
}

jobs::Job cacheImageJob(Core& core) {
    return jobs::Job("compute.image.cache")
        .lane(jobs::copyLane)
        .keyedBy([](store::Reader&, const std::string& subject) { return partsOf(subject).second.text; }, 2)
        .within(std::chrono::minutes(60)) // a large image takes its time to copy
        .step("base", [&core](jobs::Run& run) {
            const auto [image, host] = partsOf(run.subject);
            const auto& id = image;
            core.hypervisors.disksOn(host).ensureBase(
                run.arguments().text("base"), [&core, &id] { return core.images.source(id, std::nullopt); },
                run.cancelled);
        });
}

}

void declareImageCaching(Core& core) {
    core.parts.jobs.declare(cacheImageJob(core));
    core.parts.bus.on<image::ImageDeleted>(
        "compute.forget-cached-image", [&core](store::Transaction& tx, const image::ImageDeleted& event) {
            cached_image::imageGone(tx, event.image);
            tx.afterCommit([&reconciler = core.parts.reconciler] { reconciler.kick("compute"); });
        });
}

}
