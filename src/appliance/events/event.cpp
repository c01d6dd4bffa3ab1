#include "appliance/events/event.hpp"

namespace stratolet {

namespace event_table {

std::int64_t last(store::Reader& db) { return db.query("SELECT coalesce(max(id), 0) FROM events").integer(); }

std::int64_t keptSince(store::Reader& db) { return db.query("SELECT coalesce(min(id), 1) - 1 FROM events").integer(); }

bool has(store::Reader& db, std::int64_t since) { return since >= keptSince(db) && since <= last(db); }

std::vector<Event> next(store::Reader& db, std::int64_t since, const EventFilter& filter, std::int64_t& seen) {
    // A look is bounded by what it reads, not by what it finds: somebody else's many events don't make it long.
    constexpr int lookMost = 256;
    std::vector<Event> found;
    auto rows =
        db.query("SELECT id, time, type, resource, project, status FROM events WHERE id > ? ORDER BY id LIMIT ?", since,
                 lookMost);
    while (rows.next()) {
        const auto row = rows.row();
        seen = row.integer(0);
        Event event{.id = seen,
                    .time = row.time(1),
                    .type = row.text(2),
                    .resource = row.text(3),
                    .project = row.text(4),
                    .status = row.maybeText(5)};
        if (event.type.starts_with(filter.type) && (!filter.project || event.project == *filter.project))
            found.push_back(std::move(event));
    }
    return found;
}

bool prune(store::Transaction& tx, Time until) {
    constexpr int most = 1000; // in one transaction: others wait for it
    return tx.execute(
               "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?) AND time < ? AND id < "
               "(SELECT max(id) FROM events)",
               most, until) == most;
}

}

void write(JsonWriter& out, const Event& event) {
    const auto body = out.object();
    out.field("id", event.id);
    out.field("time", isoMicrosZ(event.time));
    out.field("type", event.type);
    out.field("resource_id", event.resource);
    out.field("project_id", event.project.empty() ? std::nullopt : std::optional(event.project));
    out.field("status", event.status);
}

}
