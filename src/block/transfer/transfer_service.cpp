#include <stratolet/error.hpp>

#include "block/snapshot/snapshot_table.hpp"
#include "block/transfer/transfer.hpp"
#include "block/volume/volume_access.hpp"
#include "block/volume/volume_table.hpp"
#include "identity/token/crypto.hpp"
#include "platform/log/log.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

std::string hashOf(const std::string& salt, const std::string& key) { return hexOf(identity::hmacSha256(salt, key)); }

Error missingTransfer(const std::string& id) {
    return Error(Failure::NotFound, "Transfer ", id, " could not be found.");
}

}

Transfer Transfers::visible(store::Reader& db, const Caller& caller, const std::string& id) const {
    auto transfer = transfer_table::find(db, id);
    if (!transfer || (transfer->project != caller.project && !isAdmin(caller))) throw missingTransfer(id);
    caller.enforce({{"project_id", transfer->project.text}});
    return *std::move(transfer);
}

std::pair<Transfer, std::string> Transfers::create(const Caller& caller, const New& wanted) {
    const auto key = parts_.ambient.secret(16);
    auto transfer = parts_.store.write([&](store::Transaction& tx) {
        const auto volume = permitted(tx, caller, caller.rule, wanted.volume);
        if (volume.status != VolumeStatus::Available || isMigrating(volume))
            throw invalidVolume("status must be available");
        if (!volume.group.empty()) throw invalidVolume("Volume ", volume.id, " must not be part of a group.");
        if (!volume.encryptionKey.empty() && !wanted.mayBeEncrypted)
            throw invalidVolume("transferring encrypted volume is not supported");
        if (!volume.encryptionKey.empty() && wanted.noSnapshots)
            throw invalidVolume("transferring an encrypted volume without its snapshots is not supported");
        if (!wanted.noSnapshots)
            for (const auto& each : snapshot_table::of(tx, volume.id))
                if (each.status != SnapshotStatus::Available)
                    throw Error(Failure::Invalid, "Invalid snapshot: snapshot: ", each.id, " status must be available");
        Transfer made;
        made.id = parts_.ambient.uuid();
        made.volume = volume.id;
        made.project = volume.project;
        made.name = wanted.name;
        made.noSnapshots = wanted.noSnapshots;
        made.salt = parts_.ambient.secret(16);
        made.keyHash = hashOf(made.salt, key);
        made.created = parts_.ambient.now();
        transfer_table::insert(tx, made);
        volume_table::move(tx, volume.id, VolumeStatus::Available, VolumeStatus::AwaitingTransfer, made.created);
        return made;
    });
    return {std::move(transfer), key};
}

Transfer Transfers::show(const Caller& caller, const std::string& id) const {
    return visible(parts_.store.reader(), caller, id);
}

ListPage<Transfer> Transfers::list(const Caller& caller, ListQuery query) const {
    caller.enforce();
    return parts_.store.read([&](store::Reader& db) {
        restrict(query.listing.conditions, caller, query.allProjects, 't');
        if (!query.listing.marker.empty()) visible(db, caller, query.listing.marker);
        return ListPage<Transfer>{resource::pageOf(db, transferColumns, query.listing, query.offset)};
    });
}

void Transfers::remove(const Caller& caller, const std::string& id) {
    parts_.store.write([&](store::Transaction& tx) {
        const auto transfer = visible(tx, caller, id);
        volume_table::move(tx, transfer.volume, VolumeStatus::AwaitingTransfer, VolumeStatus::Available,
                           parts_.ambient.now());
        transfer_table::remove(tx, id);
    });
}

Transfer Transfers::accept(const Caller& caller, const std::string& id, const std::string& key) {
    caller.enforce();
    constexpr int attemptsMax = 10;
    bool fits = false;
    const auto transfer = parts_.store.write([&](store::Transaction& tx) {
        const auto found = transfer_table::find(tx, id);
        if (!found) throw missingTransfer(id);
        fits = found->attempts < attemptsMax && identity::sameSecret(hashOf(found->salt, key), found->keyHash);
        if (!fits) {
            transfer_table::countAttempt(tx, id); // and that stays, so nothing is thrown in here
            return *found;
        }
        auto volume = volume_table::find(tx, found->volume).value();
        if (!volume.group.empty()) throw invalidVolume("Volume ", volume.id, " must not be part of a group.");
        if (volume.status != VolumeStatus::AwaitingTransfer)
            throw invalidVolume("Volume ", volume.id, " is ", nameOf(volume.status), "; it does not await a transfer.");
        const auto now = parts_.ambient.now();
        volume.project = caller.project;
        if (volume.consumesQuota) quotas_.claimVolume(tx, volume);
        transfer_table::giveVolume(tx, volume.id, caller.project, caller.user, now);
        if (!found->noSnapshots)
            for (auto& each : snapshot_table::of(tx, volume.id)) {
                each.project = caller.project;
                if (each.consumesQuota) quotas_.claimSnapshot(tx, each);
                transfer_table::giveSnapshot(tx, each.id, caller.project, caller.user, now);
            }
        volume_table::move(tx, volume.id, VolumeStatus::AwaitingTransfer, VolumeStatus::Available, now);
        transfer_table::remove(tx, id);
        return *found;
    });
    if (!fits) {
        parts_.log.warning("a transfer was not accepted: wrong key, or too many of them", {{"transfer", id}});
        throw Error(Failure::Invalid, "Invalid auth key: Attempt to transfer ", id, " with invalid auth key.");
    }
    return transfer;
}

}
