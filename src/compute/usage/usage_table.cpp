#include "compute/usage/usage_table.hpp"

#include <stratolet/error.hpp>

namespace stratolet::compute {
namespace {

store::Conditions windowOf(Time start, Time stop) {
    store::Conditions where;
    where.add("(u.ended IS NULL OR u.ended > ?)", start).add("u.launched < ?", stop);
    return where;
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
    auto where = windowOf(query.start, query.stop);
    if (query.project) where.add("u.project = ?", *query.project);
    if (query.marker) {
        const auto project = db.query("SELECT project FROM compute_usage WHERE server = ?", *query.marker).maybeText();
        if (!project || (query.project && *project != query.project->text))
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        where.add("(u.project, u.server) > (?, ?)", *project, *query.marker);
    }
    auto values = where.values();
    values.emplace_back(query.limit);
    return db
        .run("SELECT u.server, u.project, u.name, u.flavor, u.vcpus, u.ram, u.disk, u.launched, u.ended, s.vm_state "
             "FROM compute_usage u LEFT JOIN compute_servers s ON s.id = u.server" +
                 where.where() + " ORDER BY u.project, u.server LIMIT ?",
             values)
        .all<Usage>(fromRow);
}

std::map<std::string, std::int64_t> UsageTable::byHost(store::Reader& db, Time start, Time stop) {
    const auto where = windowOf(start, stop);
    std::map<std::string, std::int64_t> counts;
    auto rows =
        db.run("SELECT u.host, count(*) FROM compute_usage u" + where.where() + " GROUP BY u.host", where.values());
    while (rows.next()) counts[rows.row().text(0)] = rows.row().integer(1);
    return counts;
}

void UsageTable::purge(store::Transaction& tx, Time endedBefore) {
    tx.execute("DELETE FROM compute_usage WHERE server IN (SELECT server FROM compute_usage WHERE ended < ? LIMIT 500)",
               endedBefore);
}

}
