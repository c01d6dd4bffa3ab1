#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/core.hpp"
#include "compute/device/device.hpp"
#include "identity/caller.hpp"
#include "platform/http/http.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/store/many.hpp"

// Volumes of servers. Block owns an attachment and its state; compute knows which it made, and what only it needs to
// know of them.

namespace stratolet::compute {

struct Server;

/// What compute has tied to each of these servers.
store::ByOwner<VolumeTie> tiesOf(Core& core, store::Reader& db, const std::vector<std::string>& servers);
std::vector<VolumeTie> tiesOf(Core& core, store::Reader& db, const ServerId& id);

/// What is said of a volume that a server gets.
struct WantedVolume {
    VolumeId volume;
    std::optional<std::string> tag = {};
    bool deleteOnTermination = false;
};

/// The tie is there at once, the device once the job has made it. Error(Conflict) where the server is in no state for
/// it.
VolumeTie attachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const WantedVolume& wanted);
void detachVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume);

/// The guest's bytes go to another volume, which it goes on with; it knows the disk as it did.
void swapVolume(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& old,
                const VolumeId& wanted);

/// Whether the volume goes with the server.
void setDeleteOnTermination(Core& core, const identity::Caller& caller, const ServerId& id, const VolumeId& volume,
                            bool ends);

/// Block has made a volume larger that a guest has: the guest hears of it, and the owner sees that it did.
void volumeExtended(Core& core, store::Transaction& tx, const ServerId& id, const VolumeId& volume);

jobs::Job attachVolumeJob(Core& core);
jobs::Job detachVolumeJob(Core& core);
jobs::Job extendVolumeJob(Core& core);
jobs::Job swapVolumeJob(Core& core);

/// /servers/{id}/os-volume_attachments.
void addVolumeAttachmentRoutes(http::Routes& routes, Core& core);

}
