#include "image/image_service.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "image/member/member_table.hpp"
#include "platform/bus/bus.hpp"
#include "platform/cloud/strays.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::image {

using identity::Caller;

Error missing(const ImageId& image) { return Error(Failure::NotFound, "No image found with ID ", image); }

ImageService::ImageService(Parts parts)
    : parts_(parts),
      quotas_(parts.config, table_),
      locationsShown_(parts.config.boolean("image", "show_multiple_locations")) {}

// --- who sees what

bool ImageService::isAdmin(const Caller& caller) const { return caller.may("context_is_admin", {}); }

std::optional<ImageRecord> ImageService::find(store::Reader& db, const Caller& caller, const ImageId& id) {
    auto image = table_.find(db, id);
    if (!image) return std::nullopt;
    const bool seen = isAdmin(caller) || (!caller.project.empty() && image->owner == caller.project) ||
                      image->visibility == Visibility::Public || image->visibility == Visibility::Community ||
                      (image->visibility == Visibility::Shared && !caller.project.empty() &&
                       member_table::find(db, id, caller.project));
    return seen ? image : std::nullopt;
}

ImageRecord ImageService::visible(store::Reader& db, const Caller& caller, const ImageId& id) {
    auto image = find(db, caller, id);
    if (!image) throw missing(id);
    return *image;
}

Target ImageService::targetOf(store::Reader& db, const Caller& caller, const ImageRecord& image) {
    Target target{{"project_id", image.owner.text},
                  {"owner", image.owner.text},
                  {"visibility", std::string(nameOf(image.visibility))}};
    if (!caller.project.empty() && member_table::find(db, image.id, caller.project))
        target.emplace("member_id", caller.project.text);
    return target;
}

// --- the image itself

void ImageService::checkLimits(const Caller& caller, const ImageRecord& before, const ImageRecord& after) {
    if (after.properties.size() > propertiesMax && after.properties.size() > before.properties.size())
        throw Error(Failure::OverLimit,
                    "The limit has been exceeded on the number of allowed image properties. Attempted: ",
                    after.properties.size(), ", Maximum: ", propertiesMax);
    if (after.tags.size() > tagsMax && after.tags.size() > before.tags.size())
        throw Error(Failure::OverLimit,
                    "The limit has been exceeded on the number of allowed image tags. Attempted: ", after.tags.size(),
                    ", Maximum: ", tagsMax);
    if (after.visibility != before.visibility) {
        const Target target{{"project_id", after.owner.text}};
        if (after.visibility == Visibility::Public) caller.enforce("publicize_image", target);
        if (after.visibility == Visibility::Community) caller.enforce("communitize_image", target);
    }
}

void ImageService::requireLocations() const {
    if (!locationsShown_) throw Error(Failure::Forbidden, "It's not allowed to see or change locations.");
}

bool ImageService::showsLocations(const Caller& caller, const ImageRecord& image) const {
    return locationsShown_ && caller.may("get_image_location", {{"project_id", image.owner.text}});
}

/// A location can be added and described by some, taken away by others, and the last one by nobody.
void ImageService::checkLocations(const Caller& caller, const Target& target, const ImageRecord& before,
                                  const ImageRecord& after) {
    if (after.locations == before.locations) return;
    if (before.status != ImageStatus::Queued && before.status != ImageStatus::Active)
        throw Error(Failure::Conflict, "The locations of an image that is ", nameOf(before.status),
                    " can't be changed.");
    if (after.locations.size() > locationsMax && after.locations.size() > before.locations.size())
        throw Error(Failure::OverLimit,
                    "The limit has been exceeded on the number of allowed image locations. Attempted: ",
                    after.locations.size(), ", Maximum: ", locationsMax);
    if (after.locations.size() < before.locations.size()) {
        if (after.locations.empty())
            throw Error(Failure::Forbidden, "Cannot delete last location from image in ", nameOf(before.status),
                        " status.");
        caller.enforce("delete_image_location", target);
    } else {
        caller.enforce("set_image_location", target);
    }
}

/// With the first address the image has its data; what is no location any more is discarded.
void ImageService::applyLocations(store::Transaction& tx, const ImageRecord& before, ImageRecord& after) {
    table_.setLocations(tx, after.id, after.locations);
    table_.describe(tx, after); // an address may come with digests
    for (const auto& each : before.locations)
        if (!each.store.empty() && !isIn(after, each.store)) {
            bury(tx, "image", each.store, after.id.text, after.updated);
            parts_.jobs.enqueue(tx, "image.discard-copy", after.id.text, R"({"store":)" + jsonText(each.store) + "}");
        }
    if (before.status == ImageStatus::Queued) {
        requireFormats(after);
        table_.move(tx, after.id, ImageStatus::Queued, ImageStatus::Active, after.updated);
        after.status = ImageStatus::Active;
    }
}

ImageRecord ImageService::create(const Caller& caller, ImageRecord wanted) {
    caller.enforce({{"project_id", caller.project.text}, {"owner", wanted.owner.text}});
    return parts_.store.write([&](store::Transaction& tx) { return create(tx, caller, std::move(wanted)); });
}

