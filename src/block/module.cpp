#include <cmath>
#include <cstdlib>

#include "block/api.hpp"
#include "block/attachment/attachment_service.hpp"
#include "block/attachment/attachment_table.hpp"
#include "block/attachment/connection.hpp"
#include "block/backends.hpp"
#include "block/backup/backup_jobs.hpp"
#include "block/backup/backup_lists.hpp"
#include "block/backup/backup_service.hpp"
#include "block/block.hpp"
#include "block/group/group_service.hpp"
#include "block/message/message_query.hpp"
#include "block/metrics.hpp"
#include "block/qos/qos.hpp"
#include "block/scheduler/scheduler.hpp"
#include "block/services.hpp"
#include "block/snapshot/snapshot_jobs.hpp"
#include "block/snapshot/snapshot_query.hpp"
#include "block/snapshot/snapshot_service.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/transfer/transfer.hpp"
#include "block/type/encryption_service.hpp"
#include "block/type/type_query.hpp"
#include "block/type/type_service.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_change.hpp"
#include "block/volume/volume_change_jobs.hpp"
#include "block/volume/volume_jobs.hpp"
#include "block/volume/volume_query.hpp"
#include "block/volume/volume_service.hpp"
#include "block/volume/volume_table.hpp"
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
    static const std::array nouns{volumeLists(),  snapshotLists(), backupLists(),       typeLists(),
                                  messageLists(), groupLists(),    groupSnapshotLists()};
    return nouns;
}

/// A decimal number from 1 on: what is promised of a thin back end for each gigabyte that it has.
ConfigType ratio() {
    return {"a number of 1 or more, like 20.0", [](const std::string& option) {
                char* end = nullptr;
                const double number = std::strtod(option.c_str(), &end);
                const bool whole = !option.empty() && *end == '\0' && std::isfinite(number);
                return whole && number >= 1 ? std::string() : std::string("it must be a number of 1 or more");
            }};
}

/// The same with a log of its own.
Parts with(const Parts& parts, Log& log) {
    return {parts.store,  parts.jobs,    parts.bus, parts.reconciler, parts.policies,
            parts.config, parts.ambient, log,       parts.metrics,    parts.cloud};
}

}

std::vector<ConfigOption> configOptions() {
    constexpr std::int64_t most = 2147483647;
    return {
        {"block", "backends", "file", {"names of back ends, several with commas", backendsComplaint}},
        {"backend *", "driver", "file", oneOf({"file", "lvm", "nfs", "iscsi"})},
        {"backend *", "format", "qcow2", oneOf({"qcow2", "raw"})},
        {"backend *", "volume_group", "", orNothing(plainName())},
        {"backend *", "thin_pool", "stratolet", plainName()},
        {"backend *", "lvm_type", "thin", oneOf({"thin", "thick"})},
        {"backend *", "share", "", anyText()},
        {"backend *", "mount_options", "vers=4.2,hard,timeo=600", anyText()},
        {"backend *", "iscsi_address", "127.0.0.1", anyText()},
        {"backend *", "iscsi_port", "3260", wholeNumber(1, 65535)},
        {"backend *", "tgt_control_port", "0", wholeNumber(0, 32767)},
        {"backend *", "export", "remote", oneOf({"remote", "always"})},
        {"backend *", "folder", "", orNothing(folderName())},
        {"backend *", "max_over_subscription_ratio", "20.0", ratio()},
        {"backend *", "reserved_percentage", "0", wholeNumber(0, 100)},
        {"block", "default_volume_type", std::string(firstType), anyText()},
        {"block", "default_group_type", "", anyText()},
        {"block", "quota_volumes", "10", wholeNumber(-1, most)},
        {"block", "quota_gigabytes", "1000", wholeNumber(-1, most)},
        {"block", "quota_per_volume_gigabytes", "-1", wholeNumber(-1, most)},
        {"block", "quota_snapshots", "10", wholeNumber(-1, most)},
        {"block", "quota_backups", "10", wholeNumber(-1, most)},
        {"block", "quota_backup_gigabytes", "1000", wholeNumber(-1, most)},
        {"block", "quota_groups", "10", wholeNumber(-1, most)},
        {"block", "backup_folder", "", orNothing(folderName())},
        {"block", "no_snapshot_gb_quota", "false", trueOrFalse()},
        {"block", "delete_retention", "0", wholeNumber(0, 10 * 366 * 86400)},
    };
}

