#pragma once

#include "block/list/list_query.hpp"
#include "block/snapshot/snapshot.hpp"

namespace stratolet::block {

/// What lists of snapshots are filtered by, and their order.
ListNoun snapshotLists();

/// How much of a snapshot an answer tells: in a short list; to who makes or changes it; to who asks for it.
enum class SnapshotTold { Short, Changed, All };
void write(JsonWriter& out, const http::Request& request, const Snapshot& snapshot, SnapshotTold told);

}
