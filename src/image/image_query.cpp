#include "image/image_query.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <stratolet/error.hpp>

#include "image/image_table.hpp"
#include "platform/text/text.hpp"

namespace stratolet::image {
namespace {

Error wrong(std::string_view parameter, std::string_view value, std::string_view what) {
    return Error(Failure::Invalid, "Invalid value '", value, "' for parameter '", parameter, "': ", what);
}

[[noreturn]] void refuse(std::string_view parameter, std::string_view value, std::string_view what) {
    throw wrong(parameter, value, what);
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

/// Of which filters a value may begin with "in:" or "eq:".
bool takesOperators(std::string_view parameter) {
    constexpr std::array<std::string_view, 5> names{"name", "id", "status", "container_format", "disk_format"};
    return std::find(names.begin(), names.end(), parameter) != names.end();
}

// Image API v2, "List images", "Sorting": sort, or the older sort_key and sort_dir, which may come more than once.
constexpr resource::Sorting sorting{
    .direction = [](std::string_view) { return std::string_view("desc"); },
    .items = [](const std::string& sort) { return listOf("sort", sort); },
    .several = true,
    .mixed = [] { return Error(Failure::Invalid, "Old and new sorting syntax cannot be combined"); },
    .notSorted = [](std::string_view key) { return wrong("sort_key", key, "images cannot be sorted by it."); },
    .noDirection = [](std::string_view direction) { return wrong("sort_dir", direction, "it must be asc or desc."); },
    .limit = 25,
    .limitMax = 1000};

void addEquality(store::Conditions& conditions, const http::Query& query, const resource::Word& word,
                 const std::string& value) {
    const auto expression = word.kept(imageColumns.text().alias);
    if (word.kind == resource::Kind::Whole) {
        conditions.add(expression + " = ?", *query.integer(word.name, 0, std::numeric_limits<std::int64_t>::max()));
        return;
    }
    // What stands before a colon is an operator, but a value of only one form has it (glance's split_filter_op): a
    // time.
    const auto colon = takesOperators(word.name) && !parseIsoTime(value) ? value.find(':') : std::string::npos;
    const std::string sign = colon == std::string::npos ? "eq" : value.substr(0, colon);
    const std::string operand = colon == std::string::npos ? value : value.substr(colon + 1);
    if (sign == "in")
        conditions.in(expression, listOf(word.name, operand));
    else if (sign == "eq")
        conditions.add(expression + " = ?", operand);
    else
        throw Error(Failure::Invalid, "Unable to filter by unknown operator '", sign, "'.");
}

/// "gte:2022-01-01T00:00:00Z"; a time alone is one to be equal to.
void addTime(store::Conditions& conditions, std::string_view parameter, const std::string& value) {
    const auto [sign, text] = resource::comparedIn(value);
    const auto time = parseIsoTime(text);
    if (!time) refuse(parameter, value, "it must be a time, or gt, gte, lt, lte, eq or neq, a colon, and a time.");
    // What a client sees has whole seconds, so that is what it compares with.
    const auto* word = resource::wordOf(imageColumns.words(), parameter);
    resource::addSeconds(conditions, word->kept(imageColumns.text().alias), sign.empty() ? "=" : sign, *time);
}

}

ImageQuery imageQueryIn(const http::Query& query) {
    ImageQuery wanted;
    wanted.listing = resource::listingIn(query, imageColumns.text(), imageColumns.words(), sorting);
    bool hidden = false;
    auto& conditions = wanted.listing.conditions;
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
        } else if (const auto* word = resource::wordOf(imageColumns.words(), name);
                   word != nullptr && word->may(resource::Filter)) {
            addEquality(conditions, query, *word, value);
        } else {
            conditions.add("id IN (SELECT image_id FROM image_properties WHERE name = ? AND value = ?)", name, value);
        }
    }
    conditions.add("hidden = ?", hidden);
    return wanted;
}

}
