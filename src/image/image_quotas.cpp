#include "image/image_quotas.hpp"

#include <algorithm>
#include <limits>

#include <stratolet/error.hpp>

#include "identity/identity.hpp"

namespace stratolet::image {
namespace {

constexpr std::int64_t mebi = 1 << 20;

std::int64_t inMebibytes(std::int64_t bytes) { return (bytes + mebi - 1) / mebi; }

}

ImageQuotas::ImageQuotas(const Config& config, ImageTable& table)
    : table_(table),
      configured_{{"image_count_total", config.integer("image", "image_count_total")},
                  {"image_size_total", config.integer("image", "image_size_total")},
                  {"image_stage_total", config.integer("image", "image_stage_total")},
                  {"image_count_uploading", config.integer("image", "image_count_uploading")}},
      sizeCapBytes_(config.integer("image", "image_size_cap")) {}

std::int64_t ImageQuotas::limit(store::Reader& db, const ProjectId& owner, std::string_view resource) const {
    return identity::unifiedLimit(db, owner, "image", resource).value_or(configured_.find(resource)->second);
}

void ImageQuotas::claimOne(store::Reader& db, const ProjectId& owner, std::string_view resource,
                           std::int64_t used) const {
    const auto most = limit(db, owner, resource);
    if (most >= 0 && used >= most)
        throw Error(Failure::OverLimit, "Quota exceeded for ", resource, ": all ", most, " are used");
}

void ImageQuotas::claimImage(store::Reader& db, const ProjectId& owner) const {
    claimOne(db, owner, "image_count_total", table_.countOf(db, owner));
}

void ImageQuotas::claimUpload(store::Reader& db, const ProjectId& owner) const {
    claimOne(db, owner, "image_count_uploading", table_.uploadingOf(db, owner));
}

void ImageQuotas::claim(store::Reader& db, const ProjectId& owner, std::string_view resource, std::int64_t used,
                        std::int64_t bytes) const {
    const auto most = limit(db, owner, resource);
    if (most >= 0 && (bytes > std::numeric_limits<std::int64_t>::max() - used || used + bytes > most * mebi))
        throw Error(Failure::OverLimit, "Quota exceeded for ", resource, ": ", bytes, " bytes do not fit, ",
                    inMebibytes(used), " of ", most, " MiB are used");
}

void ImageQuotas::claimBytes(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const {
    claim(db, owner, "image_size_total", table_.bytesOf(db, owner), bytes);
}

void ImageQuotas::claimStaged(store::Reader& db, const ProjectId& owner, std::int64_t bytes) const {
    claim(db, owner, "image_stage_total", table_.stagedOf(db, owner), bytes);
}

std::int64_t ImageQuotas::roomFor(store::Reader& db, const ProjectId& owner, std::string_view resource,
                                  std::int64_t used) const {
    const auto most = limit(db, owner, resource);
    return most < 0 ? sizeCapBytes_ : std::clamp<std::int64_t>(most * mebi - used, 0, sizeCapBytes_);
}

std::int64_t ImageQuotas::room(store::Reader& db, const ProjectId& owner) const {
    return roomFor(db, owner, "image_size_total", table_.bytesOf(db, owner));
}

std::int64_t ImageQuotas::stagingRoom(store::Reader& db, const ProjectId& owner) const {
    return roomFor(db, owner, "image_stage_total", table_.stagedOf(db, owner));
}

std::vector<ImageQuotas::Usage> ImageQuotas::usage(store::Reader& db, const ProjectId& owner) const {
    const auto most = [&](std::string_view resource) { return limit(db, owner, resource); };
    return {{"image_size_total", most("image_size_total"), inMebibytes(table_.bytesOf(db, owner))},
            {"image_count_total", most("image_count_total"), table_.countOf(db, owner)},
            {"image_stage_total", most("image_stage_total"), inMebibytes(table_.stagedOf(db, owner))},
            {"image_count_uploading", most("image_count_uploading"), table_.uploadingOf(db, owner)}};
}

}