struct Block::Impl {
    Impl(Parts given, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, BackupStore& backupStore,
         image::Images& images, identity::Identity& itsIdentity)
        : parts(given),
          logs(given.log),
          identity(itsIdentity),
          backends(drivers, given.cloud.host),
          work(with(given, logs.volume), backends, images),
          quotas(given),
          secrets(given, itsIdentity),
          types(given, quotas, itsIdentity),
          encryptions(given, types),
          qos(given),
          scheduler(with(given, logs.scheduler), backends),
          transfers(with(given, logs.api), quotas),
          snapshots(given, work, quotas),
          volumes(given, work, snapshots, scheduler, quotas, types, secrets, images),
          changes(given, work, scheduler, quotas, types, volumes, secrets),
          groupTypes(given),
          groups(with(given, logs.volume), groupTypes, types, quotas, volumes, snapshots, GroupFace::Groups),
          consistencyGroups(given, groupTypes, types, quotas, volumes, snapshots, GroupFace::ConsistencyGroups),
          backups(given, work, volumes, quotas, secrets, backupStore),
          attachments(given, work),
          snapshotJobs(work),
          backupJobs(work, logs.backup, secrets, backupStore),
          jobs(with(given, logs.volume), work, secrets, snapshotJobs),
          changeJobs(work, jobs) {
        volumes.fillFromBackup = [this](store::Transaction& tx, const identity::Caller& caller, const BackupId& backup,
                                        Volume& volume) { backups.fill(tx, caller, backup, volume); };
    }

    /// The same person before the rules of block storage: what another service wants in a user's name is what the user
    /// may have from us.
    identity::Caller asked(const identity::Caller& caller) const {
        auto same = caller;
        same.policy = parts.policies.of("block-storage");
        return same;
    }

    Parts parts;
    ServiceLogs logs;
    identity::Identity& identity;
    Backends backends;
    VolumeWork work;
    VolumeQuotas quotas;
    Secrets secrets;
    VolumeTypes types;
    TypeEncryptions encryptions;
    QosSpecs qos;
    Scheduler scheduler;
    Transfers transfers;
    Snapshots snapshots;
    Volumes volumes;
    VolumeChanges changes;
    GroupTypes groupTypes;
    Groups groups, consistencyGroups;
    Backups backups;
    Attachments attachments;
    SnapshotJobs snapshotJobs;
    BackupJobs backupJobs;
    VolumeJobs jobs;
    VolumeChangeJobs changeJobs;
};

Block::Block(Parts parts, const std::vector<std::unique_ptr<VolumeDriver>>& drivers, BackupStore& backups,
             image::Images& images, identity::Identity& identity)
    : impl_(std::make_unique<Impl>(parts, drivers, backups, images, identity)) {
    parts.policies.add("block-storage", policyDefaults("block-storage"));
    impl_->snapshotJobs.declare();
    impl_->backupJobs.declare();
    impl_->changeJobs.declare();
    declareDisconnecting(impl_->work);
    declareMetrics(parts, identity, impl_->quotas, impl_->scheduler);
    impl_->jobs.declare();
    impl_->groups.declare();
    parts.bus.on<image::ImageDeleted>(
        "block.forget-image-secret",
        [&secrets = impl_->secrets](store::Transaction& tx, const image::ImageDeleted& event) {
            secrets.forget(tx, event.image);
        });
    parts.reconciler.declare("block-bin", [&volumes = impl_->volumes] { volumes.emptyBin(); });
    parts.reconciler.declare("block", [&jobs = impl_->jobs] { jobs.reconcile(); });
    parts.reconciler.declare("backups", [&jobs = impl_->backupJobs] { jobs.reconcile(); });
}

Block::~Block() = default;

void Block::bootstrap() { impl_->volumes.bootstrap(); }

void Block::useLiveDisks(LiveDisks& disks) { impl_->work.live = &disks; }

