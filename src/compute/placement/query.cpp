#include "compute/placement/query.hpp"

#include <algorithm>

#include "compute/placement/word.hpp"
#include "platform/text/text.hpp"

namespace stratolet::compute::placement {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> listOf(std::string_view text) {
    std::vector<std::string> items;
    for (const auto each : split(text, ',')) items.emplace_back(trimmed(each));
    return items;
}

/// "VCPU:1,MEMORY_MB:512"
std::vector<Amount> resourcesIn(const std::string& text, store::Reader& db) {
    const auto classes = knownClasses(db);
    std::vector<Amount> amounts;
    for (const auto& item : listOf(text)) {
        const auto colon = item.find(':');
        const auto count = colon == std::string::npos ? std::nullopt : wholeNumberIn(item.substr(colon + 1));
        if (!count || *count < 1)
            wrong("Badly formed resources parameter. Expected resources query string parameter in form: "
                  "?resources=VCPU:2,MEMORY_MB:1024. Got: " +
                  text + ".");
        const auto name = item.substr(0, colon);
        if (!has(classes, name)) wrong("Invalid resource class in resources parameter: No such resource class " + name);
        amounts.push_back({name, *count});
    }
    return amounts;
}

/// "A,!B", or from 1.39 on "in:A,B".
void readTraits(const Ask& ask, const std::string& text, const std::vector<std::string>& known, Condition& into) {
    constexpr std::string_view in = "in:";
    const auto require = [&](const std::string& name) {
        if (!has(known, name)) wrong("No such trait(s): " + name + ".");
        return name;
    };
    if (ask.since(39) && text.starts_with(in)) {
        into.traits.emplace_back();
        for (const auto& each : listOf(std::string_view(text).substr(in.size())))
            into.traits.back().push_back(require(each));
        return;
    }
    for (const auto& each : listOf(text)) {
        if (ask.since(22) && each.starts_with("!"))
            into.noTraits.push_back(require(each.substr(1)));
        else
            into.traits.push_back({require(each)});
    }
}

/// A UUID, "in:" and several, or from 1.32 on "!" before either.
void readAggregates(const Ask& ask, std::string_view text, Condition& into) {
    const bool no = ask.since(32) && text.starts_with("!");
    if (no) text.remove_prefix(1);
    const bool any = text.starts_with("in:");
    if (any) text.remove_prefix(3);
    const auto ids = listOf(text);
    for (const auto& each : ids)
        if (!isUuid(each) || (!any && ids.size() > 1))
            wrong("Expected 'member_of' parameter to contain valid UUID(s). Got: " + std::string(text));
    if (no)
        into.noAggregates.insert(into.noAggregates.end(), ids.begin(), ids.end());
    else
        into.aggregates.push_back(ids);
}

}

bool Condition::suits(const Provider& provider) const {
    const auto anyOf = [](const std::vector<std::string>& own) {
        return [&own](const std::vector<std::string>& wanted) {
            return std::any_of(wanted.begin(), wanted.end(), [&](const auto& each) { return has(own, each); });
        };
    };
    const auto noneOf = [](const std::vector<std::string>& own, const std::vector<std::string>& unwanted) {
        return std::none_of(unwanted.begin(), unwanted.end(), [&](const auto& each) { return has(own, each); });
    };
    return (tree.empty() || tree == provider.uuid) &&
           std::all_of(traits.begin(), traits.end(), anyOf(provider.traits)) && noneOf(provider.traits, noTraits) &&
           std::all_of(aggregates.begin(), aggregates.end(), anyOf(provider.aggregates)) &&
           noneOf(provider.aggregates, noAggregates);
}

Condition conditionIn(const Ask& ask, store::Reader& db, const std::vector<Provider>& providers,
                      const std::string& suffix) {
    const auto& query = ask.request.query;
    Condition made{.suffix = suffix};
    if (const auto resources = query.find("resources" + suffix)) made.resources = resourcesIn(*resources, db);
    const auto required = query.all("required" + suffix);
    if (!required.empty()) {
        const auto known = knownTraits(providers, db);
        for (const auto& each : required) readTraits(ask, each, known, made);
    }
    for (const auto& each : query.all("member_of" + suffix)) readAggregates(ask, each, made);
    if (const auto tree = query.find("in_tree" + suffix)) {
        if (!isUuid(*tree)) wrong("Expected 'in_tree' parameter to be a format of uuid. Got: " + *tree);
        made.tree = *tree;
    }
    return made;
}

Condition rootIn(const Ask& ask, store::Reader& db, const std::vector<Provider>& providers) {
    Condition made;
    if (const auto required = ask.request.query.find("root_required"))
        readTraits(ask, *required, knownTraits(providers, db), made);
    return made;
}

}
