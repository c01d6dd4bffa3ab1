#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/placement/provider.hpp"
#include "platform/store/store.hpp"

// SQL of placement's view, and nothing else.

namespace stratolet::compute::placement::placement_table {

std::vector<Allocation> allocationsOn(store::Reader& db, const HostName& host);
std::optional<Allocation> allocationOf(store::Reader& db, const std::string& server); ///< of one that is somewhere
Usage usageOf(store::Reader& db, const std::string& project, const std::optional<std::string>& user);

// Names that somebody has made up. `kind`: "trait" or "class".
std::vector<std::string> words(store::Reader& db, std::string_view kind);
bool hasWord(store::Reader& db, std::string_view kind, const std::string& name);
bool addWord(store::Transaction& tx, std::string_view kind, const std::string& name); ///< false where it was there
bool removeWord(store::Transaction& tx, std::string_view kind, const std::string& name);

}
