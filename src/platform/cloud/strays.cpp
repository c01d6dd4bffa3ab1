#include "platform/cloud/strays.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "platform/log/log.hpp"
#include "platform/metrics/metrics.hpp"

namespace stratolet {
namespace {

std::set<std::string> told(store::Reader& db, std::string_view kind, std::string_view place) {
    const auto ids = db.query("SELECT id FROM strays WHERE kind = ? AND place = ?", kind, place).texts();
    return {ids.begin(), ids.end()};
}

}

void bury(store::Transaction& tx, std::string_view kind, std::string_view place, const std::string& id, Time now) {
    constexpr std::chrono::hours kept{7 * 24};
    tx.execute("DELETE FROM tombstones WHERE deleted < ?", now - kept);
    tx.execute("INSERT INTO tombstones VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET deleted = ?4", kind, place, id,
               now);
}

void unbury(store::Transaction& tx, std::string_view kind, std::string_view place, const std::string& id) {
    tx.execute("DELETE FROM tombstones WHERE kind = ? AND id = ? AND place IN (?, '')", kind, id, place);
}

bool isBuried(store::Reader& db, std::string_view kind, std::string_view place, const std::string& id) {
    return db.query("SELECT 1 FROM tombstones WHERE kind = ? AND id = ? AND place IN (?, '')", kind, id, place).any();
}

bool isStray(store::Reader& db, std::string_view kind, const std::string& id) {
    return db.query("SELECT 1 FROM strays WHERE kind = ? AND id = ?", kind, id).any();
}

void tellStrays(const Parts& parts, std::string_view kind, std::string_view place, const std::set<std::string>& ids) {
    const auto before = told(parts.store.reader(), kind, place);
    if (before == ids) return;
    std::vector<std::string> come, gone;
    std::set_difference(ids.begin(), ids.end(), before.begin(), before.end(), std::back_inserter(come));
    std::set_difference(before.begin(), before.end(), ids.begin(), ids.end(), std::back_inserter(gone));
    parts.store.write([&](store::Transaction& tx) {
        for (const auto& id : come)
            tx.execute("INSERT INTO strays VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", kind, place, id,
                       parts.ambient.now());
        for (const auto& id : gone)
            tx.execute("DELETE FROM strays WHERE kind = ? AND place = ? AND id = ?", kind, place, id);
    });
    for (const auto& id : come)
        parts.log.warning("The store knows nothing of what is here; it is kept, see stratolet doctor",
                          {{"kind", std::string(kind)}, {"id", id}, {"place", std::string(place)}});
}

void declareStrayMetrics(const Parts& parts) {
    parts.metrics.gauge("stratolet_strays", "Guests, volumes and data of images that no row stands for; they are kept",
                        [&store = parts.store] {
                            return static_cast<double>(store.reader().query("SELECT count(*) FROM strays").integer());
                        });
}

}
