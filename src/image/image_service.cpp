#include "image/image_service.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include <stratolet/error.hpp>

#include "image/inspection.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/log/log.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::image {
namespace {

using identity::Caller;

Error missing(const ImageId& image) { return Error(Failure::NotFound, "No image found with ID ", image); }

bool isAdmin(const Caller& caller) { return caller.may("context_is_admin", {}); }

constexpr std::int64_t mebi = 1 << 20;

}

ImageService::ImageService(Parts parts, ImageStore& store)
    : parts_(parts),
      store_(store),
      quotas_("image", {{"image_count_total", parts.config.integer("image", "image_count_total")},
                        {"image_size_total", parts.config.integer("image", "image_size_total")}}),
      sizeCapBytes_(parts.config.integer("image", "image_size_cap")) {}

// --- who sees what

std::optional<ImageRecord> ImageService::find(store::Reader& db, const Caller& caller, const ImageId& id) {
    auto image = table_.find(db, id);
    if (!image) return std::nullopt;
    const bool seen = isAdmin(caller) || (!caller.project.empty() && image->owner == caller.project) ||
                      image->visibility == Visibility::Public || image->visibility == Visibility::Community ||
                      (image->visibility == Visibility::Shared && !caller.project.empty() && table_.member(db, id, caller.project));
    return seen ? image : std::nullopt;
}

ImageRecord ImageService::visible(store::Reader& db, const Caller& caller, const ImageId& id) {
    auto image = find(db, caller, id);
    if (!image) throw missing(id);
    return *image;
}

Target ImageService::targetOf(store::Reader& db, const Caller& caller, const ImageRecord& image) {
    Target target{{"project_id", image.owner.text}, {"owner", image.owner.text}, {"visibility", std::string(nameOf(image.visibility))}};
    if (!caller.project.empty() && table_.member(db, image.id, caller.project)) target.emplace("member_id", caller.project.text);
    return target;
}

// --- the image itself

void ImageService::checkLimits(const Caller& caller, const ImageRecord& before, const ImageRecord& after) {
    if (after.properties.size() > propertiesMax && after.properties.size() > before.properties.size())
        throw Error(Failure::OverLimit,
                    "The limit has been exceeded on the number of allowed image properties. Attempted: ", after.properties.size(),
                    ", Maximum: ", propertiesMax);
    if (after.tags.size() > tagsMax && after.tags.size() > before.tags.size())
        throw Error(Failure::OverLimit, "The limit has been exceeded on the number of allowed image tags. Attempted: ", after.tags.size(),
                    ", Maximum: ", tagsMax);
    if (after.visibility != before.visibility) {
        const Target target{{"project_id", after.owner.text}};
        if (after.visibility == Visibility::Public) caller.enforce("publicize_image", target);
        if (after.visibility == Visibility::Community) caller.enforce("communitize_image", target);
    }
}

ImageRecord ImageService::create(const Caller& caller, ImageRecord wanted) {
    caller.enforce({{"project_id", caller.project.text}, {"owner", wanted.owner.text}});
    checkLimits(caller, {}, wanted);
    wanted.created = wanted.updated = parts_.ambient.now();
    return parts_.store.write([&](store::Transaction& tx) {
        if (wanted.id.empty()) wanted.id = {parts_.ambient.uuid()};
        // What is left of a deleted namesake must be gone before new data can come.
        else if (table_.status(tx, wanted.id) || parts_.jobs.busy(tx, wanted.id.text))
            throw Error(Failure::Conflict, "Image ID ", wanted.id, " already exists!");
        quotas_.claim(tx, wanted.owner.text, "image_count_total", table_.countOf(tx, wanted.owner), 1);
        table_.insert(tx, wanted);
        return wanted;
    });
}

ImageRecord ImageService::show(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    auto image = visible(db, caller, id);
    caller.enforce(targetOf(db, caller, image));
    return image;
}

