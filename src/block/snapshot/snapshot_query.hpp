#pragma once

#include "block/list/list_query.hpp"
#include "block/snapshot/snapshot.hpp"

namespace stratolet::block {

/// What lists of snapshots are filtered by, and their order.
ListNoun snapshotLists();

/// A snapshot in an answer; `detailed`: also what only "show" and "detail" tell.
void write(JsonWriter& out, const http::Request& request, const Snapshot& snapshot, bool detailed);

}
