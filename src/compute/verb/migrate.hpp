#pragma once

#include <optional>
#include <string>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"

// A server that is to run on another host. Each verb looks for one that could have it, and refuses where there is none.

namespace stratolet::compute {

/// What is asked of a migration: where to; nothing is wherever there is room.
struct Destination {
    std::optional<std::string> host;
};

void migrateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);
void migrateServerLive(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);
/// Error(Invalid) as long as the server's host is up.
void evacuateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);

}
