#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "identity/caller.hpp"
#include "image/image.hpp"
#include "image/image_quotas.hpp"
#include "image/image_record.hpp"
#include "image/image_table.hpp"
#include "resource/listing.hpp"

namespace stratolet::image {

/// What a listing asks for, beside what the caller may see.
struct ImageQuery {
    resource::Listing listing;             ///< over the columns of `images i`
    std::string memberStatus = "accepted"; ///< of images shared with the caller; "all" is any
    bool withCommunity = false;            ///< other people's community images too
};

/// The verbs of images: who may, what must hold, one transaction each. Owned by the module; any thread. Error(NotFound)
/// for an image that the caller can't see. What moves data is in data/ and import/.
class ImageService {
public:
    explicit ImageService(Parts parts);

    ImageRecord create(const identity::Caller& caller, ImageRecord wanted); ///< an empty id gets a new one
    ImageRecord show(const identity::Caller& caller,
                     const ImageId& image); ///< by the rule of the route; Error(NotFound) where the caller can't see it
    std::vector<ImageRecord> list(const identity::Caller& caller, ImageQuery query);
    /// What a listing shows this caller, whatever the rules of the service that was asked say of listings.
    std::vector<ImageRecord> listed(store::Reader& db, const identity::Caller& caller, ImageQuery query);
    std::vector<ImageId> named(store::Reader& db, const identity::Caller& caller,
                               const std::string& name); ///< two at most
    ImageRecord update(const identity::Caller& caller, const ImageId& image,
                       const std::function<void(ImageRecord&)>& amend);
    void remove(const identity::Caller& caller, const ImageId& image);
    void abandon(store::Transaction& tx, const ImageId& image); ///< of a queued one that gets no data: it goes
    void discard(store::Transaction& tx, const ImageId& image); ///< by the service that has made it; see Images
    void deactivate(const identity::Caller& caller, const ImageId& image);
    void reactivate(const identity::Caller& caller, const ImageId& image);
    void addTag(const identity::Caller& caller, const ImageId& image, const std::string& tag);
    void removeTag(const identity::Caller& caller, const ImageId& image, const std::string& tag);

    std::vector<ImageQuotas::Usage> usage(const identity::Caller& caller);

    /// An image that the caller may see.
    std::optional<ImageRecord> find(store::Reader& db, const identity::Caller& caller, const ImageId& image);

    bool locationsShown() const { return locationsShown_; }
    bool showsLocations(const identity::Caller& caller, const ImageRecord& image) const; ///< to this caller
    void requireLocations() const; ///< Error(Forbidden) where nobody may see or change them

    // What the other verbs of this service are made of; `visible` is Error(NotFound) for what the caller can't see.
    ImageRecord visible(store::Reader& db, const identity::Caller& caller, const ImageId& image);
    Target targetOf(store::Reader& db, const identity::Caller& caller, const ImageRecord& image);
    bool isAdmin(const identity::Caller& caller) const;
    ImageRecord create(store::Transaction& tx, const identity::Caller& caller,
                       ImageRecord wanted); ///< its rule has been asked
    ImageTable& table() { return table_; }
    ImageQuotas& quotas() { return quotas_; }

private:
    void removeIn(store::Transaction& tx, const ImageRecord& image);
    void checkLimits(const identity::Caller& caller, const ImageRecord& before, const ImageRecord& after);
    void applyLocations(store::Transaction& tx, const ImageRecord& before, ImageRecord& after);
    void checkLocations(const identity::Caller& caller, const Target& target, const ImageRecord& before,
                        const ImageRecord& after);

    Parts parts_;
    ImageTable table_;
    ImageQuotas quotas_;
    bool locationsShown_;
};

Error missing(const ImageId& image);

/// Error(Invalid) unless it says what its data will be.
void requireFormats(const ImageRecord& image);

/// Counts of images; which they are is for operators.
void declareMetrics(const Parts& parts);

}
