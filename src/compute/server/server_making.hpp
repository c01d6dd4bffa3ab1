#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compute/attachment/interface_attachment.hpp"
#include "compute/attachment/volume_attachment.hpp"
#include "compute/core.hpp"
#include "compute/device/device.hpp"
#include "compute/scheduler/scheduler.hpp"
#include "compute/server/server.hpp"
#include "identity/caller.hpp"
#include "platform/jobs/jobs.hpp"

// How servers begin.

namespace stratolet::compute {

/// What POST /servers asks for: from `least` to `most` servers that are alike.
struct NewServers {
    std::string name;
    std::optional<std::string> hostname, description;
    FlavorId flavor;
    ImageId image; ///< empty where it boots from a volume
    std::map<std::string, std::string> metadata;
    std::set<std::string> tags;
    std::optional<std::string> keyName;
    std::optional<std::string> userData; ///< base64
    std::string accessIpv4, accessIpv6, diskConfig = "MANUAL";
    std::vector<std::string> securityGroups;
    enum class Nics { Automatic, None, Listed } nics = Nics::Automatic;
    bool allocatesNetwork = false; ///< automatic, and where there is none, one is made
    std::vector<WantedNic> listed;
    std::vector<Device> devices;
    bool configDrive = false;
    std::vector<std::pair<std::string, std::string>> files; ///< path, content
    std::int64_t least = 1, most = 1;
    Placing placing = {}; ///< what was asked for; what its flavor and image need is added
    std::optional<std::string> pinnedZone = {};
    std::string hints = "{}"; ///< of the scheduler, as they came
};

/// As many as the quotas allow, in one transaction with their ports and volumes; their jobs make the guests.
/// Error(OverLimit) where that is fewer than the least, Error(Invalid) for what can't be had. One that no host has room
/// for is made too, and says why in its fault.
std::vector<Server> createServers(Core& core, const identity::Caller& caller, const NewServers& wanted);

/// Error(Invalid) where an image can't be the disk of a server with that flavor.
void requireFit(const image::ImageFacts& image, const Flavor& flavor);

jobs::Job createServerJob(Core& core);

}
