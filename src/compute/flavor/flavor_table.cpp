#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/codec.hpp"
#include "compute/flavor/flavor_table.hpp"
#include "platform/store/many.hpp"
#include "platform/store/paging.hpp"
#include "resource/table.hpp"

namespace stratolet::compute {
namespace {

using enum resource::Use;

void swapOrNothing(JsonWriter& out, const Flavor& flavor) {
    flavor.swap.count == 0 ? out.value("") : out.value(flavor.swap.count);
}

void readSpecs(store::Reader& db, std::vector<Flavor>& flavors) {
    using Item = std::pair<const std::string, std::string>;
    std::vector<std::string> ids;
    for (const auto& each : flavors) ids.push_back(each.id.text);
    auto specs = store::many<Item>(
        db, "SELECT s.flavor, s.name, s.value FROM json_each(?) w JOIN compute_flavor_specs s ON s.flavor = w.value",
        ids, [](const store::Row& row) { return Item(row.text(1), row.text(2)); });
    for (auto& each : flavors) {
        const auto own = store::takeOf(specs, each.id.text);
        each.extraSpecs = {own.begin(), own.end()};
    }
}

const resource::Table<Flavor>& table() {
    static const resource::Table<Flavor> made("compute_flavors", 'f', {flavorLines().begin(), flavorLines().end()},
                                              readSpecs);
    return made;
}

store::Conditions conditionsOf(const FlavorQuery& query, const std::optional<ProjectId>& seenBy) {
    store::Conditions where;
    if (seenBy)
        where.add("(f.is_public OR f.id IN (SELECT flavor FROM compute_flavor_access WHERE project = ?))", *seenBy);
    else if (query.isPublic)
        where.add("f.is_public = ?", *query.isPublic);
    if (query.minDisk) where.add("f.disk >= ?", *query.minDisk);
    if (query.minRam) where.add("f.ram >= ?", *query.minRam);
    return where;
}

std::vector<store::SortKey> orderOf(const FlavorQuery& query) {
    const auto by = [&](std::string expression) {
        std::vector<store::SortKey> order{{"f.id", query.descending}};
        if (!expression.empty()) order.insert(order.begin(), {std::move(expression), query.descending});
        return order;
    };
    // What others keep of a flavor and nobody is shown: its number, and what all flavors have in common.
    if (query.sortKey == "id" || query.sortKey == "created_at" || query.sortKey == "updated_at") return by("f.created");
    if (query.sortKey == "description") return by("coalesce(f.description, '')");
    if (query.sortKey == "disabled" || query.sortKey == "vcpu_weight") return by("");
    const auto& lines = flavorLines();
    const auto found =
        std::find_if(lines.begin(), lines.end(), [&](const auto& each) { return each.sortKey == query.sortKey; });
    if (query.sortKey.empty() || found == lines.end())
        throw Error(Failure::Invalid, "Sort key supplied was not valid: ", query.sortKey);
    return by(found->column == "id" ? "" : found->sql('f'));
}

}

const std::vector<Line<Flavor>>& flavorLines() {
    static const std::vector<Line<Flavor>> lines{
        line<&Flavor::id>("id", Show, "id").inBrief().sortedAs("flavorid"),
        line<&Flavor::name>("name", Show, "name").inBrief().sortedAs("name"),
        line<&Flavor::ram>("ram", Show, "ram").sortedAs("memory_mb"),
        line<&Flavor::disk>("disk", Show, "disk").sortedAs("root_gb"),
        computedLine<Flavor>("swap", Show, swapOrNothing).until(74), // an absent one was an empty text
        line<&Flavor::swap>("swap", Show, "swap").since(75).sortedAs("swap"),
        line<&Flavor::vcpus>("vcpus", Show, "vcpus").sortedAs("vcpus"),
        line<&Flavor::isPublic>("os-flavor-access:is_public", Show, "is_public").sortedAs("is_public"),
        line<&Flavor::ephemeral>("OS-FLV-EXT-DATA:ephemeral", Show, "ephemeral").sortedAs("ephemeral_gb"),
        computedLine<Flavor>("OS-FLV-DISABLED:disabled", Show,
                             [](JsonWriter& out, const Flavor&) { out.value(false); }),
        line<&Flavor::rxtxFactor>("rxtx_factor", Show, "rxtx_factor").sortedAs("rxtx_factor"),
        computedLine<Flavor>("extra_specs", Show | Guarded,
                             [](JsonWriter& out, const Flavor& flavor) {
                                 resource::Codec<decltype(flavor.extraSpecs)>::show(out, flavor.extraSpecs);
                             })
            .since(61),
        line<&Flavor::description>("description", Show | Put, "description").inBrief().since(55),
        line<&Flavor::created>("", 0, "created")};
    return lines;
}

std::optional<Flavor> FlavorTable::find(store::Reader& db, const FlavorId& id) { return table().find(db, id); }

std::vector<Flavor> FlavorTable::list(store::Reader& db, const FlavorQuery& query,
                                      const std::optional<ProjectId>& seenBy) {
    auto where = conditionsOf(query, seenBy);
    const auto order = orderOf(query);
    if (query.marker) {
        auto there = where;
        there.add("f.id = ?", *query.marker);
        if (!db.run("SELECT 1 FROM compute_flavors f" + there.where(), there.values()).any())
            throw Error(Failure::Invalid, "marker [", *query.marker, "] not found");
        store::startAfter(where, order, table().text().named(), *query.marker, table().text().id());
    }
    return table().list(db, where, store::orderBy(order) + " LIMIT " + std::to_string(query.limit));
}

bool FlavorTable::any(store::Reader& db) { return db.query("SELECT 1 FROM compute_flavors").any(); }

bool FlavorTable::named(store::Reader& db, const std::string& name) {
    return db.query("SELECT 1 FROM compute_flavors WHERE name = ?", name).any();
}

void FlavorTable::insert(store::Transaction& tx, const Flavor& flavor) { table().insert(tx, flavor); }

void FlavorTable::update(store::Transaction& tx, const Flavor& flavor) { table().update(tx, flavor); }

bool FlavorTable::remove(store::Transaction& tx, const FlavorId& id) {
    tx.execute("DELETE FROM compute_flavor_specs WHERE flavor = ?", id);
    tx.execute("DELETE FROM compute_flavor_access WHERE flavor = ?", id);
    return table().remove(tx, id);
}

void FlavorTable::setSpec(store::Transaction& tx, const FlavorId& id, const std::string& name,
                          const std::string& value) {
    tx.execute("INSERT INTO compute_flavor_specs (flavor, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
               "value = excluded.value",
               id, name, value);
}

bool FlavorTable::removeSpec(store::Transaction& tx, const FlavorId& id, const std::string& name) {
    return tx.execute("DELETE FROM compute_flavor_specs WHERE flavor = ? AND name = ?", id, name) == 1;
}

bool FlavorTable::hasAccess(store::Reader& db, const FlavorId& id, const ProjectId& project) {
    return db.query("SELECT 1 FROM compute_flavor_access WHERE flavor = ? AND project = ?", id, project).any();
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

void FlavorTable::forget(store::Transaction& tx, const ProjectId& project) {
    tx.execute("DELETE FROM compute_flavor_access WHERE project = ?", project);
}

}
