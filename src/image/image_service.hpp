#pragma once

#include <stratolet/driver/image_store.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "image/digests.hpp"
#include "image/image.hpp"
#include "image/image_record.hpp"
#include "image/image_table.hpp"
#include "platform/quota/quota.hpp"

namespace stratolet::image {

/// What a listing asks for, beside what the caller may see.
struct ImageQuery {
    store::Conditions conditions;          ///< filters over the columns of `images`
    std::string memberStatus = "accepted"; ///< of images shared with the caller; "all" is any
    bool withCommunity = false;            ///< other people's community images too
    std::vector<store::SortKey> order;
    ImageId marker;
    std::int64_t limit = 25;
};

class ImageUpload;

/// The verbs: who may, what must hold, one transaction each.
class ImageService {
public:
    ImageService(Parts parts, ImageStore& store);

    ImageRecord create(const identity::Caller& caller, ImageRecord wanted); ///< an empty id gets a new one
    ImageRecord show(const identity::Caller& caller,
                     const ImageId& image); ///< by the rule of the route; Error(NotFound) where the caller can't see it
    std::vector<ImageRecord> list(const identity::Caller& caller, ImageQuery query);
    ImageRecord update(const identity::Caller& caller, const ImageId& image, const std::function<void(ImageRecord&)>& amend);
    void remove(const identity::Caller& caller, const ImageId& image);
    void deactivate(const identity::Caller& caller, const ImageId& image);
    void reactivate(const identity::Caller& caller, const ImageId& image);
    void addTag(const identity::Caller& caller, const ImageId& image, const std::string& tag);
    void removeTag(const identity::Caller& caller, const ImageId& image, const std::string& tag);

    ImageMember share(const identity::Caller& caller, const ImageId& image, const ProjectId& member);
    std::vector<ImageMember> members(const identity::Caller& caller, const ImageId& image);
    ImageMember member(const identity::Caller& caller, const ImageId& image, const ProjectId& member);
    ImageMember answerShare(const identity::Caller& caller, const ImageId& image, const ProjectId& member, const std::string& status);
    void unshare(const identity::Caller& caller, const ImageId& image, const ProjectId& member);

    /// Begins an upload: the image is `saving` until the upload has committed, or is destroyed (then `queued` again).
    /// `expected` is the length that the client announced, if it did.
    std::unique_ptr<ImageUpload> receive(const identity::Caller& caller, const ImageId& image, std::optional<std::uint64_t> expected);

    struct Data {
        std::filesystem::path file;
        std::int64_t size = 0;
        std::string checksum;
    };
    std::optional<Data> download(const identity::Caller& caller, const ImageId& image); ///< nothing where there is no data

    struct Usage {
        std::string resource;
        std::int64_t limit, used;
    };
    std::vector<Usage> usage(const identity::Caller& caller);

    /// An image that the caller may see.
    std::optional<ImageRecord> find(store::Reader& db, const identity::Caller& caller, const ImageId& image);

    DiskSource source(const ImageId& image); ///< see Images::source

    void discardData(const ImageId& image); ///< of an image that is no more
    void reconcile();

private:
    friend class ImageUpload;
    ImageRecord visible(store::Reader& db, const identity::Caller& caller, const ImageId& image);
    Target targetOf(store::Reader& db, const identity::Caller& caller, const ImageRecord& image);
    void checkLimits(const identity::Caller& caller, const ImageRecord& before, const ImageRecord& after);
    void checkFits(store::Reader& db, const ProjectId& owner, std::int64_t bytes);
    void complete(const ImageRecord& image);
    void abandon(const ImageId& image);
    void rememberVerified(const ImageId& image, const std::filesystem::path& file);
    void verify(const ImageRecord& image, const std::filesystem::path& file);

    Parts parts_;
    ImageStore& store_;
    ImageTable table_;
    Quotas quotas_;
    std::int64_t sizeCapBytes_;

    std::mutex uploadsMutex_;
    std::set<ImageId> uploads_; // what this process is receiving now

    struct Stamp {
        std::uint64_t inode;
        std::int64_t modified, size;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    static Stamp stampOf(const std::filesystem::path& file);
    std::mutex verifiedMutex_;
    std::map<ImageId, Stamp> verified_; // files whose sha512 has been compared since we started
};

/// The data of one image on its way in. Destroyed without finish() it leaves the image `queued` and no data.
class ImageUpload {
public:
    ImageUpload(ImageService& service, ImageRecord image, std::int64_t bytesMax);
    ~ImageUpload();
    ImageUpload(const ImageUpload&) = delete;

    void append(std::span<const std::byte> bytes);
    void finish();

private:
    ImageService& service_;
    ImageRecord image_;
    std::int64_t bytesMax_; // beyond which a quota or the size cap is broken
    std::int64_t bytes_ = 0;
    bool done_ = false, stored_ = false;
    std::unique_ptr<ImageSink> sink_;
    Digests digests_;
};

}
