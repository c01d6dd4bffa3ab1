#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <functional>
#include <string>
#include <vector>

namespace stratolet {

/// The store of guests' own disks on one host: base copies of images, and root disks on top of them. Every verb
/// ensures: it looks first, and may be called again after a crash. What has its name is whole. Called by several
/// threads at once. Failures are Error(Broken), or Error(Busy) where the work was cancelled.
class InstanceDisks {
public:
    virtual ~InstanceDisks() = default;

    /// The copy of an image that root disks stand on, by the name that the store of the cloud gives it. `image` is
    /// asked for the image (which has been inspected) only where the copy is missing and nobody else makes it; what it
    /// throws goes through. Returns what size guests see the copy in.
    virtual Bytes ensureBase(const std::string& base, const std::function<DiskSource()>& image,
                             const Cancelled& cancelled) = 0;

    /// The root disk of a server, on top of `base`, of `size` at least; one that is there stays as it is.
    virtual DiskSource ensureRoot(const ServerId& server, const std::string& base, Bytes size) = 0;

    /// The root disk that is there. Error(Broken) where there is none: to make an empty one now would hide that its
    /// bytes are lost.
    virtual DiskSource root(const ServerId& server) = 0;

    /// All that the server has here is gone.
    virtual void discard(const ServerId& server) = 0;

    /// Servers that have something here.
    virtual std::vector<ServerId> present() = 0;

    /// Removes the base copies that `used` says no to, but for those that somebody makes now. Returns their names.
    virtual std::vector<std::string> removeBases(const std::function<bool(const std::string& base)>& used) = 0;

    virtual Bytes capacity() = 0; ///< of the place that the disks are in
};

}
