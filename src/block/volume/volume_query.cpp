#include "block/volume/volume_query.hpp"

#include <array>
#include <limits>

#include "block/volume/volume_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

void filterBootable(store::Conditions& conditions, const FilterAsked& asked) {
    const auto truth = truthOf(asked.value);
    if (!truth && microversionOf(asked.request) >= Microversion{2})
        refuseParameter(asked.name, asked.value, "It must be true or false.");
    conditions.add("bootable = ?", truth.value_or(true));
}

void filterSize(store::Conditions& conditions, const FilterAsked& asked) {
    conditions.add("size = ?", *asked.request.query.integer("size", 0, std::numeric_limits<std::int32_t>::max()));
}

void filterMetadata(store::Conditions& conditions, const FilterAsked& asked) {
    addItems(conditions, asked, "volume_metadata", "volume_id");
}

void filterImageMetadata(store::Conditions& conditions, const FilterAsked& asked) {
    addItems(conditions, asked, "volume_image_metadata", "volume_id");
}

void filterAttached(store::Conditions& conditions, const FilterAsked& asked) {
    const std::string held =
        "id IN (SELECT volume_id FROM volume_attachments WHERE status IN ('attached', 'detaching'))";
    conditions.add(asked.value == "attached" ? held : asked.value == "detached" ? "NOT " + held : "0");
}

void filterMultiattach(store::Conditions& conditions, const FilterAsked& asked) {
    conditions.add("multiattach = ?", truthOf(asked.value).value_or(true));
}

constexpr std::array<ListFilter, 25> filters{{
    {"name"},
    {"name~", filterLike, {34}},
    {"status"},
    {"metadata", filterMetadata},
    {"bootable", filterBootable},
    {"migration_status"},
    {"availability_zone", filterZone},
    {"group_id"},
    {"size", filterSize},
    {"created_at", filterTimes},
    {"updated_at", filterTimes},
    {"consumes_quota", filterTruth, {65}},
    {"image_metadata", filterImageMetadata},
    {"glance_metadata", filterImageMetadata},
    {"id"},
    {"display_name"},
    {"description"},
    {"snapshot_id"},
    {"source_volid"},
    {"user_id"},
    {"project_id"},
    {"host", nullptr, {}, true},
    {"volume_type_id", nullptr, {}, true},
    {"attach_status", filterAttached, {}, true},
    {"multiattach", filterMultiattach, {}, true},
}};

}

ListNoun volumeLists() { return {"volume", filters, volumeColumns.text(), volumeColumns.words()}; }

}
