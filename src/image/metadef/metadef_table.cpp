#include "image/metadef/metadef.hpp"

#include <array>

namespace stratolet::image {

using namespace resource;

// "namespace" is what queries call the name of anything here; "name" means the same.

const Table<MetadefNamespace>
    namespaceColumns("metadef_namespaces", 'n',
                     {
                         maybeColumn<&MetadefNamespace::id>("id"), // numbered by the store
                         attribute<&MetadefNamespace::name>("namespace", Put | Sort).in("name"),
                         computed<MetadefNamespace>("name", Kind::Text, Sort).in("name"),
                         column<&MetadefNamespace::displayName>("display_name", Moves),
                         column<&MetadefNamespace::description>("description", Moves),
                         column<&MetadefNamespace::isPublic>("public", Moves),
                         column<&MetadefNamespace::isProtected>("protected", Moves),
                         column<&MetadefNamespace::owner>("owner", Moves),
                         attribute<&MetadefNamespace::created>("created_at", Sort).in("created"),
                         attribute<&MetadefNamespace::updated>("updated_at", Sort | Moves).in("updated"),
                     });

const Table<MetadefItem> itemColumns("metadef_items", 'm',
                                     {
                                         maybeColumn<&MetadefItem::id>("id"),
                                         attribute<&MetadefItem::name>("name", Put | Sort),
                                         computed<MetadefItem>("namespace", Kind::Text, Sort).in("name"),
                                         column<&MetadefItem::body>("body", Moves),
                                         attribute<&MetadefItem::created>("created_at", Sort).in("created"),
                                         attribute<&MetadefItem::updated>("updated_at", Sort | Moves).in("updated"),
                                     });

namespace metadef_table {
namespace {

std::string_view wordFor(MetadefKind kind) {
    constexpr std::array<std::string_view, 4> words{"object", "property", "tag", "resource_type"};
    return words[static_cast<std::size_t>(kind)];
}

template <class Record> std::optional<Record> only(std::vector<Record> found) {
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

}

std::optional<MetadefNamespace> find(store::Reader& db, const std::string& name) {
    return only(namespaceColumns.where(db, "WHERE name = ?", name));
}

void onlyFor(store::Conditions& conditions, const std::vector<std::string>& resourceTypes) {
    store::Conditions any;
    any.in("name", resourceTypes);
    conditions.append("id IN (SELECT namespace FROM metadef_items" + any.where() + " AND kind = 'resource_type')",
                      any.values());
}

std::int64_t insert(store::Transaction& tx, const MetadefNamespace& wanted) {
    return namespaceColumns.insertNumbered(tx, wanted);
}
void update(store::Transaction& tx, const MetadefNamespace& changed) { namespaceColumns.update(tx, changed); }
void remove(store::Transaction& tx, std::int64_t id) { tx.execute("DELETE FROM metadef_namespaces WHERE id = ?", id); }

std::optional<MetadefItem> find(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind,
                                const std::string& name) {
    return only(
        itemColumns.where(db, "WHERE namespace = ? AND kind = ? AND name = ?", ofNamespace, wordFor(kind), name));
}

std::vector<MetadefItem> all(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind) {
    return itemColumns.where(db, "WHERE namespace = ? AND kind = ? ORDER BY created, id", ofNamespace, wordFor(kind));
}

std::vector<MetadefItem> list(store::Reader& db, std::int64_t ofNamespace, MetadefKind kind, Listing listing) {
    listing.conditions.add("namespace = ? AND kind = ?", ofNamespace, wordFor(kind));
    return pageOf(db, itemColumns, listing);
}

void insert(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind, const MetadefItem& item) {
    tx.execute("INSERT INTO metadef_items (namespace, kind, name, body, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
               ofNamespace, wordFor(kind), item.name, item.body, item.created, item.updated);
}

void update(store::Transaction& tx, const MetadefItem& item) { itemColumns.update(tx, item); }

void removeItem(store::Transaction& tx, std::int64_t item) {
    tx.execute("DELETE FROM metadef_items WHERE id = ?", item);
}

void removeAll(store::Transaction& tx, std::int64_t ofNamespace, MetadefKind kind) {
    tx.execute("DELETE FROM metadef_items WHERE namespace = ? AND kind = ?", ofNamespace, wordFor(kind));
}

void addResourceType(store::Transaction& tx, const std::string& name, Time now) {
    tx.execute("INSERT OR IGNORE INTO metadef_resource_types VALUES (?, ?, ?)", name, now, now);
}

std::vector<MetadefItem> resourceTypes(store::Reader& db) {
    return db.query("SELECT name, created, updated FROM metadef_resource_types ORDER BY name")
        .all<MetadefItem>([](const store::Row& row) {
            return MetadefItem{.name = row.text(0), .created = row.time(1), .updated = row.time(2)};
        });
}

}
}
