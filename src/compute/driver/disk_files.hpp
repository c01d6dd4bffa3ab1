#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/sizes.hpp>

namespace stratolet::compute {

// Base copies and root disks as files, made by qemu-img under limits. Formats are always said: nothing is probed. What is half made has
// another name, so that what has the name is whole.

void ensureBaseFile(const DiskSource& image, const DiskSource& base, const Cancelled& cancelled = {});
void ensureRootFile(const DiskSource& base, const DiskSource& root, Bytes size);

}
