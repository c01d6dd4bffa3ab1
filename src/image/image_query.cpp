#include "image/image_query.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "platform/store/paging.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

constexpr std::int64_t limitMax = 1000;

struct Column {
    std::string_view parameter;
    std::string_view expression; ///< never null, so that it can be sorted by
};
constexpr std::array<Column, 12> sortable{{{"name", "coalesce(name, '')"},
                                           {"status", "status"},
                                           {"container_format", "coalesce(container_format, '')"},
                                           {"disk_format", "coalesce(disk_format, '')"},
                                           {"size", "coalesce(size, -1)"},
                                           {"virtual_size", "coalesce(virtual_size, -1)"},
                                           {"min_ram", "min_ram"},
                                           {"min_disk", "min_disk"},
                                           {"owner", "owner"},
                                           {"id", "id"},
                                           {"created_at", "created"},
                                           {"updated_at", "updated"}}};

constexpr std::array<Column, 12> equalities{{{"id", "id"},
                                             {"name", "name"},
                                             {"status", "status"},
                                             {"owner", "owner"},
                                             {"container_format", "container_format"},
                                             {"disk_format", "disk_format"},
                                             {"checksum", "checksum"},
                                             {"os_hash_value", "hash_value"},
                                             {"size", "size"},
                                             {"virtual_size", "virtual_size"},
                                             {"min_ram", "min_ram"},
                                             {"min_disk", "min_disk"}}};

template <class Columns> const Column* columnFor(const Columns& columns, std::string_view parameter) {
    for (const auto& each : columns)
        if (each.parameter == parameter) return &each;
    return nullptr;
}

[[noreturn]] void refuse(std::string_view parameter, std::string_view value, std::string_view what) {
    throw Error(Failure::Invalid, "Invalid value '", value, "' for parameter '", parameter, "': ", what);
}

bool truthIn(std::string_view parameter, std::string_view text) {
    const auto truth = plainTruthOf(text);
    if (!truth) refuse(parameter, text, "it must be true or false.");
    return *truth;
}

/// "a,b,"c,d"" is three values.
std::vector<std::string> listOf(std::string_view parameter, std::string_view text) {
    std::vector<std::string> values(1);
    bool quoted = false;
    for (const char each : text) {
        if (each == '"')
            quoted = !quoted;
        else if (each == ',' && !quoted)
            values.emplace_back();
        else
            values.back() += each;
    }
    if (quoted) refuse(parameter, text, "a quote is not closed.");
    return values;
}

bool isNumeric(std::string_view column) {
    return column == "size" || column == "virtual_size" || column == "min_ram" || column == "min_disk";
}

/// Of which filters a value may begin with "in:" or "eq:".
bool takesOperators(std::string_view parameter) {
    constexpr std::array<std::string_view, 5> names{"name", "id", "status", "container_format", "disk_format"};
    return std::find(names.begin(), names.end(), parameter) != names.end();
}

void addEquality(store::Conditions& conditions, const http::Query& query, const Column& column, const std::string& value) {
    const std::string expression(column.expression);
    if (isNumeric(column.expression)) {
        conditions.add(expression + " = ?", *query.integer(column.parameter, 0, std::numeric_limits<std::int64_t>::max()));
        return;
    }
    // What stands before a colon is an operator, but a value of only one form has it (glance's split_filter_op): a time.
    const auto colon = takesOperators(column.parameter) && !parseIsoTime(value) ? value.find(':') : std::string::npos;
    const std::string sign = colon == std::string::npos ? "eq" : value.substr(0, colon);
    const std::string operand = colon == std::string::npos ? value : value.substr(colon + 1);
    if (sign == "in")
        conditions.in(expression, listOf(column.parameter, operand));
    else if (sign == "eq")
        conditions.add(expression + " = ?", operand);
    else
        throw Error(Failure::Invalid, "Unable to filter by unknown operator '", sign, "'.");
}

