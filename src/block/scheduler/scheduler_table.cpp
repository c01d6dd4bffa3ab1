#include "block/scheduler/scheduler_table.hpp"

namespace stratolet::block::scheduler_table {

std::map<std::string, Promised> promised(store::Reader& db) {
    std::map<std::string, Promised> all;
    auto rows = db.query("SELECT name, volumes, gigabytes FROM volume_pools");
    while (rows.next()) all.emplace(rows.row().text(0), Promised{rows.row().integer(1), rows.row().integer(2)});
    return all;
}

std::vector<Share> shares(store::Reader& db, const std::string& host) {
    return db // the pools of a host: from "host#" to what would come after them all
        .query("SELECT project_id, sum(volumes), sum(gigabytes), sum(snapshots), sum(snapshot_gigabytes) FROM "
               "volume_shares WHERE pool >= ?1 || '#' AND pool < ?1 || '$' GROUP BY project_id ORDER BY project_id",
               host)
        .all<Share>([](const store::Row& row) {
            return Share{row.id<ProjectId>(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
        });
}

std::vector<std::string> disabledHosts(store::Reader& db) {
    return db.query("SELECT host FROM block_services WHERE binary = 'cinder-volume' AND disabled").texts();
}

std::vector<ServiceSetting> settings(store::Reader& db) {
    return db.query("SELECT binary, host, disabled, reason, updated FROM block_services")
        .all<ServiceSetting>([](const store::Row& row) {
            return ServiceSetting{row.text(0), row.text(1), row.boolean(2), row.maybeText(3), row.time(4)};
        });
}

void set(store::Transaction& tx, const ServiceSetting& setting) {
    tx.execute("INSERT INTO block_services VALUES (?, ?, ?, ?, ?) ON CONFLICT (binary, host) DO UPDATE SET disabled = "
               "excluded.disabled, reason = excluded.reason, updated = excluded.updated",
               setting.binary, setting.host, setting.disabled, setting.reason, setting.updated);
}

}
