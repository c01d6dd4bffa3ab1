#include "compute/aggregate/aggregate_table.hpp"

namespace stratolet::compute::aggregate_table {
namespace {

Aggregate fromRow(const store::Row& row) {
    Aggregate aggregate;
    aggregate.number = row.integer(0);
    aggregate.uuid = row.text(1);
    aggregate.name = row.text(2);
    aggregate.created = row.time(3);
    aggregate.updated = row.maybeTime(4);
    return aggregate;
}

constexpr std::string_view columns = "SELECT number, uuid, name, created, updated FROM compute_aggregates ";

}

std::vector<Aggregate> all(store::Reader& db) {
    auto found = db.query(std::string(columns) + "ORDER BY number").all<Aggregate>(fromRow);
    std::map<std::int64_t, Aggregate*> byNumber;
    for (auto& each : found) byNumber[each.number] = &each;
    auto hosts = db.query("SELECT aggregate, host FROM compute_aggregate_hosts ORDER BY aggregate, host");
    while (hosts.next()) byNumber.at(hosts.row().integer(0))->hosts.push_back(hosts.row().text(1));
    auto metadata = db.query("SELECT aggregate, name, value FROM compute_aggregate_metadata ORDER BY aggregate, name");
    while (metadata.next()) {
        const auto row = metadata.row();
        byNumber.at(row.integer(0))->metadata[row.text(1)] = row.text(2);
    }
    return found;
}

std::optional<Aggregate> find(store::Reader& db, std::int64_t number) {
    auto found = db.query(std::string(columns) + "WHERE number = ?", number).maybe<Aggregate>(fromRow);
    if (!found) return found;
    found->hosts =
        db.query("SELECT host FROM compute_aggregate_hosts WHERE aggregate = ? ORDER BY host", number).texts();
    auto metadata = db.query("SELECT name, value FROM compute_aggregate_metadata WHERE aggregate = ?", number);
    while (metadata.next()) found->metadata[metadata.row().text(0)] = metadata.row().text(1);
    return found;
}

bool named(store::Reader& db, const std::string& name, std::int64_t except) {
    return db.query("SELECT 1 FROM compute_aggregates WHERE name = ? AND number <> ?", name, except).any();
}

std::int64_t insert(store::Transaction& tx, const Aggregate& aggregate) {
    return tx
        .query("INSERT INTO compute_aggregates (uuid, name, created) VALUES (?, ?, ?) RETURNING number", aggregate.uuid,
               aggregate.name, aggregate.created)
        .integer();
}

void rename(store::Transaction& tx, const Aggregate& aggregate) {
    tx.execute("UPDATE compute_aggregates SET name = ?, updated = ? WHERE number = ?", aggregate.name,
               aggregate.updated, aggregate.number);
}

void remove(store::Transaction& tx, std::int64_t number) {
    tx.execute("DELETE FROM compute_aggregate_metadata WHERE aggregate = ?", number);
    tx.execute("DELETE FROM compute_aggregate_hosts WHERE aggregate = ?", number);
    tx.execute("DELETE FROM compute_aggregates WHERE number = ?", number);
}

void addHost(store::Transaction& tx, std::int64_t number, const std::string& host) {
    tx.execute("INSERT INTO compute_aggregate_hosts (aggregate, host) VALUES (?, ?)", number, host);
}

void removeHost(store::Transaction& tx, std::int64_t number, const std::string& host) {
    tx.execute("DELETE FROM compute_aggregate_hosts WHERE aggregate = ? AND host = ?", number, host);
}

void setMetadata(store::Transaction& tx, std::int64_t number, const std::string& name, const std::string& value) {
    tx.execute("INSERT INTO compute_aggregate_metadata (aggregate, name, value) VALUES (?, ?, ?) "
               "ON CONFLICT (aggregate, name) DO UPDATE SET value = excluded.value",
               number, name, value);
}

void removeMetadata(store::Transaction& tx, std::int64_t number, const std::string& name) {
    tx.execute("DELETE FROM compute_aggregate_metadata WHERE aggregate = ? AND name = ?", number, name);
}

std::map<std::string, std::vector<std::map<std::string, std::string>>> metadataByHost(store::Reader& db) {
    std::map<std::string, std::vector<std::map<std::string, std::string>>> found;
    std::int64_t last = 0;
    auto rows = db.query("SELECT h.host, h.aggregate, m.name, m.value FROM compute_aggregate_hosts h "
                         "JOIN compute_aggregate_metadata m ON m.aggregate = h.aggregate ORDER BY h.host, h.aggregate");
    while (rows.next()) {
        const auto row = rows.row();
        auto& all = found[row.text(0)];
        if (all.empty() || row.integer(1) != last) all.emplace_back();
        last = row.integer(1);
        all.back()[row.text(2)] = row.text(3);
    }
    return found;
}

std::optional<std::string> otherZoneOf(store::Reader& db, const std::string& host, std::int64_t except) {
    return db
        .query("SELECT m.value FROM compute_aggregate_hosts h JOIN compute_aggregate_metadata m "
               "ON m.aggregate = h.aggregate AND m.name = 'availability_zone' "
               "WHERE h.host = ? AND h.aggregate <> ? LIMIT 1",
               host, except)
        .maybeText();
}

}
