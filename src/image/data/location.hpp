#pragma once

#include <string>

#include "image/image_patch.hpp"
#include "image/image_record.hpp"

namespace stratolet::image {

/// Where the API says that the data is: the address that was given, or "file://STORE/IMAGE" for a store of ours (no
/// path of this host).
std::string urlOf(const ImageRecord& image, const ImageLocation& location);

/// Adds {"url", "metadata", "validation_data"} at `position` (at the end where there is none). Error(Invalid) for what
/// is no address or is there already; Error(Conflict) where its digests aren't those of the image.
void addLocation(ImageRecord& image, const Json& location, std::optional<std::size_t> position = std::nullopt);

/// One operation on "/locations", "/locations/-" or "/locations/NUMBER".
void amendLocations(ImageRecord& image, const ImageChange& change);

}
