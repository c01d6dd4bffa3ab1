#include "block/snapshot/snapshot_query.hpp"

#include <array>

#include "block/snapshot/snapshot_table.hpp"

namespace stratolet::block {
namespace {

void filterMetadata(store::Conditions& conditions, const FilterAsked& asked) {
    if (microversionOf(asked.request) >= Microversion{22})
        addItems(conditions, asked, "volume_snapshot_metadata", "snapshot_id");
}

constexpr std::array<ListFilter, 15> filters{{
    {"name"},
    {"name~", filterLike, {34}},
    {"status"},
    {"volume_id"},
    {"metadata", filterMetadata},
    {"availability_zone", filterZone},
    {"consumes_quota", filterTruth, {65}},
    {"id"},
    {"display_name"},
    {"description"},
    {"user_id"},
    {"project_id"},
    {"group_snapshot_id"},
    {"created_at", filterTimes, {60}},
    {"updated_at", filterTimes, {60}},
}};

}

ListNoun snapshotLists() { return {"snapshot", filters, snapshotColumns.text(), snapshotColumns.words()}; }

}
