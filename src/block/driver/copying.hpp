#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>

#include "platform/os/fd.hpp"

// How the drivers of volumes get bytes from one place to another. A failure is Error(Broken), or Error(Full); work that
// was cancelled is Error(Busy).
namespace stratolet::block {

/// Never through a symbolic link: what is opened is what has the name.
Fd openToRead(const std::filesystem::path& file);

Fd openToWrite(const std::filesystem::path& file);

/// A file of our own, new: never what somebody had there before. Nobody else may read it.
Fd createAnew(const std::filesystem::path& file);

/// Of a file or of a block device.
std::int64_t lengthOf(const Fd& file);

/// Only what is not a hole, so that the copy is as sparse; where `to` is a block device, holes are not written either.
/// By the file system's own sharing of blocks where it has that.
void copySparse(const Fd& from, const Fd& to, const Cancelled& cancelled);

/// What is in the place of the copy already.
enum class There { Zeros, Anything };

/// The first `length` bytes; writes only pieces that aren't there already.
void copyBytes(const Fd& from, const Fd& to, std::int64_t length, There there, const Cancelled& cancelled);

/// What a raw or qcow2 file describes, into a raw file or a block device that reads as zeros. qemu-img does it, which
/// sees nothing else of the host (an image is a stranger's).
void convertImage(const DiskSource& image, const Fd& to, Bytes size, const Cancelled& cancelled);

/// Files of this folder can share blocks (ioctl_ficlonerange(2)): a copy takes no time and no room.
bool sharesBlocks(const std::filesystem::path& folder);

}
