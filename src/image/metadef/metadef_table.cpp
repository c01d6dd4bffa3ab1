#include "image/metadef/metadef.hpp"

#include <array>

namespace stratolet::image::metadef_table {
namespace {

constexpr std::string_view selectNamespace =
    "SELECT id, name, display_name, description, public, protected, owner, created, updated FROM metadef_namespaces";
constexpr std::string_view selectItem = "SELECT id, name, body, created, updated FROM metadef_items";

MetadefNamespace namespaceFrom(const store::Row& row) {
    return {row.integer(0), row.text(1),          row.maybeText(2), row.maybeText(3), row.boolean(4),
            row.boolean(5), row.id<ProjectId>(6), row.time(7),      row.time(8)};
}

MetadefItem itemFrom(const store::Row& row) { return {row.integer(0), row.text(1), row.text(2), row.time(3), row.time(4)}; }

std::string_view wordFor(MetadefKind kind) {
    constexpr std::array<std::string_view, 4> words{"object", "property", "tag", "resource_type"};
    return words[static_cast<std::size_t>(kind)];
}

std::string upTo(const MetadefPage& page) {
    return store::orderBy(page.order) + (page.limit > 0 ? " LIMIT " + std::to_string(page.limit) : std::string());
}

}

std::optional<MetadefNamespace> find(store::Reader& db, const std::string& name) {
    static const std::string sql = std::string(selectNamespace) + " WHERE name = ?";
    return db.query(sql, name).maybe<MetadefNamespace>(namespaceFrom);
}

std::vector<MetadefNamespace> list(store::Reader& db, const store::Conditions& conditions, const MetadefPage& page) {
    return db.run(std::string(selectNamespace) + conditions.where() + upTo(page), conditions.values()).all<MetadefNamespace>(namespaceFrom);
}

std::int64_t insert(store::Transaction& tx, const MetadefNamespace& wanted) {
    return tx
        .query("INSERT INTO metadef_namespaces (name, display_name, description, public, protected, owner, created, updated) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
               wanted.name, wanted.displayName, wanted.description, wanted.isPublic, wanted.isProtected, wanted.owner, wanted.created,
               wanted.updated)
        .integer();
}

void update(store::Transaction& tx, const MetadefNamespace& changed) {
    tx.execute("UPDATE metadef_namespaces SET name = ?, display_name = ?, description = ?, public = ?, protected = ?, owner = ?, "
               "updated = ? WHERE id = ?",
               changed.name, changed.displayName, changed.description, changed.isPublic, changed.isProtected, changed.owner,
               changed.updated, changed.id);
}

void remove(store::Transaction& tx, std::int64_t id) { tx.execute("DELETE FROM metadef_namespaces WHERE id = ?", id); }

std::optional<MetadefItem> find(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind, const std::string& name) {
    static const std::string sql = std::string(selectItem) + " WHERE namespace = ? AND kind = ? AND name = ?";
    return db.query(sql, ofNamespace, wordFor(kind), name).maybe<MetadefItem>(itemFrom);
}

std::vector<MetadefItem> list(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind, const MetadefPage& page) {
    store::Conditions conditions;
    conditions.add("namespace = ? AND kind = ?", ofNamespace, wordFor(kind));
    if (!page.marker.empty())
        if (const auto marker = find(db, ofNamespace, kind, page.marker))
            store::startAfter(conditions, page.order, "metadef_items", std::to_string(marker->id));
    return db.run(std::string(selectItem) + conditions.where() + upTo(page), conditions.values()).all<MetadefItem>(itemFrom);
}

void insert(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind, const MetadefItem& item) {
    tx.execute("INSERT INTO metadef_items (namespace, kind, name, body, created, updated) VALUES (?, ?, ?, ?, ?, ?)", ofNamespace,
               wordFor(kind), item.name, item.body, item.created, item.updated);
}

void update(store::Transaction& tx, const MetadefItem& item) {
    tx.execute("UPDATE metadef_items SET name = ?, body = ?, updated = ? WHERE id = ?", item.name, item.body, item.updated, item.id);
}

void removeItem(store::Transaction& tx, std::int64_t item) { tx.execute("DELETE FROM metadef_items WHERE id = ?", item); }

void removeAll(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind) {
    tx.execute("DELETE FROM metadef_items WHERE namespace = ? AND kind = ?", ofNamespace, wordFor(kind));
}

void addResourceType(store::Transaction& tx, const std::string& name, Time now) {
    tx.execute("INSERT OR IGNORE INTO metadef_resource_types VALUES (?, ?, ?)", name, now, now);
}

std::vector<MetadefItem> resourceTypes(store::Reader& db) {
    return db.query("SELECT 0, name, '{}', created, updated FROM metadef_resource_types ORDER BY name").all<MetadefItem>(itemFrom);
}

}
