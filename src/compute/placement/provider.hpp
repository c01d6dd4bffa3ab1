#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/core.hpp"

// What placement shows, as a view: each host is a provider, each server that is somewhere has its allocation there.

namespace stratolet::compute::placement {

/// What a provider has of one class of resources.
struct Inventory {
    std::string_view resource; ///< "VCPU"
    std::int64_t total = 0, reserved = 0;
    double ratio = 1;
    std::int64_t used = 0;

    std::int64_t capacity() const { return static_cast<std::int64_t>(static_cast<double>(total - reserved) * ratio); }
    bool fits(std::int64_t amount) const { return amount <= total && amount <= capacity() - used; }
};

/// A host.
struct Provider {
    HostName host;
    std::string uuid, name;
    std::vector<Inventory> inventories;
    std::vector<std::string> traits;
    std::vector<std::string> aggregates; ///< their UUIDs

    const Inventory* of(std::string_view resource) const; ///< null where it has none
    std::int64_t generation() const;                      ///< another one when it says something else
};

std::vector<Provider> providers(Core& core, store::Reader& db);
Provider provider(Core& core, store::Reader& db, const std::string& uuid); ///< Error(NotFound)

/// An amount of one class of resources.
struct Amount {
    std::string resource;
    std::int64_t count = 0;
};

/// What a server has of its host.
struct Allocation {
    std::string server, project, user;
    HostName host;
    std::vector<Amount> amounts; ///< none of them zero
};

/// What servers have in all.
struct Usage {
    std::int64_t servers = 0;
    std::vector<Amount> amounts;
};

}
