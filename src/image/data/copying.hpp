#pragma once

#include <stratolet/driver/image_store.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "image/data/digests.hpp"

namespace stratolet::image {

/// What went through a copy.
struct Copied {
    std::int64_t bytes = 0;
    Digests::Result digests;
};

/// Reads a whole file, and gives it to `into` (null: nowhere) without committing it. `goOn` is asked at each piece and
/// throws to stop.
Copied copied(const std::filesystem::path& from, ImageSink* into, const std::function<void()>& goOn = {});

}
