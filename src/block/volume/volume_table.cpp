#include "block/volume/volume_table.hpp"

#include <cassert>

#include "block/backends.hpp"
#include "platform/cloud/strays.hpp"

namespace stratolet::block {
namespace {

constexpr std::string_view selectVolume =
    "SELECT id, project_id, user_id, name, description, status, size, new_size, bootable, image_id, type_id, "
    "(SELECT name FROM volume_types WHERE volume_types.id = type_id), created, updated, readonly, host FROM volumes";
constexpr std::string_view selectAttachment = "SELECT a.id, a.volume_id, a.server_id, a.host_name, a.device, a.mode, a.status, "
                                              "a.by_compute, a.created, a.attached FROM volume_attachments a";

Volume fromRow(const store::Row& row) {
    Volume volume;
    volume.id = row.id<VolumeId>(0);
    volume.project = row.id<ProjectId>(1);
    volume.user = row.id<UserId>(2);
    volume.name = row.maybeText(3);
    volume.description = row.maybeText(4);
    volume.status = *volumeStatusNamed(row.text(5));
    volume.size = {row.integer(6)};
    if (const auto wanted = row.maybeInteger(7)) volume.newSize = GiB{*wanted};
    volume.bootable = row.boolean(8);
    volume.image = row.id<ImageId>(9);
    volume.type = row.text(10);
    volume.typeName = row.text(11);
    volume.created = row.time(12);
    volume.updated = row.maybeTime(13);
    if (const auto said = row.maybeInteger(14)) volume.readOnly = *said != 0;
    volume.host = row.text(15);
    return volume;
}

VolumeAttachment attachmentFromRow(const store::Row& row) {
    VolumeAttachment attachment;
    attachment.id = row.id<AttachmentId>(0);
    attachment.volume = row.id<VolumeId>(1);
    attachment.server = row.id<ServerId>(2);
    attachment.hostName = row.maybeText(3);
    attachment.device = row.maybeText(4);
    attachment.mode = row.text(5);
    attachment.status = *attachmentStatusNamed(row.text(6));
    attachment.byCompute = row.boolean(7);
    attachment.created = row.time(8);
    attachment.attached = row.maybeTime(9);
    return attachment;
}

std::vector<std::string> idsOf(const std::vector<Volume>& volumes) {
    std::vector<std::string> ids;
    ids.reserve(volumes.size());
    for (const auto& each : volumes) ids.push_back(each.id.text);
    return ids;
}

/// Metadata: two statements, however many volumes there are.
void complete(store::Reader& db, std::vector<Volume>& volumes) {
    const auto itemsIn = [&](std::string_view table) {
        return store::many<Metadata::value_type>(
            db, "SELECT m.volume_id, m.name, m.value FROM json_each(?) w JOIN " + std::string(table) + " m ON m.volume_id = w.value",
            idsOf(volumes), [](const store::Row& row) { return Metadata::value_type(row.text(1), row.text(2)); });
    };
    auto own = itemsIn("volume_metadata"), images = itemsIn("volume_image_metadata");
    for (auto& volume : volumes) {
        for (auto& each : store::takeOf(own, volume.id.text)) volume.metadata.insert(std::move(each));
        for (auto& each : store::takeOf(images, volume.id.text)) volume.imageMetadata.insert(std::move(each));
    }
}

std::optional<std::string> orNull(const ImageId& image) { return image.empty() ? std::nullopt : std::optional(image.text); }

}

std::optional<Volume> VolumeTable::find(store::Reader& db, const VolumeId& id) {
    auto found = db.query(std::string(selectVolume) + " WHERE id = ?", id).all<Volume>(fromRow);
    complete(db, found);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<Volume> VolumeTable::list(store::Reader& db, const store::Conditions& conditions, const std::vector<store::SortKey>& order,
                                      std::int64_t limit, std::int64_t offset) {
    auto values = conditions.values();
    values.emplace_back(limit);
    values.emplace_back(offset);
    auto volumes =
        db.run(std::string(selectVolume) + conditions.where() + store::orderBy(order) + " LIMIT ? OFFSET ?", values).all<Volume>(fromRow);
    complete(db, volumes);
    return volumes;
}

std::int64_t VolumeTable::count(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT count(*) FROM volumes" + conditions.where(), conditions.values()).integer();
}

std::int64_t VolumeTable::gigabytes(store::Reader& db, const store::Conditions& conditions) {
    return db.run("SELECT coalesce(sum(size), 0) FROM volumes" + conditions.where(), conditions.values()).integer();
}

std::vector<std::pair<std::string, std::string>> VolumeTable::metadataOf(store::Reader& db, const store::Conditions& conditions) {
    return db
        .run("SELECT DISTINCT name, value FROM volume_metadata WHERE volume_id IN (SELECT id FROM volumes" + conditions.where() +
                 ") ORDER BY name, value",
             conditions.values())
        .all<std::pair<std::string, std::string>>([](const store::Row& row) { return std::pair(row.text(0), row.text(1)); });
}

void VolumeTable::insert(store::Transaction& tx, const Volume& volume) {
    tx.execute("INSERT INTO volumes (id, project_id, user_id, name, description, status, size, bootable, image_id, type_id, created, host) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               volume.id, volume.project, volume.user, volume.name, volume.description, nameOf(volume.status), volume.size.count,
               volume.bootable, orNull(volume.image), volume.type, volume.created, volume.host);
    setMetadata(tx, volume.id, volume.metadata);
    setImageMetadata(tx, volume.id, volume.imageMetadata);
}

void VolumeTable::rename(store::Transaction& tx, const Volume& volume) {
    tx.execute("UPDATE volumes SET name = ?, description = ?, updated = ? WHERE id = ?", volume.name, volume.description, volume.updated,
               volume.id);
}

void VolumeTable::remove(store::Transaction& tx, const Volume& volume, Time now) {
    tx.execute("DELETE FROM volumes WHERE id = ?", volume.id);
    bury(tx, "volume", backendIn(volume.host), volume.id.text, now);
}

std::optional<std::string> VolumeTable::placeOf(store::Reader& db, const VolumeId& volume) {
    return db.query("SELECT host FROM volumes WHERE id = ?", volume).maybeText();
}

void VolumeTable::placeAll(store::Transaction& tx, const std::string& host) {
    tx.execute("UPDATE volumes SET host = ? || '@file#file' WHERE host = ''", host);
}

bool VolumeTable::move(store::Transaction& tx, const VolumeId& volume, VolumeStatus from, VolumeStatus to, Time now) {
    assert(mayFollow(from, to));
    return tx.execute("UPDATE volumes SET status = ?, updated = ? WHERE id = ? AND status = ?", nameOf(to), now, volume, nameOf(from)) == 1;
}

void VolumeTable::setStatus(store::Transaction& tx, const VolumeId& volume, VolumeStatus status, Time now) {
    tx.execute("UPDATE volumes SET status = ?, updated = ? WHERE id = ?", nameOf(status), now, volume);
}

void VolumeTable::setReadOnly(store::Transaction& tx, const VolumeId& volume, bool readOnly, Time now) {
    tx.execute("UPDATE volumes SET readonly = ?, updated = ? WHERE id = ?", readOnly, now, volume);
}

void VolumeTable::setBootable(store::Transaction& tx, const VolumeId& volume, bool bootable, Time now) {
    tx.execute("UPDATE volumes SET bootable = ?, updated = ? WHERE id = ?", bootable, now, volume);
}

void VolumeTable::setNewSize(store::Transaction& tx, const VolumeId& volume, std::optional<GiB> size) {
    tx.execute("UPDATE volumes SET new_size = ? WHERE id = ?", size ? std::optional(size->count) : std::nullopt, volume);
}

void VolumeTable::setSize(store::Transaction& tx, const VolumeId& volume, GiB size) {
    tx.execute("UPDATE volumes SET size = ?, new_size = NULL WHERE id = ?", size.count, volume);
}

void VolumeTable::setMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& metadata) {
    tx.execute("DELETE FROM volume_metadata WHERE volume_id = ?", volume);
    for (const auto& [name, value] : metadata) tx.execute("INSERT INTO volume_metadata VALUES (?, ?, ?)", volume, name, value);
}

void VolumeTable::setImageMetadata(store::Transaction& tx, const VolumeId& volume, const Metadata& metadata) {
    tx.execute("DELETE FROM volume_image_metadata WHERE volume_id = ?", volume);
    for (const auto& [name, value] : metadata) tx.execute("INSERT INTO volume_image_metadata VALUES (?, ?, ?)", volume, name, value);
}

std::vector<std::pair<VolumeId, VolumeStatus>> VolumeTable::statuses(store::Reader& db) {
    return db.query("SELECT id, status FROM volumes").all<std::pair<VolumeId, VolumeStatus>>([](const store::Row& row) {
        return std::pair(row.id<VolumeId>(0), *volumeStatusNamed(row.text(1)));
    });
}

std::vector<Share> VolumeTable::shares(store::Reader& db, const std::string& backend) {
    return db
        .query("SELECT project_id, count(*), sum(size) FROM volumes WHERE substr(host, 1, length(?1) + 1) = ?1 || '#' "
               "GROUP BY project_id ORDER BY project_id",
               backend)
        .all<Share>([](const store::Row& row) {
            return Share{row.id<ProjectId>(0), row.integer(1), row.integer(2)};
        });
}

std::int64_t VolumeTable::countOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT count(*) FROM volumes WHERE project_id = ?", project).integer();
}

