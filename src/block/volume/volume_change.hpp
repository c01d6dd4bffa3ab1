#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block/scheduler/scheduler.hpp"
#include "block/volume/volume_service.hpp"

namespace stratolet::block {

/// What a volume is made an image with.
struct WantedImage {
    image::NewImage image;
    bool alsoInUse = false; ///< "force"
};

/// An image that is being made of a volume.
struct MadeImage {
    Volume volume;
    ImageId image;
};

/// What lies in a back end and is to become a volume.
struct NewManaged {
    std::string host; ///< "host@backend#pool"
    std::string reference;
    std::optional<std::string> name, description;
    std::string type;
    Metadata metadata;
    bool bootable = false;
};

/// Something in a back end, and the volume or snapshot of the cloud that it is already; empty: none.
struct Found {
    Manageable thing;
    std::string id;
};

/// The verbs that give a volume other bytes, another place or another master: who may, what must hold, one transaction
/// each; jobs do it (volume_change_jobs.hpp). `rule` is the action's own. Owned by the module; any thread.
class VolumeChanges {
public:
    VolumeChanges(Parts parts, VolumeWork& work, Scheduler& scheduler, VolumeQuotas& quotas, const VolumeTypes& types,
                  Volumes& volumes, Secrets& secrets)
        : parts_(parts),
          work_(work),
          scheduler_(scheduler),
          quotas_(quotas),
          types_(types),
          volumes_(volumes),
          secrets_(secrets) {}

    /// To its newest snapshot, which the caller names.
    void revert(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                const SnapshotId& snapshot);

    MadeImage upload(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                     const WantedImage& wanted);

    /// `alsoReserved`: a server is being rebuilt from it.
    void reimage(const identity::Caller& caller, const VolumeId& volume, const ImageId& image, bool alsoReserved);
    /// The same as a part of another change, which has seen to it that nobody writes to the volume.
    void beginReimage(store::Transaction& tx, const identity::Caller& caller, Volume volume, const ImageId& image);

    /// By who has made a volume larger in the cloud's place. Nobody does here: always Error(Invalid).
    void completeExtension(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);

    /// To another pool. `lock`: nothing else may be done with an available volume meanwhile.
    void migrate(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, const std::string& host,
                 bool lock);
    /// By who moves volumes in the cloud's place: the volume that stays.
    VolumeId completeMigration(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                               const VolumeId& made, bool failed);

    /// `mayMove`: to where the type wants it, if that isn't where it is.
    void retype(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, const std::string& type,
                bool mayMove);

    /// By the rule of the route. Ask drivers.
    VolumeView manage(const identity::Caller& caller, const NewManaged& wanted);
    std::vector<Found> manageableVolumes(const identity::Caller& caller, const std::string& host);
    std::vector<Found> manageableSnapshots(const identity::Caller& caller, const std::string& host);
    void unmanage(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);

private:
    VolumeDriver& driverAt(const std::string& host) const;
    void move(store::Transaction& tx, const identity::Caller& caller, Volume volume, std::string_view why);
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
    Scheduler& scheduler_;
    VolumeQuotas& quotas_;
    const VolumeTypes& types_;
    Volumes& volumes_;
    Secrets& secrets_;
};

}
