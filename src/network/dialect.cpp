#include "network/dialect.hpp"

#include <map>
#include <set>

#include <stratolet/error.hpp>

#include "network/sharing.hpp"
#include "network/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::network {

namespace {

using namespace http;
using namespace resource;

void addFilter(store::Conditions& conditions, const Word& attribute, char alias,
               const std::vector<std::string>& values) {
    const auto sql = attribute.sql(alias);
    if (attribute.kind == Kind::Text) {
        conditions.in(sql, values);
        return;
    }
    std::vector<std::string> numbers;
    for (const auto& each : values) {
        if (attribute.kind == Kind::Truth) {
            numbers.emplace_back(truthIn(attribute.name, each) ? "1" : "0");
        } else {
            numbers.push_back(each);
        }
    }
    conditions.in("CAST(" + sql + " AS TEXT)", numbers);
}

void addTagFilter(store::Conditions& conditions, const std::string& id, const std::string& kind,
                  const std::vector<std::string>& values) {
    std::set<std::string> tags;
    for (const auto& value : values)
        for (const auto tag : split(value, ','))
            if (!tag.empty()) tags.emplace(tag);
    if (tags.size() > filterValuesMost)
        refuseInput(kind, "at most " + std::to_string(filterValuesMost) + " tags can be asked for.");
    if (tags.empty()) return;
    const bool any = kind.ends_with("-any"), negated = kind.starts_with("not-");
    std::string marks;
    std::vector<store::Value> bound;
    for (const auto& tag : tags) {
        marks += marks.empty() ? "?" : ", ?";
        bound.emplace_back(tag);
    }
    bound.emplace_back(any ? 1 : static_cast<std::int64_t>(tags.size()));
    conditions.append(id + (negated ? " NOT IN" : " IN") + " (SELECT t.resource FROM network_tags t WHERE t.tag IN (" +
                          marks + ") GROUP BY t.resource HAVING COUNT(*) >= ?)",
                      bound);
}

Listing listingOf(const Request& request, const TableText& table, const Words& words, const SpecialFilters& special) {
    Listing listing;
    listing.table = table.named();
    std::map<std::string, std::vector<std::string>> asked;
    for (const auto& [name, value] : request.query) asked[name].push_back(value);
    static const std::set<std::string, std::less<>> own{"fields",       "limit",    "marker",
                                                        "page_reverse", "sort_key", "sort_dir"};
    for (const auto& [name, values] : asked) {
        if (own.contains(name)) continue;
        if (values.size() > filterValuesMost)
            refuseInput(name, "at most " + std::to_string(filterValuesMost) + " values can be asked for.");
        if (name == "tags" || name == "tags-any" || name == "not-tags" || name == "not-tags-any") {
            addTagFilter(listing.conditions, table.id(), name, values);
            if (!name.starts_with("not-")) listing.begin = store::Begin::WithConditions;
        } else if (const auto found = special.find(name); found != special.end()) {
            if (found->second(listing.conditions, values) == store::Begin::WithConditions)
                listing.begin = store::Begin::WithConditions;
        } else if (name == "shared" && filterShared(listing.conditions, table, identity::callerOf(request),
                                                    truthIn("shared", values.front()))) {
            continue;
        } else if (const auto* word = wordOf(words, name); word && word->may(Find)) {
            addFilter(listing.conditions, *word, table.alias, values);
        } else {
            throw Error(Failure::Invalid, "['", name, "'] is invalid attribute for filtering").as("HTTPBadRequest");
        }
    }

    const auto keys = request.query.all("sort_key"), directions = request.query.all("sort_dir");
    if (keys.size() != directions.size() && !directions.empty())
        throw Error(Failure::Invalid, "The number of sort_keys and sort_dirs must be same").as("HTTPBadRequest");
    store::requireFewSortKeys(keys);
    std::set<std::string> sorted; // two names of one column are one key
    for (std::size_t index = 0; index < keys.size(); ++index) {
        const auto* word = wordOf(words, keys[index]);
        if (!word || !word->may(Find))
            throw Error(Failure::Invalid, keys[index], " is invalid attribute for sort_keys").as("HTTPBadRequest");
        const auto sql = word->sql(table.alias);
        if (!sorted.insert(sql).second)
            throw Error(Failure::Invalid, "The sort_key ", keys[index], " is given more than once")
                .as("HTTPBadRequest");
        const auto direction = directions.empty() ? std::string("asc") : directions[index];
        if (direction != "asc" && direction != "desc")
            throw Error(Failure::Invalid, "'", direction, "' is invalid value for sort_dirs").as("HTTPBadRequest");
        listing.keys.push_back({sql, direction == "desc"});
    }
    if (keys.empty()) listing.keys.push_back({std::string(1, table.alias) + ".created"});
    if (!sorted.contains(table.id())) listing.keys.push_back({table.id()});

    listing.limit = request.query.integer("limit", 0, 1'000'000);
    if (listing.limit == 0) listing.limit.reset();
    listing.reversed = listing.limit && request.query.flag("page_reverse");
    if (listing.reversed)
        for (auto& key : listing.keys) key.descending = !key.descending;
    listing.marker = request.query.text("marker");
    return listing;
}

Error markerNotFound(const std::string& id) {
    return Error(Failure::NotFound, "The marker ", id, " could not be found.").as("HTTPNotFound");
}

Response listResponse(const Request& request, std::string_view plural, const Listing& listing,
                      const std::vector<std::string>& ids, const std::function<void(JsonWriter&, std::size_t)>& write) {
    return jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array(plural);
            for (std::size_t index = 0; index < ids.size(); ++index)
                write(out, listing.reversed ? ids.size() - 1 - index : index);
        }
        if (!listing.limit || ids.empty()) return;
        const auto href = [&](const std::string& marker, bool reverse) {
            return pageHref(request, marker, {"marker", "page_reverse"}) + (reverse ? "&page_reverse=True" : "");
        };
        const bool full = static_cast<std::int64_t>(ids.size()) == *listing.limit;
        const bool forward = listing.reversed ? request.query.has("marker") : full;
        const bool backward = listing.reversed ? full : request.query.has("marker");
        const auto& first = listing.reversed ? ids.back() : ids.front();
        const auto& last = listing.reversed ? ids.front() : ids.back();
        const auto links = out.array(std::string(plural) + "_links");
        if (forward) {
            const auto link = out.object();
            out.field("rel", "next");
            out.field("href", href(last, false));
        }
        if (backward) {
            const auto link = out.object();
            out.field("rel", "previous");
            out.field("href", href(first, true));
        }
    });
}