std::int64_t VolumeTable::gigabytesOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT coalesce(sum(coalesce(new_size, size)), 0) FROM volumes WHERE project_id = ?", project).integer();
}

std::vector<VolumeAttachment> VolumeTable::attachmentsOf(store::Reader& db, const VolumeId& volume) {
    return db.query(std::string(selectAttachment) + " WHERE a.volume_id = ? ORDER BY a.created, a.id", volume)
        .all<VolumeAttachment>(attachmentFromRow);
}

store::ByOwner<VolumeAttachment> VolumeTable::attachmentsOf(store::Reader& db, const std::vector<Volume>& volumes) {
    store::ByOwner<VolumeAttachment> found;
    if (volumes.empty()) return found;
    auto rows = db.query(std::string(selectAttachment) + " WHERE a.volume_id IN (SELECT value FROM json_each(?)) ORDER BY a.created, a.id",
                         store::asList(idsOf(volumes)));
    while (rows.next()) {
        auto attachment = attachmentFromRow(rows.row());
        auto& its = found[attachment.volume.text];
        its.push_back(std::move(attachment));
    }
    return found;
}

std::vector<VolumeAttachment> VolumeTable::madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    return db
        .query(std::string(selectAttachment) +
                   " WHERE a.server_id IN (SELECT value FROM json_each(?)) AND a.by_compute ORDER BY a.created, a.id",
               store::asList(servers))
        .all<VolumeAttachment>(attachmentFromRow);
}

