#include "block/api.hpp"
#include "block/attachment/attachment_service.hpp"
#include "block/backends.hpp"
#include "block/block.hpp"
#include "block/snapshot/snapshot_jobs.hpp"
#include "block/snapshot/snapshot_query.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/volume/volume_jobs.hpp"
#include "block/volume/volume_query.hpp"
#include "block/volume/volume_service.hpp"
#include "block/wire.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/config/config.hpp"
#include "platform/jobs/jobs.hpp"
#include "platform/policy/policy.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "platform/resources.hpp"

namespace stratolet::block {
namespace {

Attachment faceOf(const VolumeAttachment& attachment) {
    return {attachment.id, attachment.volume, attachment.server, attachment.device.value_or(""),
            attachment.attached.value_or(attachment.created)};
}

/// The nouns whose lists are filtered, as "resource_filters" tells of them.
std::span<const ListNoun> listNouns() {
    static const std::array nouns{volumeLists(), snapshotLists()};
    return nouns;
}

}

std::vector<ConfigOption> configOptions() {
    constexpr std::int64_t most = 2147483647;
    return {
        {"block", "backends", "file", {"names of back ends, several with commas", backendsComplaint}},
        {"backend *", "driver", "file", oneOf({"file"})},
        {"backend *", "format", "qcow2", oneOf({"qcow2", "raw"})},
        {"backend *", "folder", "", orNothing(folderName())},
        {"block", "quota_volumes", "10", wholeNumber(-1, most)},
        {"block", "quota_gigabytes", "1000", wholeNumber(-1, most)},
        {"block", "quota_per_volume_gigabytes", "-1", wholeNumber(-1, most)},
        {"block", "quota_snapshots", "10", wholeNumber(-1, most)},
        {"block", "no_snapshot_gb_quota", "false", trueOrFalse()},
    };
}

struct Block::Impl {
    Impl(Parts given, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, image::Images& images,
         identity::Identity& itsIdentity)
        : parts(given),
          identity(itsIdentity),
          backends(drivers, given.cloud.host),
          work(given, backends, images),
          quotas(given),
          volumes(given, work, quotas, images),
          snapshots(given, work, quotas),
          attachments(given),
          snapshotJobs(work),
          jobs(given, work, snapshotJobs) {}

    Parts parts;
    identity::Identity& identity;
    Backends backends;
    VolumeWork work;
    VolumeQuotas quotas;
    Volumes volumes;
    Snapshots snapshots;
    Attachments attachments;
    SnapshotJobs snapshotJobs;
    VolumeJobs jobs;
};

Block::Block(Parts parts, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, image::Images& images,
             identity::Identity& identity)
    : impl_(std::make_unique<Impl>(parts, drivers, images, identity)) {
    parts.policies.add("block-storage", policyDefaults("block-storage"));
    impl_->snapshotJobs.declare();
    impl_->jobs.declare();
    parts.reconciler.declare("block", [&jobs = impl_->jobs] { jobs.reconcile(); });
}

Block::~Block() = default;

void Block::bootstrap() { impl_->volumes.bootstrap(); }

void Block::useLiveDisks(LiveDisks& disks) { impl_->work.live = &disks; }

http::Site Block::site() {
    auto& [parts, itsIdentity, backends, work, quotas, volumes, snapshots, attachments, snapshotJobs, jobs] = *impl_;
    http::Site site;
    site.name = "block-storage";
    site.prefix = "/volume";
    site.classicPort = 8776;
    for (auto&& each : {volumeRoutes(volumes), volumeActionRoutes(volumes, attachments), snapshotRoutes(snapshots),
                        attachmentRoutes(attachments), resourceFilterRoutes(listNouns()), quotaRoutes(quotas),
                        infoRoutes(), typeRoutes(parts.store), backendRoutes(parts, backends)})
        site.routes.insert(site.routes.end(), each.begin(), each.end());
    site.gate = gate;
    site.refuse = refusal;
    site.noRoute = noRoute;
    site.finish = finish;
    itsIdentity.protect(site);
    return site;
}

std::optional<VolumeFacts> Block::find(store::Reader& db, const ProjectId& project, const VolumeId& id) {
    const auto volume = impl_->volumes.find(db, project, id);
    if (!volume) return std::nullopt;
    return VolumeFacts{volume->id,   volume->project, volume->name.value_or(""), std::string(nameOf(volume->status)),
                       volume->size, volume->bootable};
}

Attachment Block::reserve(store::Transaction& tx, const ProjectId& project, const VolumeId& volume,
                          const ServerId& server, const std::string& device) {
    return faceOf(impl_->attachments.reserveFor(tx, project, volume, server, device));
}

DiskSource Block::source(const VolumeId& volume) { return impl_->volumes.source(volume); }

std::string Block::secret(const SecretId& secret) {
    for (auto* each : impl_->backends.all())
        if (auto says = each->secret(secret); !says.empty()) return says;
    return {};
}

void Block::attached(store::Transaction& tx, const AttachmentId& attachment) {
    impl_->attachments.attached(tx, attachment);
}
void Block::detaching(store::Transaction& tx, const AttachmentId& attachment) {
    impl_->attachments.detaching(tx, attachment);
}
void Block::stillAttached(store::Transaction& tx, const AttachmentId& attachment) {
    impl_->attachments.stillAttached(tx, attachment);
}
void Block::released(store::Transaction& tx, const AttachmentId& attachment) {
    impl_->attachments.released(tx, attachment);
}

std::vector<Attachment> Block::madeByCompute(store::Reader& db, const ServerId& server) {
    auto found = madeByCompute(db, std::vector{server.text});
    return store::takeOf(found, server.text);
}

store::ByOwner<Attachment> Block::madeByCompute(store::Reader& db, const std::vector<std::string>& servers) {
    store::ByOwner<Attachment> found;
    for (const auto& each : impl_->attachments.madeByCompute(db, servers))
        found[each.server.text].push_back(faceOf(each));
    return found;
}

}
