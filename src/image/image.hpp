#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/image_store.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "identity/identity.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::image {

// What image announces.
struct ImageDeleted {
    static constexpr std::string_view name = "image.image.deleted";
    ImageId image;
    auto fields() { return std::tuple(bus::Field("image", image)); }
};

/// What other services may know of an image.
struct ImageFacts {
    ImageId id;
    std::string name;
    std::string status; ///< "queued", "saving", "active", "deactivated", …
    ProjectId owner;
    std::string visibility;
    std::string diskFormat;
    std::string containerFormat;
    Bytes size;        ///< of the data as stored
    Bytes virtualSize; ///< of the disk that it describes
    MiB minRam;
    GiB minDisk;
    std::string checksum; ///< md5, hexadecimal
    Time updated;
    std::map<std::string, std::string> properties;
};

/// An image that another service makes of what it has: what Glance's own API would be told.
struct NewImage {
    std::string name, diskFormat, containerFormat;
    std::string visibility; ///< "private"; empty: as Glance has it where nobody says
    bool isProtected = false;
    std::map<std::string, std::string> properties;
    MiB minRam = {};
    GiB minDisk = {};
};

/// What the data of a raw image is to whoever made it of what it has: a disk, or one that is sealed by LUKS, which the
/// maker alone can open. Nobody uploads the latter, and nobody else uses it as a disk.
enum class Content { Plain, Sealed };

/// A copy of an image near to where it is used, or one that is wanted there.
struct NearCopy {
    ImageId image;
    bool queued = false; ///< else it is there
    std::int64_t hits = 0;
    Time modified = {}, accessed = {};
};

/// Who keeps such copies, which the cache of this service's API shows: whoever runs servers implements it, called by
/// any thread. What it is asked has been allowed.
class NearCopies {
public:
    virtual ~NearCopies() = default;

    virtual std::vector<NearCopy> all(store::Reader& db) = 0;
    /// Of an active image with this checksum; twice is harmless.
    virtual void queue(store::Transaction& tx, const ImageId& image, const std::string& checksum) = 0;
    virtual bool remove(store::Transaction& tx, const ImageId& image) = 0; ///< false where there is none
};

/// [image], as config/stratolet.conf explains it.
std::vector<ConfigOption> configOptions();

/// A store as the option "stores" names it: NAME, or NAME:FOLDER.
struct StoreOption {
    std::string name;
    std::filesystem::path
        folder; ///< empty where none is said: the first store's is "images", that of another one "images-NAME"
};

/// Error(Invalid) for a list that names none, one twice, or one in a way that can't be.
std::vector<StoreOption> storesIn(const Config& config);

/// The image service.
class Images {
public:
    /// `stores`: where data can be, at least one; the first is the default. They live longer than this.
    Images(Parts parts, const std::vector<std::unique_ptr<ImageStore>>& stores, identity::Identity& identity);
    ~Images();

    void bootstrap(); ///< the metadata definitions that come with the program, into an empty catalog

    /// The copies that /v2/cache is about, unless the configuration asks for a cache of our own. Before site() of the
    /// listener; they live as long as its requests.
    void useNearCopies(NearCopies& copies);

    http::Site site();

    /// An image that this caller may see (owner's, public, community, shared and accepted; admins see all); nothing
    /// else exists for them.
    std::optional<ImageFacts> find(store::Reader& db, const identity::Caller& caller, const ImageId& image);

    /// Images of this name that a listing shows this caller; of many only two, which is enough to know that the name is
    /// not one's own.
    std::vector<ImageId> named(store::Reader& db, const identity::Caller& caller, const std::string& name);

    /// The data of an active image, inspected once more against its declared format before anybody opens it; only raw
    /// and qcow2 (without backing or data file) are given out. Error(Broken) where data is missing or isn't what it
    /// was. Error(Invalid) where it is at an address on the web that is refused, or where the disk is larger than
    /// `diskMax` (nothing: as large as it likes), which of data that is elsewhere nobody could know before.
    DiskSource source(const ImageId& image, std::optional<Bytes> diskMax = std::nullopt,
                      Content content = Content::Plain);

    /// A queued image of the caller's project, by this service's own rules.
    ImageId create(store::Transaction& tx, const identity::Caller& caller, const NewImage& wanted);

    /// Gives an image that create() has made its data: what the disk in the raw file `disk` is in the image's format. A
    /// job's step asks; one that has it already is done. Error(NotFound) where somebody has deleted it.
    void fill(const ImageId& image, const std::filesystem::path& disk, const Cancelled& cancelled,
              Content content = Content::Plain);

    /// Of an image that create() has made and that gets no data: it goes.
    void abandon(store::Transaction& tx, const ImageId& image);

    /// Of an image that create() has made, and that is not wanted any more; twice is harmless. One that somebody has
    /// protected since stays.
    void discard(store::Transaction& tx, const ImageId& image);

    /// Images of the project that have all these properties, newest first.
    std::vector<ImageId> withProperties(store::Reader& db, const ProjectId& project,
                                        const std::map<std::string, std::string>& properties);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
