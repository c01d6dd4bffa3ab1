#pragma once

#include "block/list/list_query.hpp"
#include "block/snapshot/snapshot.hpp"

namespace stratolet::block {

/// What lists of snapshots are filtered by, and their order.
ListNoun snapshotLists();

/// A snapshot in an answer; `detailed`: also what only "show" and "detail" tell.
/// How much of it: in a short list; to who makes or changes it; to who asks for it.
enum class SnapshotTold { Short, Changed, All };
void write(JsonWriter& out, const http::Request& request, const Snapshot& snapshot, SnapshotTold told);

}
