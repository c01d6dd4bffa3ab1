#pragma once

#include <stratolet/disk.hpp>
#include <stratolet/driver/backup_store.hpp>
#include <stratolet/driver/volume.hpp>
#include <stratolet/ids.hpp>
#include <stratolet/sizes.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "identity/identity.hpp"
#include "image/image.hpp"
#include "platform/bus/bus.hpp"
#include "platform/config/config.hpp"
#include "platform/http/http.hpp"
#include "platform/parts.hpp"
#include "platform/store/many.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

// What block announces.
struct VolumeDeleted {
    static constexpr std::string_view name = "block.volume.deleted";
    VolumeId volume;
    ProjectId project;
    auto fields() { return std::tuple(bus::Field("volume", volume), bus::Field("project", project)); }
};

/// A volume has become larger while compute had it attached to `server`.
struct VolumeExtended {
    static constexpr std::string_view name = "block.volume.extended";
    VolumeId volume;
    ServerId server;
    auto fields() { return std::tuple(bus::Field("volume", volume), bus::Field("server", server)); }
};

/// What other services may know of a volume.
struct VolumeFacts {
    VolumeId id;
    ProjectId project;
    std::string name;
    std::string status; ///< the API's word: "available", "in-use", …
    GiB size;
    bool bootable = false;
    std::size_t attachments = 0;                      ///< by whomever
    std::map<std::string, std::string> imageMetadata; ///< what is remembered of the image that it was made from

    ImageId image() const; ///< that it was made from; empty: from none
};

/// What other services may know of a snapshot.
struct SnapshotFacts {
    SnapshotId id;
    VolumeId volume;
    std::string status; ///< the API's word
    GiB size;
};

/// A volume that another service wants in a user's name.
struct VolumeOrder {
    std::optional<std::string> name;
    std::optional<GiB> size; ///< nothing: as large as the snapshot
    ImageId image = {};      ///< to fill it from, or
    SnapshotId snapshot = {};
    std::string type = {}; ///< id or name; empty: the default
};

/// A volume's tie to a server. Reserved with the server's own change, made real by compute's job, so the two can't
/// disagree.
struct Attachment {
    AttachmentId id;
    VolumeId volume;
    ServerId server;
    std::string device; ///< "/dev/vdb"
    Time attached;
};

/// [block] and [backend NAME]: quota_volumes, quota_gigabytes and quota_per_volume_gigabytes are the quotas of a
/// project that has none of its own; -1 is unlimited.
std::vector<ConfigOption> configOptions();

/// The block storage service.
class Block {
public:
    /// `drivers` are the back ends, at least one; the first is where volumes go as long as it has room.
    /// `backups`: where those lie.
    Block(Parts parts, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, BackupStore& backups,
          image::Images& images, identity::Identity& identity);
    ~Block();

    /// Before the reconciler and jobs start.
    void bootstrap();

    /// The disks of guests that run: who changes the bytes of a volume in use asks there. Before jobs start; lives as
    /// long as they do.
    void useLiveDisks(LiveDisks& disks);

    http::Site site();

    std::optional<VolumeFacts> find(store::Reader& db, const ProjectId& project, const VolumeId& volume);
    std::optional<SnapshotFacts> findSnapshot(store::Reader& db, const ProjectId& project, const SnapshotId& snapshot);

    // What follows is asked in a user's name, in the transaction of the change that wants it: the rules and quotas of
    // block storage hold as if the user had asked here. What is made is there a while later: its status says so.

    /// Before a transaction that orders volumes: how full the back ends are. Waits for them, each within its limit.
    void refreshPools();
    VolumeId createVolume(store::Transaction& tx, const identity::Caller& caller, const VolumeOrder& wanted);
    SnapshotId createSnapshot(store::Transaction& tx, const identity::Caller& caller, const VolumeId& volume,
                              const std::string& name); ///< also while a guest writes to the volume
    /// What the volume has is that image's from now on. The caller has it attached, and its guest is off.
    void reimage(store::Transaction& tx, const identity::Caller& caller, const VolumeId& volume, const ImageId& image);

    /// A volume goes with its server. One that has snapshots, or that somebody else has, stays, and the log says so.
    void removeVolume(store::Transaction& tx, const VolumeId& volume);

    /// available → attaching. Error(NotFound) for a volume the project doesn't have, Error(Invalid) for one that isn't
    /// available.
    Attachment reserve(store::Transaction& tx, const ProjectId& project, const VolumeId& volume, const ServerId& server,
                       const std::string& device);

    /// Where a guest on this host reaches the volume (a job's step asks).
    DiskSource source(const VolumeId& volume);

    /// What a secret says that source() has named; empty for any other. For who drives the guest's host.
    std::string secret(const SecretId& secret);

    /// What the guest's host holds the volume to, by libvirt's words for iotune ("total_iops_sec"); none where its type
    /// has no QoS specs, or only the back end minds them.
    std::map<std::string, std::int64_t> limits(store::Reader& db, const VolumeId& volume);

    void attached(store::Transaction& tx, const AttachmentId& attachment); ///< attaching → in-use
    void detaching(store::Transaction& tx,
                   const AttachmentId& attachment); ///< in-use → detaching; Error(Invalid) from any other state
    void stillAttached(store::Transaction& tx,
                       const AttachmentId& attachment); ///< detaching → in-use: it could not be detached
    void released(store::Transaction& tx,
                  const AttachmentId& attachment); ///< → available, the attachment is gone; twice is harmless

    /// What compute itself reserved for the server, oldest first, whatever its state. The block storage API's own
    /// records of the server are not among them: anybody may write those, and a guest's disks are compute's matter
    /// alone (CVE-2023-2088).
    std::vector<Attachment> madeByCompute(store::Reader& db, const ServerId& server);

    /// The same of many servers by their ids, in one statement.
    store::ByOwner<Attachment> madeByCompute(store::Reader& db, const std::vector<std::string>& servers);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
