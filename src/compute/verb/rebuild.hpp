#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

namespace stratolet::compute {

/// What a rebuild makes of a server. What is not said stays.
struct Rebuild {
    ImageId image;
    std::function<void(Server&)> change; ///< name, description, addresses, …: what describe() keeps
    std::optional<std::map<std::string, std::string>> metadata;
    std::optional<std::vector<std::pair<std::string, std::string>>> files; ///< path, content
    std::optional<std::optional<std::string>> keyName, userData;           ///< nothing in something: it goes
    bool preserveEphemeral = false;
    bool volumesToo = false; ///< a server that boots from a volume may be rebuilt (2.93)
};

/// A server gets the bytes of an image anew; its id, addresses, volumes and ports stay. The server as it is now.
Server rebuildServer(Core& core, const identity::Caller& caller, const ServerId& id, const Rebuild& wanted);

/// Of a server whose disks were made anew: it runs, or is defined, as it did before (the job's argument "runs"), and
/// its row says so.
void bootWhereItRan(Core& core, const jobs::Run& run);
void closeWhereItRan(Core& core, store::Transaction& tx, const jobs::Run& run);

jobs::Job rebuildServerJob(Core& core);

}
