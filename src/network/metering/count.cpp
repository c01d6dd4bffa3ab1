#include "network/metering/metering.hpp"

namespace stratolet::network {

std::vector<PlannedMeter> plannedMeters(store::Reader& db, const std::string& project) {
    std::vector<PlannedMeter> meters;
    auto rows = db.query("SELECT l.id, r.direction, r.excluded, r.remote, r.source, r.destination FROM metering_labels "
                         "l JOIN metering_label_rules r ON r.label = l.id WHERE l.project = ? OR l.shared ORDER BY "
                         "l.id, r.excluded DESC, r.created, r.id",
                         project);
    while (rows.next()) {
        const auto row = rows.row();
        const auto id = row.id<MeteringLabelId>(0);
        if (meters.empty() || meters.back().id != id) meters.push_back({id, {}});
        const auto prefix = [&](int column) { return row.isNull(column) ? std::string() : row.text(column); };
        PlannedMeterRule rule{row.text(1) == "ingress", row.boolean(2), prefix(4), prefix(5)};
        // Called remote, it is what is behind the router all the same (as Neutron's agent has it).
        if (const auto remote = prefix(3); !remote.empty()) (rule.ingress ? rule.destination : rule.source) = remote;
        if (rule.source.find(':') != std::string::npos || rule.destination.find(':') != std::string::npos) continue;
        meters.back().rules.push_back(std::move(rule));
    }
    return meters;
}

std::vector<std::string> routersMetered(store::Reader& db, const std::string& label) {
    return db
        .query("SELECT r.id FROM metering_labels l JOIN routers r ON r.project = l.project WHERE l.id = ?1 UNION "
               "SELECT r.id FROM metering_labels l JOIN routers r WHERE l.id = ?1 AND l.shared",
               label)
        .texts();
}

void addReadings(store::Transaction& tx, const std::vector<MeterReading>& readings, Time now) {
    for (const auto& each : readings)
        tx.execute("INSERT INTO metering_counts SELECT id, ?2, ?3, ?4, ?5, ?5 FROM metering_labels WHERE id = ?1 ON "
                   "CONFLICT DO UPDATE SET packets = packets + excluded.packets, bytes = bytes + excluded.bytes, "
                   "updated = excluded.updated",
                   each.label, each.router, static_cast<std::int64_t>(each.packets),
                   static_cast<std::int64_t>(each.bytes), now);
}

std::vector<MeterReading> readingsOf(store::Reader& db, const MeteringLabelId& label) {
    std::vector<MeterReading> readings;
    auto rows = db.query("SELECT router, packets, bytes FROM metering_counts WHERE label = ? ORDER BY router", label);
    while (rows.next())
        readings.push_back({label, rows.row().id<RouterId>(0), static_cast<std::uint64_t>(rows.row().integer(1)),
                            static_cast<std::uint64_t>(rows.row().integer(2))});
    return readings;
}

}
