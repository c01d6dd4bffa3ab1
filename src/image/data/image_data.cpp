#include "image/data/image_data.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stratolet/error.hpp>

#include "image/data/conversion.hpp"
#include "image/data/copying.hpp"
#include "image/data/inspection.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"

namespace stratolet::image {
namespace {

using identity::Caller;

Fd opened(const std::filesystem::path& file) {
    return Fd(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC), "open image data")));
}

}

ImageData::ImageData(Parts parts, ImageService& images, const Stores& stores, const Staging& staging,
                     const WebSource& web, Cache& cache)
    : parts_(parts),
      images_(images),
      stores_(stores),
      staging_(staging),
      web_(web),
      cache_(cache) {}

ImageData::Hold::Hold(ImageData& data, ImageId image, std::chrono::milliseconds patience)
    : data_(data),
      image_(std::move(image)) {
    std::unique_lock lock(data_.heldMutex_);
    if (!data_.letGo_.wait_for(lock, patience, [&] { return !data_.held_.contains(image_); }))
        throw Error(Failure::Conflict, "The data of image ", image_, " is being written already.");
    data_.held_.insert(image_);
}

ImageData::Hold::~Hold() {
    {
        const std::lock_guard lock(data_.heldMutex_);
        data_.held_.erase(image_);
    }
    data_.letGo_.notify_all();
}

// --- in

/// The image moves on from `queued`, where all that both ways in ask for holds.
ImageRecord ImageData::begin(store::Transaction& tx, const Caller& caller, const ImageId& id,
                             std::optional<std::uint64_t> expected, ImageStatus to) {
    const auto image = images_.visible(tx, caller, id);
    caller.enforce(images_.targetOf(tx, caller, image));
    return claim(tx, image, expected, to);
}

ImageRecord ImageData::claim(store::Transaction& tx, const ImageRecord& image, std::optional<std::uint64_t> expected,
                             ImageStatus to) {
    const auto& id = image.id;
    if (image.status != ImageStatus::Queued)
        throw Error(Failure::Conflict, "Image status transition from ", nameOf(image.status), " to ", nameOf(to),
                    " is not allowed");
    requireFormats(image);
    auto& quotas = images_.quotas();
    if (expected && *expected > static_cast<std::uint64_t>(quotas.sizeCapBytes()))
        throw Error(Failure::TooLarge, "Image ", id, " exceeds the largest size that is allowed, ",
                    quotas.sizeCapBytes(), " bytes.");
    quotas.claimUpload(tx, image.owner);
    images_.table().move(tx, id, ImageStatus::Queued, to, parts_.ambient.now());
    return image;
}

std::unique_ptr<ImageUpload> ImageData::receive(const Caller& caller, const ImageId& id,
                                                std::optional<std::uint64_t> expected, const std::string& store) {
    // Asked first, so that a stranger keeps nobody from it even for a moment.
    const auto status = images_.visible(parts_.store.reader(), caller, id).status;
    std::unique_ptr<ImageUpload> upload(new ImageUpload(*this, id, status));
    parts_.store.write([&](store::Transaction& tx) {
        upload->image_ = begin(tx, caller, id, expected, ImageStatus::Saving);
        upload->store_ = store.empty() ? &stores_.first() : &stores_.named(store);
        begin(*upload, tx, expected);
    });
    upload->open();
    return upload;
}

/// The room that an upload into a store has.
void ImageData::begin(ImageUpload& upload, store::Transaction& tx, std::optional<std::uint64_t> expected) {
    auto& quotas = images_.quotas();
    quotas.claimBytes(tx, upload.image_.owner, static_cast<std::int64_t>(expected.value_or(0)));
    upload.bytesMax_ = quotas.room(tx, upload.image_.owner);
}

void ImageUpload::open() {
    begun_ = true;
    sink_ = store_->receive(image_.id);
    digests_.emplace();
}

