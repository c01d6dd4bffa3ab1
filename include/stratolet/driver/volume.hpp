#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <vector>

namespace stratolet {

/// Where volumes live. Every verb ensures: it looks first and may be called again after a crash. Failures are Error(Broken).
class VolumeDriver {
public:
    virtual ~VolumeDriver() = default;

    /// "file", "lvm": what the volume's host shows after the "@".
    virtual std::string_view name() const = 0;

    /// An empty volume, reading as zeros, of exactly this size. One that is there and has the size stays as it is;
    /// one that is smaller grows, keeping its bytes.
    virtual void ensure(const VolumeId& volume, GiB size) = 0;

    /// Fills a volume from an image file that has been inspected; the rest reads as zeros. The volume's content before does not matter.
    virtual void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) = 0;

    /// Gone, and its bytes with it. A volume that isn't there is gone already.
    virtual void discard(const VolumeId& volume) = 0;

    /// Where a guest on this host reaches the volume.
    virtual DiskSource source(const VolumeId& volume) = 0;

    /// Volumes that are really there, for the reconciler. Ours only.
    virtual std::vector<VolumeId> present() = 0;

    virtual Bytes capacity() = 0;
    virtual Bytes free() = 0;
};

}
