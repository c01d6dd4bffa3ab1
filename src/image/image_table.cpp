#include "image/image_table.hpp"

#include <cassert>
#include <map>

#include "platform/cloud/strays.hpp"

namespace stratolet::image {
namespace {

void insertDetails(store::Transaction& tx, const ImageRecord& image) {
    for (const auto& [name, value] : image.properties)
        tx.execute("INSERT INTO image_properties VALUES (?, ?, ?)", image.id, name, value);
    for (const auto& tag : image.tags) tx.execute("INSERT INTO image_tags VALUES (?, ?)", image.id, tag);
}

}

void completeImages(store::Reader& db, std::vector<ImageRecord>& images) {
    std::map<std::string_view, ImageRecord*> byId;
    std::string ids = "[";
    for (auto& image : images) {
        byId.emplace(image.id.text, &image);
        ids.append(ids.size() > 1 ? "," : "").append(jsonText(image.id.text));
    }
    ids += "]";
    const auto of = [&](const store::Row& row) -> ImageRecord& { return *byId.at(row.text(0)); };
    auto properties = db.query(
        "SELECT image_id, name, value FROM image_properties WHERE image_id IN (SELECT value FROM json_each(?))", ids);
    while (properties.next())
        of(properties.row()).properties.emplace(properties.row().text(1), properties.row().text(2));
    auto tags = db.query(
        "SELECT image_id, tag FROM image_tags WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY tag", ids);
    while (tags.next()) of(tags.row()).tags.push_back(tags.row().text(1));
    auto locations = db.query(
        "SELECT image_id, store, url, metadata FROM image_locations WHERE image_id IN (SELECT value FROM json_each(?)) "
        "ORDER BY position",
        ids);
    while (locations.next())
        of(locations.row())
            .locations.push_back({locations.row().text(1), locations.row().text(2), locations.row().text(3)});
}

std::optional<ImageRecord> ImageTable::find(store::Reader& db, const ImageId& id) { return imageColumns.find(db, id); }

void ImageTable::insert(store::Transaction& tx, const ImageRecord& image) {
    imageColumns.insert(tx, image);
    insertDetails(tx, image);
}

void ImageTable::update(store::Transaction& tx, const ImageRecord& image) {
    imageColumns.update(tx, image);
    tx.execute("DELETE FROM image_properties WHERE image_id = ?", image.id);
    tx.execute("DELETE FROM image_tags WHERE image_id = ?", image.id);
    insertDetails(tx, image);
}

void ImageTable::remove(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("DELETE FROM images WHERE id = ?", image);
    bury(tx, "image", "", image.text, now);
}

bool ImageTable::move(store::Transaction& tx, const ImageId& image, ImageStatus from, ImageStatus to, Time now) {
    assert(mayFollow(from, to));
    return tx.execute("UPDATE images SET status = ?, updated = ? WHERE id = ? AND status = ?", nameOf(to), now, image,
                      nameOf(from)) == 1;
}

void ImageTable::describe(store::Transaction& tx, const ImageRecord& image) {
    tx.execute("UPDATE images SET size = ?, virtual_size = ?, checksum = ?, hash_value = ? WHERE id = ?", image.size,
               image.virtualSize, image.checksum, image.hashValue, image.id);
}

void ImageTable::setStaged(store::Transaction& tx, const ImageId& image, std::optional<std::int64_t> bytes) {
    tx.execute("UPDATE images SET staged = ? WHERE id = ?", bytes, image);
}

void ImageTable::setImport(store::Transaction& tx, const ImageId& image, const std::string& importingTo,
                           const std::string& failed) {
    tx.execute("UPDATE images SET importing_to = ?, failed_import = ? WHERE id = ?", importingTo, failed, image);
}

void ImageTable::setLocations(store::Transaction& tx, const ImageId& image,
                              const std::vector<ImageLocation>& locations) {
    for (const auto& each : locations) unbury(tx, "image", each.store, image.text);
    tx.execute("DELETE FROM image_locations WHERE image_id = ?", image);
    for (std::size_t each = 0; each < locations.size(); ++each)
        tx.execute("INSERT INTO image_locations VALUES (?, ?, ?, ?, ?)", image, each, locations[each].store,
                   locations[each].url, locations[each].metadata);
}

void ImageTable::addToStore(store::Transaction& tx, const ImageId& image, const std::string& store) {
    unbury(tx, "image", store, image.text);
    tx.execute(
        "INSERT INTO image_locations SELECT ?1, coalesce(max(position) + 1, 0), ?2, '', '{}' FROM image_locations "
        "WHERE image_id = ?1 HAVING coalesce(max(store = ?2), 0) = 0",
        image, store);
}

bool ImageTable::removeFromStore(store::Transaction& tx, const ImageId& image, const std::string& store, Time now) {
    bury(tx, "image", store, image.text, now);
    return tx.execute("DELETE FROM image_locations WHERE image_id = ? AND store = ?", image, store) == 1;
}

bool ImageTable::isInStore(store::Reader& db, const ImageId& image, std::string_view store) {
    return db.query("SELECT 1 FROM image_locations WHERE image_id = ? AND store = ?", image, store).any();
}

std::optional<ImageStatus> ImageTable::status(store::Reader& db, const ImageId& image) {
    const auto name = db.query("SELECT status FROM images WHERE id = ?", image).maybeText();
    return name ? statusNamed(*name) : std::nullopt;
}

std::vector<ImageId> ImageTable::inStatus(store::Reader& db, ImageStatus status) {
    return db.query("SELECT id FROM images WHERE status = ?", nameOf(status)).all<ImageId>([](const store::Row& row) {
        return row.id<ImageId>(0);
    });
}

std::map<std::string, std::int64_t> ImageTable::sizesOf(store::Reader& db, const std::vector<std::string>& images) {
    std::map<std::string, std::int64_t> sizes;
    auto rows = db.query("SELECT i.id, coalesce(i.size, 0) FROM json_each(?) w JOIN images i ON i.id = w.value",
                         store::asList(images));
    while (rows.next()) sizes[rows.row().text(0)] = rows.row().integer(1);
    return sizes;
}

std::int64_t ImageTable::countOf(store::Reader& db, const ProjectId& owner) {
    return db.query("SELECT count(*) FROM images WHERE owner = ?", owner).integer();
}

std::int64_t ImageTable::uploadingOf(store::Reader& db, const ProjectId& owner) {
    return db
        .query("SELECT count(*) FROM images WHERE owner = ? AND (status IN ('saving', 'uploading', 'importing') "
               "OR importing_to != '')",
               owner)
        .integer();
}

std::int64_t ImageTable::bytesOf(store::Reader& db, const ProjectId& owner) {
    return db
        .query("SELECT coalesce(sum(size), 0) FROM images JOIN image_locations ON image_id = id AND store != '' WHERE "
               "owner = ?",
               owner)
        .integer();
}

std::int64_t ImageTable::stagedOf(store::Reader& db, const ProjectId& owner) {
    return db.query("SELECT coalesce(sum(staged), 0) FROM images WHERE owner = ?", owner).integer();
}

std::vector<ImageId> ImageTable::withProperties(store::Reader& db, const ProjectId& owner,
                                                const std::map<std::string, std::string>& properties) {
    store::Conditions where;
    where.add("owner = ?", owner);
    for (const auto& [name, value] : properties)
        where.append("EXISTS (SELECT 1 FROM image_properties p WHERE p.image_id = i.id AND p.name = ? AND p.value = ?)",
                     {name, value});
    std::vector<ImageId> found;
    auto rows = db.run("SELECT id FROM images i" + where.where() + " ORDER BY created DESC, id", where.values());
    while (rows.next()) found.push_back(rows.row().id<ImageId>(0));
    return found;
}

bool ImageTable::addTag(store::Transaction& tx, const ImageId& image, const std::string& tag) {
    return tx.execute("INSERT INTO image_tags VALUES (?, ?) ON CONFLICT DO NOTHING", image, tag) == 1;
}

bool ImageTable::removeTag(store::Transaction& tx, const ImageId& image, const std::string& tag) {
    return tx.execute("DELETE FROM image_tags WHERE image_id = ? AND tag = ?", image, tag) == 1;
}

}
