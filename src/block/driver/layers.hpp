#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "platform/os/fd.hpp"

// A volume, or a snapshot, whose bytes lie in layers: a folder with hard links of files, each an overlay of the next
// one but for the lowest, and symbolic links that name some of them. Only the head of a volume is written to; what
// stands below another layer never changes but by merging. A layer's name is the same in every folder that has it, so
// that overlays find what is below them in each, and how many folders have it is what the file system counts as links:
// who is gone has no links any more, and nobody keeps a list. A name's ending says the format.
//
//   head  the layer that the volume's guest writes to
//   next  the layer that it will write to once what is under way is done; nobody else may rely on either until then
//
// Nothing here knows volumes, or locks: the caller is alone with a folder. Failures are Error(Broken) or Error(Full).
namespace stratolet::block::layers {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

DiskFormat formatOf(const std::string& layer);

/// A name that no layer anywhere has.
std::string freshName(DiskFormat format);

/// Makes the folder, empty; what had its name is gone.
void make(const fs::path& folder);

/// What the volume has to be read from. An overlay that stands on what the link says is the head (it was made to
/// become the head, and a guest may have written to it since).
std::string head(const fs::path& folder);

/// What the links "head" and "next" say; empty where there is none.
std::string linkedHead(const fs::path& folder);
std::string next(const fs::path& folder);

/// From now on, on disk.
void setHead(const fs::path& folder, const std::string& layer);
void setNext(const fs::path& folder, const std::string& layer); ///< empty: there is none any more

/// `layer` and all below it, topmost first.
Names chain(const fs::path& folder, const std::string& layer);

/// `names` of one folder are in another one too.
void link(const fs::path& from, const Names& names, const fs::path& to);

/// An empty layer of `size` over `below`, whole and on disk.
void addOverlay(const fs::path& folder, const std::string& layer, const std::string& below, Bytes size);

/// As a guest sees it.
Bytes sizeOf(const fs::path& folder, const std::string& layer);

/// How many folders have the layer.
std::size_t owners(const fs::path& folder, const std::string& layer);

// By qemu-img, which reads only what QEMU or we have written, with its formats said:

/// What `layer` has above `base`, one of those below it, is in `base` too; `layer` stays as it is.
void commit(const fs::path& folder, const std::string& layer, const std::string& base, const Cancelled& cancelled);

/// All that `layer` reads as, into a raw file or a block device that reads as zeros.
void copyOut(const fs::path& folder, const std::string& layer, const Fd& to, const Cancelled& cancelled);

/// Larger, for a guest too that sees it next.
void resize(const fs::path& folder, const std::string& layer, Bytes size);
void resizeRaw(const fs::path& file, Bytes size);

/// Removes the layer that stands right on `layer`, which has all its bytes already: the head moves down at once,
/// whatever else stood on that.
void removeAbove(const fs::path& folder, const std::string& layer);

/// Removes what neither stands below the head nor is named by "next".
void sweep(const fs::path& folder);

}