std::vector<ImageRecord> ImageService::list(const Caller& caller, ImageQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        if (!query.marker.empty()) {
            if (!find(db, caller, query.marker))
                throw Error(Failure::Invalid, "Invalid marker. Image ", query.marker, " could not be found.");
            store::startAfter(query.conditions, query.order, "images", query.marker.text);
        }
        if (!isAdmin(caller)) {
            const std::string anyMember = "visibility = 'shared' AND id IN (SELECT image_id FROM image_members WHERE member = ?";
            std::string sql = "(visibility = 'public' OR (owner = ? AND owner != '')";
            std::vector<store::Value> values{caller.project};
            if (query.withCommunity) sql += " OR visibility = 'community'";
            if (query.memberStatus == "all") {
                sql += " OR (" + anyMember + "))";
                values.emplace_back(caller.project);
            } else {
                sql += " OR (" + anyMember + " AND status = ?))";
                values.emplace_back(caller.project);
                values.emplace_back(query.memberStatus);
            }
            query.conditions.append(sql + ")", std::move(values));
        } else if (!query.withCommunity) {
            query.conditions.add("(visibility != 'community' OR owner = ?)", caller.project);
        }
        return table_.list(db, query.conditions, query.order, query.limit);
    });
}

ImageRecord ImageService::update(const Caller& caller, const ImageId& id, const std::function<void(ImageRecord&)>& amend) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto before = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, before));
        auto after = before;
        amend(after);
        if (after.owner != before.owner && !isAdmin(caller))
            throw Error(Failure::Forbidden, "You are not permitted to modify 'owner' on this image.");
        if (before.status != ImageStatus::Queued) {
            if (after.diskFormat != before.diskFormat)
                throw Error(Failure::Forbidden, "Attribute disk_format can be only replaced for a queued image.");
            if (after.containerFormat != before.containerFormat)
                throw Error(Failure::Forbidden, "Attribute container_format can be only replaced for a queued image.");
        }
        checkLimits(caller, before, after);
        if (after.owner != before.owner) {
            quotas_.claim(tx, after.owner.text, "image_count_total", table_.countOf(tx, after.owner), 1);
            checkFits(tx, after.owner, after.size.value_or(0));
        }
        after.updated = parts_.ambient.now();
        table_.update(tx, after);
        return after;
    });
}

void ImageService::remove(const Caller& caller, const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.isProtected) throw Error(Failure::Forbidden, "Image ", id, " is protected and cannot be deleted.");
        table_.remove(tx, id);
        parts_.jobs.enqueue(tx, "image.delete", id.text);
        parts_.bus.announce(tx, ImageDeleted{id});
    });
}

void ImageService::deactivate(const Caller& caller, const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.status == ImageStatus::Deactivated) return;
        if (image.status != ImageStatus::Active)
            throw Error(Failure::Forbidden, "Not allowed to deactivate image in status '", nameOf(image.status), "'");
        table_.move(tx, id, ImageStatus::Active, ImageStatus::Deactivated, parts_.ambient.now());
    });
}

void ImageService::reactivate(const Caller& caller, const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.status == ImageStatus::Active) return;
        if (image.status != ImageStatus::Deactivated)
            throw Error(Failure::Forbidden, "Not allowed to reactivate image in status '", nameOf(image.status), "'");
        table_.move(tx, id, ImageStatus::Deactivated, ImageStatus::Active, parts_.ambient.now());
    });
}

void ImageService::addTag(const Caller& caller, const ImageId& id, const std::string& tag) {
    if (tag.size() > 255) throw Error(Failure::Invalid, "Invalid image tag: it must be 255 characters or less.");
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        const bool had = std::find(image.tags.begin(), image.tags.end(), tag) != image.tags.end();
        if (!had && image.tags.size() >= tagsMax)
            throw Error(Failure::OverLimit,
                        "The limit has been exceeded on the number of allowed image tags. Attempted: ", image.tags.size() + 1,
                        ", Maximum: ", tagsMax);
        table_.addTag(tx, id, tag);
    });
}

void ImageService::removeTag(const Caller& caller, const ImageId& id, const std::string& tag) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (!table_.removeTag(tx, id, tag)) throw Error(Failure::NotFound, "The image has no tag '", tag, "'");
    });
}

// --- members

