#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resource/table.hpp"

namespace stratolet::identity {

/// Somebody whose word on users is taken.
struct IdentityProvider {
    static constexpr std::string_view noun = "identity_provider", path = "OS-FEDERATION/identity_providers";
    std::string id;
    std::string domain; ///< where its users live
    bool enabled = false;
    std::optional<std::string> description;
    std::optional<std::int64_t>
        minutes; ///< that its users stay in their groups after a login; nothing: as long as the token lives
    std::vector<std::string> remoteIds; ///< what it calls itself
};

/// What is true of each attribute; its alias is i. Its insert and update leave out the remote ids
/// (federation_table::setRemoteIds). Takers of bodies throw Error(Invalid) naming the field. It never changes: any
/// thread may use it, with that thread's reader.
extern const resource::Table<IdentityProvider> providerTable;

}
