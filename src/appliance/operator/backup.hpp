#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "appliance/operator/commands.hpp"

namespace stratolet {

/// All of a cloud in one new file, which nobody else can read (it has keys): the store as of one moment, the keys and
/// all else that is kept, the configuration. The cloud may run meanwhile. `disks`: also the data of images, volumes,
/// backups and servers; those that a running guest writes to are left out, which is said, for what is copied from under
/// a writer is good for nothing. `configFile`: what was read, if any. Error(Invalid) where the file is there already.
int backUp(const Asked& asked, const std::filesystem::path& file, bool disks,
           const std::optional<std::filesystem::path>& configFile);

/// Makes the state directory of such a file's cloud, which must not be there, or be empty. The configuration that the
/// file has is put below it, in "configuration", for whoever wants it. Error(Invalid) for a file that is no backup, or
/// has a store that is newer than this program; nothing is left then.
int restore(const Asked& asked, const std::filesystem::path& file);

}
