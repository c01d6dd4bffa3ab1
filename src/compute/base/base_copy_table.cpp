#include "compute/base/base_copies.hpp"

namespace stratolet::compute {

std::vector<image::NearCopy> BaseCopyTable::all(store::Reader& db) {
    return db
        .query("SELECT image, state = 'queued', hits, modified, accessed FROM compute_base_copies WHERE state <> "
               "'dropped' ORDER BY image")
        .all<image::NearCopy>([](const store::Row& row) {
            return image::NearCopy{.image = row.id<ImageId>(0),
                                   .queued = row.boolean(1),
                                   .hits = row.integer(2),
                                   .modified = row.time(3),
                                   .accessed = row.time(4)};
        });
}

void BaseCopyTable::queue(store::Transaction& tx, const ImageId& image, const std::string& base, Time now) {
    tx.execute("INSERT INTO compute_base_copies (image, base, state, pinned, hits, modified, accessed) VALUES (?, ?, "
               "'queued', 1, 0, ?, ?) ON CONFLICT (image) DO UPDATE SET pinned = 1, state = CASE state WHEN 'dropped' "
               "THEN 'queued' ELSE state END",
               image, base, now, now);
}

void BaseCopyTable::fetched(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("UPDATE compute_base_copies SET state = 'cached', modified = ?, accessed = ? WHERE image = ? AND state "
               "= 'queued'",
               now, now, image);
}

bool BaseCopyTable::drop(store::Transaction& tx, const ImageId& image) {
    return tx.execute("UPDATE compute_base_copies SET state = 'dropped', pinned = 0 WHERE image = ? AND state <> "
                      "'dropped'",
                      image) == 1;
}

std::string BaseCopyTable::baseOf(store::Reader& db, const ImageId& image) {
    return db.query("SELECT base FROM compute_base_copies WHERE image = ?", image).maybeText().value_or("");
}

bool BaseCopyTable::isPinned(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_base_copies WHERE base = ? AND pinned", base).any();
}

bool BaseCopyTable::knows(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_base_copies WHERE base = ?", base).any();
}

void BaseCopyTable::forgetDropped(store::Transaction& tx) {
    tx.execute(
        "DELETE FROM compute_base_copies WHERE state = 'dropped' AND NOT EXISTS (SELECT 1 FROM compute_servers s "
        "WHERE s.base = compute_base_copies.base AND s.deleted IS NULL)");
}

void BaseCopyTable::forget(store::Transaction& tx, const std::string& base) {
    tx.execute("DELETE FROM compute_base_copies WHERE base = ? AND NOT pinned", base);
}

}
