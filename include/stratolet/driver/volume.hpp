#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace stratolet {

/// Who is to reach a volume. Drivers take of it what they need.
struct Connector {
    std::string host = {};      ///< as rows name it
    std::string address = {};   ///< of the host, where storage is reached over a network; empty: not known
    std::string initiator = {}; ///< the host's iSCSI name; empty: it has none
};

/// Where volumes live: one back end of several. Every verb ensures: it looks first and may be called again after a
/// crash. Failures are Error(Broken).
class VolumeDriver {
public:
    virtual ~VolumeDriver() = default;

    /// The back end's: what the volume's host shows after the "@".
    virtual std::string_view name() const = 0;

    /// How volumes are reached: "file".
    virtual std::string_view protocol() const = 0;

    /// An empty volume, reading as zeros, of exactly this size. One that is there and has the size stays as it is;
    /// one that is smaller grows, keeping its bytes.
    virtual void ensure(const VolumeId& volume, GiB size) = 0;

    /// Fills a volume from an image file that has been inspected; the rest reads as zeros. The volume's content before
    /// does not matter.
    virtual void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) = 0;

    /// Gone, and its bytes with it. A volume that isn't there is gone already.
    virtual void discard(const VolumeId& volume) = 0;

    /// Lets `connector` have the volume, and says where guests there reach it. Who has it already keeps it.
    virtual DiskSource connect(const VolumeId& volume, const Connector& connector) = 0;

    /// Volumes that are really there, for the reconciler. Ours only.
    virtual std::vector<VolumeId> present() = 0;

    virtual Bytes capacity() = 0;
    virtual Bytes free() = 0;
};

}
