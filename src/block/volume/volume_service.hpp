#pragma once

#include <stratolet/driver/volume.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "block/backends.hpp"
#include "block/block.hpp"
#include "block/volume/volume.hpp"
#include "block/volume/volume_table.hpp"
#include "identity/caller.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/quota/quota.hpp"

namespace stratolet::block {

struct NewVolume {
    std::optional<std::string> name, description;
    GiB size;
    std::string type;  ///< id or name; empty is the default
    std::string image; ///< id, link or name of the image to fill it from; empty: none
    VolumeId source;   ///< a volume to copy: not built, so refused once it is known to exist
    Metadata metadata;
};

struct VolumeQuery {
    store::Conditions conditions;
    bool allProjects = false;
    std::vector<store::SortKey> order;
    VolumeId marker;
    std::int64_t limit = 1000, offset = 0;
    bool counted = false; ///< how many there are on all pages is wanted too: that looks at all of them
};

/// A volume and who has it.
struct VolumeView {
    Volume volume;
    std::vector<VolumeAttachment> attachments;
};

/// The verbs: who may (by the rule of the route, unless they say another), what must hold, one transaction each.
class VolumeService {
public:
    VolumeService(Parts parts, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, image::Images& images);

    void bootstrap(); ///< volumes of a version that knew one back end

    Volume create(const identity::Caller& caller, const NewVolume& wanted);
    VolumeView show(const identity::Caller& caller, const VolumeId& volume);
    struct Page {
        std::vector<VolumeView> volumes;
        std::int64_t count = 0; ///< on all pages, where that was wanted
    };
    Page list(const identity::Caller& caller, VolumeQuery query);
    struct Summary {
        std::int64_t count = 0, gigabytes = 0;
        std::vector<std::pair<std::string, std::string>> metadata;
    };
    Summary summary(const identity::Caller& caller, VolumeQuery query);
    VolumeView rename(const identity::Caller& caller, const VolumeId& volume, const std::function<void(Volume&)>& amend);
    void remove(const identity::Caller& caller, const VolumeId& volume, bool force);

    Metadata metadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeMetadata(const identity::Caller& caller, const VolumeId& volume, const std::function<void(Metadata&)>& amend);
    Metadata imageMetadata(const identity::Caller& caller, const VolumeId& volume);
    Metadata changeImageMetadata(const identity::Caller& caller, const VolumeId& volume, const std::function<void(Metadata&)>& amend);

    // Actions; `rule` is the action's own.
    /// `alsoInUse`: the caller's version (3.42) knows that a volume can grow under a guest, which then hears of it.
    void extend(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, GiB size, bool alsoInUse);
    void resetStatus(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, VolumeStatus status);
    void forceRemove(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void setBootable(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool bootable);
    void setReadOnly(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, bool readOnly);
    void reserve(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void unreserve(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void beginDetaching(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void rollDetaching(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void attach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, VolumeAttachment wanted);
    void detach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, const AttachmentId& attachment);

    void forceDetach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, const AttachmentId& attachment);

    // The attachments API.
    VolumeAttachment createAttachment(const identity::Caller& caller, VolumeAttachment wanted);
    VolumeAttachment attachment(const identity::Caller& caller, const AttachmentId& attachment);
    std::vector<VolumeAttachment> attachments(const identity::Caller& caller, store::Conditions conditions, bool allProjects,
                                              std::int64_t limit);
    void completeAttachment(const identity::Caller& caller, const AttachmentId& attachment);
    std::vector<VolumeAttachment> removeAttachment(const identity::Caller& caller,
                                                   const AttachmentId& attachment); ///< what the volume has left

    std::vector<VolumeType> types(const identity::Caller& caller);
    VolumeType type(const identity::Caller& caller, const std::string& idOrName);

    // Quotas.
    const Quotas& quotas() const { return quotas_; }
    struct Usage {
        std::string resource;
        std::int64_t limit, used;
    };
    std::vector<Usage> usage(const ProjectId& project);
    void setQuotas(const identity::Caller& caller, const ProjectId& project,
                   const std::vector<std::pair<std::string, std::int64_t>>& limits);
    void resetQuotas(const identity::Caller& caller, const ProjectId& project);

    std::vector<Share> shares(const identity::Caller& caller, const std::string& backend); ///< of "host@backend"; all together first

    const Backends& backends() const { return backends_; }
    const std::string& hostName() const { return parts_.cloud.host; }
    Time now() const { return parts_.ambient.now(); }

    // For compute, in its own transactions; see block.hpp.
    std::optional<Volume> find(store::Reader& db, const ProjectId& project, const VolumeId& volume);
    VolumeAttachment reserveFor(store::Transaction& tx, const ProjectId& project, const VolumeId& volume, const ServerId& server,
                                const std::string& device);
    void attached(store::Transaction& tx, const AttachmentId& attachment);
    void detaching(store::Transaction& tx, const AttachmentId& attachment);
    void stillAttached(store::Transaction& tx, const AttachmentId& attachment);
    void released(store::Transaction& tx, const AttachmentId& attachment);
    std::vector<VolumeAttachment> madeByCompute(store::Reader& db, const std::vector<std::string>& servers);
    DiskSource source(const VolumeId& volume);

    void declareJobs();
    void reconcile();

private:
    Volume visible(store::Reader& db, const identity::Caller& caller, const VolumeId& volume);
    Volume permitted(store::Reader& db, const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void startRemoval(store::Transaction& tx, const Volume& volume, bool force);
    void release(store::Transaction& tx, const VolumeAttachment& attachment);
    void endExtension(store::Transaction& tx, const VolumeId& volume, bool grown);
    void restrict(store::Conditions& conditions, const identity::Caller& caller, bool allProjects, const std::string& column);
    ImageId imageNamed(const identity::Caller& caller, const std::string& reference);
    Metadata factsOf(const identity::Caller& caller, const ImageId& image, GiB size);

    void reconcile(VolumeDriver& driver);

    Parts parts_;
    Backends backends_;
    image::Images& images_;
    VolumeTable table_;
    Quotas quotas_;
};

}