std::vector<VolumeAttachment> VolumeTable::attachments(store::Reader& db, const store::Conditions& conditions, std::int64_t limit) {
    auto values = conditions.values();
    values.emplace_back(limit);
    return db
        .run(std::string(selectAttachment) + " JOIN volumes v ON v.id = a.volume_id" + conditions.where() +
                 " ORDER BY a.created DESC, a.id DESC LIMIT ?",
             values)
        .all<VolumeAttachment>(attachmentFromRow);
}

std::optional<VolumeAttachment> VolumeTable::attachment(store::Reader& db, const AttachmentId& id) {
    return db.query(std::string(selectAttachment) + " WHERE a.id = ?", id).maybe<VolumeAttachment>(attachmentFromRow);
}

void VolumeTable::insert(store::Transaction& tx, const VolumeAttachment& attachment) {
    tx.execute("INSERT INTO volume_attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", attachment.id, attachment.volume, attachment.server,
               attachment.hostName, attachment.device, attachment.mode, nameOf(attachment.status), attachment.byCompute, attachment.created,
               attachment.attached);
}

void VolumeTable::update(store::Transaction& tx, const VolumeAttachment& attachment) {
    tx.execute("UPDATE volume_attachments SET host_name = ?, device = ?, mode = ?, status = ?, attached = ? WHERE id = ?",
               attachment.hostName, attachment.device, attachment.mode, nameOf(attachment.status), attachment.attached, attachment.id);
}

void VolumeTable::remove(store::Transaction& tx, const AttachmentId& attachment) {
    tx.execute("DELETE FROM volume_attachments WHERE id = ?", attachment);
}

std::vector<VolumeType> VolumeTable::types(store::Reader& db) {
    return db.query("SELECT id, name, description FROM volume_types ORDER BY name").all<VolumeType>([](const store::Row& row) {
        return VolumeType{row.text(0), row.text(1), row.maybeText(2)};
    });
}

std::optional<VolumeType> VolumeTable::type(store::Reader& db, std::string_view idOrName) {
    return db.query("SELECT id, name, description FROM volume_types WHERE id = ? OR name = ?", idOrName, idOrName)
        .maybe<VolumeType>([](const store::Row& row) {
            return VolumeType{row.text(0), row.text(1), row.maybeText(2)};
        });
}

}
