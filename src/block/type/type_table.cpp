#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "block/rows.hpp"
#include "block/type/type.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

using namespace resource;

// What is shown of a type by rules of their own is in type_api.cpp.
const Table<VolumeType> typeColumns(
    "volume_types", 't',
    {
        attribute<&VolumeType::id>("id", Show | Find),
        attribute<&VolumeType::name>("name", Put | Show | Find),
        attribute<&VolumeType::description>("description", Put | Show | Find),
        attribute<&VolumeType::isPublic>("is_public", Put | Show | Sort),
        maybe<&VolumeType::qos>("qos_specs_id", Moves | Find).in("qos_id"),
        attribute<&VolumeType::created>("created_at", Sort).in("created"),
        attribute<&VolumeType::updated>("updated_at", Sort | Moves).in("updated").foundBy("coalesce($.updated, 0)"),
    },
    [](store::Reader& db, std::vector<VolumeType>& all) {
        complete(db, all, {"volume_type_specs", "type_id"}, &VolumeType::extraSpecs);
    });

bool saysTrue(const VolumeType& type, std::string_view spec) {
    const auto found = type.extraSpecs.find(std::string(spec));
    if (found == type.extraSpecs.end()) return false;
    std::string_view said = trimmed(found->second);
    constexpr std::string_view is = "<is>";
    if (said.starts_with(is)) said.remove_prefix(is.size());
    return truthOf(trimmed(said)).value_or(false);
}

// Cinder, "User visible extra specs".
bool isVisibleSpec(std::string_view spec) {
    constexpr std::array<std::string_view, 3> visible{"RESKEY:availability_zones", "multiattach",
                                                      "replication_enabled"};
    return std::find(visible.begin(), visible.end(), spec) != visible.end();
}

namespace type_table {

std::optional<VolumeType> find(store::Reader& db, const std::string& id) { return typeColumns.find(db, id); }

std::optional<VolumeType> findNamed(store::Reader& db, std::string_view idOrName) {
    auto found = typeColumns.where(db, "WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1", idOrName);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<std::string> names(store::Reader& db) {
    return db.query("SELECT name FROM volume_types ORDER BY name").texts();
}

bool hasAccess(store::Reader& db, const std::string& type, const ProjectId& project) {
    return db.query("SELECT 1 FROM volume_type_projects WHERE type_id = ? AND project_id = ?", type, project).any();
}

std::vector<std::string> projectsOf(store::Reader& db, const std::string& type) {
    return db.query("SELECT project_id FROM volume_type_projects WHERE type_id = ? ORDER BY project_id", type).texts();
}

bool anyVolumeOf(store::Reader& db, const std::string& type) {
    return db
        .query("SELECT 1 FROM volumes WHERE type_id = ?1 UNION ALL SELECT 1 FROM volume_group_volume_types WHERE "
               "type_id = ?1 LIMIT 1",
               type)
        .any();
}

void insert(store::Transaction& tx, const VolumeType& type) {
    typeColumns.insert(tx, type);
    for (const auto& [name, value] : type.extraSpecs) setSpec(tx, type.id, name, value);
}

void remove(store::Transaction& tx, const std::string& type) { typeColumns.remove(tx, type); }

void setSpec(store::Transaction& tx, const std::string& type, const std::string& name, const std::string& value) {
    tx.execute("INSERT INTO volume_type_specs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", type,
               name, value);
}

bool removeSpec(store::Transaction& tx, const std::string& type, const std::string& name) {
    return tx.execute("DELETE FROM volume_type_specs WHERE type_id = ? AND name = ?", type, name) != 0;
}

bool allow(store::Transaction& tx, const std::string& type, const ProjectId& project) {
    return tx.execute("INSERT OR IGNORE INTO volume_type_projects VALUES (?, ?)", type, project) != 0;
}

bool disallow(store::Transaction& tx, const std::string& type, const ProjectId& project) {
    return tx.execute("DELETE FROM volume_type_projects WHERE type_id = ? AND project_id = ?", type, project) != 0;
}

std::vector<std::pair<ProjectId, std::string>> defaults(store::Reader& db) {
    return db.query("SELECT project_id, type_id FROM volume_default_types ORDER BY project_id")
        .all<std::pair<ProjectId, std::string>>(
            [](const store::Row& row) { return std::pair(row.id<ProjectId>(0), row.text(1)); });
}

std::optional<std::string> defaultOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT type_id FROM volume_default_types WHERE project_id = ?", project).maybeText();
}

bool isDefaultOfAny(store::Reader& db, const std::string& type) {
    return db.query("SELECT 1 FROM volume_default_types WHERE type_id = ? LIMIT 1", type).any();
}

void setDefault(store::Transaction& tx, const ProjectId& project, const std::string& type) {
    tx.execute("INSERT INTO volume_default_types VALUES (?, ?) ON CONFLICT DO UPDATE SET type_id = excluded.type_id",
               project, type);
}

void removeDefault(store::Transaction& tx, const ProjectId& project) {
    tx.execute("DELETE FROM volume_default_types WHERE project_id = ?", project);
}

}

Error missingType(std::string_view idOrName) {
    return Error(Failure::NotFound, "Volume type ", idOrName, " could not be found.");
}

}
