#pragma once

#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace stratolet {

/// The bytes of one image on their way in. Destroyed without commit() it leaves nothing behind.
class ImageSink {
public:
    virtual ~ImageSink() = default;

    virtual void append(std::span<const std::byte> bytes) = 0;

    /// On disk, whole, under the image's id when this returns.
    virtual void commit() = 0;

    /// What has been appended so far can be read here (for inspection before commit()).
    virtual std::filesystem::path path() const = 0;
};

/// Where image data lives. Failures are Error(Broken).
class ImageStore {
public:
    virtual ~ImageStore() = default;

    virtual std::string_view name() const = 0;
    virtual std::unique_ptr<ImageSink> receive(const ImageId& image) = 0;

    /// Where the data of an image can be read on this host; nothing where there is none.
    virtual std::optional<std::filesystem::path> find(const ImageId& image) = 0;

    /// Gone. An image that isn't there is gone already.
    virtual void discard(const ImageId& image) = 0;

    /// Images that have data here, and what unfinished uploads left (removed by discard()).
    virtual std::vector<ImageId> present() = 0;
};

}
