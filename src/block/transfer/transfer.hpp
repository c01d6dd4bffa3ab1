#pragma once

#include <optional>
#include <string>
#include <vector>

#include "block/list/list_query.hpp"
#include "block/quota/volume_quotas.hpp"
#include "block/volume/volume.hpp"
#include "identity/caller.hpp"
#include "platform/parts.hpp"
#include "resource/table.hpp"

namespace stratolet::block {

/// A volume that its project offers to whoever has the key: it awaits that, and is nobody else's meanwhile.
struct Transfer {
    std::string id;
    VolumeId volume;
    ProjectId project; ///< whose it is until somebody accepts
    std::optional<std::string> name;
    bool noSnapshots = false;  ///< its snapshots stay whose they are
    std::string salt, keyHash; ///< of the key, which is told once and kept nowhere
    int attempts = 0;          ///< with a wrong key
    Time created;
};

extern const resource::Table<Transfer> transferColumns;

/// SQL, and no rule.
namespace transfer_table {
std::optional<Transfer> find(store::Reader& db, const std::string& id);
void insert(store::Transaction& tx, const Transfer& transfer);
void remove(store::Transaction& tx, const std::string& id);
void countAttempt(store::Transaction& tx, const std::string& id);
void giveVolume(store::Transaction& tx, const VolumeId& volume, const ProjectId& project, const UserId& user, Time now);
void giveSnapshot(store::Transaction& tx, const SnapshotId& snapshot, const ProjectId& project, const UserId& user,
                  Time now);
}

/// What lists of transfers are filtered by.
ListNoun transferLists();

/// The verbs of transfers: who may, what must hold, one transaction each. Owned by the module; any thread.
/// Error(NotFound) for one of a project that isn't the caller's, but to who accepts it.
class Transfers {
public:
    Transfers(Parts parts, VolumeQuotas& quotas) : parts_(parts), quotas_(quotas) {}

    struct New {
        VolumeId volume;
        std::optional<std::string> name;
        bool noSnapshots = false;
        bool mayBeEncrypted = false; ///< the caller's version knows that (3.70)
    };
    /// The transfer and its key.
    std::pair<Transfer, std::string> create(const identity::Caller& caller, const New& wanted);
    Transfer show(const identity::Caller& caller, const std::string& id) const;
    ListPage<Transfer> list(const identity::Caller& caller, ListQuery query) const;
    void remove(const identity::Caller& caller, const std::string& id);

    /// The volume is the caller's project's, and so are its snapshots unless they are to stay. Error(Invalid) for a
    /// wrong key, of which a transfer takes ten; Error(OverLimit) where the project has no room for it.
    Transfer accept(const identity::Caller& caller, const std::string& id, const std::string& key);

private:
    Transfer visible(store::Reader& db, const identity::Caller& caller, const std::string& id) const;

    Parts parts_;
    VolumeQuotas& quotas_;
};

}
