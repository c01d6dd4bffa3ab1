#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"

// What changes a server without its host: how it is described, and whether it is locked.

namespace stratolet::compute {

/// Records an action that has ended as it began.
void recordDone(Core& core, store::Transaction& tx, const identity::Caller& caller, const Server& server,
                std::string_view action, std::string_view event);

/// `change` is called in the transaction, with the server as it is; what describe() keeps is kept.
Server updateServer(Core& core, const identity::Caller& caller, const ServerId& id,
                    const std::function<void(Server&)>& change);

/// A locked server takes no verbs but an administrator's. What an administrator locked only an administrator unlocks.
void lockServer(Core& core, const identity::Caller& caller, const ServerId& id,
                const std::optional<std::string>& reason);
void unlockServer(Core& core, const identity::Caller& caller, const ServerId& id);

}
