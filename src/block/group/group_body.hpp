#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/group/group_service.hpp"
#include "platform/json/json.hpp"

// What the bodies of groups and of consistency groups have in common.

namespace stratolet::block {

constexpr std::size_t groupListMax = 1000; ///< volumes or types that one body names

void writeTexts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts);
void writeNamed(JsonWriter& out, const std::string& id, const std::optional<std::string>& name); ///< and no more

/// Name and description of what is to be made.
Groups::New newGroupIn(const Json& wanted);

/// "word, word", of at most groupListMax; none where there is no such field.
std::vector<std::string> wordsIn(const Json& wanted, std::string_view name);

/// "name", "description", and the volumes that "add_volumes" and "remove_volumes" name.
Groups::Change groupChangeIn(const Json& wanted);

}
