#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <stratolet/driver/hypervisor.hpp>

#include "compute/attachment/volume_attachment.hpp"
#include "compute/core.hpp"
#include "compute/device/device.hpp"
#include "compute/server/server.hpp"
#include "platform/jobs/jobs.hpp"

// The guest of a server as its host knows it, and what the steps and ends of jobs do to it. Steps run on a thread of
// their lane and may wait for the host; what takes a Transaction runs on the writer's.

namespace stratolet::compute {

HostName hostOf(Core& core, const ServerId& id); ///< Error(Broken) where there is no such server
Hypervisor& hypervisorOf(Core& core, const jobs::Run& run);
InstanceDisks& disksOf(Core& core, const jobs::Run& run);

/// The server has a guest, or is to get one; one that is shelved and offloaded has none.
bool hasGuest(Core& core, const jobs::Run& run);

/// The interface on a port, as the server's flavor and image want it.
GuestNic nicOf(Core& core, store::Reader& db, const Server& server, const network::PortFacts& port);
GuestDisk diskOf(Core& core, const VolumeTie& tie);

/// The volume that it boots from; nothing where it boots from a disk of its own.
std::optional<block::VolumeFacts> rootVolumeOf(Core& core, store::Reader& db, const Server& server);

/// What an image says of itself under that name; empty where it says nothing.
std::string imageProperty(const image::ImageFacts& image, const std::string& name);

/// A disk of the server's own on top of an image's base copy, which is made where it is missing.
void ensureLayer(Core& core, const Server& server, InstanceDisk disk, const ImageId& image, const std::string& base,
                 const Cancelled& cancelled);

/// All its own disks, as its devices say: the root disk made of its image, ephemeral ones, swap.
void ensureDisks(Core& core, const ServerId& id, const Cancelled& cancelled);

/// The disc with its metadata, made anew, where it is to have one. Services of vendor data are asked, so it may last.
void ensureConfigDrive(Core& core, const ServerId& id, const Cancelled& cancelled);

/// Defined as the store says, and running.
void boot(Core& core, const ServerId& id);

/// Defined as the store says.
void define(Core& core, const ServerId& id);

/// The job with the step that wires the guest's ports, on the wire's lane.
jobs::Job wired(jobs::Job&& job, Core& core);

/// The job with the step "disk" that makes its disks and its config drive: `disks` says whether they are there, or the
/// step isn't done. Where services are asked for what the drive says, that is a step of its own, on strangers' lane.
jobs::Job disksMade(jobs::Job&& job, Core& core, const std::function<bool(jobs::Run&)>& disks,
                    jobs::Job::Work undo = {});

/// The same with the step behind it that boots the guest, which `undo` takes back.
jobs::Job booted(jobs::Job&& job, Core& core, jobs::Job::Work undo = {});

/// Asks the guest to power off, for as long as `patience`, then pulls the plug. No thread waits meanwhile.
void powerOff(Core& core, jobs::Run& run, std::chrono::seconds patience);

/// A guest lets go of a device when it likes: it is asked, looked at, and asked again for as long as it may take it to
/// boot. Error(TimedOut) where it never does. `detached(ask)` asks and looks. True once it has let go; else the step is
/// not done.
bool letGo(jobs::Run& run, const std::function<bool(bool ask)>& detached);

/// The action that the job's arguments name has ended well, or hasn't. What could not be done is for the owner,
/// `details` for those who run the host.
void endAction(Core& core, store::Transaction& tx, const jobs::Run& run);
void failAction(Core& core, store::Transaction& tx, const jobs::Run& run, std::string_view doing,
                const std::string& details);

/// The good end of a job: the server is at rest in its new state, unless it is to be deleted meanwhile.
void close(Core& core, store::Transaction& tx, const jobs::Run& run, VmState vm, PowerState power);

/// How long a guest that is asked to power off may take: [compute] shutdown_timeout.
std::chrono::seconds shutdownPatience(Core& core);

/// The job with both ends: the good one leaves the guest as `vm` and `power` say, the bad one the server as
/// `otherwise` says, which is what it was where that is empty.
jobs::Job closing(jobs::Job&& job, Core& core, VmState vm, PowerState power, const char* doing,
                  std::optional<VmState> otherwise = std::nullopt);

/// The bad end of a job: the server is what it was, which is for one that has changed nothing or has taken it back, or
/// it is `vm`. The owner learns what could not be done, from the action and the fault; why is for those who run the
/// host.
void gaveUp(Core& core, store::Transaction& tx, const jobs::Run& run, std::string_view doing, const std::string& reason,
            std::optional<VmState> vm = std::nullopt);

}
