#include "image/cache/cache.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "image/data/copying.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::image {

using identity::Caller;

namespace {

// Who queues an image and looks sees it queued; who thinks better of it can take it back.
constexpr auto queuedAtLeast = std::chrono::seconds(1);

}

Cache::Cache(Parts parts, ImageService& images, const Stores& stores, const std::filesystem::path& folder)
    : parts_(parts),
      bytesMax_(parts.config.integer("image", "cache_max_size")),
      images_(images),
      stores_(stores),
      folder_(folder) {}

std::vector<CachedImage> Cache::list(const Caller& caller) {
    caller.enforce();
    return table_.all(parts_.store.reader());
}

void Cache::queue(const Caller& caller, const ImageId& id) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = images_.visible(tx, caller, id);
        if (image.status != ImageStatus::Active)
            throw Error(Failure::Invalid, "Only images with status active can be targeted for queueing");
        if (!stores_.locate(image)) throw Error(Failure::Invalid, "Image ", id, " is in no store of this cloud.");
        if (image.size.value_or(0) > bytesMax_)
            throw Error(Failure::Invalid, "Image ", id, " has ", image.size.value_or(0),
                        " bytes, more than all copies together may have.");
        if (table_.has(tx, id)) return;
        table_.queue(tx, id, parts_.ambient.now());
    });
}

void Cache::fetchQueued() {
    auto& db = parts_.store.reader();
    const auto ripe = [&](store::Reader& now, const CachedImage& each) {
        return each.queued && each.modified + queuedAtLeast < parts_.ambient.now() &&
               !parts_.jobs.busy(now, each.image.text);
    };
    for (const auto& each : table_.all(db)) {
        if (!ripe(db, each)) continue;
        parts_.store.write([&](store::Transaction& tx) {
            if (table_.has(tx, each.image) && ripe(tx, each)) parts_.jobs.enqueue(tx, "image.cache", each.image.text);
        });
    }
}

void Cache::remove(const Caller& caller, const ImageId& id) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        if (!table_.has(tx, id)) throw Error(Failure::NotFound, "Image ", id, " is neither cached nor queued.");
        giveUp(tx, id);
    });
}

void Cache::clear(const Caller& caller, bool cached, bool queued) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        for (const auto& each : table_.all(tx)) {
            if (each.queued ? !queued : !cached) continue;
            giveUp(tx, each.image);
        }
    });
}

void Cache::giveUp(store::Transaction& tx, const ImageId& id) {
    table_.remove(tx, id);
    parts_.jobs.cancel(tx, "image.cache", id.text);
    parts_.jobs.enqueue(tx, "image.uncache", id.text);
}

std::optional<std::filesystem::path> Cache::use(const ImageRecord& image) {
    const auto known = table_.find(parts_.store.reader(), image.id);
    if (!known || (!image.hashValue && known->modified < image.updated)) return std::nullopt;
    auto copy = folder_.find(image.id);
    if (copy) parts_.store.write([&](store::Transaction& tx) { table_.hit(tx, image.id, parts_.ambient.now()); });
    return copy;
}

std::filesystem::path Cache::fetch(const ImageRecord& image, const WebSource& web) {
    std::shared_ptr<std::mutex> mine;
    {
        const std::lock_guard lock(fetching_);
        auto& found = fetchers_[image.id];
        if (!found) found = std::make_shared<std::mutex>();
        mine = found;
    }
    const std::lock_guard lock(*mine);
    if (auto copy = use(image)) return *copy;
    const auto where = std::find_if(image.locations.begin(), image.locations.end(),
                                    [](const auto& each) { return !each.url.empty(); });
    if (where == image.locations.end())
        throw Error(Failure::Broken, "the data of image ", image.id, " is in no store of ours");
    const auto sink = folder_.receive(image.id);
    Digests digests;
    std::int64_t bytes = 0;
    web.fetch({.url = where->url, .bytesMax = images_.quotas().sizeCapBytes()}, [&](std::span<const std::byte> piece) {
        digests.append(piece);
        sink->append(piece);
        bytes += static_cast<std::int64_t>(piece.size());
    });
    if (const auto made = digests.finish(); image.hashValue.value_or(made.sha512) != made.sha512)
        throw Error(Failure::Broken, "what is at the address of image ", image.id, " is not what its digest says");
    sink->commit();
    remember(image, bytes);
    return *folder_.find(image.id);
}

/// The copy counts from now on; others make room for it.
void Cache::remember(const ImageRecord& image, std::int64_t bytes) {
    const bool there = parts_.store.write([&](store::Transaction& tx) {
        if (!images_.table().status(tx, image.id)) return false;
        const auto now = parts_.ambient.now();
        table_.queue(tx, image.id, now);
        table_.fill(tx, image.id, bytes, now);
        while (table_.bytes(tx) > bytesMax_) {
            const auto oldest = table_.leastUsed(tx, image.id);
            if (!oldest) break;
            giveUp(tx, oldest->image);
        }
        return true;
    });
    if (there) return;
    folder_.discard(image.id);
    throw Error(Failure::NotFound, "image ", image.id, " was deleted while it was copied");
}

void Cache::discard(const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) { table_.remove(tx, id); });
    folder_.discard(id);
}

void Cache::reconcile() {
    const std::lock_guard lock(fetching_); // none begins meanwhile
    std::erase_if(fetchers_, [](const auto& each) { return each.second.use_count() == 1; });
    for (const auto& id : folder_.present())
        if (auto& db = parts_.store.reader();
            !fetchers_.contains(id) && !table_.has(db, id) && !parts_.jobs.busy(db, id.text))
            folder_.discard(id);
}

void Cache::declareJobs() {
    parts_.jobs.declare(jobs::Job("image.cache")
                            .lane(jobs::copyLane)
                            .step(
                                "copy", [this](jobs::Run& run) { copy(run); },
                                [this](jobs::Run& run) { folder_.discard(run.id_of<ImageId>()); })
                            .within(std::chrono::hours(6))
                            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string&) {
                                table_.remove(tx, run.id_of<ImageId>());
                            }));
    parts_.jobs.declare(jobs::Job("image.uncache")
                            .step("discard",
                                  [this](jobs::Run& run) {
                                      const auto id = run.id_of<ImageId>();
                                      if (!table_.has(parts_.store.reader(), id))
                                          folder_.discard(id); // it may be wanted again
                                  })
                            .untilDone());
}

/// A copy is only good if it has the digest of what was uploaded (OSSA-2024-004).
void Cache::copy(jobs::Run& run) {
    const auto image = images_.table().find(parts_.store.reader(), run.id_of<ImageId>());
    const auto from = image ? stores_.locate(*image) : std::nullopt;
    if (!from) throw Error(Failure::NotFound, "image ", run.subject, " is gone");
    if (!folder_.find(image->id)) {
        const auto sink = folder_.receive(image->id);
        const auto made = copied(*from, sink.get(), [&] {
            if (run.cancelled()) throw Error(Failure::Busy, "the copy was stopped");
        });
        if (made.digests.sha512 != image->hashValue)
            throw Error(Failure::Broken, "the data of image ", image->id, " is not what was uploaded");
        sink->commit();
    }
    remember(*image, image->size.value_or(0));
}

}
