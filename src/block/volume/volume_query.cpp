#include "block/volume/volume_query.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "block/wire.hpp"
#include "platform/store/paging.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

struct Column {
    std::string_view parameter;
    std::string_view expression; ///< never null, so that it can be sorted by
};
constexpr std::array<Column, 13> sortable{{{"id", "id"},
                                           {"name", "coalesce(name, '')"},
                                           {"display_name", "coalesce(name, '')"},
                                           {"status", "status"},
                                           {"size", "size"},
                                           {"bootable", "bootable"},
                                           {"created_at", "created"},
                                           {"updated_at", "coalesce(updated, created)"},
                                           {"project_id", "project_id"},
                                           {"user_id", "user_id"},
                                           {"volume_type_id", "type_id"},
                                           {"availability_zone", "''"}, // there is one
                                           {"host", "host"}}};
constexpr std::array<Column, 7> equalities{{{"id", "id"},
                                            {"name", "name"},
                                            {"display_name", "name"},
                                            {"description", "description"},
                                            {"status", "status"},
                                            {"user_id", "user_id"},
                                            {"project_id", "project_id"}}};

template <class Columns> const Column* columnFor(const Columns& columns, std::string_view parameter) {
    for (const auto& each : columns)
        if (each.parameter == parameter) return &each;
    return nullptr;
}

[[noreturn]] void refuse(std::string_view parameter, std::string_view value, std::string_view what) {
    throw Error(Failure::Invalid, "Invalid input for query parameter ", parameter, ". Value: ", value, ". ", what);
}

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
        if (at >= text.size() || (text[at] != '\'' && text[at] != '"')) refuse(parameter, text, "It must be an object of texts.");
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

void addPairs(store::Conditions& conditions, std::string_view table, const Metadata& pairs) {
    for (const auto& [name, value] : pairs)
        conditions.add("id IN (SELECT volume_id FROM " + std::string(table) + " WHERE name = ? AND value = ?)", name, value);
}

/// "gt:2022-01-01T00:00:00,lt:…"
void addTimes(store::Conditions& conditions, std::string_view parameter, std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> comparisons{
        {{"gt", ">"}, {"gte", ">="}, {"lt", "<"}, {"lte", "<="}, {"eq", "="}, {"neq", "!="}}};
    const std::string column = parameter == "created_at" ? "created" : "coalesce(updated, created)";
    for (const auto each : split(text, ',')) {
        if (each.empty()) continue;
        const auto colon = each.find(':');
        const auto* found =
            std::find_if(comparisons.begin(), comparisons.end(), [&](const auto& pair) { return pair.first == each.substr(0, colon); });
        const auto time = colon == std::string_view::npos ? std::nullopt : parseIsoTime(each.substr(colon + 1));
        if (found == comparisons.end() || !time) refuse(parameter, text, "It must be gt, gte, lt, lte, eq or neq, a colon, and a time.");
        conditions.add(column + " " + std::string(found->second) + " ?", *time);
    }
}

std::vector<store::SortKey> orderIn(const http::Query& query) {
    std::vector<std::pair<std::string, std::string>> wanted;
    if (const auto sort = query.find("sort")) {
        if (query.has("sort_key") || query.has("sort_dir"))
            throw Error(Failure::Invalid,
                        "The \"sort_key\" and \"sort_dir\" parameters are deprecated and cannot be used with the \"sort\" parameter.");
        for (const auto each : split(*sort, ',')) {
            if (each.empty()) continue;
            const auto colon = each.find(':');
            wanted.emplace_back(each.substr(0, colon), colon == std::string_view::npos ? "desc" : each.substr(colon + 1));
        }
    }
    if (wanted.empty()) wanted.emplace_back(query.text("sort_key", "created_at"), query.text("sort_dir", "desc"));
    store::requireFewSortKeys(wanted);
    std::vector<store::SortKey> order;
    bool byId = false;
    for (const auto& [name, direction] : wanted) {
        const auto* column = columnFor(sortable, name);
        if (!column) refuse("sort_key", name, "Volumes cannot be sorted by it.");
        if (direction != "asc" && direction != "desc") refuse("sort_dir", direction, "It must be asc or desc.");
        order.push_back({std::string(column->expression), direction == "desc"});
        byId = byId || name == "id";
    }
    if (!byId) order.push_back({"id", order.front().descending});
    return order;
}

/// What administrators may filter by besides, whatever the version: the columns of a volume, by equality. What no volume has finds none.
void addAdminFilter(store::Conditions& conditions, const std::string& name, const std::string& value) {
    if (name == "host") {
        conditions.add("host = ?", value);
    } else if (name == "volume_type_id") {
        conditions.add("type_id = ?", value);
    } else if (name == "attach_status") {
        const std::string held = "id IN (SELECT volume_id FROM volume_attachments WHERE status IN ('attached', 'detaching'))";
        conditions.add(value == "attached" ? held : value == "detached" ? "NOT " + held : "0");
    } else if (name == "multiattach") {
        if (truthOf(value).value_or(true)) conditions.add("0"); // none is
    } else if (name == "created_at" || name == "updated_at") {
        const auto time = parseIsoTime(value);
        if (!time) refuse(name, value, "It must be a time.");
        conditions.add(std::string(name == "created_at" ? "created" : "updated") + " / 1000000 = ?", toMicros(*time) / 1000000);
    } else {
        conditions.add("0");
    }
}

/// False where the parameter is no filter for this caller.
bool addFilter(VolumeQuery& wanted, const http::Request& request, const std::string& name, const std::string& value) {
    auto& conditions = wanted.conditions;
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
        addTimes(conditions, name, value);
    } else if (name == "migration_status" || name == "group_id" || name == "snapshot_id" || name == "source_volid") {
        conditions.add("0"); // no volume has any
    } else if (const auto* column = columnFor(equalities, name)) {
        conditions.add(std::string(column->expression) + " = ?", value);
    } else if (identity::callerOf(request).may("context_is_admin", {})) {
        addAdminFilter(conditions, name, value);
    } else {
        return false;
    }
    return true;
}

}

VolumeQuery volumeQueryIn(const http::Request& request) {
    constexpr std::int64_t limitMax = 1000;
    constexpr std::array<std::string_view, 8> notFilters{"limit",    "marker",   "offset",      "sort",
                                                         "sort_key", "sort_dir", "all_tenants", "with_count"};
    const auto& query = request.query;
    VolumeQuery wanted;
    wanted.order = orderIn(query);
    wanted.limit = std::min(query.integer("limit", 0, std::numeric_limits<std::int64_t>::max()).value_or(limitMax), limitMax);
    wanted.offset = query.integer("offset", 0, std::numeric_limits<std::int32_t>::max()).value_or(0);
    wanted.marker = {query.text("marker")};
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