ImageMember ImageService::share(const Caller& caller, const ImageId& id, const ProjectId& member) {
    return parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.visibility != Visibility::Shared) throw Error(Failure::Forbidden, "Only shared images have members.");
        if (table_.member(tx, id, member)) throw Error(Failure::Conflict, "Member ", member, " is duplicated for image ", id);
        if (table_.members(tx, id).size() >= membersMax)
            throw Error(Failure::OverLimit,
                        "The limit has been exceeded on the number of allowed image members for this image. Attempted: ", membersMax + 1,
                        ", Maximum: ", membersMax);
        const auto now = parts_.ambient.now();
        const ImageMember made{id, member, "pending", now, now};
        table_.insert(tx, made);
        return made;
    });
}

std::vector<ImageMember> ImageService::members(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    const auto image = visible(db, caller, id);
    const bool own = isAdmin(caller) || image.owner == caller.project;
    if (image.visibility != Visibility::Shared) {
        if (own) throw Error(Failure::Forbidden, "Only shared images have members.");
        throw missing(id); // whoever merely sees a public image learns nothing of its members
    }
    caller.enforce(targetOf(db, caller, image));
    auto all = table_.members(db, id);
    if (!own) std::erase_if(all, [&](const ImageMember& each) { return each.member != caller.project; });
    return all;
}

ImageMember ImageService::member(const Caller& caller, const ImageId& id, const ProjectId& project) {
    auto& db = parts_.store.reader();
    const auto image = visible(db, caller, id);
    const bool own = isAdmin(caller) || image.owner == caller.project;
    const auto found = table_.member(db, id, project);
    if (!found || (!own && project != caller.project)) throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
    caller.enforce({{"project_id", image.owner.text}, {"member_id", project.text}});
    return *found;
}

ImageMember ImageService::answerShare(const Caller& caller, const ImageId& id, const ProjectId& project, const std::string& status) {
    if (status != "pending" && status != "accepted" && status != "rejected")
        throw Error(Failure::Invalid, "Status must be \"pending\", \"accepted\" or \"rejected\".");
    return parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        const bool own = isAdmin(caller) || image.owner == caller.project;
        auto found = table_.member(tx, id, project);
        if (!found || (!own && project != caller.project)) throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
        caller.enforce({{"project_id", image.owner.text}, {"member_id", project.text}});
        found->status = status;
        found->updated = parts_.ambient.now();
        table_.update(tx, *found);
        return *found;
    });
}

void ImageService::unshare(const Caller& caller, const ImageId& id, const ProjectId& project) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.visibility != Visibility::Shared) throw Error(Failure::Forbidden, "Only shared images have members.");
        if (!table_.remove(tx, ImageMember{id, project, {}, {}, {}}))
            throw Error(Failure::NotFound, "Member ", project, " not found for image ", id);
    });
}

// --- data

void ImageService::checkFits(store::Reader& db, const ProjectId& owner, std::int64_t bytes) {
    const auto most = quotas_.limit(db, owner.text, "image_size_total");
    const auto used = table_.bytesOf(db, owner);
    if (most >= 0 && (bytes > std::numeric_limits<std::int64_t>::max() - used || used + bytes > most * mebi))
        throw Error(Failure::OverLimit, "Quota exceeded for image_size_total: ", bytes, " bytes do not fit, ", used, " of ", most,
                    " MiB are used");
}

std::unique_ptr<ImageUpload> ImageService::receive(const Caller& caller, const ImageId& id, std::optional<std::uint64_t> expected) {
    {
        const std::lock_guard lock(uploadsMutex_);
        if (!uploads_.insert(id).second) throw Error(Failure::Conflict, "Image ", id, " is being uploaded already.");
    }
    ImageRecord image;
    std::int64_t bytesMax = sizeCapBytes_;
    try {
        image = parts_.store.write([&](store::Transaction& tx) {
            auto found = visible(tx, caller, id);
            caller.enforce(targetOf(tx, caller, found));
            if (found.status != ImageStatus::Queued)
                throw Error(Failure::Conflict, "Image status transition from ", nameOf(found.status), " to saving is not allowed");
            if (!found.diskFormat || !found.containerFormat)
                throw Error(Failure::Invalid, "Properties disk_format, container_format must be set prior to saving data.");
            if (expected && *expected > static_cast<std::uint64_t>(sizeCapBytes_))
                throw Error(Failure::TooLarge, "Image ", id, " exceeds the largest size that is allowed, ", sizeCapBytes_, " bytes.");
            const auto most = quotas_.limit(tx, found.owner.text, "image_size_total");
            if (most >= 0) {
                bytesMax = std::min(bytesMax, std::max<std::int64_t>(0, most * mebi - table_.bytesOf(tx, found.owner)));
                checkFits(tx, found.owner, static_cast<std::int64_t>(expected.value_or(0)));
            }
            table_.move(tx, id, ImageStatus::Queued, ImageStatus::Saving, parts_.ambient.now());
            return found;
        });
    } catch (...) {
        const std::lock_guard lock(uploadsMutex_);
        uploads_.erase(id);
        throw;
    }
    try {
        return std::make_unique<ImageUpload>(*this, std::move(image), bytesMax);
    } catch (...) {
        abandon(id);
        throw;
    }
}

