#pragma once

#include <span>
#include <string_view>

#include "compute/api.hpp"
#include "compute/core.hpp"

namespace stratolet::compute {

/// One of the actions of POST /servers/{id}/action: what its body is called, and since and until when it is there.
struct ActionRoute {
    std::string_view name;
    http::Response (*answer)(Call&, Core&, const Json& arguments);
    Span span = {};
};

/// Those of a server's life but power and locks.
std::span<const ActionRoute> lifeActions();

/// Those that open consoles, until 2.5.
std::span<const ActionRoute> consoleActions();

/// Those for who runs the cloud.
std::span<const ActionRoute> adminActions();

}
