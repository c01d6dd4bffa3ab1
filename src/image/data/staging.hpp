#pragma once

#include <filesystem>

#include "image/data/image_folder.hpp"

namespace stratolet::image {

/// Where the data of an import is before it is in a store: as it was sent or fetched, unpacked, and converted.
class Staging {
public:
    explicit Staging(std::filesystem::path folder)
        : sent(folder / "sent"),
          unpacked(folder / "unpacked"),
          converted(folder / "converted"),
          folder_(std::move(folder)) {}

    const ImageFolder sent, unpacked, converted;

    const std::filesystem::path& folder() const { return folder_; }

    /// The last of them that there is.
    std::optional<std::filesystem::path> newest(const ImageId& image) const {
        for (const auto* each : {&converted, &unpacked, &sent})
            if (auto file = each->find(image)) return file;
        return std::nullopt;
    }

    void discard(const ImageId& image) const {
        for (const auto* each : {&sent, &unpacked, &converted}) each->discard(image);
    }

    std::vector<ImageId> present() const {
        std::vector<ImageId> all;
        for (const auto* each : {&sent, &unpacked, &converted})
            for (auto& id : each->present()) all.push_back(std::move(id));
        return all;
    }

private:
    std::filesystem::path folder_;
};

}
