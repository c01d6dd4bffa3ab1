#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/luks.hpp>
#include <stratolet/sizes.hpp>

#include <string>

#include "platform/ambient/ambient.hpp"

// LUKS (version 1, which QEMU itself opens): AES-256-XTS. The host sees sealed bytes only; QEMU opens them, in the
// guest's own process. The header takes its room from the volume: a guest sees that much less.

namespace stratolet::block::luks {

/// What a guest sees of a sealed disk of that size.
constexpr Bytes inside(Bytes size) { return {size.count - luksHeaderBytes.count}; }

/// Seals a raw disk: what it said is lost. The header is written here: qemu-img(1) first measures for two seconds how
/// fast guessing is, which is of no moment for a random passphrase, and gives up on a busy machine.
void format(const DiskSource& disk, const std::string& passphrase, Ambient& ambient);

/// Fills a sealed disk from an image file that has been inspected, and is no larger than what is inside. The rest says
/// what it said: nothing, of one that has just been sealed.
void fill(const DiskSource& disk, const std::string& passphrase, const DiskSource& image, const Cancelled& cancelled);

}
