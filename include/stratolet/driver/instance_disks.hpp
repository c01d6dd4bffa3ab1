#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/error.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace stratolet {

/// Which of a server's own disks is meant: what it is for, and of those of which there are several, which.
struct InstanceDisk {
    enum class Role {
        Root,
        Rescue,      ///< booted from in the place of the root disk
        ConfigDrive, ///< what cloud-init reads, as a CD; the guest can't write to it
        ConfigDisk,  ///< the same as a disk, in its place
        Swap,
        Ephemeral,
        Aside,   ///< the root disk as it was, until it is known whether it is wanted again
        Overlay, ///< what a guest writes while its root disk is copied
    };
    Role role = Role::Root;
    int number = 0; ///< of an ephemeral disk, 0 to ephemeralsMax - 1

    static constexpr int ephemeralsMax = 8;
};

/// What a new disk has in it.
enum class DiskFilling { Swap, Ext4, Vfat };

/// The store of guests' own disks on one host: base copies of images, and what stands on them or beside them. Every
/// verb ensures: it looks first, and may be called again after a crash. What has its name is whole. Called by several
/// threads at once; not by two for one server. Failures are Error(Broken), or Error(Busy) where the work was cancelled.
class InstanceDisks {
public:
    virtual ~InstanceDisks() = default;

    /// The copy of an image that root disks stand on, by the name that the store of the cloud gives it. `image` is
    /// asked for the image (which has been inspected) only where the copy is missing and nobody else makes it; what it
    /// throws goes through. Returns what size guests see the copy in.
    virtual Bytes ensureBase(const std::string& base, const std::function<DiskSource()>& image,
                             const Cancelled& cancelled) = 0;

    /// A disk on top of `base`, of `size` at least; one that is there stays as it is.
    virtual DiskSource ensureLayer(const ServerId& server, InstanceDisk disk, const std::string& base, Bytes size) = 0;

    /// A disk of that size with nothing in it but what it is filled with; one that is there stays as it is. `label`:
    /// the file system's.
    virtual DiskSource ensureBlank(const ServerId& server, InstanceDisk disk, Bytes size, DiskFilling filling,
                                   const std::string& label) = 0;

    /// A disk of these bytes, in the place of one that is there.
    virtual DiskSource put(const ServerId& server, InstanceDisk disk, const std::string& bytes) = 0;

    /// The disk that is there; nothing where there is none.
    virtual std::optional<DiskSource> find(const ServerId& server, InstanceDisk disk) = 0;

    /// The same. Error(Broken) where there is none: to make an empty one now would hide that its bytes are lost.
    DiskSource have(const ServerId& server, InstanceDisk disk) {
        if (auto there = find(server, disk)) return *std::move(there);
        throw Error(Failure::Broken, "server ", server, " has lost a disk of its own");
    }

    virtual void remove(const ServerId& server, InstanceDisk disk) = 0;

    // Of the root disk of a guest that is off.
    virtual void grow(const ServerId& server, Bytes size) = 0;                     ///< to that size at least
    virtual void setAside(const ServerId& server, const Cancelled& cancelled) = 0; ///< a copy, as Aside
    virtual void
    takeBack(const ServerId& server) = 0; ///< what was set aside, in its place; nothing where there is none

    /// An empty disk of its size on top of the root disk, which a guest that runs is to write to meanwhile.
    virtual DiskSource ensureOverlay(const ServerId& server) = 0;

    /// Of a guest that is off: what the overlay has goes into the root disk, and the overlay goes. Nothing where there
    /// is none.
    virtual void foldOverlay(const ServerId& server, const Cancelled& cancelled) = 0;

    /// What the root disk has, as a guest sees it, as a raw file with holes, in the place of one that is there. What
    /// the guest writes meanwhile goes to an overlay, or it is off.
    virtual void save(const ServerId& server, const std::filesystem::path& file, const Cancelled& cancelled) = 0;

    /// All that the server has here is gone.
    virtual void discard(const ServerId& server) = 0;

    /// Servers that have something here.
    virtual std::vector<ServerId> present() = 0;

    /// Removes the base copies that `used` says no to, but for those that somebody makes now. Returns their names.
    virtual std::vector<std::string> removeBases(const std::function<bool(const std::string& base)>& used) = 0;

    virtual Bytes capacity() = 0; ///< of the place that the disks are in
};

}