/// "gte:2022-01-01T00:00:00Z"; a time alone is one to be equal to.
void addTime(store::Conditions& conditions, std::string_view parameter, const std::string& value) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> comparisons{
        {{"gt:", ">"}, {"gte:", ">="}, {"lt:", "<"}, {"lte:", "<="}, {"eq:", "="}, {"neq:", "!="}}};
    std::string_view text = value, sign = "=";
    for (const auto& [word, meaning] : comparisons)
        if (value.starts_with(word)) {
            sign = meaning;
            text.remove_prefix(word.size());
            break;
        }
    const auto time = parseIsoTime(text);
    if (!time) refuse(parameter, value, "it must be a time, or gt, gte, lt, lte, eq or neq, a colon, and a time.");
    // What a client sees has whole seconds, so that is what it compares with.
    const std::string column = parameter == "created_at" ? "created" : "updated";
    conditions.add("(" + column + " / 1000000) " + std::string(sign) + " ?", toMicros(*time) / 1000000);
}

std::vector<store::SortKey> orderIn(const http::Query& query) {
    std::vector<std::pair<std::string, std::string>> wanted;
    if (const auto sort = query.find("sort")) {
        if (query.has("sort_key") || query.has("sort_dir")) throw Error(Failure::Invalid, "Old and new sorting syntax cannot be combined");
        for (const auto& each : listOf("sort", *sort)) {
            const auto colon = each.find(':');
            wanted.emplace_back(each.substr(0, colon), colon == std::string::npos ? "desc" : each.substr(colon + 1));
        }
    } else {
        const auto keys = query.all("sort_key"), directions = query.all("sort_dir");
        if (directions.size() > 1 && directions.size() != keys.size())
            throw Error(Failure::Invalid, "Number of sort dirs does not match the number of sort keys");
        for (std::size_t each = 0; each < keys.size(); ++each)
            wanted.emplace_back(keys[each], directions.empty() ? "desc" : directions[directions.size() == 1 ? 0 : each]);
        if (keys.empty()) wanted.emplace_back("created_at", directions.empty() ? "desc" : directions.front());
    }
    store::requireFewSortKeys(wanted);
    std::vector<store::SortKey> order;
    bool byId = false;
    for (const auto& [name, direction] : wanted) {
        const auto* column = columnFor(sortable, name);
        if (!column) refuse("sort_key", name, "images cannot be sorted by it.");
        if (direction != "asc" && direction != "desc") refuse("sort_dir", direction, "it must be asc or desc.");
        order.push_back({std::string(column->expression), direction == "desc"});
        byId = byId || name == "id";
    }
    if (!byId) order.push_back({"id", order.front().descending});
    return order;
}

}

ImageQuery imageQueryIn(const http::Query& query) {
    ImageQuery wanted;
    wanted.order = orderIn(query);
    wanted.limit = std::min(query.integer("limit", 0, std::numeric_limits<std::int64_t>::max()).value_or(25), limitMax);
    wanted.marker = {query.text("marker")};
    bool hidden = false;
    auto& conditions = wanted.conditions;
    for (const auto& [name, value] : query) {
        if (name == "limit" || name == "marker" || name == "sort" || name == "sort_key" || name == "sort_dir") continue;
        if (name == "visibility") {
            wanted.withCommunity = value == "community" || value == "all";
            if (value == "all") continue;
            if (!visibilityNamed(value)) refuse(name, value, "it must be public, private, shared, community or all.");
            conditions.add("visibility = ?", value);
        } else if (name == "member_status") {
            if (value != "pending" && value != "accepted" && value != "rejected" && value != "all")
                refuse(name, value, "it must be pending, accepted, rejected or all.");
            wanted.memberStatus = value;
        } else if (name == "os_hidden") {
            hidden = truthIn(name, value);
        } else if (name == "protected") {
            conditions.add("protected = ?", truthIn(name, value));
        } else if (name == "tag") {
            conditions.add("id IN (SELECT image_id FROM image_tags WHERE tag = ?)", value);
        } else if (name == "size_min") {
            conditions.add("size >= ?", *query.integer(name, 0, std::numeric_limits<std::int64_t>::max()));
        } else if (name == "size_max") {
            conditions.add("size <= ?", *query.integer(name, 0, std::numeric_limits<std::int64_t>::max()));
        } else if (name == "created_at" || name == "updated_at") {
            addTime(conditions, name, value);
        } else if (name == "os_hash_algo") {
            conditions.add(value == "sha512" ? "hash_value IS NOT NULL" : "0");
        } else if (const auto* column = columnFor(equalities, name)) {
            addEquality(conditions, query, *column, value);
        } else {
            conditions.add("id IN (SELECT image_id FROM image_properties WHERE name = ? AND value = ?)", name, value);
        }
    }
    conditions.add("hidden = ?", hidden);
    return wanted;
}

}
