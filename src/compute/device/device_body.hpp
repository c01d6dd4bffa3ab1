#pragma once

#include <vector>

#include "compute/api.hpp"
#include "compute/device/device.hpp"

// The disks that a new server is to have, as a request or an image names them.

namespace stratolet::compute {

/// "block_device_mapping_v2" of a body, or the older "block_device_mapping". Error(Invalid) for what can't be.
std::vector<Device> devicesIn(const Call& call, const Json& body, bool hasImage);

/// The same of an image that was made of a server which boots from a volume (its property "block_device_mapping").
std::vector<Device> devicesInImage(const std::string& property);

}
