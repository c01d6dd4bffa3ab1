#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stratolet/driver/backup_store.hpp>

#include "block/backup/backup.hpp"
#include "block/list/list.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/secret/secret.hpp"
#include "block/volume/volume_service.hpp"
#include "block/volume/volume_work.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"

namespace stratolet::block {

/// The backup that a request wants.
struct NewBackup {
    std::optional<std::string> name, description, container, zone;
    VolumeId volume;
    SnapshotId snapshot; ///< to be copied instead of the volume; empty: none
    bool incremental = false;
    bool force = false; ///< also of a volume in use
    Metadata metadata;
};

/// Where a backup goes.
struct Restoration {
    BackupId backup;
    VolumeId volume;
    std::string volumeName;
};

/// The verbs of backups: who may (by the rule of the route, unless they say another), what must hold, one transaction
/// each; jobs do the rest (backup_jobs.hpp). Error(NotFound) for a backup of a project that isn't the caller's, but for
/// administrators. Owned by the module; any thread.
class Backups {
public:
    Backups(Parts parts, VolumeWork& work, Volumes& volumes, VolumeQuotas& quotas, Secrets& secrets, BackupStore& store)
        : parts_(parts),
          work_(work),
          volumes_(volumes),
          quotas_(quotas),
          secrets_(secrets),
          store_(store) {}

    ListPage<Backup> list(const identity::Caller& caller, ListQuery query) const;
    Backup show(const identity::Caller& caller, const BackupId& backup) const;
    Backup create(const identity::Caller& caller, const NewBackup& wanted);
    Backup update(const identity::Caller& caller, const BackupId& backup, const std::function<void(Backup&)>& amend);
    void remove(const identity::Caller& caller, const BackupId& backup);

    /// Into the volume `target`, whose bytes are lost; empty: into a new one of that name (nothing: the backup's).
    Restoration restore(const identity::Caller& caller, const BackupId& backup, const VolumeId& target,
                        const std::optional<std::string>& name);

    /// Has `volume`, whose row was made in this transaction in status "creating", filled from the backup, and gives it
    /// what the backed up one had beside its bytes.
    void fill(store::Transaction& tx, const identity::Caller& caller, const BackupId& backup, Volume& volume);

    // For administrators; `rule` is the action's own.
    void forceRemove(const identity::Caller& caller, std::string_view rule, const BackupId& backup);
    void resetStatus(const identity::Caller& caller, std::string_view rule, const BackupId& backup,
                     BackupStatus status);

    /// All that is needed to know the backup again where its objects are: a text for importRecord(), of this cloud or
    /// one with the same keys. Error(Invalid) for one that isn't available.
    std::string exportRecord(const identity::Caller& caller, const BackupId& backup) const;
    std::string service() const; ///< what records name as the one that can read them
    Backup importRecord(const identity::Caller& caller, const std::string& service, const std::string& record);

private:
    Backup permitted(store::Reader& db, const identity::Caller& caller, std::string_view rule,
                     const BackupId& backup) const;
    void startRemoval(store::Transaction& tx, const Backup& backup);
    void startFilling(store::Transaction& tx, const Backup& backup, const Volume& volume);
    Time now() const { return parts_.ambient.now(); }

    Parts parts_;
    VolumeWork& work_;
    Volumes& volumes_;
    VolumeQuotas& quotas_;
    Secrets& secrets_;
    BackupStore& store_;
};

}
