#include "compute/usage/usage_table.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

/// The servers of one project, or of all, that have run in that time: those that live and those that have ended since,
/// each by the index that finds no others, however long ago servers have been kept.
struct Window {
    std::string sql; ///< a list of "server"
    std::vector<store::Value> values;
};

Window windowOf(Time start, Time stop, const std::optional<ProjectId>& project) {
    Window window;
    const std::string index = project ? "compute_usage_of_project" : "compute_usage_in_time";
    const auto add = [&](const char* ended) {
        window.sql += std::string(window.sql.empty() ? "" : " UNION ALL ") +
                      "SELECT server FROM compute_usage INDEXED BY " + index + " WHERE " +
                      (project ? "project = ? AND " : "") + ended + " AND launched < ?";
        if (project) window.values.emplace_back(project->text);
    };
    add("ended IS NULL");
    window.values.emplace_back(stop);
    add("ended > ?");
    window.values.emplace_back(start);
    window.values.emplace_back(stop);
    return window;
}

Usage fromRow(const store::Row& row) {
    Usage usage{.server = row.id<ServerId>(0),
                .project = row.id<ProjectId>(1),
                .name = row.text(2),
                .flavor = row.text(3),
                .vcpus = row.integer(4),
                .ram = row.integer(5),
                .disk = row.integer(6),
                .launched = row.time(7),
                .ended = row.maybeTime(8),
                .state = row.maybeText(9).value_or("")};
    if (usage.ended) usage.state = "terminated";
    return usage;
}

}

std::vector<Usage> UsageTable::list(store::Reader& db, const UsageQuery& query) {
    auto [window, values] = windowOf(query.start, query.stop, query.project);
    std::string after;
    if (query.marker) {
        const auto project = db.query("SELECT project FROM compute_usage WHERE server = ?", *query.marker).maybeText();
        if (!project || (query.project && *project != query.project->text))
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        after = " WHERE (u.project, u.server) > (?, ?)";
        values.emplace_back(*project);
        values.emplace_back(*query.marker);
    }
    values.emplace_back(query.limit);
    return db
        .run(
            "SELECT u.server, u.project, u.name, u.flavor, u.vcpus, u.ram, u.disk, u.launched, u.ended, s.vm_state "
            "FROM (" +
                window +
                ") w CROSS JOIN compute_usage u ON u.server = w.server LEFT JOIN compute_servers s ON s.id = u.server" +
                after + " ORDER BY u.project, u.server LIMIT ?",
            values)
        .all<Usage>(fromRow);
}

std::map<std::string, std::int64_t> UsageTable::byHost(store::Reader& db, Time start, Time stop) {
    const auto [window, values] = windowOf(start, stop, std::nullopt);
    std::map<std::string, std::int64_t> counts;
    auto rows = db.run("SELECT u.host, count(*) FROM (" + window +
                           ") w CROSS JOIN compute_usage u ON u.server = w.server GROUP BY u.host",
                       values);
    while (rows.next()) counts[rows.row().text(0)] = rows.row().integer(1);
    return counts;
}

void UsageTable::purge(store::Transaction& tx, Time endedBefore) {
    tx.execute("DELETE FROM compute_usage WHERE server IN (SELECT server FROM compute_usage WHERE ended < ? LIMIT 500)",
               endedBefore);
}

}
