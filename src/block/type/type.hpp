#pragma once

#include <stratolet/error.hpp>
#include <stratolet/ids.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What of a back end volumes of a type want, and how they are: "multiattach" → "<is> True".
using ExtraSpecs = std::map<std::string, std::string>;

/// What volumes may be of. Made by administrators, but for the first.
struct VolumeType {
    std::string id, name;
    std::optional<std::string> description;
    bool isPublic = true; ///< else only for the projects that have access
    std::string qos;      ///< id of its QoS specs; empty: none
    Time created;
    std::optional<Time> updated;
    ExtraSpecs extraSpecs;
};

/// The one that the migrations make.
constexpr std::string_view firstType = "__DEFAULT__";

/// Whether the type says "<is> True" of that: "multiattach", "replication_enabled".
bool saysTrue(const VolumeType& type, std::string_view spec);

/// Whether everybody who sees a type sees what it says of this; the rest is for administrators.
bool isVisibleSpec(std::string_view spec);

extern const resource::Table<VolumeType> typeColumns;

/// SQL, and no rule.
namespace type_table {
std::optional<VolumeType> find(store::Reader& db, const std::string& id);
std::optional<VolumeType> findNamed(store::Reader& db, std::string_view idOrName); ///< an id goes before a name
std::vector<std::string> names(store::Reader& db);
bool hasAccess(store::Reader& db, const std::string& type,
               const ProjectId& project); ///< of its own, not as it is public
std::vector<std::string> projectsOf(store::Reader& db, const std::string& type);
bool anyVolumeOf(store::Reader& db, const std::string& type);

void insert(store::Transaction& tx, const VolumeType& type);
void remove(store::Transaction& tx, const std::string& type);
void setSpec(store::Transaction& tx, const std::string& type, const std::string& name, const std::string& value);
bool removeSpec(store::Transaction& tx, const std::string& type, const std::string& name); ///< false: there was none
bool allow(store::Transaction& tx, const std::string& type, const ProjectId& project);     ///< false: it has access
bool disallow(store::Transaction& tx, const std::string& type, const ProjectId& project);  ///< false: it has none

/// Defaults of projects: (project, type).
std::vector<std::pair<ProjectId, std::string>> defaults(store::Reader& db);
std::optional<std::string> defaultOf(store::Reader& db, const ProjectId& project);
bool isDefaultOfAny(store::Reader& db, const std::string& type);
void setDefault(store::Transaction& tx, const ProjectId& project, const std::string& type);
void removeDefault(store::Transaction& tx, const ProjectId& project);
}

/// Error(NotFound) in block's words.
Error missingType(std::string_view idOrName);

}
