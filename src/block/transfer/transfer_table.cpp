#include <array>

#include "block/transfer/transfer.hpp"

namespace stratolet::block {

using namespace resource;

// What of a transfer is shown depends on the version: transfer_api.cpp.
const Table<Transfer> transferColumns("volume_transfers", 't',
                                      {
                                          attribute<&Transfer::id>("id", Find),
                                          attribute<&Transfer::volume>("volume_id", Find),
                                          attribute<&Transfer::name>("name", Find),
                                          attribute<&Transfer::created>("created_at", Sort).in("created"),
                                          attribute<&Transfer::project>("source_project_id", Find).in("project_id"),
                                          column<&Transfer::noSnapshots>("no_snapshots"),
                                          column<&Transfer::salt>("salt"),
                                          column<&Transfer::keyHash>("key_hash"),
                                          column<&Transfer::attempts>("attempts"),
                                      });

namespace {
constexpr std::array<ListFilter, 4> filters{{{"name"}, {"id"}, {"volume_id"}, {"source_project_id"}}};
}

ListNoun transferLists() { return {"transfer", filters, transferColumns.text(), transferColumns.words()}; }

namespace transfer_table {

std::optional<Transfer> find(store::Reader& db, const std::string& id) { return transferColumns.find(db, id); }
void insert(store::Transaction& tx, const Transfer& transfer) { transferColumns.insert(tx, transfer); }
void remove(store::Transaction& tx, const std::string& id) { transferColumns.remove(tx, id); }

void countAttempt(store::Transaction& tx, const std::string& id) {
    tx.execute("UPDATE volume_transfers SET attempts = attempts + 1 WHERE id = ?", id);
}

void giveVolume(store::Transaction& tx, const VolumeId& volume, const ProjectId& project, const UserId& user,
                Time now) {
    tx.execute("UPDATE volumes SET project_id = ?, user_id = ?, updated = ? WHERE id = ?", project, user, now, volume);
}

void giveSnapshot(store::Transaction& tx, const SnapshotId& snapshot, const ProjectId& project, const UserId& user,
                  Time now) {
    tx.execute("UPDATE volume_snapshots SET project_id = ?, user_id = ?, updated = ? WHERE id = ?", project, user, now,
               snapshot);
}

}
}
