#include "block/type/type_query.hpp"

#include <array>

#include "block/type/type.hpp"
#include "block/volume/volume_access.hpp"

namespace stratolet::block {
namespace {

constexpr Microversion specsSince{52};

/// Which types the caller sees at all goes with it: the service has it.
void filterPublic(store::Conditions&, const FilterAsked&) {}

/// Who doesn't see what a type says of something doesn't find types by it either.
void filterSpecs(store::Conditions& conditions, const FilterAsked& asked) {
    const auto& caller = identity::callerOf(asked.request);
    if (!isAdmin(caller) && microversionOf(asked.request) < specsSince) return; // not known yet
    for (const auto& [name, value] : pairsIn(asked.name, asked.value)) {
        if (!isVisibleSpec(name) && !caller.may("volume_extension:types_extra_specs:read_sensitive", {}))
            conditions.add("0");
        // Of a list of zones, one is asked for.
        const bool zones = name == "RESKEY:availability_zones";
        conditions.add("EXISTS (SELECT 1 FROM volume_type_specs s WHERE s.type_id = t.id AND s.name = ? AND " +
                           std::string(zones ? "instr(s.value, ?) > 0)" : "s.value = ?)"),
                       name, value);
    }
}

constexpr std::array<ListFilter, 6> filters{{
    {"is_public", filterPublic},
    {"extra_specs", filterSpecs},
    {"id", nullptr, {}, true},
    {"name", nullptr, {}, true},
    {"description", nullptr, {}, true},
    {"qos_specs_id", nullptr, {}, true},
}};

}

ListNoun typeLists() { return {"volume_type", filters, typeColumns.text(), typeColumns.words()}; }

}
