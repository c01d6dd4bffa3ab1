#include "compute/placement/placement_table.hpp"

namespace stratolet::compute::placement::placement_table {
namespace {

// A server that boots from a volume has no root disk on its host.
constexpr std::string_view disk = "CASE image WHEN '' THEN 0 ELSE disk END + ephemeral + (swap + 1023) / 1024";

std::vector<Amount> amountsIn(const store::Row& row, int from) {
    std::vector<Amount> amounts;
    int column = from;
    for (const auto* resource : {"VCPU", "MEMORY_MB", "DISK_GB"})
        if (const auto count = row.integer(column++); count > 0) amounts.push_back({resource, count});
    return amounts;
}

Allocation fromRow(const store::Row& row) {
    return {row.text(0), row.text(1), row.text(2), {row.text(3)}, amountsIn(row, 4)};
}

std::string select() {
    return "SELECT id, project, user, host, vcpus, ram, " + std::string(disk) + " FROM compute_servers ";
}

}

std::vector<Allocation> allocationsOn(store::Reader& db, const HostName& host) {
    return db.query(select() + "WHERE host = ? AND deleted IS NULL", host).all<Allocation>(fromRow);
}

std::optional<Allocation> allocationOf(store::Reader& db, const std::string& server) {
    return db.query(select() + "WHERE id = ? AND deleted IS NULL AND host <> ''", server).maybe<Allocation>(fromRow);
}

Usage usageOf(store::Reader& db, const std::string& project, const std::optional<std::string>& user) {
    auto rows =
        db.query("SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(ram), 0), coalesce(sum(" + std::string(disk) +
                     "), 0) FROM compute_servers WHERE project = ?1 AND deleted IS NULL AND host <> '' "
                     "AND (?2 IS NULL OR user = ?2)",
                 project, user);
    return *rows.maybe<Usage>([](const store::Row& row) { return Usage{row.integer(0), amountsIn(row, 1)}; });
}

std::vector<std::string> words(store::Reader& db, std::string_view kind) {
    return db.query("SELECT name FROM compute_placement_words WHERE kind = ? ORDER BY name", kind).texts();
}

bool hasWord(store::Reader& db, std::string_view kind, const std::string& name) {
    return db.query("SELECT 1 FROM compute_placement_words WHERE kind = ? AND name = ?", kind, name).any();
}

bool addWord(store::Transaction& tx, std::string_view kind, const std::string& name) {
    return tx.execute("INSERT OR IGNORE INTO compute_placement_words (kind, name) VALUES (?, ?)", kind, name) != 0;
}

bool removeWord(store::Transaction& tx, std::string_view kind, const std::string& name) {
    return tx.execute("DELETE FROM compute_placement_words WHERE kind = ? AND name = ?", kind, name) != 0;
}

}
