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

bool BaseCopyTable::queue(store::Transaction& tx, const ImageId& image, const std::string& base, Time now) {
    if (tx.execute("UPDATE compute_base_copies SET pinned = 1 WHERE image = ? AND state <> 'dropped'", image) == 1)
        return false;
    tx.execute("INSERT INTO compute_base_copies (image, base, state, pinned, hits, modified, accessed) VALUES (?, ?, "
               "'queued', 1, 0, ?, ?) ON CONFLICT (image) DO UPDATE SET pinned = 1, state = 'queued'",
               image, base, now, now);
    return true;
}

void BaseCopyTable::fetched(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("UPDATE compute_base_copies SET state = 'cached', modified = ?, accessed = ? WHERE image = ? AND state "
               "= 'queued'",
               now, now, image);
}

bool BaseCopyTable::drop(store::Transaction& tx, const ImageId& image, Time now) {
    return tx.execute("UPDATE compute_base_copies SET state = 'dropped', pinned = 0, modified = ? WHERE image = ? AND "
                      "state <> 'dropped'",
                      now, image) == 1;
}

void BaseCopyTable::dropAgain(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("UPDATE compute_base_copies SET modified = ? WHERE image = ? AND state = 'dropped'", now, image);
}

std::string BaseCopyTable::baseOf(store::Reader& db, const ImageId& image) {
    return db.query("SELECT base FROM compute_base_copies WHERE image = ? AND state <> 'dropped'", image)
        .maybeText()
        .value_or("");
}

bool BaseCopyTable::isPinned(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_base_copies WHERE base = ? AND pinned", base).any();
}

bool BaseCopyTable::knows(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_base_copies WHERE base = ?", base).any();
}

std::vector<ImageId> BaseCopyTable::droppedBefore(store::Reader& db, Time time) {
    return db
        .query("SELECT image FROM compute_base_copies WHERE state = 'dropped' AND modified < ? AND NOT EXISTS (SELECT "
               "1 FROM compute_servers s WHERE s.base = compute_base_copies.base AND s.deleted IS NULL)",
               time)
        .all<ImageId>([](const store::Row& row) { return row.id<ImageId>(0); });
}

void BaseCopyTable::forgetDropped(store::Transaction& tx, const ImageId& image) {
    tx.execute("DELETE FROM compute_base_copies WHERE image = ? AND state = 'dropped'", image);
}

void BaseCopyTable::forget(store::Transaction& tx, const std::string& base) {
    tx.execute("DELETE FROM compute_base_copies WHERE base = ? AND NOT pinned", base);
}

}
