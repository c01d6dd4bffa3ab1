#include "compute/aggregate/cached_image.hpp"

namespace stratolet::compute::cached_image {

void want(store::Transaction& tx, const std::string& base, const ImageId& image, Time now) {
    tx.execute("INSERT INTO compute_cached_images (base, image, wanted) VALUES (?, ?, ?) "
               "ON CONFLICT (base) DO UPDATE SET wanted = excluded.wanted",
               base, image, now);
}

void imageGone(store::Transaction& tx, const ImageId& image) {
    tx.execute("UPDATE compute_cached_images SET wanted = 0 WHERE image = ?", image);
}

void remove(store::Transaction& tx, const std::string& base) {
    tx.execute("DELETE FROM compute_cached_images WHERE base = ?", base);
}

bool known(store::Reader& db, const std::string& base) {
    return db.query("SELECT 1 FROM compute_cached_images WHERE base = ?", base).any();
}

bool wantedSince(store::Reader& db, const std::string& base, Time time) {
    return db.query("SELECT 1 FROM compute_cached_images WHERE base = ? AND wanted >= ?", base, time).any();
}

}
