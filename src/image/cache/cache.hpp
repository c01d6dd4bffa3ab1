#pragma once

#include <stratolet/ids.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "image/data/image_folder.hpp"
#include "image/data/stores.hpp"
#include "image/image_service.hpp"
#include "image/import/web_source.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::image {

/// One copy near at hand, or one that is wanted.
struct CachedImage {
    ImageId image;
    bool queued = false; ///< else it is there
    std::int64_t size = 0, hits = 0;
    Time modified, accessed;
};

/// SQL, and no rule.
class CacheTable {
public:
    std::vector<CachedImage> all(store::Reader& db);
    std::optional<CachedImage> find(store::Reader& db, const ImageId& image);
    std::optional<CachedImage> leastUsed(store::Reader& db, const ImageId& but); ///< of those that are there
    std::int64_t bytes(store::Reader& db);
    bool has(store::Reader& db, const ImageId& image);
    void queue(store::Transaction& tx, const ImageId& image, Time now); ///< unless it is there or queued
    void fill(store::Transaction& tx, const ImageId& image, std::int64_t size, Time now);
    void hit(store::Transaction& tx, const ImageId& image, Time now);
    void remove(store::Transaction& tx, const ImageId& image);
};

/// Copies of images on this host's own disk, for stores that are far away: asked for by an administrator, used by
/// downloads; and those of images whose data is at an address on the web, for servers and volumes. Together they have
/// no more than so many bytes: what was not used for the longest time makes room.
class Cache {
public:
    Cache(Parts parts, ImageService& images, const Stores& stores, const std::filesystem::path& folder);

    std::vector<CachedImage> list(const identity::Caller& caller);
    void queue(const identity::Caller& caller, const ImageId& image);
    void fetchQueued(); ///< begins to copy what has been queued; called again and again
    void remove(const identity::Caller& caller,
                const ImageId& image); ///< Error(NotFound) where it is neither there nor queued
    void clear(const identity::Caller& caller, bool cached, bool queued);

    /// The copy of an image whose caller may have it; counts the use. Without a digest to compare, one that is older
    /// than the last change of the image (whose addresses may be others now) is none.
    std::optional<std::filesystem::path> use(const ImageRecord& image);

    /// A copy of what is at the first address of an image that is in no store: the one there is, or one that is fetched
    /// now. Error(Invalid) where the address is refused or gives nothing; Error(Broken) where it isn't what the image's
    /// digest says, or there is no address.
    std::filesystem::path fetch(const ImageRecord& image, const WebSource& web);

    void discard(const ImageId& image); ///< of an image that is no more
    void reconcile();
    void declareJobs(); ///< "image.cache" and "image.uncache"

private:
    void copy(jobs::Run& run);
    void remember(const ImageRecord& image, std::int64_t bytes);
    void giveUp(store::Transaction& tx, const ImageId& image);

    Parts parts_;
    const std::int64_t bytesMax_;
    std::mutex fetching_;
    std::map<ImageId, std::shared_ptr<std::mutex>> fetchers_; ///< one fetch of an image at a time
    ImageService& images_;
    const Stores& stores_;
    ImageFolder folder_;
    CacheTable table_;
};

}
