#pragma once

#include <stratolet/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// What volumes may be of; the rows come with the migrations, and there is one.
struct VolumeType {
    std::string id, name;
    std::optional<std::string> description;
};

constexpr std::string_view defaultType = "__DEFAULT__";

/// What is shown of a type, in this order, to anybody.
extern const resource::Table<VolumeType> volumeTypes;

/// SQL, and no rule.
namespace type_table {
std::vector<VolumeType> all(store::Reader& db); ///< by name
std::optional<VolumeType> find(store::Reader& db, std::string_view idOrName);
}

/// Error(NotFound) in block's words.
Error missingType(std::string_view idOrName);

}