void checkRevision(const Request& request, std::string_view noun, const std::string& id, std::int64_t revision) {
    if (!request.headers.has("If-Match")) return;
    const std::string wanted(request.headers["If-Match"]);
    constexpr std::string_view prefix = "revision_number=";
    const auto number =
        wanted.starts_with(prefix) ? wholeNumberIn(std::string_view(wanted).substr(prefix.size())) : std::nullopt;
    if (!number)
        throw Error(Failure::Invalid, "The If-Match header must be revision_number=<number>").as("HTTPBadRequest");
    if (*number != revision)
        throw Error(Failure::Conflict, "Constrained to ", *number, ", but current revision is ", revision, " of ", noun,
                    " ", id)
            .as("RevisionNumberConstraintFailed");
}

std::string ruleOf(std::string_view verb, std::string_view noun) { return std::string(verb).append("_").append(noun); }

bool may(const Request& request, std::string_view rule, const Target& target) {
    return mayOn(identity::callerOf(request), rule, target);
}

bool mayEverywhere(const Request& request, std::string_view rule) { return seesAll(identity::callerOf(request), rule); }

void enforce(const Request& request, std::string_view rule, std::string_view see, const Target& target,
             const Error& missing) {
    enforceOn(identity::callerOf(request), rule, see, target, missing);
}

void enforceCreating(const Request& request, std::string_view rule, const Json& body, const Target& target) {
    const auto& caller = identity::callerOf(request);
    demandOn(caller, rule, target);
    enforceAttributes(caller, rule, body, target, true);
}

void enforceChanging(const Request& request, std::string_view rule, const Json& body, const Target& target) {
    enforceAttributes(identity::callerOf(request), rule, body, target, false);
}

}

const Dialect& dialect() {
    static const Dialect neutron{.change = Method::Put,
                                 .reading = {.truth = [](const Json& value) { return truthOf(value); },
                                             .whole = [](const Json& value) { return wholeOf(value); }},
                                 .rule = ruleOf,
                                 .posted = posted,
                                 .changed = put,
                                 .check = checkBody,
                                 .may = may,
                                 .seesAll = mayEverywhere,
                                 .enforce = enforce,
                                 .enforceCreating = enforceCreating,
                                 .enforceChanging = enforceChanging,
                                 .listing = listingOf,
                                 .markerNotFound = markerNotFound,
                                 .list = listResponse,
                                 .checkRevision = checkRevision};
    return neutron;
}

}
