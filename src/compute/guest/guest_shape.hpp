#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <map>
#include <string>

#include "compute/flavor/flavor.hpp"

// What flavors' extra specs and images' properties make of a guest (Nova, "Extra Specs" and Glance, "Useful image
// properties"). Pure functions. Where both say something, the flavor does: who runs the cloud made it.

namespace stratolet::compute {

using ImageProperties = std::map<std::string, std::string>;

/// The guest's machine. Error(Invalid) where what is asked for contradicts itself, or is nothing that guests here can
/// have: asked before a server is made, so that it isn't one that can't start.
GuestShape shapeOf(const Flavor& flavor, const ImageProperties& image);

/// The bus that an image wants for its disks ("hw_disk_bus"), or discs ("hw_cdrom_bus"); empty where it says nothing.
/// Error(Invalid) for one that is none.
std::string busFor(const ImageProperties& image, bool cdrom);

/// Most of a disk's traffic ("quota:disk_read_bytes_sec", …), as GuestDisk::limits has it: of the disks of a server's
/// own, as volumes have limits of their types.
std::map<std::string, std::int64_t> diskLimits(const Flavor& flavor);

/// How many queues an interface of the guest has each way: one for each of its processors where its flavor
/// ("hw:vif_multiqueue_enabled") or its image says so, else one (Nova: get_vif_multiqueue_constraint). Error(Invalid)
/// where they contradict each other.
int queuesOf(const Flavor& flavor, const ImageProperties& image);

/// Gives an interface the model of the image ("hw_vif_model"), its queues, and the bounds of the flavor
/// ("quota:vif_…").
void shapeNic(GuestNic& nic, const Flavor& flavor, const ImageProperties& image);

}
