#include <stratolet/error.hpp>

#include "block/type/type.hpp"

namespace stratolet::block {

using namespace resource;

namespace {

constexpr auto showTrue = [](JsonWriter& out, const VolumeType&) { out.value(true); };

}

const Table<VolumeType>
    volumeTypes("volume_types", 't',
                {attribute<&VolumeType::id>("id", Show), attribute<&VolumeType::name>("name", Show),
                 attribute<&VolumeType::description>("description", Show),
                 computed<VolumeType>("is_public", Kind::Truth, Show, showTrue),
                 computed<VolumeType>("os-volume-type-access:is_public", Kind::Truth, Show, showTrue),
                 computed<VolumeType>("qos_specs_id", Kind::Text, Show, showNull)});

std::vector<VolumeType> type_table::all(store::Reader& db) { return volumeTypes.where(db, "ORDER BY name"); }

std::optional<VolumeType> type_table::find(store::Reader& db, std::string_view idOrName) {
    auto found = volumeTypes.where(db, "WHERE id = ? OR name = ?", idOrName, idOrName);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

Error missingType(std::string_view idOrName) {
    return Error(Failure::NotFound, "Volume type ", idOrName, " could not be found.");
}

}
