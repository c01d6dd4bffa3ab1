#include "image/cache.hpp"

namespace stratolet::image {

std::vector<CachedImage> CacheTable::all(store::Reader& db) {
    return db.query("SELECT image_id, state = 'queued', size, hits, modified, accessed FROM image_cache ORDER BY modified, image_id")
        .all<CachedImage>([](const store::Row& row) {
            return CachedImage{row.id<ImageId>(0), row.boolean(1), row.integer(2), row.integer(3), row.time(4), row.time(5)};
        });
}

bool CacheTable::has(store::Reader& db, const ImageId& image) {
    return db.query("SELECT 1 FROM image_cache WHERE image_id = ?", image).any();
}

void CacheTable::queue(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("INSERT INTO image_cache VALUES (?, 'queued', 0, 0, ?, ?) ON CONFLICT DO NOTHING", image, now, now);
}

void CacheTable::fill(store::Transaction& tx, const ImageId& image, std::int64_t size, Time now) {
    tx.execute("UPDATE image_cache SET state = 'cached', size = ?, modified = ?, accessed = ? WHERE image_id = ?", size, now, now, image);
}

void CacheTable::hit(store::Transaction& tx, const ImageId& image, Time now) {
    tx.execute("UPDATE image_cache SET hits = hits + 1, accessed = ? WHERE image_id = ?", now, image);
}

void CacheTable::remove(store::Transaction& tx, const ImageId& image) { tx.execute("DELETE FROM image_cache WHERE image_id = ?", image); }

}
