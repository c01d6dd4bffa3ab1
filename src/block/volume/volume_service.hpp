#pragma once

#include <stratolet/disk.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "block/attachment/attachment.hpp"
#include "block/backends.hpp"
#include "block/list/list.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/scheduler/scheduler.hpp"
#include "block/secret/secret.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/type/type_service.hpp"
#include "block/volume/volume.hpp"
#include "block/volume/volume_work.hpp"
#include "identity/caller.hpp"
#include "image/image.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The volume that a request wants.
struct NewVolume {
    std::optional<std::string> name, description;
    std::optional<GiB> size; ///< nothing: as large as what it is made from
    std::string type;        ///< id or name; empty is the default
    std::string image;       ///< id, link or name of the image to fill it from; empty: none
    VolumeId source;         ///< a volume to copy
    SnapshotId snapshot;     ///< a snapshot to have the bytes of
    BackupId backup;         ///< to fill it from; empty: none
    Metadata metadata;
    std::string group;        ///< id of the group that it is to be in; empty: none
    std::string zone;         ///< empty: any
    bool multiattach = false; ///< whatever its type says: older clients ask for it so
    Hints hints;              ///< beside which volumes it is to be, or not
};

/// A volume and who has it.
struct VolumeView {
    Volume volume;
    std::vector<VolumeAttachment> attachments;
};

/// The verbs of volumes: who may (by the rule of the route, unless they say another), what must hold, one transaction
/// each. What takes time is enqueued (volume_jobs.hpp). Owned by the module; any thread. Error(NotFound) for a volume
/// that the caller can't see.
class Volumes {
public:
    Volumes(Parts parts, VolumeWork& work, Snapshots& snapshots, Scheduler& scheduler, VolumeQuotas& quotas,
            const VolumeTypes& types, Secrets& secrets, image::Images& images)
        : parts_(parts),
          work_(work),
          snapshots_(snapshots),
          backends_(work.backends),
          scheduler_(scheduler),
          quotas_(quotas),
          types_(types),
          secrets_(secrets),
          images_(images) {}

    void bootstrap(); ///< volumes of a version that knew one back end

    /// What has a new volume, whose row is there, filled from a backup. Set once, before requests come.
    std::function<void(store::Transaction&, const identity::Caller&, const BackupId&, Volume&)> fillFromBackup;

    Volume create(const identity::Caller& caller, const NewVolume& wanted);
    /// The same as a part of another change. The rule of creating has been asked.
    Volume createIn(store::Transaction& tx, const identity::Caller& caller, const NewVolume& wanted);
    VolumeView show(const identity::Caller& caller, const VolumeId& volume);
    ListPage<VolumeView> list(const identity::Caller& caller, ListQuery query);
    struct Summary {
        std::int64_t count = 0, gigabytes = 0;
        std::vector<std::pair<std::string, std::string>> metadata;
    };
    Summary summary(const identity::Caller& caller, ListQuery query);
    VolumeView rename(const identity::Caller& caller, const VolumeId& volume,
                      const std::function<void(Volume&)>& amend);
    /// `cascade`: its snapshots go with it.
    void remove(const identity::Caller& caller, const VolumeId& volume, bool cascade, bool force);

    /// With its group, as a part of that change. The rule has been asked.
    void removeOfGroup(store::Transaction& tx, Volume volume);

    /// With the server that it was made for. False where it stays, since it has snapshots, or somebody else has it.
    bool removeOfServer(store::Transaction& tx, const VolumeId& volume);

    Metadata metadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeMetadata(const identity::Caller& caller, const VolumeId& volume,
                            const std::function<void(Metadata&)>& amend);
    Metadata imageMetadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeImageMetadata(const identity::Caller& caller, const VolumeId& volume,
                                 const std::function<void(Metadata&)>& amend);

    /// What the image says of itself, once it is certain that a volume of this size can be made from it.
    Metadata factsOf(const identity::Caller& caller, const ImageId& image, GiB size);

    void emptyBin(); ///< of what has been there for as long as it is kept; now and then

    // Actions; `rule` is the action's own.
    /// `alsoInUse`: the caller's version (3.42) knows that a volume can grow under a guest, which then hears of it.
    void extend(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, GiB size,
                bool alsoInUse);
    void resetStatus(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                     VolumeStatus status);
    /// Out of the recycle bin.
    void undelete(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void forceRemove(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void setBootable(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool bootable);
    void setReadOnly(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool readOnly);

    // For compute; see block.hpp.
    std::optional<Volume> find(store::Reader& db, const ProjectId& project, const VolumeId& volume);
    DiskSource source(const VolumeId& volume);

private:
    void startRemoval(store::Transaction& tx, Volume volume, bool cascade, bool force);
    void seal(store::Transaction& tx, Volume& volume, bool copied, bool restored);
    void takeFrom(store::Transaction& tx, const identity::Caller& caller, const NewVolume& wanted, Volume& volume);
    void joinGroup(store::Reader& db, const identity::Caller& caller, const NewVolume& wanted, Volume& volume) const;
    Volume planned(const identity::Caller& caller, const NewVolume& wanted);
    Volume finish(store::Transaction& tx, const identity::Caller& caller, const NewVolume& wanted, Volume volume);
    Volume keepUnplaced(store::Transaction& tx, const identity::Caller& caller, const Volume& wanted, Wrong why);
    ImageId imageNamed(const identity::Caller& caller, const std::string& reference);
    std::chrono::seconds retention() const; ///< 0: what is deleted is gone
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
    Snapshots& snapshots_;
    const Backends& backends_;
    Scheduler& scheduler_;
    VolumeQuotas& quotas_;
    const VolumeTypes& types_;
    Secrets& secrets_;
    image::Images& images_;
};

}
