#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <memory>

namespace stratolet {

/// A volume's disk in the guest that has it. QEMU alone may write to a disk while the guest runs, so who keeps the
/// volume asks here. Every verb ensures: what has been done already is done. False: no guest runs with the disk, so the
/// files may be changed by whoever keeps them. Failures are Error(Broken), and then the guest's disk is what it was;
/// Error(Busy) where it will work later, and what has been done nobody knows until it is asked again. A guest that has
/// gone meanwhile is asked by its definition, which follows its disks: what had been done when it went has been done.
class LiveDisk {
public:
    virtual ~LiveDisk() = default;

    /// From now on the guest writes to `overlay`, an empty qcow2 file whose backing file is what it wrote to until now.
    virtual bool switchTo(const DiskSource& overlay) = 0;

    /// What the guest's disk has above `base`, one of the files below it, goes into `base`; the guest goes on with
    /// `base` itself.
    virtual bool mergeInto(const DiskSource& base, const Cancelled& cancelled) = 0;

    /// The whole disk is copied to `to`, which is there and as large; the guest goes on with it.
    virtual bool moveTo(const DiskSource& to, const Cancelled& cancelled) = 0;

    /// The disk, and the file under it, has this size.
    virtual bool resize(Bytes size) = 0;
};

/// The disks of the guests that run: block storage asks, compute answers.
class LiveDisks {
public:
    virtual ~LiveDisks() = default;

    /// Null where the server has no such volume.
    virtual std::unique_ptr<LiveDisk> of(const ServerId& server, const VolumeId& volume) = 0;
};

}
