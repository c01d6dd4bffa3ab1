#include "image/image_quotas.hpp"

#include <algorithm>
#include <limits>

#include <stratolet/error.hpp>

namespace stratolet::image {
namespace {

constexpr std::int64_t mebi = 1 << 20;

std::int64_t inMebibytes(std::int64_t bytes) { return (bytes + mebi - 1) / mebi; }

}

ImageQuotas::ImageQuotas(const Config& config, ImageTable& table)
    : table_(table),
      quotas_("image", {{"image_count_total", config.integer("image", "image_count_total")},
                        {"image_size_total", config.integer("image", "image_size_total")},
                        {"image_stage_total", config.integer("image", "image_stage_total")},
                        {"image_count_uploading", config.integer("image", "image_count_uploading")}}),
      sizeCapBytes_(config.integer("image", "image_size_cap")) {}

void ImageQuotas::claimImage(store::Reader& db, const ProjectId& owner) const {
    quotas_.claim(db, owner.text, "image_count_total", table_.countOf(db, owner), 1);
}

void ImageQuotas::claimUpload(store::Reader& db, const ProjectId& owner) const {
    quotas_.claim(db, owner.text, "image_count_uploading", table_.uploadingOf(db, owner), 1);
}

void ImageQuotas::claim(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used, std::int64_t bytes) const {
    const auto most = quotas_.limit(db, owner.text, resource);
    if (most >= 0 && (bytes > std::numeric_limits<std::int64_t>::max() - used || used + bytes > most * mebi))
        throw Error(Failure::OverLimit, "Quota exceeded for ", resource, ": ", bytes, " bytes do not fit, ", inMebibytes(used), " of ",
                    most, " MiB are used");
}

void ImageQuotas::claimBytes(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const {
    claim(db, owner, "image_size_total", table_.bytesOf(db, owner), bytes);
}

void ImageQuotas::claimStaged(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const {
    claim(db, owner, "image_stage_total", table_.stagedOf(db, owner), bytes);
}

std::int64_t ImageQuotas::roomFor(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used) const {
    const auto most = quotas_.limit(db, owner.text, resource);
    return most < 0 ? sizeCapBytes_ : std::clamp<std::int64_t>(most * mebi - used, 0, sizeCapBytes_);
}

std::int64_t ImageQuotas::room(store::Reader& db, const ProjectId& owner) const {
    return roomFor(db, owner, "image_size_total", table_.bytesOf(db, owner));
}

std::int64_t ImageQuotas::stagingRoom(store::Reader& db, const ProjectId& owner) const {
    return roomFor(db, owner, "image_stage_total", table_.stagedOf(db, owner));
}

std::vector<ImageQuotas::Usage> ImageQuotas::usage(store::Reader& db, const ProjectId& owner) const {
    const auto limit = [&](std::string_view resource) { return quotas_.limit(db, owner.text, resource); };
    return {{"image_size_total", limit("image_size_total"), inMebibytes(table_.bytesOf(db, owner))},
            {"image_count_total", limit("image_count_total"), table_.countOf(db, owner)},
            {"image_stage_total", limit("image_stage_total"), inMebibytes(table_.stagedOf(db, owner))},
            {"image_count_uploading", limit("image_count_uploading"), table_.uploadingOf(db, owner)}};
}

}