void ImageService::complete(const ImageRecord& image) {
    parts_.store.write([&](store::Transaction& tx) {
        if (table_.status(tx, image.id) != ImageStatus::Saving)
            throw Error(Failure::NotFound, "Image ", image.id, " was deleted while it was uploaded.").as("gone");
        checkFits(tx, image.owner, *image.size);
        table_.describe(tx, image);
        table_.move(tx, image.id, ImageStatus::Saving, ImageStatus::Active, parts_.ambient.now());
    });
    const std::lock_guard lock(uploadsMutex_);
    uploads_.erase(image.id);
}

void ImageService::abandon(const ImageId& id) {
    parts_.store.write(
        [&](store::Transaction& tx) { table_.move(tx, id, ImageStatus::Saving, ImageStatus::Queued, parts_.ambient.now()); });
    const std::lock_guard lock(uploadsMutex_);
    uploads_.erase(id);
}

ImageUpload::ImageUpload(ImageService& service, ImageRecord image, std::int64_t bytesMax)
    : service_(service),
      image_(std::move(image)),
      bytesMax_(bytesMax),
      sink_(service.store_.receive(image_.id)) {}

ImageUpload::~ImageUpload() {
    if (done_) return;
    try {
        sink_.reset();
        if (stored_) service_.store_.discard(image_.id);
        service_.abandon(image_.id);
    } catch (const std::exception& problem) {
        service_.parts_.log.error("an upload could not be taken back", {{"image", image_.id.text}, {"reason", problem.what()}});
    }
}

void ImageUpload::append(std::span<const std::byte> bytes) {
    bytes_ += static_cast<std::int64_t>(bytes.size());
    if (bytes_ > bytesMax_)
        throw Error(Failure::TooLarge, "Image ", image_.id, " exceeds the largest size that is allowed, or the storage quota.");
    digests_.append(bytes);
    sink_->append(bytes);
}

void ImageUpload::finish() {
    if (isPlainContainer(image_.containerFormat)) {
        const auto inspected = inspectAs(sink_->path(), *image_.diskFormat);
        confirmWithQemu(sink_->path(), inspected);
        image_.virtualSize = inspected.virtualSize.count;
    }
    const auto digests = digests_.finish();
    image_.size = bytes_;
    image_.checksum = digests.md5;
    image_.hashValue = digests.sha512;
    sink_->commit();
    stored_ = true;
    service_.complete(image_);
    done_ = true;
    if (const auto file = service_.store_.find(image_.id)) service_.rememberVerified(image_.id, *file);
}

std::optional<ImageService::Data> ImageService::download(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    const auto image = visible(db, caller, id);
    caller.enforce(targetOf(db, caller, image));
    if (image.status == ImageStatus::Deactivated && !isAdmin(caller))
        throw Error(Failure::Forbidden, "The requested image has been deactivated. Image data download is forbidden.");
    if (image.status != ImageStatus::Active && image.status != ImageStatus::Deactivated) return std::nullopt;
    auto file = store_.find(id);
    if (!file) throw Error(Failure::Broken, "the data of image ", id, " is missing");
    return Data{std::move(*file), image.size.value_or(0), image.checksum.value_or("")};
}

