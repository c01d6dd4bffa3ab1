#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/backup_store.hpp>
#include <stratolet/ids.hpp>

#include <cstdint>
#include <functional>

#include "block/driver/disk_bytes.hpp"

// What a backup is made of. A disk is cut into chunks of 1 MiB; one that is not all zeros is compressed (zstd) and put
// into an object together with those around it, and an object ends with the list of its chunks: where each lies, and
// the SHA-256 of what it says. A chunk that says the same as in the backup before stays where it lies there. So an
// object is all that is needed to go on behind it, and to read what it covers.

namespace stratolet::block::archive {

constexpr std::int64_t chunkBytes = 1 << 20;

struct Result {
    int objects = 0;
    std::int64_t bytesKept = 0; ///< that this backup itself takes, compressed
};

/// Copies `disk` into `backup`, behind the objects that are there already: a copy that was cut off goes on, as long as
/// the disk says what it said. `parent`: the backup before, of the same volume, which is complete; empty: none.
/// Error(Busy) where it was cancelled: what is there stays.
Result write(BackupStore& store, const BackupId& backup, const BackupId& parent, DiskBytes& disk,
             const Cancelled& cancelled, const std::function<void(std::int64_t done, std::int64_t total)>& progress);

/// Fills `disk`, which is at least as large, from a complete backup; each chunk is checked. `zeroed`: the disk reads as
/// zeros now. Error(Broken) where anything isn't what it was, by the number of the chunk.
void read(BackupStore& store, const BackupId& backup, DiskBytes& disk, bool zeroed, const Cancelled& cancelled,
          const std::function<void(std::int64_t done, std::int64_t total)>& progress);

/// How much of `backup` there is: Error(Broken) where it is not complete or its lists are damaged. Reads the lists
/// alone.
Result inspect(BackupStore& store, const BackupId& backup);

}