void ImageData::fill(const ImageId& id, const std::filesystem::path& disk, const Cancelled& cancelled,
                     Content content) {
    auto& table = images_.table();
    std::unique_ptr<ImageUpload> upload(new ImageUpload(*this, id, ImageStatus::Saving)); // and nobody else begins one
    upload->content_ = content;
    bool done = false;
    parts_.store.write([&](store::Transaction& tx) {
        auto image = table.find(tx, id);
        if (!image) throw missing(id);
        if (done = image->status == ImageStatus::Active; done) return;
        if (image->status == ImageStatus::Saving) { // what a crash left
            table.move(tx, id, ImageStatus::Saving, ImageStatus::Queued, parts_.ambient.now());
            image->status = ImageStatus::Queued;
        }
        upload->image_ = claim(tx, *image, std::nullopt, ImageStatus::Saving);
        upload->store_ = &stores_.first();
        begin(*upload, tx, std::nullopt);
    });
    if (done) return;
    upload->open();
    const auto data = upload->image_.diskFormat == "raw" ? Fd(::open(disk.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
                                                         : converted(disk, *upload->image_.diskFormat);
    check(data.get(), "open the data of an image");
    std::vector<std::byte> piece(1 << 20);
    for (;;) {
        if (cancelled && cancelled()) throw Error(Failure::Busy, "the upload was stopped");
        const auto got = check(::read(data.get(), piece.data(), piece.size()), "read the data of an image");
        if (got == 0) break;
        upload->append(std::span(piece).first(static_cast<std::size_t>(got)));
    }
    upload->finish();
}

std::unique_ptr<ImageUpload> ImageData::stage(const Caller& caller, const ImageId& id,
                                              std::optional<std::uint64_t> expected) {
    // Asked first, so that a stranger keeps nobody from it even for a moment.
    const auto status = images_.visible(parts_.store.reader(), caller, id).status;
    std::unique_ptr<ImageUpload> upload(new ImageUpload(*this, id, status));
    auto& quotas = images_.quotas();
    parts_.store.write([&](store::Transaction& tx) {
        upload->image_ = begin(tx, caller, id, expected, ImageStatus::Uploading);
        quotas.claimStaged(tx, upload->image_.owner, static_cast<std::int64_t>(expected.value_or(0)));
        upload->bytesMax_ = quotas.stagingRoom(tx, upload->image_.owner);
    });
    upload->begun_ = true;
    upload->sink_ = staging_.sent.receive(id);
    return upload;
}

void ImageUpload::append(std::span<const std::byte> bytes) {
    bytes_ += static_cast<std::int64_t>(bytes.size());
    if (bytes_ > bytesMax_)
        throw Error(Failure::TooLarge, "Image ", image_.id,
                    " exceeds the largest size that is allowed, or the storage quota.");
    if (digests_) digests_->append(bytes);
    sink_->append(bytes);
}

void ImageUpload::finish() {
    if (!store_) {
        sink_->commit();
        stored_ = true;
        data_.completeStaging(image_.id, bytes_);
        done_ = true;
        return;
    }
    if (isPlainContainer(image_.containerFormat)) {
        const auto inspected = inspectAs(sink_->path(), *image_.diskFormat, content_);
        confirmWithQemu(sink_->path(), inspected);
        image_.virtualSize = inspected.virtualSize.count;
    }
    const auto digests = digests_->finish();
    image_.size = bytes_;
    image_.checksum = digests.md5;
    image_.hashValue = digests.sha512;
    sink_->commit();
    stored_ = true;
    data_.complete(image_, std::string(store_->name()));
    done_ = true;
    if (const auto file = store_->find(image_.id)) data_.rememberVerified(*file);
}

ImageUpload::~ImageUpload() {
    if (done_ || !begun_) return;
    try {
        sink_.reset();
        if (stored_) store_ ? store_->discard(image_.id) : data_.staging_.discard(image_.id);
        data_.giveBack(image_.id, store_ ? ImageStatus::Saving : ImageStatus::Uploading);
    } catch (const std::exception& problem) {
        data_.parts_.log.error("an upload could not be taken back",
                               {{"image", image_.id.text}, {"reason", problem.what()}});
    }
}

void ImageData::complete(const ImageRecord& image, const std::string& store) {
    auto& table = images_.table();
    parts_.store.write([&](store::Transaction& tx) {
        if (table.status(tx, image.id) != ImageStatus::Saving)
            throw Error(Failure::NotFound, "Image ", image.id, " was deleted while it was uploaded.").as("gone");
        images_.quotas().claimBytes(tx, image.owner, *image.size);
        table.describe(tx, image);
        table.addToStore(tx, image.id, store);
        table.move(tx, image.id, ImageStatus::Saving, ImageStatus::Active, parts_.ambient.now());
    });
}

void ImageData::completeStaging(const ImageId& id, std::int64_t bytes) {
    auto& table = images_.table();
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = table.find(tx, id);
        if (!image || image->status != ImageStatus::Uploading)
            throw Error(Failure::NotFound, "Image ", id, " was deleted while it was uploaded.").as("gone");
        images_.quotas().claimStaged(tx, image->owner, bytes);
        table.setStaged(tx, id, bytes);
    });
}

