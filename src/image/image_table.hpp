#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/image_record.hpp"
#include "platform/store/paging.hpp"
#include "platform/store/store.hpp"

namespace stratolet::image {

/// Images, their properties, tags and members. SQL, and no rule.
class ImageTable {
public:
    std::optional<ImageRecord> find(store::Reader& db, const ImageId& image);
    std::vector<ImageRecord> list(store::Reader& db, const store::Conditions& conditions, const std::vector<store::Alternative>& ways,
                                  const std::vector<store::SortKey>& order, std::int64_t limit); ///< as store::idsOf has them

    void insert(store::Transaction& tx, const ImageRecord& image);       ///< Error(Conflict) where the id is taken
    void update(store::Transaction& tx, const ImageRecord& image);       ///< all but status and data
    void remove(store::Transaction& tx, const ImageId& image, Time now); ///< and remembers that it was deleted

    /// Moves an image on, but only from where the caller saw it.
    bool move(store::Transaction& tx, const ImageId& image, ImageStatus from, ImageStatus to, Time now);

    /// What an upload or an import found out: sizes and digests.
    void describe(store::Transaction& tx, const ImageRecord& image);

    void setStaged(store::Transaction& tx, const ImageId& image, std::optional<std::int64_t> bytes);
    void setImport(store::Transaction& tx, const ImageId& image, const std::string& importingTo, const std::string& failed);

    /// In place of those that there were.
    void setLocations(store::Transaction& tx, const ImageId& image, const std::vector<ImageLocation>& locations);
    void addToStore(store::Transaction& tx, const ImageId& image, const std::string& store); ///< behind the others, unless it is there
    bool removeFromStore(store::Transaction& tx, const ImageId& image, const std::string& store, Time now);
    bool isInStore(store::Reader& db, const ImageId& image, std::string_view store);

    std::optional<ImageStatus> status(store::Reader& db, const ImageId& image);
    std::vector<ImageId> inStatus(store::Reader& db, ImageStatus status);
    std::int64_t countOf(store::Reader& db, const ProjectId& owner);
    std::int64_t uploadingOf(store::Reader& db, const ProjectId& owner);
    std::int64_t bytesOf(store::Reader& db, const ProjectId& owner); ///< as often as they are in a store of ours
    std::int64_t stagedOf(store::Reader& db, const ProjectId& owner);

    bool addTag(store::Transaction& tx, const ImageId& image, const std::string& tag);
    bool removeTag(store::Transaction& tx, const ImageId& image, const std::string& tag);

    std::vector<ImageMember> members(store::Reader& db, const ImageId& image);
    std::optional<ImageMember> member(store::Reader& db, const ImageId& image, const ProjectId& project);
    void insert(store::Transaction& tx, const ImageMember& member);
    void update(store::Transaction& tx, const ImageMember& member);
    bool remove(store::Transaction& tx, const ImageMember& member);
};

}
