#pragma once

#include <stratolet/disk.hpp>

#include <filesystem>
#include <optional>
#include <string>

#include "platform/json/json.hpp"

namespace stratolet::block {

/// Where a host reaches a disk, in os-brick's words: the fields "driver_volume_type" and "data" of the object that
/// `out` is in. `password` is what the disk's user says. Error(Broken) for a disk that os-brick has no words for.
void writeConnection(JsonWriter& out, const DiskSource& disk, const std::string& password);

/// What opens the door to a disk by the network; nothing where nobody asks.
std::optional<SecretId> secretOf(const DiskSource& disk);

/// A raw file of this host's as a disk.
DiskSource rawFile(const std::filesystem::path& file);

}
