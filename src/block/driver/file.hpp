#pragma once

#include <stratolet/driver/volume.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace stratolet::block {

struct FileOptions {
    std::filesystem::path folder; ///< the back end's own; made where it is missing
    std::string name = "file";    ///< the back end's
    bool copies = false;          ///< every volume and snapshot is a raw file of its own for good
};

/// Volumes as files: sparse raw ones as long as nobody shares their bytes. Where the file system shares blocks between
/// files, snapshots and clones are such files too; elsewhere they stand on common layers (layers.hpp). In the folder:
///
///   volume-ID         a raw file
///   volume-ID.flat    a raw file that never becomes layers
///   volume-ID.layers  a folder of layers; a file "volume-ID" beside it is its lowest layer by the name under which a
///                     guest, which was running when that became a layer, knows it
///   snapshot-ID…      the same of snapshots
///   released          what has been released, by the names that it had
std::unique_ptr<VolumeDriver> fileVolumeDriver(FileOptions options);

}
