#pragma once

#include <optional>
#include <string>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// A server that is to run on another host. Each verb looks for one that could have it, and refuses where there is none.

namespace stratolet::compute {

/// What is asked of a migration: where to; nothing is wherever there is room.
struct Destination {
    std::optional<std::string> host;
};

/// To rest on another host, until it is confirmed there or goes back (a resize to the flavor that it has).
/// Error(Invalid) where no other host can have it: one with disks of its own, which no driver carries.
void migrateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);
void migrateServerLive(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);
/// Made anew on another host, of its image and its volumes. Error(Invalid) as long as the server's host is up.
void evacuateServer(Core& core, const identity::Caller& caller, const ServerId& id, const Destination& to);

/// The server's row on the other of the two hosts that it moves between; what it takes is held on the one that it
/// leaves.
void changeHosts(Core& core, store::Transaction& tx, const Server& server, const HostName& to);

jobs::Job migrateServerJob(Core& core);
jobs::Job evacuateServerJob(Core& core);

}