std::vector<ImageService::Usage> ImageService::usage(const Caller& caller) {
    auto& db = parts_.store.reader();
    const auto& owner = caller.project;
    return {{"image_size_total", quotas_.limit(db, owner.text, "image_size_total"), (table_.bytesOf(db, owner) + mebi - 1) / mebi},
            {"image_count_total", quotas_.limit(db, owner.text, "image_count_total"), table_.countOf(db, owner)},
            {"image_stage_total", -1, 0}, // there is no staging area
            {"image_count_uploading", -1, table_.uploadingOf(db, owner)}};
}

ImageService::Stamp ImageService::stampOf(const std::filesystem::path& file) {
    struct stat about {};
    check(::stat(file.c_str(), &about), "look at image data");
    return {about.st_ino, about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec, about.st_size};
}

void ImageService::rememberVerified(const ImageId& image, const std::filesystem::path& file) {
    const auto stamp = stampOf(file);
    const std::lock_guard lock(verifiedMutex_);
    verified_[image] = stamp;
}

/// The file is what was uploaded: read whole once per start of this program, and again when it looks touched (OSSA-2024-004).
void ImageService::verify(const ImageRecord& image, const std::filesystem::path& file) {
    const auto stamp = stampOf(file);
    {
        const std::lock_guard lock(verifiedMutex_);
        const auto known = verified_.find(image.id);
        if (known != verified_.end() && known->second == stamp) return;
    }
    if (stamp.size != image.size)
        throw Error(Failure::Broken, "the data of image ", image.id, " has ", stamp.size, " bytes, but should have ",
                    image.size.value_or(0));
    const Fd data(static_cast<int>(check(::open(file.c_str(), O_RDONLY | O_CLOEXEC), "open image data")));
    Digests digests;
    std::string piece(1 << 20, '\0');
    for (;;) {
        const auto got = check(::read(data.get(), piece.data(), piece.size()), "read image data");
        if (got == 0) break;
        digests.append(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(got))));
    }
    if (digests.finish().sha512 != image.hashValue)
        throw Error(Failure::Broken, "the data of image ", image.id, " is not what was uploaded");
    const std::lock_guard lock(verifiedMutex_);
    verified_[image.id] = stamp;
}

DiskSource ImageService::source(const ImageId& id) {
    const auto image = table_.find(parts_.store.reader(), id);
    if (!image || image->status != ImageStatus::Active) throw Error(Failure::Broken, "image ", id, " is not active");
    const bool raw = image->diskFormat == "raw", qcow2 = image->diskFormat == "qcow2";
    if (!isPlainContainer(image->containerFormat) || (!raw && !qcow2))
        throw Error(Failure::Broken, "image ", id, " is ", image->containerFormat.value_or("-"), "/", image->diskFormat.value_or("-"),
                    "; only bare raw and qcow2 images can be used as disks");
    const auto file = store_.find(id);
    if (!file) throw Error(Failure::Broken, "the data of image ", id, " is missing");
    verify(*image, *file);
    try {
        inspectAs(*file, *image->diskFormat);
    } catch (const Error& problem) {
        throw Error(Failure::Broken, "image ", id, ": ", problem.what());
    }
    return {*file, raw ? DiskFormat::Raw : DiskFormat::Qcow2};
}

void ImageService::discardData(const ImageId& id) {
    {
        const std::lock_guard lock(verifiedMutex_);
        verified_.erase(id);
    }
    store_.discard(id);
}

void ImageService::reconcile() {
    const auto unused = [&](const ImageId& id) {
        const auto status = table_.status(parts_.store.reader(), id);
        return status != ImageStatus::Active && status != ImageStatus::Deactivated;
    };
    for (const auto& id : store_.present()) {
        const std::lock_guard lock(uploadsMutex_); // no upload of it can begin meanwhile
        if (uploads_.contains(id) || !unused(id)) continue;
        parts_.log.info("image data without an image removed", {{"image", id.text}});
        store_.discard(id);
    }
    for (const auto& id : table_.inStatus(parts_.store.reader(), ImageStatus::Saving)) {
        const std::lock_guard lock(uploadsMutex_);
        if (uploads_.contains(id)) continue;
        // Begun before a crash: nobody is sending any more.
        parts_.store.write(
            [&](store::Transaction& tx) { table_.move(tx, id, ImageStatus::Saving, ImageStatus::Queued, parts_.ambient.now()); });
    }
}

}
