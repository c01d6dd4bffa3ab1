#include <algorithm>

#include <stratolet/error.hpp>

#include "image/data/conversion.hpp"
#include "image/data/copying.hpp"
#include "image/data/inspection.hpp"
#include "image/data/unpacking.hpp"
#include "image/import/imports.hpp"
#include "platform/log/log.hpp"
#include "platform/text/text.hpp"

// An import as a job: fetch ─► unpack ─► convert ─► fill ─► tidy. Each step looks whether its file is there already;
// what is written is there whole or not at all.

namespace stratolet::image {
namespace {

void stopIfCancelled(const jobs::Run& run) {
    if (run.cancelled()) throw Error(Failure::Busy, "The import was stopped.");
}

Error deletedMeanwhile(const ImageId& image) {
    return Error(Failure::NotFound, "Image ", image, " was deleted while it was imported.");
}

bool isCopy(const jobs::Run& run) { return run.arguments().text("method") == "copy-image"; }

std::vector<std::string> storesOf(const jobs::Run& run) {
    std::vector<std::string> stores;
    for (const auto& each : run.arguments().array("stores").items()) stores.push_back(each.text());
    return stores;
}

/// What a step of a job says may be read by whoever asked for the import, so what the host has to say goes into the log
/// instead.
template <class Step> jobs::Job::Work discreetly(Log& log, Step step) {
    return [&log, step](jobs::Run& run) {
        try {
            step(run);
        } catch (const Error& problem) {
            if (problem.failure() != Failure::Broken) throw;
            log.warning("an import met a problem", {{"image", run.subject}, {"reason", problem.what()}});
            const bool web = std::string_view(problem.what()).starts_with("The download failed");
            throw Error(Failure::Broken,
                        web ? problem.what()
                            : "The image could not be imported for a reason that its owner can't mend.");
        } catch (const std::exception& problem) {
            log.warning("an import met a problem", {{"image", run.subject}, {"reason", problem.what()}});
            throw Error(Failure::Broken, "The image could not be imported for a reason that its owner can't mend.");
        }
    };
}

}

void Imports::declareJobs() {
    const auto step = [this](void (Imports::*work)(jobs::Run&)) {
        return discreetly(parts_.log, [this, work](jobs::Run& run) { (this->*work)(run); });
    };
    const auto discardStaged = [this](jobs::Run& run) { staging_.discard(run.id_of<ImageId>()); };
    parts_.jobs.declare(
        jobs::Job("image.import")
            .step("fetch", step(&Imports::fetch), discardStaged, jobs::transferLane)
            .lane(jobs::copyLane)
            .step("unpack", step(&Imports::unpackStaged))
            .step("convert", step(&Imports::convertStaged))
            .step("fill", step(&Imports::fill), [this](jobs::Run& run) { empty(run); })
            .step("tidy", discreetly(parts_.log, discardStaged))
            .within(std::chrono::hours(24))
            .onDone([this](store::Transaction& tx, jobs::Run& run) { finish(tx, run); })
            .onFailed([this](store::Transaction& tx, jobs::Run& run, const std::string& why) { fail(tx, run, why); }));
    parts_.jobs.declare(jobs::Job("image.discard-copy")
                            .step("discard",
                                  [this](jobs::Run& run) {
                                      const auto store = run.arguments().text("store");
                                      // It may have been copied back meanwhile.
                                      if (images_.table().isInStore(parts_.store.reader(), run.id_of<ImageId>(), store))
                                          return;
                                      if (auto* found = stores_.find(store)) found->discard(run.id_of<ImageId>());
                                  })
                            .untilDone());
}

ImageRecord Imports::imageOf(jobs::Run& run) {
    stopIfCancelled(run);
    auto image = images_.table().find(parts_.store.reader(), run.id_of<ImageId>());
    if (!image) throw deletedMeanwhile(run.id_of<ImageId>());
    return std::move(*image);
}

void Imports::fetch(jobs::Run& run) {
    const auto image = imageOf(run);
    const auto arguments = run.arguments();
    parts_.store.write([&](store::Transaction& tx) { tasks_.begin(tx, arguments.text("task"), parts_.ambient.now()); });
    if (isCopy(run) || staging_.sent.find(image.id)) return;
    if (arguments.text("method") != "web-download")
        throw Error(Failure::Invalid, "The staged data of image ", image.id, " is gone.");
    const ImageData::Hold hold(data_, image.id);
    auto& db = parts_.store.reader();
    auto& quotas = images_.quotas();
    const auto sink = staging_.sent.receive(image.id);
    std::int64_t bytes = 0;
    web_.fetch({.url = arguments.text("uri"),
                .bytesMax = std::min(quotas.room(db, image.owner), quotas.stagingRoom(db, image.owner)),
                .cancelled = run.cancelled,
                .progress = run.progress},
               [&](std::span<const std::byte> piece) {
                   sink->append(piece);
                   bytes += static_cast<std::int64_t>(piece.size());
               });
    sink->commit();
    parts_.store.write([&](store::Transaction& tx) { images_.table().setStaged(tx, image.id, bytes); });
}

void Imports::unpackStaged(jobs::Run& run) {
    const auto image = imageOf(run);
    if (isCopy(run) || !plugins_.unpack || image.containerFormat != "compressed" || staging_.unpacked.find(image.id))
        return;
    const ImageData::Hold hold(data_, image.id);
    const auto sink = staging_.unpacked.receive(image.id);
    unpack(*staging_.sent.find(image.id), images_.quotas().room(parts_.store.reader(), image.owner),
           [&](std::span<const std::byte> piece) {
               stopIfCancelled(run);
               sink->append(piece);
           });
    sink->commit();
}

void Imports::convertStaged(jobs::Run& run) {
    const auto image = imageOf(run);
    const auto& to = plugins_.convertTo;
    const bool plain = isPlainContainer(image.containerFormat) || staging_.unpacked.find(image.id);
    if (isCopy(run) || to.empty() || !plain || image.diskFormat == to || !isConvertible(*image.diskFormat) ||
        staging_.converted.find(image.id))
        return;
    const ImageData::Hold hold(data_, image.id);
    const auto from = *staging_.newest(image.id);
    const auto inspected = inspectAs(from, *image.diskFormat);
    confirmWithQemu(from, inspected);
    const auto sink = staging_.converted.receive(image.id);
    convert(from, inspected, sink->path(), to, images_.quotas().room(parts_.store.reader(), image.owner));
    sink->commit();
}

/// Copies the data into one store, with its digests, and makes that store a location of the image.
void Imports::fillStore(jobs::Run& run, ImageRecord& image, const std::string& store,
                        const std::filesystem::path& from) {
    const auto sink = stores_.named(store).receive(image.id);
    const auto made = copied(from, sink.get(), [&] { stopIfCancelled(run); });
    if (image.hashValue.value_or(made.digests.sha512) != made.digests.sha512)
        throw Error(Failure::Broken, "the data of image ", image.id, " is not what was uploaded");
    sink->commit();
    image.size = made.bytes;
    image.checksum = made.digests.md5;
    image.hashValue = made.digests.sha512;
}

void Imports::fill(jobs::Run& run) {
    auto image = imageOf(run);
    const auto stores = storesOf(run);
    const bool copy = isCopy(run), allMust = run.arguments().boolean("all_must_succeed", true);
    const ImageData::Hold hold(data_, image.id);
    const auto from = copy ? stores_.locate(image) : staging_.newest(image.id);
    if (!from) throw Error(Failure::Broken, "the data of image ", image.id, " is missing");
    if (!copy) {
        image.virtualSize.reset(); // what an earlier attempt found out
        image.hashValue.reset();
        if (staging_.unpacked.find(image.id)) image.containerFormat = "bare";
        if (staging_.converted.find(image.id)) image.diskFormat = plugins_.convertTo;
        if (isPlainContainer(image.containerFormat)) {
            const auto inspected = inspectAs(*from, *image.diskFormat);
            confirmWithQemu(*from, inspected);
            image.virtualSize = inspected.virtualSize.count;
        }
    }
    auto& table = images_.table();
    std::vector<std::string> left = stores, failed;
    for (const auto& store : stores) {
        if (!(copy && isIn(image, store))) {
            try {
                fillStore(run, image, store, *from);
            } catch (const std::exception& problem) {
                if (allMust || run.cancelled()) throw;
                parts_.log.warning("a store could not be filled",
                                   {{"image", image.id.text}, {"store", store}, {"reason", problem.what()}});
                failed.push_back(store);
            }
        }
        std::erase(left, store);
        parts_.store.write([&](store::Transaction& tx) {
            if (!table.status(tx, image.id)) throw deletedMeanwhile(image.id);
            if (std::find(failed.begin(), failed.end(), store) == failed.end()) table.addToStore(tx, image.id, store);
            table.setImport(tx, image.id, joined(left, ","), joined(failed, ","));
        });
    }
    if (!stores.empty() && failed.size() == stores.size())
        throw Error(Failure::Invalid, "The image could not be imported into any store.");
    if (copy) return;
    parts_.store.write([&](store::Transaction& tx) {
        auto now = table.find(tx, image.id);
        if (!now) throw deletedMeanwhile(image.id);
        if (!now->size)
            images_.quotas().claimBytes(tx, now->owner,
                                        *image.size * static_cast<std::int64_t>(stores.size() - failed.size()));
        now->containerFormat = image.containerFormat;
        now->diskFormat = image.diskFormat;
        if (run.arguments().boolean("inject", false))
            for (const auto& [name, value] : plugins_.properties) now->properties[name] = value;
        table.update(tx, *now);
        table.describe(tx, image);
    });
}

/// The stores that this job has filled, or begun to: none of them had the image before.
void Imports::empty(jobs::Run& run) {
    const auto id = run.id_of<ImageId>();
    const auto stores = storesOf(run);
    parts_.store.write([&](store::Transaction& tx) {
        for (const auto& each : stores) images_.table().removeFromStore(tx, id, each, parts_.ambient.now());
    });
    for (const auto& each : stores)
        if (auto* store = stores_.find(each)) store->discard(id);
}

void Imports::finish(store::Transaction& tx, jobs::Run& run) {
    const auto now = parts_.ambient.now();
    const auto id = run.id_of<ImageId>();
    tasks_.succeed(tx, run.arguments().text("task"), R"({"image_id":)" + jsonText(run.subject) + "}", now);
    const auto image = images_.table().find(tx, id);
    if (!image) return;
    images_.table().setStaged(tx, id, std::nullopt);
    images_.table().setImport(tx, id, "", image->failedImport.value_or(""));
    if (image->status == ImageStatus::Importing)
        images_.table().move(tx, id, ImageStatus::Importing, ImageStatus::Active, now);
}

void Imports::fail(store::Transaction& tx, jobs::Run& run, const std::string& reason) {
    const auto now = parts_.ambient.now();
    const auto id = run.id_of<ImageId>();
    tasks_.fail(tx, run.arguments().text("task"), reason, now);
    const auto status = images_.table().status(tx, id);
    if (!status) return;
    images_.table().setStaged(tx, id, std::nullopt);
    images_.table().setImport(tx, id, "", joined(storesOf(run), ","));
    if (status != ImageStatus::Importing) return;
    ImageRecord nothing;
    nothing.id = id;
    images_.table().describe(tx, nothing);
    images_.table().move(tx, id, ImageStatus::Importing, ImageStatus::Queued, now);
}

}