void ImageData::giveBack(const ImageId& id, ImageStatus from) {
    parts_.store.write(
        [&](store::Transaction& tx) { images_.table().move(tx, id, from, ImageStatus::Queued, parts_.ambient.now()); });
}

// --- out

std::optional<ImageData::Download> ImageData::download(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    const auto image = images_.visible(db, caller, id);
    caller.enforce(images_.targetOf(db, caller, image));
    if (image.status == ImageStatus::Deactivated && !images_.isAdmin(caller))
        throw Error(Failure::Forbidden, "The requested image has been deactivated. Image data download is forbidden.");
    if (image.status != ImageStatus::Active && image.status != ImageStatus::Deactivated) return std::nullopt;
    if (const auto copy = cache_.use(image)) {
        try {
            verify(image, *copy);
            return Download{opened(*copy), image.size.value_or(0), image.checksum.value_or("")};
        } catch (const Error& problem) {
            parts_.log.warning("a cached copy is not used", {{"image", id.text}, {"reason", problem.what()}});
        }
    }
    if (const auto file = stores_.locate(image))
        return Download{opened(*file), image.size.value_or(0), image.checksum.value_or("")};
    for (const auto& location : image.locations) {
        if (location.url.empty()) continue;
        auto file = fetched(location.url);
        struct stat about {};
        check(::fstat(file.get(), &about), "look at image data");
        return Download{std::move(file), about.st_size, image.checksum.value_or("")};
    }
    throw Error(Failure::Broken, "the data of image ", id, " is missing");
}

