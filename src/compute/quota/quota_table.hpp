#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/store/store.hpp"

namespace stratolet::compute {

/// SQL of the limits that users have within projects, and nothing else. Such a limit's owner is "<project>/<user>".
struct QuotaTable {
    /// The sum of what a project's users have been given of a resource, of those that have a limit.
    static std::int64_t givenToUsers(store::Reader& db, std::string_view service, const std::string& project,
                                     std::string_view resource);
    static void removeOfUsers(store::Transaction& tx, std::string_view service, const std::string& project);
};

}
