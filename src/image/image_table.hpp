#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "image/image_record.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::image {

/// What is true of each attribute of an image: its column, what lists find and sort it by, how bodies say it, and, in
/// this order, what is shown to anybody. What hangs on the rest of the record is shown by wire.cpp.
extern const resource::Table<ImageRecord> imageColumns;

/// Adds what is in tables of its own, for all images with a query each.
void completeImages(store::Reader& db, std::vector<ImageRecord>& images);

/// Images, their properties and tags. SQL, and no rule.
class ImageTable {
public:
    std::optional<ImageRecord> find(store::Reader& db, const ImageId& image);

    void insert(store::Transaction& tx, const ImageRecord& image);       ///< Error(Conflict) where the id is taken
    void update(store::Transaction& tx, const ImageRecord& image);       ///< all but status and data
    void remove(store::Transaction& tx, const ImageId& image, Time now); ///< and remembers that it was deleted

    /// Moves an image on, but only from where the caller saw it.
    bool move(store::Transaction& tx, const ImageId& image, ImageStatus from, ImageStatus to, Time now);

    /// What an upload or an import found out: sizes and digests.
    void describe(store::Transaction& tx, const ImageRecord& image);

    void setStaged(store::Transaction& tx, const ImageId& image, std::optional<std::int64_t> bytes);
    void setImport(store::Transaction& tx, const ImageId& image, const std::string& importingTo,
                   const std::string& failed);

    /// In place of those that there were.
    void setLocations(store::Transaction& tx, const ImageId& image, const std::vector<ImageLocation>& locations);
    void addToStore(store::Transaction& tx, const ImageId& image,
                    const std::string& store); ///< behind the others, unless it is there
    bool removeFromStore(store::Transaction& tx, const ImageId& image, const std::string& store, Time now);
    bool isInStore(store::Reader& db, const ImageId& image, std::string_view store);

    std::optional<ImageStatus> status(store::Reader& db, const ImageId& image);
    std::vector<ImageId> inStatus(store::Reader& db, ImageStatus status);
    std::map<std::string, std::int64_t> sizesOf(store::Reader& db, const std::vector<std::string>& images); ///< by id
    std::int64_t countOf(store::Reader& db, const ProjectId& owner);
    std::int64_t uploadingOf(store::Reader& db, const ProjectId& owner);
    std::int64_t bytesOf(store::Reader& db, const ProjectId& owner); ///< as often as they are in a store of ours
    std::int64_t stagedOf(store::Reader& db, const ProjectId& owner);

    /// Of that owner with all these properties, newest first.
    std::vector<ImageId> withProperties(store::Reader& db, const ProjectId& owner,
                                        const std::map<std::string, std::string>& properties);

    bool addTag(store::Transaction& tx, const ImageId& image, const std::string& tag);
    bool removeTag(store::Transaction& tx, const ImageId& image, const std::string& tag);
};

}
