#pragma once

#include <map>
#include <string>

// The disc that a guest finds its metadata on (nova: "Config drive"): a file system called "config-2".

namespace stratolet::compute {

enum class ConfigDriveFormat { Iso9660, Vfat };

/// The bytes of a disc with these files, by path. Error(Broken) where it can't be made.
std::string configDriveOf(const std::map<std::string, std::string>& files, ConfigDriveFormat format);

}
