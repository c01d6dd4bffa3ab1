#include "block/volume/volume_query.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "block/volume/volume_table.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

Error wrong(std::string_view parameter, std::string_view value, std::string_view what) {
    return Error(Failure::Invalid, "Invalid input for query parameter ", parameter, ". Value: ", value, ". ", what);
}

[[noreturn]] void refuse(std::string_view parameter, std::string_view value, std::string_view what) {
    throw wrong(parameter, value, what);
}

// Block storage API, "List accessible volumes with details": sort, or the older sort_key and sort_dir of which each
// comes once.
constexpr resource::Sorting sorting{
    .direction = [](std::string_view) { return std::string_view("desc"); },
    .items =
        [](const std::string& sort) {
            std::vector<std::string> items;
            for (const auto each : split(sort, ','))
                if (!each.empty()) items.emplace_back(each);
            return items;
        },
    .mixed =
        [] {
            return Error(Failure::Invalid, "The \"sort_key\" and \"sort_dir\" parameters are deprecated and cannot be "
                                           "used with the \"sort\" parameter.");
        },
    .notSorted = [](std::string_view key) { return wrong("sort_key", key, "Volumes cannot be sorted by it."); },
    .noDirection = [](std::string_view direction) { return wrong("sort_dir", direction, "It must be asc or desc."); },
    .limit = 1000,
    .limitMax = 1000};

/// {'name': 'value', "other": "value"}, as Python prints it and as JSON writes it.
Metadata pairsIn(std::string_view parameter, std::string_view text) {
    Metadata pairs;
    std::size_t at = 0;
    const auto spaces = [&] { at = std::min(text.find_first_not_of(' ', at), text.size()); };
    const auto take = [&](char wanted) {
        spaces();
        if (at >= text.size() || text[at] != wanted) return false;
        ++at;
        return true;
    };
    const auto quoted = [&] {
        spaces();
        if (at < text.size() && text[at] == 'u') ++at; // u'name'
        if (at >= text.size() || (text[at] != '\'' && text[at] != '"'))
            refuse(parameter, text, "It must be an object of texts.");
        const char quote = text[at++];
        std::string word;
        for (; at < text.size() && text[at] != quote; ++at) {
            if (text[at] == '\\' && at + 1 < text.size()) ++at;
            word += text[at];
        }
        if (at >= text.size()) refuse(parameter, text, "A quote is not closed.");
        ++at;
        return word;
    };
    if (!take('{')) refuse(parameter, text, "It must be an object of texts.");
    if (!take('}')) {
        do {
            auto name = quoted();
            if (!take(':')) refuse(parameter, text, "It must be an object of texts.");
            pairs.insert_or_assign(std::move(name), quoted());
        } while (take(','));
        if (!take('}')) refuse(parameter, text, "It must be an object of texts.");
    }
    return pairs;
}

std::string kept(std::string_view name) {
    return resource::wordOf(volumeColumns.words(), name)->kept(volumeColumns.text().alias);
}

void addPairs(store::Conditions& conditions, std::string_view table, const Metadata& pairs) {
    for (const auto& [name, value] : pairs)
        conditions.add("id IN (SELECT volume_id FROM " + std::string(table) + " WHERE name = ? AND value = ?)", name,
                       value);
}

/// "gt:2022-01-01T00:00:00,lt:…"
void addTimes(store::Conditions& conditions, const resource::Word& word, std::string_view text) {
    for (const auto each : split(text, ',')) {
        if (each.empty()) continue;
        const auto [sign, value] = resource::comparedIn(each);
        const auto time = parseIsoTime(value);
        if (sign.empty() || !time)
            refuse(word.name, text, "It must be gt, gte, lt, lte, eq or neq, a colon, and a time.");
        conditions.add(word.sql(volumeColumns.text().alias) + " " + std::string(sign) + " ?", *time);
    }
}

/// What administrators may filter by besides, whatever the version: the columns of a volume, by equality. What no
/// volume has finds none.
void addAdminFilter(store::Conditions& conditions, const std::string& name, const std::string& value) {
    if (name == "host" || name == "volume_type_id") {
        conditions.add(kept(name) + " = ?", value);
    } else if (name == "attach_status") {
        const std::string held =
            "id IN (SELECT volume_id FROM volume_attachments WHERE status IN ('attached', 'detaching'))";
        conditions.add(value == "attached" ? held : value == "detached" ? "NOT " + held : "0");
    } else if (name == "multiattach") {
        conditions.add("multiattach = ?", truthOf(value).value_or(true));
    } else if (name == "created_at" || name == "updated_at") {
        const auto time = parseIsoTime(value);
        if (!time) refuse(name, value, "It must be a time.");
        resource::addSeconds(conditions, kept(name), "=", *time);
    } else {
        conditions.add("0");
    }
}

/// False where the parameter is no filter for this caller.
bool addFilter(VolumeQuery& wanted, const http::Request& request, const std::string& name, const std::string& value) {
    auto& conditions = wanted.listing.conditions;
    const auto version = microversionOf(request);
    if (name == "bootable") {
        const auto truth = truthOf(value);
        if (!truth && version >= Microversion{2}) refuse(name, value, "It must be true or false.");
        conditions.add("bootable = ?", truth.value_or(true));
    } else if (name == "size") {
        conditions.add("size = ?", *request.query.integer("size", 0, std::numeric_limits<std::int32_t>::max()));
    } else if (name == "metadata") {
        addPairs(conditions, "volume_metadata", pairsIn(name, value));
    } else if (name == "glance_metadata" || name == "image_metadata") {
        addPairs(conditions, "volume_image_metadata", pairsIn(name, value));
    } else if (name == "availability_zone") {
        if (value != availabilityZone) conditions.add("0");
    } else if (name == "name~" && version >= Microversion{34}) {
        conditions.add("instr(coalesce(name, ''), ?) > 0", value);
    } else if ((name == "created_at" || name == "updated_at") && version >= Microversion{60}) {
        addTimes(conditions, *resource::wordOf(volumeColumns.words(), name), value);
    } else if (const auto* word = resource::wordOf(volumeColumns.words(), name);
               word != nullptr && word->may(resource::Filter)) {
        conditions.add(word->kept(volumeColumns.text().alias) + " = ?", value);
    } else if (identity::callerOf(request).may("context_is_admin", {})) {
        addAdminFilter(conditions, name, value);
    } else {
        return false;
    }
    return true;
}

}

VolumeQuery volumeQueryIn(const http::Request& request) {
    constexpr std::array<std::string_view, 8> notFilters{"limit",    "marker",   "offset",      "sort",
                                                         "sort_key", "sort_dir", "all_tenants", "with_count"};
    const auto& query = request.query;
    VolumeQuery wanted;
    wanted.listing = resource::listingIn(query, volumeColumns.text(), volumeColumns.words(), sorting);
    wanted.offset = query.integer("offset", 0, std::numeric_limits<std::int32_t>::max()).value_or(0);
    wanted.counted = microversionOf(request) >= Microversion{45} && query.flag("with_count");
    if (const auto all = query.find("all_tenants")) {
        const auto truth = truthOf(*all);
        if (!truth) refuse("all_tenants", *all, "It must be true or false.");
        wanted.allProjects = *truth;
    }
    for (const auto& [name, value] : query) {
        if (std::find(notFilters.begin(), notFilters.end(), name) != notFilters.end()) continue;
        if (!addFilter(wanted, request, name, value) && microversionOf(request) >= Microversion{31})
            throw Error(Failure::Invalid, "Invalid filters ", name, " are found in query options.");
    }
    return wanted;
}

}
