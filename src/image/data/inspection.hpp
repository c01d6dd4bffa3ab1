#pragma once

#include <stratolet/sizes.hpp>

#include <filesystem>
#include <string>
#include <string_view>

#include "image/image.hpp"

namespace stratolet::image {

/// What a file of a stranger really is, found out from its headers by bounded reads of that one file; nothing that it
/// names is ever opened. Recognizes every format that QEMU would (raw is what is left), so that "raw" can be believed.
struct Inspected {
    std::string format; ///< "raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop", or one that no image may
                        ///< have: "qcow", "qed", "luks", …
    Bytes virtualSize;  ///< of the disk that it describes
};

/// Error(Invalid) for a file that reaches for other files (backing file, external data file, extents, parents), that
/// needs features nobody knows, or whose headers contradict its size (OSSA-2024-001, OSSA-2023-002).
Inspected inspect(const std::filesystem::path& file);

/// The same, and Error(Invalid) unless it is what its owner says (OSSA-2024-002). `declared` is a disk_format; ami, ari
/// and aki are raw data. Of sealed content it must be LUKS that is declared as raw, and raw is what it is then.
Inspected inspectAs(const std::filesystem::path& file, std::string_view declared, Content content = Content::Plain);

/// qemu-img's own opinion of a file that has passed inspectAs(), confined, under limits and with the format said.
/// Error(Invalid) where it disagrees; nothing happens where there is no qemu-img, or for a format other than qcow2.
void confirmWithQemu(const std::filesystem::path& file, const Inspected& inspected);

}
