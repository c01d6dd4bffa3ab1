#include "image/cache/cache.hpp"

namespace stratolet::image {

namespace {

constexpr std::string_view columns =
    "SELECT image_id, state = 'queued', size, hits, modified, accessed FROM image_cache ";

CachedImage fromRow(const store::Row& row) {
    return {row.id<ImageId>(0), row.boolean(1), row.integer(2), row.integer(3), row.time(4), row.time(5)};
}

}

std::vector<CachedImage> CacheTable::all(store::Reader& db) {
    return db.query(std::string(columns) + "ORDER BY modified, image_id").all<CachedImage>(fromRow);
}

std::optional<CachedImage> CacheTable::find(store::Reader& db, const ImageId& image) {
    return db.query(std::string(columns) + "WHERE image_id = ?", image).maybe<CachedImage>(fromRow);
}

std::optional<CachedImage> CacheTable::leastUsed(store::Reader& db, const ImageId& but) {
    return db
        .query(std::string(columns) + "WHERE state = 'cached' AND image_id != ? ORDER BY accessed, image_id LIMIT 1",
               but)
        .maybe<CachedImage>(fromRow);
}

std::int64_t CacheTable::bytes(store::Reader& db) {
    return db.query("SELECT coalesce(sum(size), 0) FROM image_cache WHERE state = 'cached'").integer();
}

bool CacheTable::has(store::Reader& db, const ImageId& image) {
    return db.query("SELECT 1 FROM image_cache WHERE image_id = ?", image).any();
}

void CacheTable::queue(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("INSERT INTO image_cache VALUES (?, 'queued', 0, 0, ?, ?) ON CONFLICT DO NOTHING", image, now, now);
}

void CacheTable::fill(store::Transaction& tx, const ImageId& image, std::int64_t size, Time now) {
    tx.execute("UPDATE image_cache SET state = 'cached', size = ?, modified = ?, accessed = ? WHERE image_id = ?", size,
               now, now, image);
}

void CacheTable::hit(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("UPDATE image_cache SET hits = hits + 1, accessed = ? WHERE image_id = ?", now, image);
}

void CacheTable::remove(store::Transaction& tx, const ImageId& image) {
    tx.execute("DELETE FROM image_cache WHERE image_id = ?", image);
}

}
