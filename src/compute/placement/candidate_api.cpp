#include <algorithm>
#include <map>
#include <set>

#include <stratolet/error.hpp>

#include "compute/placement/query.hpp"
#include "compute/placement/wire.hpp"

namespace stratolet::compute::placement {
namespace {

using http::Method;
using http::Response;

/// A host could take all that the query asks for: each host is a tree of one provider.
struct Candidate {
    const Provider* provider;
    std::map<std::string, std::int64_t> amounts; ///< of all groups together
};

constexpr std::string_view words[] = {"resources", "required", "member_of", "in_tree"};

/// The suffixes of groups in the query: "" for the one without.
std::set<std::string> suffixesIn(const Ask& ask) {
    constexpr std::size_t most = 32;
    std::set<std::string> suffixes;
    for (const auto& [name, value] : ask.request.query)
        for (const auto word : words)
            if (name.starts_with(word)) suffixes.insert(name.substr(word.size()));
    for (const auto& each : suffixes) {
        if (each.empty()) continue;
        const bool formed = each.size() <= 64 && std::all_of(each.begin(), each.end(), [](unsigned char letter) {
                                return std::isalnum(letter) || letter == '_' || letter == '-';
                            });
        const bool digits = std::all_of(each.begin(), each.end(), [](unsigned char c) { return std::isdigit(c); });
        if (!formed || !ask.since(digits ? 25 : 33))
            throw Error(Failure::Invalid, "Invalid query string parameters: '", each, "' is no suffix of a group");
    }
    if (suffixes.size() > most) wrong("A query has 32 groups at most.");
    return suffixes;
}

void requireKnown(const Ask& ask) {
    struct Since {
        std::string_view name;
        int minor;
    };
    constexpr Since all[] = {{"limit", 16},   {"required", 17},      {"member_of", 21},    {"group_policy", 25},
                             {"in_tree", 31}, {"root_required", 35}, {"same_subtree", 36}, {"resources", 10}};
    std::set<std::string> seen;
    for (const auto& [name, value] : ask.request.query) {
        const bool often = name.starts_with("member_of") || name.starts_with("required");
        if (!seen.insert(name).second && !often)
            throw Error(Failure::Invalid, "Query parameter '", name, "' specified multiple times.")
                .as("placement.query.duplicate_key");
        const auto known = std::find_if(std::begin(all), std::end(all),
                                        [&, &own = name](const Since& each) { return own.starts_with(each.name); });
        if (known == std::end(all) || !ask.since(known->minor))
            throw Error(Failure::Invalid, "Invalid query string parameters: Additional properties are not allowed ('",
                        name, "' was unexpected)");
    }
}

std::vector<Condition> conditionsIn(const Ask& ask, store::Reader& db, const std::vector<Provider>& all) {
    std::vector<Condition> conditions;
    std::size_t granular = 0;
    for (const auto& suffix : suffixesIn(ask)) {
        conditions.push_back(conditionIn(ask, db, all, suffix));
        if (conditions.back().resources.empty() && !ask.since(36)) wrong("All request groups must specify resources.");
        granular += !suffix.empty();
    }
    const bool any = std::any_of(conditions.begin(), conditions.end(),
                                 [](const Condition& each) { return !each.resources.empty(); });
    if (!any)
        throw Error(Failure::Invalid, "Invalid query string parameters: at least one group must specify resources")
            .as("placement.query.missing_value");
    const auto policy = ask.request.query.find("group_policy");
    if (policy && *policy != "none" && *policy != "isolate")
        wrong("Invalid query string parameters: '" + *policy + "' is not one of ['none', 'isolate']");
    if (granular > 1 && !policy)
        wrong("The \"group_policy\" parameter is required when specifying more than one \"resources{N}\" parameter.");
    // Groups that must not share a provider have no place in trees of one.
    if (granular > 1 && policy == "isolate") return {};
    return conditions;
}

std::vector<Candidate> candidatesOf(const std::vector<Provider>& all, const std::vector<Condition>& conditions,
                                    const Condition& root) {
    std::vector<Candidate> found;
    for (const auto& each : all) {
        Candidate candidate{&each, {}};
        for (const auto& condition : conditions)
            for (const auto& amount : condition.resources) candidate.amounts[amount.resource] += amount.count;
        const bool suits = !conditions.empty() && root.suits(each) &&
                           std::all_of(conditions.begin(), conditions.end(),
                                       [&](const Condition& condition) { return condition.suits(each); });
        const bool fits = std::all_of(candidate.amounts.begin(), candidate.amounts.end(), [&](const auto& amount) {
            const auto* inventory = each.of(amount.first);
            return inventory != nullptr && inventory->fits(amount.second);
        });
        if (suits && fits) found.push_back(std::move(candidate));
    }
    return found;
}

void writeRequest(JsonWriter& out, const Ask& ask, const Candidate& candidate,
                  const std::vector<Condition>& conditions) {
    const auto item = out.object();
    const auto writeResources = [&] {
        const auto resources = out.object("resources");
        for (const auto& [name, count] : candidate.amounts) out.field(name, count);
    };
    if (!ask.since(12)) {
        const auto allocations = out.array("allocations");
        const auto allocation = out.object();
        {
            const auto provider = out.object("resource_provider");
            out.field("uuid", candidate.provider->uuid);
        }
        return writeResources();
    }
    {
        const auto allocations = out.object("allocations");
        const auto allocation = out.object(candidate.provider->uuid);
        writeResources();
    }
    if (!ask.since(34)) return;
    const auto mappings = out.object("mappings");
    for (const auto& each : conditions) {
        const auto own = out.array(each.suffix);
        out.value(candidate.provider->uuid);
    }
}

void writeSummary(JsonWriter& out, const Ask& ask, const Candidate& candidate) {
    const auto& provider = *candidate.provider;
    const auto item = out.object(provider.uuid);
    {
        const auto resources = out.object("resources");
        for (const auto& each : provider.inventories) {
            if (!ask.since(27) && !candidate.amounts.contains(std::string(each.resource))) continue;
            const auto one = out.object(each.resource);
            out.field("capacity", each.capacity());
            out.field("used", each.used);
        }
    }
    if (ask.since(17)) {
        const auto traits = out.array("traits");
        for (const auto& each : provider.traits) out.value(each);
    }
    if (!ask.since(29)) return;
    out.field("parent_provider_uuid", nullptr);
    out.field("root_provider_uuid", provider.uuid);
}

Response list(Ask& ask) {
    ask.caller.enforce();
    requireKnown(ask);
    const auto limit = ask.request.query.integer("limit", 1, INT64_MAX);
    return ask.core.parts.store.read([&](store::Reader& db) {
        const auto all = providers(ask.core, db);
        const auto conditions = conditionsIn(ask, db, all);
        auto found = candidatesOf(all, conditions, rootIn(ask, db, all));
        if (limit && static_cast<std::int64_t>(found.size()) > *limit) found.resize(static_cast<std::size_t>(*limit));
        return http::jsonResponse(200, [&](JsonWriter& out) {
            const auto body = out.object();
            {
                const auto requests = out.array("allocation_requests");
                for (const auto& each : found) writeRequest(out, ask, each, conditions);
            }
            const auto summaries = out.object("provider_summaries");
            for (const auto& each : found) writeSummary(out, ask, each);
        });
    });
}

}

void addCandidateRoutes(http::Routes& routes, Core& core) {
    addRoute(routes, core, Method::Get, "/allocation_candidates", "placement:allocation_candidates:list", list, 10);
}

}