ImageRecord ImageService::create(store::Transaction& tx, const Caller& caller, ImageRecord wanted) {
    checkLimits(caller, {}, wanted);
    checkLocations(caller, {{"project_id", wanted.owner.text}}, {}, wanted);
    wanted.created = wanted.updated = parts_.ambient.now();
    if (wanted.id.empty()) wanted.id = {parts_.ambient.uuid()};
    // What is left of a deleted namesake must be gone before new data can come, and what nobody knows must not be
    // written over.
    else if (table_.status(tx, wanted.id) || parts_.jobs.busy(tx, wanted.id.text) ||
             isStray(tx, "image", wanted.id.text))
        throw Error(Failure::Conflict, "Image ID ", wanted.id, " already exists!");
    quotas_.claimImage(tx, wanted.owner);
    table_.insert(tx, wanted);
    return wanted;
}

ImageRecord ImageService::show(const Caller& caller, const ImageId& id) {
    auto& db = parts_.store.reader();
    auto image = visible(db, caller, id);
    caller.enforce(targetOf(db, caller, image));
    return image;
}

std::vector<ImageRecord> ImageService::list(const Caller& caller, ImageQuery query) {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) { return listed(db, caller, std::move(query)); });
}

std::vector<ImageRecord> ImageService::listed(store::Reader& db, const Caller& caller, ImageQuery query) {
    auto& listing = query.listing;
    if (!listing.marker.empty() && !find(db, caller, {listing.marker}))
        throw Error(Failure::Invalid, "Invalid marker. Image ", listing.marker, " could not be found.");
    std::vector<store::Alternative> ways;
    if (!isAdmin(caller)) {
        const std::string others = " AND (owner != ? OR owner = '')";
        ways.push_back({"owner = ? AND owner != ''", {caller.project}});
        ways.push_back({"visibility = 'public'" + others, {caller.project}});
        if (query.withCommunity) ways.push_back({"visibility = 'community'" + others, {caller.project}});
        ways.push_back(
            {"visibility = 'shared'" + others + " AND id IN (SELECT image_id FROM image_members WHERE member = ?",
             {caller.project, caller.project}});
        if (query.memberStatus != "all") {
            ways.back().sql += " AND status = ?";
            ways.back().values.emplace_back(query.memberStatus);
        }
        ways.back().sql += ")";
    } else if (!query.withCommunity) {
        listing.conditions.add("(visibility != 'community' OR owner = ?)", caller.project);
    }
    return resource::rowsAfter(db, imageColumns, listing, ways, listing.marker);
}

std::vector<ImageId> ImageService::named(store::Reader& db, const Caller& caller, const std::string& name) {
    ImageQuery query;
    auto& listing = query.listing;
    listing.table = imageColumns.text().named();
    listing.conditions.add("name = ?", name);
    listing.conditions.add("hidden = 0");
    listing.keys = {{imageColumns.text().id()}};
    listing.limit = 2;
    std::vector<ImageId> ids;
    for (const auto& each : listed(db, caller, std::move(query))) ids.push_back(each.id);
    return ids;
}

ImageRecord ImageService::update(const Caller& caller, const ImageId& id,
                                 const std::function<void(ImageRecord&)>& amend) {
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
        checkLocations(caller, targetOf(tx, caller, before), before, after);
        if (after.owner != before.owner) {
            quotas_.claimImage(tx, after.owner);
            const auto copies = std::count_if(after.locations.begin(), after.locations.end(),
                                              [](const ImageLocation& each) { return !each.store.empty(); });
            quotas_.claimBytes(tx, after.owner, after.size.value_or(0) * copies);
        }
        after.updated = parts_.ambient.now();
        table_.update(tx, after);
        if (after.locations != before.locations) applyLocations(tx, before, after);
        return after;
    });
}

void ImageService::remove(const Caller& caller, const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.isProtected) throw Error(Failure::Forbidden, "Image ", id, " is protected and cannot be deleted.");
        removeIn(tx, image);
    });
}

void ImageService::removeIn(store::Transaction& tx, const ImageRecord& image) {
    table_.remove(tx, image.id, parts_.ambient.now());
    parts_.jobs.cancel(tx, "image.import", image.id.text);
    parts_.jobs.enqueue(tx, "image.delete", image.id.text, "", image.owner.text);
    parts_.bus.announce(tx, ImageDeleted{image.id});
}

void ImageService::discard(store::Transaction& tx, const ImageId& id) {
    const auto image = table_.find(tx, id);
    if (image && !image->isProtected) removeIn(tx, *image);
}

void ImageService::abandon(store::Transaction& tx, const ImageId& id) {
    const auto status = table_.status(tx, id);
    if (status != ImageStatus::Queued && status != ImageStatus::Saving) return;
    table_.remove(tx, id, parts_.ambient.now());
    parts_.jobs.enqueue(tx, "image.delete", id.text);
    parts_.bus.announce(tx, ImageDeleted{id});
}

void ImageService::deactivate(const Caller& caller, const ImageId& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto image = visible(tx, caller, id);
        caller.enforce(targetOf(tx, caller, image));
        if (image.status == ImageStatus::Deactivated) return;
        if (image.importingTo && !image.importingTo->empty())
            throw Error(Failure::Conflict, "Image ", id, " is being copied.");
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
                        "The limit has been exceeded on the number of allowed image tags. Attempted: ",
                        image.tags.size() + 1, ", Maximum: ", tagsMax);
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

std::vector<ImageQuotas::Usage> ImageService::usage(const Caller& caller) {
    return quotas_.usage(parts_.store.reader(), caller.project);
}

void requireFormats(const ImageRecord& image) {
    if (!image.diskFormat || !image.containerFormat)
        throw Error(Failure::Invalid, "Properties disk_format, container_format must be set prior to saving data.");
}

}
