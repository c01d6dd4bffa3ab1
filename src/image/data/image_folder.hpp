#pragma once

#include <stratolet/driver/image_store.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace stratolet::image {

/// Files of images in one folder (made where it is missing), each named by the image's id. What is still coming in has
/// the suffix ".part". Failures are Error(Broken).
class ImageFolder {
public:
    explicit ImageFolder(std::filesystem::path folder);

    std::unique_ptr<ImageSink> receive(const ImageId& image) const;
    std::optional<std::filesystem::path> find(const ImageId& image) const; ///< nothing where there is no whole file
    void discard(const ImageId& image) const;                              ///< whole or not; gone already is gone
    std::vector<ImageId> present() const;                                  ///< whole or not

private:
    std::filesystem::path folder_;
};

}
