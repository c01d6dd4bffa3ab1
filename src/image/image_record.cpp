#include "image/image_record.hpp"

#include <algorithm>
#include <array>

#include "platform/words.hpp"

namespace stratolet::image {
namespace {

constexpr std::array<std::pair<ImageStatus, std::string_view>, 6> statuses{{{ImageStatus::Queued, "queued"},
                                                                            {ImageStatus::Saving, "saving"},
                                                                            {ImageStatus::Uploading, "uploading"},
                                                                            {ImageStatus::Importing, "importing"},
                                                                            {ImageStatus::Active, "active"},
                                                                            {ImageStatus::Deactivated, "deactivated"}}};
constexpr std::array<std::pair<Visibility, std::string_view>, 4> visibilities{{{Visibility::Public, "public"},
                                                                               {Visibility::Private, "private"},
                                                                               {Visibility::Shared, "shared"},
                                                                               {Visibility::Community, "community"}}};

}

std::string_view nameOf(ImageStatus status) { return nameIn(statuses, status); }
std::optional<ImageStatus> statusNamed(std::string_view name) { return findIn(statuses, name); }
std::string_view nameOf(Visibility visibility) { return nameIn(visibilities, visibility); }
std::optional<Visibility> visibilityNamed(std::string_view name) { return findIn(visibilities, name); }

bool mayFollow(ImageStatus from, ImageStatus to) {
    switch (from) {
    case ImageStatus::Queued:
        return to == ImageStatus::Saving || to == ImageStatus::Uploading || to == ImageStatus::Importing ||
               to == ImageStatus::Active;
    case ImageStatus::Saving: return to == ImageStatus::Active || to == ImageStatus::Queued;
    case ImageStatus::Uploading: return to == ImageStatus::Importing || to == ImageStatus::Queued;
    case ImageStatus::Importing: return to == ImageStatus::Active || to == ImageStatus::Queued;
    case ImageStatus::Active: return to == ImageStatus::Deactivated;
    case ImageStatus::Deactivated: return to == ImageStatus::Active;
    }
    std::abort();
}

bool isIn(const ImageRecord& image, std::string_view store) {
    return std::any_of(image.locations.begin(), image.locations.end(),
                       [&](const ImageLocation& each) { return each.store == store; });
}

bool isPlainContainer(const std::optional<std::string>& containerFormat) {
    return containerFormat && (*containerFormat == "bare" || *containerFormat == "ami" || *containerFormat == "ari" ||
                               *containerFormat == "aki");
}

}
