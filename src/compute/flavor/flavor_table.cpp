#include "compute/flavor/flavor.hpp"

namespace stratolet::compute {
namespace {

constexpr std::string_view columns =
    "SELECT id, name, vcpus, ram, disk, ephemeral, swap, rxtx_factor, is_public, description FROM compute_flavors";

Flavor fromRow(const store::Row& row) {
    return {.id = row.id<FlavorId>(0),
            .name = row.text(1),
            .vcpus = row.integer(2),
            .ram = MiB{row.integer(3)},
            .disk = GiB{row.integer(4)},
            .ephemeral = GiB{row.integer(5)},
            .swap = MiB{row.integer(6)},
            .rxtxFactor = row.real(7),
            .isPublic = row.boolean(8),
            .description = row.maybeText(9),
            .extraSpecs = {}};
}

}

std::optional<Flavor> FlavorTable::find(store::Reader& db, const FlavorId& id) {
    auto flavor = db.query(std::string(columns) + " WHERE id = ?", id).maybe<Flavor>(fromRow);
    if (!flavor) return flavor;
    auto specs = db.query("SELECT name, value FROM compute_flavor_specs WHERE flavor = ?", id);
    while (specs.next()) flavor->extraSpecs[specs.row().text(0)] = specs.row().text(1);
    return flavor;
}

std::vector<Flavor> FlavorTable::all(store::Reader& db) {
    auto flavors = db.query(std::string(columns) + " ORDER BY id").all<Flavor>(fromRow);
    std::map<std::string, std::map<std::string, std::string>> specsOf;
    auto specs = db.query("SELECT flavor, name, value FROM compute_flavor_specs");
    while (specs.next()) specsOf[specs.row().text(0)][specs.row().text(1)] = specs.row().text(2);
    for (auto& flavor : flavors) flavor.extraSpecs = specsOf[flavor.id.text];
    return flavors;
}

void FlavorTable::insert(store::Transaction& tx, const Flavor& flavor, Time now) {
    tx.execute("INSERT INTO compute_flavors (id, name, vcpus, ram, disk, ephemeral, swap, rxtx_factor, is_public, description, created) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               flavor.id, flavor.name, flavor.vcpus, flavor.ram.count, flavor.disk.count, flavor.ephemeral.count, flavor.swap.count,
               flavor.rxtxFactor, flavor.isPublic, flavor.description, now);
}

void FlavorTable::describe(store::Transaction& tx, const FlavorId& id, const std::optional<std::string>& description) {
    tx.execute("UPDATE compute_flavors SET description = ? WHERE id = ?", description, id);
}

bool FlavorTable::remove(store::Transaction& tx, const FlavorId& id) {
    tx.execute("DELETE FROM compute_flavor_specs WHERE flavor = ?", id);
    tx.execute("DELETE FROM compute_flavor_access WHERE flavor = ?", id);
    return tx.execute("DELETE FROM compute_flavors WHERE id = ?", id) == 1;
}

void FlavorTable::setSpec(store::Transaction& tx, const FlavorId& id, const std::string& name, const std::string& value) {
    tx.execute("INSERT INTO compute_flavor_specs (flavor, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
               id, name, value);
}

bool FlavorTable::removeSpec(store::Transaction& tx, const FlavorId& id, const std::string& name) {
    return tx.execute("DELETE FROM compute_flavor_specs WHERE flavor = ? AND name = ?", id, name) == 1;
}

bool FlavorTable::hasAccess(store::Reader& db, const FlavorId& id, const ProjectId& project) {
    return db.query("SELECT 1 FROM compute_flavor_access WHERE flavor = ? AND project = ?", id, project).any();
}

std::set<std::string> FlavorTable::grantedTo(store::Reader& db, const ProjectId& project) {
    const auto ids = db.query("SELECT flavor FROM compute_flavor_access WHERE project = ?", project).texts();
    return {ids.begin(), ids.end()};
}

std::vector<std::string> FlavorTable::projectsOf(store::Reader& db, const FlavorId& id) {
    return db.query("SELECT project FROM compute_flavor_access WHERE flavor = ? ORDER BY project", id).texts();
}

bool FlavorTable::grant(store::Transaction& tx, const FlavorId& id, const std::string& project) {
    return tx.execute("INSERT OR IGNORE INTO compute_flavor_access (flavor, project) VALUES (?, ?)", id, project) == 1;
}

bool FlavorTable::revoke(store::Transaction& tx, const FlavorId& id, const std::string& project) {
    return tx.execute("DELETE FROM compute_flavor_access WHERE flavor = ? AND project = ?", id, project) == 1;
}

}