/// The bytes at an address that somebody gave, in a file without a name.
Fd ImageData::fetched(const std::string& url) {
    Fd file(static_cast<int>(
        check(::open(staging_.folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "make a file for image data")));
    web_.fetch({.url = url, .bytesMax = images_.quotas().sizeCapBytes()},
               [&](std::span<const std::byte> bytes) { writeAll(file.get(), bytes, "write image data"); });
    return file;
}

// --- is it what it was?

ImageData::Stamp ImageData::stampOf(const std::filesystem::path& file) {
    struct stat about {};
    check(::stat(file.c_str(), &about), "look at image data");
    return {about.st_ino, about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec, about.st_size};
}

void ImageData::rememberVerified(const std::filesystem::path& file) {
    const auto stamp = stampOf(file);
    const std::lock_guard lock(verifiedMutex_);
    verified_[file] = stamp;
}

void ImageData::verify(const ImageRecord& image, const std::filesystem::path& file) {
    if (!image.hashValue) return;
    const auto stamp = stampOf(file);
    {
        const std::lock_guard lock(verifiedMutex_);
        const auto known = verified_.find(file);
        if (known != verified_.end() && known->second == stamp) return;
    }
    if (stamp.size != image.size)
        throw Error(Failure::Broken, "the data of image ", image.id, " has ", stamp.size, " bytes, but should have ",
                    image.size.value_or(0));
    if (copied(file, nullptr).digests.sha512 != image.hashValue)
        throw Error(Failure::Broken, "the data of image ", image.id, " is not what was uploaded");
    const std::lock_guard lock(verifiedMutex_);
    verified_[file] = stamp;
}

DiskSource ImageData::source(const ImageId& id, std::optional<Bytes> diskMax, Content content) {
    const auto image = images_.table().find(parts_.store.reader(), id);
    if (!image || image->status != ImageStatus::Active) throw Error(Failure::Broken, "image ", id, " is not active");
    const bool raw = image->diskFormat == "raw", qcow2 = image->diskFormat == "qcow2";
    if (!isPlainContainer(image->containerFormat) || (!raw && !qcow2))
        throw Error(Failure::Broken, "image ", id, " is ", image->containerFormat.value_or("-"), "/",
                    image->diskFormat.value_or("-"), "; only bare raw and qcow2 images can be used as disks");
    auto file = stores_.locate(*image);
    if (!file) file = cache_.fetch(*image, web_);
    verify(*image, *file);
    Inspected inspected;
    try {
        inspected = inspectAs(*file, *image->diskFormat, content);
        confirmWithQemu(*file, inspected);
    } catch (const Error& problem) {
        throw Error(Failure::Broken, "image ", id, ": ", problem.what());
    }
    if (diskMax && inspected.virtualSize > *diskMax)
        throw Error(Failure::Invalid, "the disk of image ", id, " has ", inspected.virtualSize.count,
                    " bytes, more than ", diskMax->count);
    return {FileDisk{*file}, raw ? DiskFormat::Raw : DiskFormat::Qcow2};
}

// --- away

void ImageData::discard(const ImageId& id) {
    {
        const std::lock_guard lock(verifiedMutex_);
        for (auto* store : stores_.all())
            if (const auto file = store->find(id)) verified_.erase(*file);
    }
    staging_.discard(id);
    cache_.discard(id);
    stores_.discard(id);
}

namespace {

/// While data that is in no location yet may be there because of it.
bool isOnItsWay(std::optional<ImageStatus> status) {
    return status == ImageStatus::Saving || status == ImageStatus::Uploading || status == ImageStatus::Importing;
}

}

void ImageData::reconcile() {
    auto& table = images_.table();
    // With the lock held no upload begins, and a job asks for its hold before it writes.
    const auto unlessBusy = [&](const ImageId& id, const auto& mend) {
        const std::lock_guard lock(heldMutex_);
        if (!held_.contains(id) && !parts_.jobs.busy(parts_.store.reader(), id.text)) mend();
    };
    for (auto* store : stores_.all()) {
        std::set<std::string> strays;
        for (const auto& id : store->present())
            unlessBusy(id, [&] {
                auto& db = parts_.store.reader();
                if (table.isInStore(db, id, store->name())) return;
                // Only what was on its way in, or was deleted, may go: of anything else this store may be too old to
                // know.
                if (!isOnItsWay(table.status(db, id)) && !isBuried(db, "image", store->name(), id.text)) {
                    strays.insert(id.text);
                    return;
                }
                parts_.log.info("image data without an image removed",
                                {{"image", id.text}, {"store", std::string(store->name())}});
                store->discard(id);
            });
        tellStrays(parts_, "image", store->name(), strays);
    }
    std::set<std::string> strays;
    for (const auto& id : staging_.present())
        unlessBusy(id, [&] {
            auto& db = parts_.store.reader();
            const auto image = table.find(db, id);
            if (image && image->status == ImageStatus::Uploading && image->staged) return;
            if ((image && image->status != ImageStatus::Queued) || isBuried(db, "image", "", id.text))
                staging_.discard(id);
            else
                strays.insert(id.text);
        });
    tellStrays(parts_, "staged image", "staging", strays);
    // Begun before a crash: nobody is sending any more.
    for (const auto status : {ImageStatus::Saving, ImageStatus::Uploading})
        for (const auto& id : table.inStatus(parts_.store.reader(), status))
            unlessBusy(id, [&] {
                if (status == ImageStatus::Uploading && staging_.sent.find(id)) return;
                giveBack(id, status);
            });
}

}
