#include "block/quota/volume_quotas.hpp"

#include <algorithm>
#include <array>

#include <stratolet/error.hpp>

#include "block/backup/backup_table.hpp"
#include "block/quota/quota_table.hpp"
#include "block/snapshot/snapshot_table.hpp"
#include "block/volume/volume_table.hpp"
#include "platform/config/config.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<std::string_view, 3> ofTypes{"volumes", "gigabytes", "snapshots"};
constexpr std::string_view defaultClass = "default";

std::string ofType(std::string_view resource, const std::string& type) { return std::string(resource) + "_" + type; }

std::map<std::string, std::int64_t, std::less<>> configured(const Parts& parts) {
    const auto of = [&](std::string_view resource) {
        return parts.config.integer("block", "quota_" + std::string(resource));
    };
    return {{"volumes", of("volumes")},
            {"gigabytes", of("gigabytes")},
            {"per_volume_gigabytes", of("per_volume_gigabytes")},
            {"snapshots", of("snapshots")},
            {"backups", of("backups")},
            {"backup_gigabytes", of("backup_gigabytes")},
            {"groups", of("groups")}};
}

}

VolumeQuotas::VolumeQuotas(Parts parts)
    : parts_(parts),
      withSnapshots_(!parts.config.boolean("block", "no_snapshot_gb_quota")),
      quotas_("block-storage", configured(parts)),
      classes_("block-storage classes", configured(parts)) {}

std::vector<std::string> VolumeQuotas::resources(store::Reader& db) const {
    std::vector<std::string> all;
    for (const auto& each : quotas_.defaults()) all.push_back(each.first);
    for (const auto& type : type_table::names(db))
        for (const auto each : ofTypes) all.push_back(ofType(each, type));
    return all;
}

std::int64_t VolumeQuotas::otherwise(store::Reader& db, const std::string& resource) const {
    if (const auto said = classes_.own(db, std::string(defaultClass), resource)) return *said;
    const auto found = quotas_.defaults().find(resource);
    return found == quotas_.defaults().end() ? -1 : found->second; // of one type as many as of all
}

std::int64_t VolumeQuotas::limit(store::Reader& db, const ProjectId& project, const std::string& resource) const {
    const auto own = quotas_.own(db, project.text, resource);
    return own ? *own : otherwise(db, resource);
}

void VolumeQuotas::claim(store::Reader& db, const ProjectId& project, const std::string& resource, std::int64_t used,
                         std::int64_t wanted) const {
    Quotas::require(resource, limit(db, project, resource), used, wanted);
}

void VolumeQuotas::requireSize(store::Reader& db, const ProjectId& project, GiB size) const {
    const auto most = limit(db, project, "per_volume_gigabytes");
    if (most >= 0 && size.count > most)
        throw Error(Failure::OverLimit, "Requested volume size ", size.count, " is larger than maximum allowed limit ",
                    most, ".");
}

/// Of a type, or of all (empty).
std::int64_t VolumeQuotas::gigabytes(store::Reader& db, const ProjectId& project, const std::string& type) const {
    if (type.empty())
        return volume_table::gigabytesOf(db, project) + (withSnapshots_ ? snapshot_table::gigabytesOf(db, project) : 0);
    return quota_table::gigabytesOf(db, project, type) +
           (withSnapshots_ ? quota_table::snapshotGigabytesOf(db, project, type) : 0);
}

void VolumeQuotas::claimGigabytes(store::Reader& db, const ProjectId& project, const std::string& type,
                                  const std::string& typeName, std::int64_t more) const {
    claim(db, project, "gigabytes", gigabytes(db, project, ""), more);
    claim(db, project, ofType("gigabytes", typeName), gigabytes(db, project, type), more);
}

void VolumeQuotas::claimVolume(store::Reader& db, const Volume& volume) const {
    requireSize(db, volume.project, volume.size);
    claim(db, volume.project, "volumes", volume_table::countOf(db, volume.project), 1);
    claim(db, volume.project, ofType("volumes", volume.typeName),
          quota_table::volumesOf(db, volume.project, volume.type), 1);
    claimGigabytes(db, volume.project, volume.type, volume.typeName, volume.size.count);
}

void VolumeQuotas::claimSnapshot(store::Reader& db, const Snapshot& snapshot) const {
    const auto volume = volume_table::find(db, snapshot.volume);
    claim(db, snapshot.project, "snapshots", snapshot_table::countOf(db, snapshot.project), 1);
    if (!volume) return;
    claim(db, snapshot.project, ofType("snapshots", volume->typeName),
          quota_table::snapshotsOf(db, snapshot.project, volume->type), 1);
    if (withSnapshots_) claimGigabytes(db, snapshot.project, volume->type, volume->typeName, snapshot.size.count);
}

