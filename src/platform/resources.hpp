#pragma once

#include <string_view>
#include <vector>

#include "platform/store/store.hpp"

namespace stratolet {

/// src/<module>/migrations/NNN-name.sql, compiled in.
std::vector<store::Migration> migrationsOf(std::string_view module);

/// A file of the source tree by its path, compiled in; empty where it is none of those.
std::string_view embedded(std::string_view path);

/// config/policy/<service>.yaml, compiled in.
std::string_view policyDefaults(std::string_view service);

/// config/metadefs/*.json, compiled in.
std::vector<std::string_view> shippedMetadefs();

}
