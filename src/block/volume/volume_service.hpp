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
    GiB size;
    std::string type;  ///< id or name; empty is the default
    std::string image; ///< id, link or name of the image to fill it from; empty: none
    VolumeId source;   ///< a volume to copy: not built, so refused once it is known to exist
    Metadata metadata;
    std::string zone; ///< empty: any
    Hints hints;      ///< beside which volumes it is to be, or not
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
    Volumes(Parts parts, VolumeWork& work, Scheduler& scheduler, VolumeQuotas& quotas, const VolumeTypes& types,
            image::Images& images)
        : parts_(parts),
          work_(work),
          backends_(work.backends),
          scheduler_(scheduler),
          quotas_(quotas),
          types_(types),
          images_(images) {}

    void bootstrap(); ///< volumes of a version that knew one back end

    Volume create(const identity::Caller& caller, const NewVolume& wanted);
    VolumeView show(const identity::Caller& caller, const VolumeId& volume);
    ListPage<VolumeView> list(const identity::Caller& caller, ListQuery query);
    struct Summary {
        std::int64_t count = 0, gigabytes = 0;
        std::vector<std::pair<std::string, std::string>> metadata;
    };
    Summary summary(const identity::Caller& caller, ListQuery query);
    VolumeView rename(const identity::Caller& caller, const VolumeId& volume,
                      const std::function<void(Volume&)>& amend);
    void remove(const identity::Caller& caller, const VolumeId& volume, bool force);

    Metadata metadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeMetadata(const identity::Caller& caller, const VolumeId& volume,
                            const std::function<void(Metadata&)>& amend);
    Metadata imageMetadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeImageMetadata(const identity::Caller& caller, const VolumeId& volume,
                                 const std::function<void(Metadata&)>& amend);

    // Actions; `rule` is the action's own.
    /// `alsoInUse`: the caller's version (3.42) knows that a volume can grow under a guest, which then hears of it.
    void extend(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, GiB size,
                bool alsoInUse);
    void resetStatus(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                     VolumeStatus status);
    void forceRemove(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void setBootable(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool bootable);
    void setReadOnly(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool readOnly);

    // For compute; see block.hpp.
    std::optional<Volume> find(store::Reader& db, const ProjectId& project, const VolumeId& volume);
    DiskSource source(const VolumeId& volume);

private:
    Volume keepUnplaced(store::Transaction& tx, const identity::Caller& caller, const Volume& wanted);
    void startRemoval(store::Transaction& tx, const Volume& volume, bool force);
    ImageId imageNamed(const identity::Caller& caller, const std::string& reference);
    Metadata factsOf(const identity::Caller& caller, const ImageId& image, GiB size);
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
    const Backends& backends_;
    Scheduler& scheduler_;
    VolumeQuotas& quotas_;
    const VolumeTypes& types_;
    image::Images& images_;
};

}
