#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::image {

/// A project that an image is shared with.
struct ImageMember {
    ImageId image;
    ProjectId member;
    std::string status; ///< "pending", "accepted", "rejected"
    Time created, updated;
};

/// What is shown of a member, in this order.
extern const resource::Table<ImageMember> memberColumns;

/// SQL, and no rule.
namespace member_table {
std::vector<ImageMember> of(store::Reader& db, const ImageId& image); ///< oldest first
std::optional<ImageMember> find(store::Reader& db, const ImageId& image, const ProjectId& project);
void insert(store::Transaction& tx, const ImageMember& member);
void update(store::Transaction& tx, const ImageMember& member); ///< its status
bool remove(store::Transaction& tx, const ImageId& image, const ProjectId& project);
}

}
