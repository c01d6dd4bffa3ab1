#pragma once

#include <string>
#include <vector>

#include "block/attachment/attachment.hpp"
#include "block/volume/volume_work.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"
#include "platform/store/store.hpp"

namespace stratolet::block {

/// The verbs by which a volume is had: by the volume's actions, by the attachments API, and by compute. Who may, what
/// must hold, one transaction each. Only what connects asks a driver, outside of it. Owned by the module; any thread.
class Attachments {
public:
    Attachments(Parts parts, VolumeWork& work) : parts_(parts), work_(work) {}

    // The volume's actions; `rule` is the action's own.
    void reserve(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void unreserve(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void beginDetaching(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void rollDetaching(const identity::Caller& caller, std::string_view rule, const VolumeId& volume);
    void attach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume, VolumeAttachment wanted);
    void detach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                const AttachmentId& attachment);
    void forceDetach(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                     const AttachmentId& attachment);

    /// How the connector reaches the volume, without an attachment that says so; and that it needn't any more.
    std::string initialize(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                           const std::string& connector);
    void terminate(const identity::Caller& caller, std::string_view rule, const VolumeId& volume,
                   const std::string& connector);

    // The attachments API, by the rule of the route. Error(NotFound) for one whose volume the caller can't see.
    /// With a connector it is connected at once.
    VolumeAttachment create(const identity::Caller& caller, VolumeAttachment wanted);
    VolumeAttachment update(const identity::Caller& caller, const AttachmentId& attachment,
                            const std::string& connector);
    VolumeAttachment show(const identity::Caller& caller, const AttachmentId& attachment);
    std::vector<VolumeAttachment> list(const identity::Caller& caller, store::Conditions conditions, bool allProjects,
                                       std::int64_t limit);
    void complete(const identity::Caller& caller, const AttachmentId& attachment);
    std::vector<VolumeAttachment> remove(const identity::Caller& caller,
                                         const AttachmentId& attachment); ///< what the volume has left

    // For compute, in its own transactions; see block.hpp.
    VolumeAttachment reserveFor(store::Transaction& tx, const ProjectId& project, const VolumeId& volume,
                                const ServerId& server, const std::string& device);
    void attached(store::Transaction& tx, const AttachmentId& attachment);
    void detaching(store::Transaction& tx, const AttachmentId& attachment);
    void stillAttached(store::Transaction& tx, const AttachmentId& attachment);
    void released(store::Transaction& tx, const AttachmentId& attachment);
    std::vector<VolumeAttachment> madeByCompute(store::Reader& db, const std::vector<std::string>& servers);

private:
    struct Held {
        VolumeAttachment attachment;
        Volume volume;
    };
    Held permitted(store::Reader& db, const identity::Caller& caller, const AttachmentId& attachment);
    VolumeAttachment connected(const AttachmentId& attachment, const std::string& connector);
    void release(store::Transaction& tx, const VolumeAttachment& attachment);
    void requireFree(store::Transaction& tx, const Volume& volume, std::string_view what) const;
    void settle(store::Transaction& tx, const VolumeId& volume);
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
};

}
