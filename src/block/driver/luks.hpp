#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/luks.hpp>
#include <stratolet/sizes.hpp>

#include <string>

// LUKS (version 1, which QEMU itself reads and writes): AES-256-XTS. The host sees sealed bytes only; QEMU opens them,
// in the guest's own process. The header takes its room from the volume: a guest sees that much less.

namespace stratolet::block::luks {

/// What a guest sees of a sealed disk of that size.
constexpr Bytes inside(Bytes size) { return {size.count - luksHeaderBytes.count}; }

/// Seals a raw disk of this size: what it said is lost. Takes two seconds, which is QEMU's measure of what slows down
/// guessing.
void format(const DiskSource& disk, Bytes size, const std::string& passphrase);

/// Fills a sealed disk from an image file that has been inspected; Error(Invalid) where that is larger than what is
/// inside. The rest says what it said: nothing, of one that has just been sealed.
void fill(const DiskSource& disk, const std::string& passphrase, const DiskSource& image, const Cancelled& cancelled);

}
