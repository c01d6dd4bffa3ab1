#pragma once

#include <functional>
#include <optional>
#include <string>

#include "network/core.hpp"

namespace stratolet::network {

/// A kind of thing that can be tagged, and what policy knows of one; nothing where there is no such thing.
struct Tagged {
    std::string noun, table;
    std::function<std::optional<Target>(store::Reader& db, const std::string& id)> target;
};

/// Under the path of one such thing, which ends in "/{id}".
void addTagRoutes(http::Routes& routes, Core& core, const std::string& path, const Tagged& kind);

}
