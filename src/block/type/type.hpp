#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/caller.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

/// What volumes may be of; the rows come with the migrations, and there is one.
struct VolumeType {
    std::string id, name;
    std::optional<std::string> description;
};

constexpr std::string_view defaultType = "__DEFAULT__";

/// SQL, and no rule.
namespace type_table {
std::optional<VolumeType> find(store::Reader& db, std::string_view idOrName);
}

/// Error(NotFound) in block's words.
Error missingType(std::string_view idOrName);

}
