#include "block/attachment/attachment_table.hpp"

namespace stratolet::resource {

template <> struct Codec<block::AttachmentStatus> : WordCodec<block::attachmentStatusNamed> {};

}

namespace stratolet::block {

using namespace resource;

const Table<VolumeAttachment>
    attachmentColumns("volume_attachments", 'a',
                      {
                          attribute<&VolumeAttachment::id>("id", 0),
                          attribute<&VolumeAttachment::volume>("volume_id", Filter),
                          attribute<&VolumeAttachment::server>("instance_id", Filter).in("server_id"),
                          column<&VolumeAttachment::hostName>("host_name", Moves),
                          column<&VolumeAttachment::device>("device", Moves),
                          column<&VolumeAttachment::mode>("mode", Moves),
                          attribute<&VolumeAttachment::status>("status", Filter | Moves),
                          column<&VolumeAttachment::byCompute>("by_compute"),
                          column<&VolumeAttachment::created>("created"),
                          column<&VolumeAttachment::attached>("attached", Moves),
                          column<&VolumeAttachment::connector>("connector", Moves),
                          column<&VolumeAttachment::connection>("connection", Moves),
                      });

namespace attachment_table {

std::optional<VolumeAttachment> find(store::Reader& db, const AttachmentId& id) {
    return attachmentColumns.find(db, id);
}

std::vector<VolumeAttachment> of(store::Reader& db, const VolumeId& volume) {
    return attachmentColumns.where(db, "WHERE a.volume_id = ? ORDER BY a.created, a.id", volume);
}

store::ByOwner<VolumeAttachment> of(store::Reader& db, const std::vector<std::string>& volumes) {
    store::ByOwner<VolumeAttachment> found;
    if (volumes.empty()) return found;
    for (auto& each :
         attachmentColumns.where(db, "WHERE a.volume_id IN (SELECT value FROM json_each(?)) ORDER BY a.created, a.id",
                                 store::asList(volumes))) {
        auto& its = found[each.volume.text];
        its.push_back(std::move(each));
    }
    return found;
}

std::vector<VolumeAttachment> madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    return attachmentColumns.where(
        db, "WHERE a.server_id IN (SELECT value FROM json_each(?)) AND a.by_compute ORDER BY a.created, a.id",
        store::asList(servers));
}

std::vector<VolumeAttachment> list(store::Reader& db, const store::Conditions& conditions, std::int64_t limit) {
    auto values = conditions.values();
    values.emplace_back(limit);
    return attachmentColumns.run(db,
                                 " JOIN volumes v ON v.id = a.volume_id" + conditions.where() +
                                     " ORDER BY a.created DESC, a.id DESC LIMIT ?",
                                 values);
}

void insert(store::Transaction& tx, const VolumeAttachment& attachment) { attachmentColumns.insert(tx, attachment); }
void update(store::Transaction& tx, const VolumeAttachment& attachment) { attachmentColumns.update(tx, attachment); }
void remove(store::Transaction& tx, const AttachmentId& attachment) { attachmentColumns.remove(tx, attachment); }

}
}
