#pragma once

#include <map>
#include <string>

#include "compute/core.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// Images of servers.

namespace stratolet::compute {

/// createImage. Of a server that boots from a volume the image says of which snapshots a like one can be made.
ImageId createImage(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name,
                    const std::map<std::string, std::string>& metadata);

/// createBackup: an image of that type ("daily"), of which only so many are kept.
ImageId createBackup(Core& core, const identity::Caller& caller, const ServerId& id, const std::string& name,
                     const std::string& type, std::int64_t rotation,
                     const std::map<std::string, std::string>& metadata);

/// The image that a server's disk goes into, in the caller's project.
ImageId plannedImage(Core& core, store::Transaction& tx, const identity::Caller& caller, const Server& server,
                     const std::string& name, const std::map<std::string, std::string>& properties);

/// The job with the steps that put a server's disk, also one that a guest writes to, into the image that the arguments
/// name ("image").
jobs::Job saved(jobs::Job&& job, Core& core);

ImageId imageIn(const jobs::Run& run); ///< of the arguments; empty where they name none

jobs::Job createImageJob(Core& core);
jobs::Job describeImageJob(Core& core); ///< the image of a server that boots from a volume: it has no bytes

}
