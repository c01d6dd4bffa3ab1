#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/attribute.hpp"
#include "compute/flavor/flavor.hpp"
#include "platform/store/store.hpp"

namespace stratolet::compute {

/// A flavor, described once: its columns, what answers show since when and until when, what lists are sorted by. In the
/// order in which answers have them; its links come last.
const std::vector<Line<Flavor>>& flavorLines();

/// SQL of flavors, their extra specifications and who may use them, and nothing else.
struct FlavorTable {
    static std::optional<Flavor> find(store::Reader& db, const FlavorId& id);

    /// A page, of what a project may use or (`seenBy` missing) of all. Error(Invalid) for a sort key that is none, or a
    /// marker that isn't among what is listed.
    static std::vector<Flavor> list(store::Reader& db, const FlavorQuery& query,
                                    const std::optional<ProjectId>& seenBy);
    static bool any(store::Reader& db);
    static bool named(store::Reader& db, const std::string& name);

    static void insert(store::Transaction& tx, const Flavor& flavor);
    static void update(store::Transaction& tx, const Flavor& flavor); ///< keeps the description, all that may change
    static bool remove(store::Transaction& tx, const FlavorId& id);
    static void setSpec(store::Transaction& tx, const FlavorId& id, const std::string& name, const std::string& value);
    static bool removeSpec(store::Transaction& tx, const FlavorId& id, const std::string& name);

    static bool hasAccess(store::Reader& db, const FlavorId& id, const ProjectId& project);
    static std::vector<std::string> projectsOf(store::Reader& db, const FlavorId& id);
    static bool grant(store::Transaction& tx, const FlavorId& id,
                      const std::string& project); ///< false where it was granted already
    static bool revoke(store::Transaction& tx, const FlavorId& id, const std::string& project);
    static void forget(store::Transaction& tx, const ProjectId& project); ///< what a project was granted
};

}
