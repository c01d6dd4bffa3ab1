#include "identity/catalog/catalog.hpp"
#include "identity/noun.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

/// A part of the cloud, by a name that whoever makes it may choose.
struct Region {
    static constexpr std::string_view noun = "region", path = "regions";
    std::string id;
    std::optional<std::string> parent;
    std::string description;
    std::string extra = "{}";
};

const Table<Region> regionTable(
    "regions", 'r',
    {attribute<&Region::id>("id", Show),
     attribute<&Region::parent>("parent_region_id", Post | Put | Show | Find).in("parent_id"),
     attribute<&Region::description>("description", Post | Put | Show | Find), extra<Region>(), links<Region>()});

/// By the path (PUT), by the body, or by neither.
void chooseId(Core& core, const http::Request& request, Region& region, const Json& body) {
    const auto given = body.maybeText("id").value_or("");
    region.id = request.params.empty() ? "" : request.param("id");
    if (!region.id.empty() && !given.empty() && region.id != given)
        throw Error(Failure::Invalid, "Conflicting region IDs specified: \"", region.id, "\" in the path, \"", given,
                    "\" in the body.");
    if (region.id.empty()) region.id = given.empty() ? core.parts.ambient.hexId() : given;
    if (lengthInCharacters(region.id) > 255)
        throw Error(Failure::Invalid, "Invalid input for field 'id': it must be 255 characters or less.");
}

void settle(store::Transaction& tx, const Region& region, const Region* before) {
    if (region.parent && !regionTable.find(tx, *region.parent)) throw missing<Region>(*region.parent);
    if (before == nullptr) {
        if (regionTable.find(tx, region.id))
            throw Error(Failure::Conflict, "Conflict occurred attempting to store region - Duplicate ID, ", region.id,
                        ".");
    } else if (region.parent &&
               tx.query(
                     "WITH RECURSIVE above (id) AS (SELECT ? UNION SELECT parent_id FROM regions JOIN above USING (id) "
                     "WHERE parent_id IS NOT NULL) SELECT 1 FROM above WHERE id = ?",
                     *region.parent, region.id)
                   .any()) {
        throw Error(Failure::Invalid, "Region ", region.id, " cannot be below itself.");
    }
}

/// A region goes with those below it, unless one of them has endpoints.
void removeRegionsBelow(store::Transaction& tx, const Region& region) {
    constexpr std::string_view below =
        "WITH RECURSIVE below (id) AS (SELECT ? UNION SELECT regions.id FROM regions JOIN below ON "
        "parent_id = below.id) ";
    if (tx.query(std::string(below) + "SELECT 1 FROM endpoints WHERE region_id IN (SELECT id FROM below)", region.id)
            .any())
        throw Error(Failure::Forbidden, "Unable to delete region ", region.id,
                    " because it or its child regions have associated endpoints.");
    // From the leaves up: none may be gone before those that are in it.
    while (tx.execute(std::string(below) +
                          "DELETE FROM regions WHERE id IN (SELECT id FROM below) AND id <> ? AND id NOT IN (SELECT "
                          "parent_id FROM regions WHERE parent_id IS NOT NULL)",
                      region.id, region.id) > 0) {
    }
}

}

void demandRegion(store::Reader& db, const std::string& id) {
    if (!regionTable.find(db, id)) throw missing<Region>(id);
}

void refuseMissingRegion(store::Reader& db, const std::string& id) {
    if (!regionTable.find(db, id)) throw Error(Failure::Invalid, "Could not find region: ", id, ".");
}

void addRegionRoutes(http::Routes& routes, Core& core) {
    addNoun<Region>(routes, core,
                    {.table = regionTable,
                     .begin =
                         [&core](const http::Request& request, Region& region, const Json& body, bool creating) {
                             if (creating) chooseId(core, request, region, body);
                         },
                     .settle = [](store::Transaction& tx, Region& region, const Region* before,
                                  const Json&) { settle(tx, region, before); },
                     .mayGo = removeRegionsBelow,
                     .put = true});
}

}