http::Site Block::site() {
    auto& [parts, logs, itsIdentity, backends, work, quotas, secrets, types, encryptions, qos, scheduler, transfers,
           snapshots, volumes, changes, groupTypes, groups, consistencyGroups, backups, attachments, snapshotJobs,
           backupJobs, jobs, changeJobs] = *impl_;
    http::Site site;
    site.name = "block-storage";
    site.prefix = "/volume";
    site.classicPort = 8776;
    for (auto&& each : {volumeRoutes(volumes),
                        volumeActionRoutes(volumes, changes, attachments),
                        manageRoutes(changes, snapshots),
                        snapshotRoutes(snapshots),
                        backupRoutes(backups),
                        attachmentRoutes(attachments),
                        resourceFilterRoutes(listNouns()),
                        quotaRoutes(quotas),
                        infoRoutes(),
                        clusterRoutes(),
                        typeRoutes(types),
                        encryptionRoutes(encryptions),
                        qosRoutes(qos),
                        messageRoutes(parts),
                        backendRoutes({parts, backends, scheduler, logs}),
                        serviceRoutes({parts, backends, scheduler, logs}),
                        transferRoutes(transfers),
                        groupTypeRoutes(groupTypes),
                        groupRoutes(groups),
                        consistencyGroupRoutes(consistencyGroups)})
        site.routes.insert(site.routes.end(), each.begin(), each.end());
    site.gate = gate;
    site.refuse = refusal;
    site.noRoute = noRoute;
    site.finish = finish;
    itsIdentity.protect(site);
    return site;
}

ImageId VolumeFacts::image() const {
    const auto found = imageMetadata.find("image_id");
    return found == imageMetadata.end() ? ImageId() : ImageId{found->second};
}

std::optional<VolumeFacts> Block::find(store::Reader& db, const ProjectId& project, const VolumeId& id) {
    const auto volume = impl_->volumes.find(db, project, id);
    if (!volume) return std::nullopt;
    return VolumeFacts{.id = volume->id,
                       .project = volume->project,
                       .name = volume->name.value_or(""),
                       .status = std::string(nameOf(volume->status)),
                       .size = volume->size,
                       .bootable = volume->bootable,
                       .attachments = attachment_table::of(db, id).size(),
                       .imageMetadata = volume->imageMetadata};
}

std::optional<SnapshotFacts> Block::findSnapshot(store::Reader& db, const ProjectId& project, const SnapshotId& id) {
    const auto snapshot = snapshot_table::find(db, id);
    if (!snapshot || snapshot->project != project) return std::nullopt;
    return SnapshotFacts{snapshot->id, snapshot->volume, std::string(nameOf(snapshot->status)), snapshot->size};
}

void Block::refreshPools() { impl_->scheduler.refresh(); }

VolumeId Block::createVolume(store::Transaction& tx, const identity::Caller& user, const VolumeOrder& wanted) {
    const auto caller = impl_->asked(user);
    caller.enforce("volume:create", {});
    NewVolume made;
    made.name = wanted.name;
    made.size = wanted.size;
    made.image = wanted.image.text;
    made.snapshot = wanted.snapshot;
    made.type = wanted.type;
    return impl_->volumes.createIn(tx, caller, made).id;
}

SnapshotId Block::createSnapshot(store::Transaction& tx, const identity::Caller& user, const VolumeId& volume,
                                 const std::string& name) {
    NewSnapshot made;
    made.volume = volume;
    made.name = name;
    return impl_->snapshots.createIn(tx, impl_->asked(user), made, true).id;
}

void Block::reimage(store::Transaction& tx, const identity::Caller& user, const VolumeId& id, const ImageId& image) {
    const auto caller = impl_->asked(user);
    auto volume = visible(tx, caller, id);
    caller.enforce("volume:reimage", {{"project_id", volume.project.text}});
    impl_->changes.beginReimage(tx, caller, std::move(volume), image);
}

void Block::removeVolume(store::Transaction& tx, const VolumeId& volume) { impl_->volumes.removeOfServer(tx, volume); }

Attachment Block::reserve(store::Transaction& tx, const ProjectId& project, const VolumeId& volume,
                          const ServerId& server, const std::string& device) {
    return faceOf(impl_->attachments.reserveFor(tx, project, volume, server, device));
}

std::map<std::string, std::int64_t> Block::limits(store::Reader& db, const VolumeId& id) {
    const auto volume = volume_table::find(db, id);
    const auto type = volume ? type_table::find(db, volume->type) : std::nullopt;
    const auto qos = type && !type->qos.empty() ? qos_table::find(db, type->qos) : std::nullopt;
    return qos ? guestLimits(*qos, volume->size) : std::map<std::string, std::int64_t>();
}

DiskSource Block::source(const VolumeId& volume) { return impl_->volumes.source(volume); }

std::string Block::secret(const SecretId& secret) {
    if (auto says = impl_->secrets.find(impl_->parts.store.reader(), secret)) return *says;
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
