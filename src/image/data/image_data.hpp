#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/image_store.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "image/cache/cache.hpp"
#include "image/data/digests.hpp"
#include "image/data/staging.hpp"
#include "image/data/stores.hpp"
#include "image/image_service.hpp"
#include "image/import/web_source.hpp"
#include "platform/os/fd.hpp"

namespace stratolet::image {

class ImageUpload;

/// The bytes of images: on their way in and out, and whether they are still what they were. Owned by the module; any
/// thread, but none that serves sockets: all that has to do with files may block. Error(NotFound) for an image that the
/// caller can't see.
class ImageData {
public:
    ImageData(Parts parts, ImageService& images, const Stores& stores, const Staging& staging, const WebSource& web,
              Cache& cache);

    /// Begins an upload: the image is `saving` until the upload has committed, or is destroyed (then `queued` again).
    /// `expected` is the length that the client announced, if it did; `store` is empty for the first one.
    std::unique_ptr<ImageUpload> receive(const identity::Caller& caller, const ImageId& image,
                                         std::optional<std::uint64_t> expected, const std::string& store);

    /// The same into the staging area: the image is `uploading` from now on, until it is imported or the upload is
    /// destroyed.
    std::unique_ptr<ImageUpload> stage(const identity::Caller& caller, const ImageId& image,
                                       std::optional<std::uint64_t> expected);

    /// See Images::fill.
    void fill(const ImageId& image, const std::filesystem::path& disk, const Cancelled& cancelled, Content content);

    struct Download {
        Fd file;
        std::int64_t size = 0;
        std::string checksum; ///< md5; empty where nobody knows it
    };
    std::optional<Download> download(const identity::Caller& caller,
                                     const ImageId& image); ///< nothing where there is no data

    DiskSource source(const ImageId& image, std::optional<Bytes> diskMax, Content content); ///< see Images::source

    /// Error(Broken) unless the file is what was uploaded: read whole once per start of this program, and again when it
    /// looks touched (OSSA-2024-004). What has no digest can't be verified and passes.
    void verify(const ImageRecord& image, const std::filesystem::path& file);

    void discard(const ImageId& image); ///< everywhere; of an image that is no more

    /// Removes data that belongs to nothing, and takes back what a crash has cut off.
    void reconcile();

    /// While this lives, reconcile() keeps its hands off the data of this image, and nobody else begins to write it.
    class Hold {
    public:
        /// Error(Conflict) where it is being written already, and still is after `patience`.
        Hold(ImageData& data, ImageId image, std::chrono::milliseconds patience = {});
        ~Hold();
        Hold(const Hold&) = delete;

    private:
        ImageData& data_;
        ImageId image_;
    };

private:
    friend class ImageUpload;
    ImageRecord claim(store::Transaction& tx, const ImageRecord& image, std::optional<std::uint64_t> expected,
                      ImageStatus to);
    void begin(ImageUpload& upload, store::Transaction& tx, std::optional<std::uint64_t> expected);
    ImageRecord begin(store::Transaction& tx, const identity::Caller& caller, const ImageId& image,
                      std::optional<std::uint64_t> expected, ImageStatus to);
    void complete(const ImageRecord& image, const std::string& store);
    void completeStaging(const ImageId& image, std::int64_t bytes);
    void giveBack(const ImageId& image, ImageStatus from);
    void rememberVerified(const std::filesystem::path& file);
    Fd fetched(const std::string& url);

    Parts parts_;
    ImageService& images_;
    const Stores& stores_;
    const Staging& staging_;
    const WebSource& web_;
    Cache& cache_;

    std::mutex heldMutex_;
    std::condition_variable letGo_;
    std::set<ImageId> held_;

    struct Stamp {
        std::uint64_t inode;
        std::int64_t modified, size;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    static Stamp stampOf(const std::filesystem::path& file);
    std::mutex verifiedMutex_;
    std::map<std::string, Stamp> verified_; // files whose sha512 has been compared since we started
};

/// The data of one image on its way in. Destroyed without finish() it leaves the image `queued` and no data.
class ImageUpload {
public:
    ~ImageUpload();
    ImageUpload(const ImageUpload&) = delete;

    void append(std::span<const std::byte> bytes);
    void finish();

private:
    friend class ImageData;
    void open(); ///< the store takes data from now on
    /// Of an image that is queued, the one who holds it has given it back and only has to let go.
    ImageUpload(ImageData& data, ImageId image, ImageStatus status)
        : data_(data),
          hold_(data, image, std::chrono::seconds(status == ImageStatus::Queued ? 5 : 0)) {
        image_.id = std::move(image);
    }

    ImageData& data_;
    ImageData::Hold hold_;
    ImageRecord image_;
    ImageStore* store_ = nullptr; // null: the staging area
    std::int64_t bytesMax_ = 0;   // beyond which a quota or the size cap is broken
    std::int64_t bytes_ = 0;
    Content content_ = Content::Plain;
    bool begun_ = false, stored_ = false, done_ = false;
    std::unique_ptr<ImageSink> sink_;
    std::optional<Digests> digests_; // of what goes straight into a store
};

}
