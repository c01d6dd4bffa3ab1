#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/live_disk.hpp>
#include <stratolet/error.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
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

/// What a back end can do: what types ask for by their extra specs, and what pools show.
struct VolumeCapabilities {
    bool thin = true;         ///< gigabytes may be promised that aren't there yet
    bool multiattach = false; ///< several guests may have one volume at once
    bool encryption = true;   ///< its volumes may be LUKS
};

/// How a volume's bytes may lie.
enum class Layout {
    Any,
    Flat ///< in one raw file or device for good, as LUKS needs: what would be an overlay is a copy
};

/// Something that lies in a back end without being a volume (or a snapshot) of the cloud, and could become one.
struct Manageable {
    std::string reference;          ///< as an administrator names it: a file's or a logical volume's name
    Bytes size;                     ///< as a guest would see it
    std::optional<VolumeId> volume; ///< the cloud's, that it is; or the volume that a snapshot is of
    std::optional<SnapshotId> snapshot;
    std::string reason; ///< why it can't be taken over; empty: it can
};

/// How large a volume with so many bytes is: whole GiB, and one at least.
inline GiB volumeSizeFor(Bytes bytes) {
    return {std::max<std::int64_t>((bytes.count + GiB{1}.bytes().count - 1) >> 30, 1)};
}

/// Where volumes live: one back end of several. Every verb ensures: it looks first and may be called again after a
/// crash. A volume, and a snapshot, is whole or isn't there. Verbs of different volumes may run at the same time, those
/// of one volume and its snapshots don't. Failures are Error(Broken), also for what this back end can't do.
///
/// `live` is the disk of the guest that has the volume now, null where nobody has it or only hosts do: while a guest
/// runs, QEMU alone may touch what it writes to, and the driver asks it to (live_disk.hpp).
class VolumeDriver {
public:
    virtual ~VolumeDriver() = default;

    /// The back end's: what the volume's host shows after the "@".
    virtual std::string_view name() const = 0;

    /// How volumes are reached: "file", "iSCSI".
    virtual std::string_view protocol() const = 0;

    virtual VolumeCapabilities capabilities() const = 0;

    /// An empty volume, reading as zeros, of exactly this size. One that is there and has the size stays as it is;
    /// one that is smaller grows, keeping its bytes. What is made of a flat volume is flat.
    virtual void ensure(const VolumeId& volume, GiB size, Layout layout = Layout::Any, LiveDisk* live = nullptr) = 0;

    /// Fills a volume from an image file that has been inspected; the rest reads as zeros. The volume's content before
    /// does not matter. `image` may go afterwards: the volume doesn't need it.
    virtual void fill(const VolumeId& volume, GiB size, const DiskSource& image, const Cancelled& cancelled) = 0;

    /// A volume with the bytes that a snapshot of this back end has; the rest reads as zeros.
    virtual void restore(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) = 0;

    /// A volume with the bytes that another one of this back end has now.
    virtual void clone(const VolumeId& volume, GiB size, const VolumeId& source, const Cancelled& cancelled,
                       LiveDisk* live = nullptr) = 0;

    /// Gone, and its bytes with it; so are no snapshots, which must have gone before. A volume that isn't there is gone
    /// already.
    virtual void discard(const VolumeId& volume) = 0;

    /// Keeps the bytes that the volume has now.
    virtual void snapshot(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                          LiveDisk* live = nullptr) = 0;

    /// Gone. What was made from it keeps its bytes.
    virtual void discard(const SnapshotId& snapshot, const VolumeId& volume, const Cancelled& cancelled,
                         LiveDisk* live = nullptr) = 0;

    /// The volume has the snapshot's bytes again, and `size`; what was written since is gone.
    virtual void revert(const VolumeId& volume, GiB size, const SnapshotId& snapshot, const Cancelled& cancelled) = 0;

    /// Lets `connector` have the volume, and says where guests there reach it. Who has it already keeps it.
    virtual DiskSource connect(const VolumeId& volume, const Connector& connector) = 0;

    /// What a secret says that connect() has named; empty for any other.
    virtual std::string secret(const SecretId&) { return {}; }

    /// Takes it from `connector` again. Who hasn't it is done.
    virtual void disconnect(const VolumeId& volume, const Connector& connector) = 0;

    /// How this host reaches a volume or a snapshot to copy it: nobody else writes to it meanwhile. A snapshot's is for
    /// reading alone.
    virtual DiskSource source(const VolumeId& volume) = 0;
    virtual DiskSource source(const SnapshotId& snapshot) = 0;

    /// What could be taken over, and what has been. Looks at all there is.
    virtual std::vector<Manageable> manageable() = 0;

    /// What is called `reference` becomes this volume, of the size that volumeSizeFor() says. Error(Invalid) where
    /// there is no such thing, or it can't be.
    virtual GiB adopt(const VolumeId& volume, const std::string& reference) = 0;

    /// The volume becomes something that isn't the cloud's any more: by its name "volume-<id>" adopt() finds it again.
    virtual void release(const VolumeId& volume) = 0;

    /// The same of a snapshot of this volume. Error(Broken) unless the back end can.
    virtual void adopt(const SnapshotId&, const VolumeId&, const std::string&) {
        throw Error(Failure::Broken, "this back end takes no snapshots over");
    }
    virtual void release(const SnapshotId&, const VolumeId&) {}

    /// Volumes that are really there, for the reconciler. Ours only.
    virtual std::vector<VolumeId> present() = 0;
    virtual std::vector<SnapshotId> presentSnapshots() = 0;

    virtual Bytes capacity() = 0;
    virtual Bytes free() = 0;
};

}
