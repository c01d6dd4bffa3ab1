#include "image/member/member_table.hpp"

namespace stratolet::image {

using namespace resource;

const Table<ImageMember> memberColumns("image_members", 'm',
                                       {
                                           attribute<&ImageMember::member>("member_id", Show).in("member"),
                                           attribute<&ImageMember::image>("image_id", Show),
                                           attribute<&ImageMember::status>("status", Show),
                                           attribute<&ImageMember::created>("created_at", Show).in("created"),
                                           attribute<&ImageMember::updated>("updated_at", Show).in("updated"),
                                           computed<ImageMember>("schema", Kind::Text, Show,
                                                                 [](JsonWriter& out, const ImageMember&) {
                                                                     out.value("/v2/schemas/member");
                                                                 }),
                                       });

namespace member_table {

std::vector<ImageMember> of(store::Reader& db, const ImageId& image) {
    return memberColumns.where(db, "WHERE image_id = ? ORDER BY created, member", image);
}

std::optional<ImageMember> find(store::Reader& db, const ImageId& image, const ProjectId& project) {
    auto found = memberColumns.where(db, "WHERE image_id = ? AND member = ?", image, project);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void insert(store::Transaction& tx, const ImageMember& member) { memberColumns.insert(tx, member); }

void update(store::Transaction& tx, const ImageMember& member) {
    tx.execute("UPDATE image_members SET status = ?, updated = ? WHERE image_id = ? AND member = ?", member.status,
               member.updated, member.image, member.member);
}

bool remove(store::Transaction& tx, const ImageId& image, const ProjectId& project) {
    return tx.execute("DELETE FROM image_members WHERE image_id = ? AND member = ?", image, project) == 1;
}

}
}