void VolumeQuotas::claimBackup(store::Reader& db, const ProjectId& project, GiB size) const {
    claim(db, project, "backups", backup_table::countOf(db, project), 1);
    claim(db, project, "backup_gigabytes", backup_table::gigabytesOf(db, project), size.count);
}

void VolumeQuotas::claimGrowth(store::Reader& db, const Volume& volume, GiB size) const {
    requireSize(db, volume.project, size);
    claimGigabytes(db, volume.project, volume.type, volume.typeName, size.count - volume.size.count);
}

void VolumeQuotas::claimRetype(store::Reader& db, const Volume& volume, const VolumeType& type) const {
    claim(db, volume.project, ofType("volumes", type.name), quota_table::volumesOf(db, volume.project, type.id), 1);
    claim(db, volume.project, ofType("gigabytes", type.name), gigabytes(db, volume.project, type.id),
          volume.size.count);
}

void VolumeQuotas::claimGroup(store::Reader& db, const ProjectId& project) const {
    claim(db, project, "groups", quota_table::groupsOf(db, project), 1);
}

std::vector<VolumeQuotas::Usage> VolumeQuotas::usage(const ProjectId& project) const {
    return parts_.store.read([&](store::Reader& db) { return usage(db, project); });
}

std::vector<VolumeQuotas::Usage> VolumeQuotas::usage(store::Reader& db, const ProjectId& project) const {
    auto held = quota_table::held(db, project);
    const auto usedOf = [&](const std::string& resource) -> std::int64_t {
        if (resource == "backups") return backup_table::countOf(db, project);
        if (resource == "backup_gigabytes") return backup_table::gigabytesOf(db, project);
        if (resource == "groups") return quota_table::groupsOf(db, project);
        const auto bar = resource.find('_');
        const auto what = resource.substr(0, bar);
        const auto& of = held[bar == std::string::npos ? "" : resource.substr(bar + 1)];
        if (what == "volumes") return of.volumes;
        if (what == "gigabytes") return of.gigabytes + (withSnapshots_ ? of.snapshotGigabytes : 0);
        return what == "snapshots" ? of.snapshots : 0;
    };
    std::vector<Usage> all;
    for (const auto& resource : resources(db))
        all.push_back({resource, limit(db, project, resource), usedOf(resource)});
    return all;
}

VolumeQuotas::Limits VolumeQuotas::defaults() const {
    return parts_.store.read([&](store::Reader& db) {
        Limits all;
        for (const auto& each : resources(db)) all.emplace_back(each, otherwise(db, each));
        return all;
    });
}

void VolumeQuotas::requireKnown(store::Reader& db, const Limits& limits) const {
    const auto known = resources(db);
    std::string bad;
    for (const auto& [resource, limit] : limits)
        if (std::find(known.begin(), known.end(), resource) == known.end()) bad += (bad.empty() ? "" : ", ") + resource;
    if (!bad.empty()) throw Error(Failure::Invalid, "Bad key(s) in quota set: ", bad);
}

void VolumeQuotas::set(const identity::Caller& caller, const ProjectId& project, const Limits& limits, bool validated) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) {
        requireKnown(tx, limits);
        if (validated)
            for (const auto& each : usage(tx, project))
                for (const auto& [resource, limit] : limits)
                    if (resource == each.resource && limit >= 0 && limit < each.used)
                        throw Error(Failure::Invalid, "Quota ", resource,
                                    " limit must be equal or greater than existing resources.");
        for (const auto& [resource, limit] : limits) quotas_.set(tx, project.text, resource, limit);
    });
}

void VolumeQuotas::reset(const identity::Caller& caller, const ProjectId& project) {
    caller.enforce({{"project_id", project.text}});
    parts_.store.write([&](store::Transaction& tx) { quotas_.reset(tx, project.text); });
}

VolumeQuotas::Limits VolumeQuotas::classLimits(const identity::Caller& caller, const std::string& name) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        Limits all;
        for (const auto& each : resources(db)) {
            const auto own = classes_.own(db, name, each);
            all.emplace_back(each, own ? *own : otherwise(db, each));
        }
        return all;
    });
}

void VolumeQuotas::setClass(const identity::Caller& caller, const std::string& name, const Limits& limits) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        requireKnown(tx, limits);
        for (const auto& [resource, limit] : limits) classes_.set(tx, name, resource, limit);
    });
}

void VolumeQuotas::renameType(store::Transaction& tx, const std::string& from, const std::string& to) const {
    for (const auto each : ofTypes)
        for (const auto* all : {&quotas_, &classes_}) all->rename(tx, ofType(each, from), ofType(each, to));
}

void VolumeQuotas::forgetType(store::Transaction& tx, const std::string& name) const {
    for (const auto each : ofTypes)
        for (const auto* all : {&quotas_, &classes_}) all->forget(tx, ofType(each, name));
}

}
