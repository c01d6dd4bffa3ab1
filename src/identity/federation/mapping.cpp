#include "identity/federation/mapping.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <regex>

#include <stratolet/error.hpp>

#include "platform/text/text.hpp"

namespace stratolet::identity {
namespace {

/// The values that "{0}", "{1}" … stand for.
using DirectMaps = std::vector<std::vector<std::string>>;

/// Matching takes time in proportion to the text, however the expression is made: the text is a stranger's.
std::regex expressionIn(const std::string& text) {
    return std::regex(text, std::regex::ECMAScript | std::regex_constants::__polynomial);
}

/// The text of a rule in parts: what stands there, or the number of a direct map. "{{" and "}}" are single braces.
struct Part {
    std::string text;
    std::optional<std::size_t> map;
};

std::vector<Part> partsOf(const Json& value) {
    const auto text = value.text();
    std::vector<Part> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '{' && text[at] != '}') {
            parts.back().text += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == text[at]) {
            parts.back().text += text[at++];
        } else {
            const auto end = text.find('}', at);
            const auto number = text[at] == '}' || end == std::string::npos
                                    ? std::nullopt
                                    : wholeNumberIn(std::string_view(text).substr(at + 1, end - at - 1));
            if (!number || *number < 0)
                value.refuse("A brace must begin the number of an attribute, such as {0}, or be doubled.");
            parts.push_back({{}, static_cast<std::size_t>(*number)});
            parts.emplace_back();
            at = end;
        }
    }
    return parts;
}

/// One text, where each direct map in it has one value.
std::string textFrom(const Json& value, const DirectMaps& maps) {
    std::string text;
    for (const auto& part : partsOf(value)) {
        text += part.text;
        if (!part.map) continue;
        const auto& values = maps.at(*part.map);
        if (values.size() != 1)
            value.refuse("It takes one value, and the assertion has " + std::to_string(values.size()) + ".");
        text += values.front();
    }
    return text;
}

/// All values of the direct map that it consists of; otherwise the one text.
std::vector<std::string> listFrom(const Json& value, const DirectMaps& maps) {
    const auto parts = partsOf(value);
    const bool whole = parts.size() == 3 && parts[0].text.empty() && parts[2].text.empty();
    return whole ? maps.at(*parts[1].map) : std::vector{textFrom(value, maps)};
}

constexpr std::array<std::string_view, 4> conditions = {"any_one_of", "not_any_of", "whitelist", "blacklist"};

/// What the requirement compares with, and how; nothing where it only wants the attribute to be there.
std::optional<std::string_view> conditionIn(const Json& requirement) {
    for (const auto each : conditions)
        if (requirement.has(each)) return each;
    return std::nullopt;
}

bool isDirectMap(const Json& requirement) { return !requirement.has("any_one_of") && !requirement.has("not_any_of"); }

bool contains(const std::vector<Json>& wanted, const std::string& value) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const Json& each) { return each.text() == value; });
}

bool anyMatches(const Json& wanted, bool isRegex, const std::vector<std::string>& values) {
    const auto texts = wanted.items();
    if (!isRegex)
        return std::any_of(values.begin(), values.end(), [&](const auto& each) { return contains(texts, each); });
    return std::any_of(texts.begin(), texts.end(), [&](const Json& each) {
        const auto expression = expressionIn(each.text());
        return std::any_of(values.begin(), values.end(),
                           [&](const auto& value) { return std::regex_search(value, expression); });
    });
}

/// What the assertion has to offer to a rule with these requirements; nothing where it does not meet them.
std::optional<DirectMaps> mapsFor(const Json& requirements, const Assertion& assertion) {
    DirectMaps maps;
    for (const auto& requirement : requirements.items()) {
        const auto found = assertion.find(requirement.text("type"));
        if (found == assertion.end() || found->second.empty()) return std::nullopt;
        auto values = found->second;
        const auto condition = conditionIn(requirement);
        if (!isDirectMap(requirement)) {
            const bool matches = anyMatches(requirement.at(*condition), requirement.boolean("regex", false), values);
            if (matches != (condition == "any_one_of")) return std::nullopt;
            continue;
        }
        if (condition) {
            const auto texts = requirement.at(*condition).items();
            std::erase_if(values,
                          [&](const auto& each) { return contains(texts, each) != (condition == "whitelist"); });
        }
        maps.push_back(std::move(values));
    }
    return maps;
}

Mapped::Domain domainFrom(const Json& value, const DirectMaps& maps) {
    Mapped::Domain domain;
    if (const auto id = value.find("id")) domain.id = textFrom(*id, maps);
    if (const auto name = value.find("name")) domain.name = textFrom(*name, maps);
    return domain;
}

Mapped::User userFrom(const Json& value, const DirectMaps& maps) {
    Mapped::User user;
    if (const auto id = value.find("id")) user.id = textFrom(*id, maps);
    if (const auto name = value.find("name")) user.name = textFrom(*name, maps);
    if (const auto email = value.find("email")) user.email = textFrom(*email, maps);
    if (const auto domain = value.find("domain")) user.domain = domainFrom(*domain, maps);
    user.local = value.text("type", "ephemeral") == "local";
    return user;
}

std::vector<Mapped::Project> projectsFrom(const Json& value, const DirectMaps& maps) {
    std::vector<Mapped::Project> projects;
    for (const auto& each : value.items()) {
        auto& project = projects.emplace_back(Mapped::Project{textFrom(each.at("name"), maps), {}});
        for (const auto& role : each.array("roles").items()) project.roles.push_back(textFrom(role.at("name"), maps));
    }
    return projects;
}

void addGroups(std::vector<Mapped::Group>& groups, const Json& local, const DirectMaps& maps) {
    if (const auto group = local.find("group")) {
        if (const auto id = group->find("id"))
            groups.push_back({textFrom(*id, maps), {}, {}});
        else
            groups.push_back({{}, textFrom(group->at("name"), maps), domainFrom(group->at("domain"), maps)});
    }
    if (const auto names = local.find("groups"))
        for (auto& name : listFrom(*names, maps))
            groups.push_back({{}, std::move(name), domainFrom(local.at("domain"), maps)});
    if (const auto ids = local.find("group_ids"))
        for (auto& id : listFrom(*ids, maps)) groups.push_back({std::move(id), {}, {}});
}

// Checks, made when a mapping is stored.

void checkText(const Json& value, std::size_t directMaps) {
    for (const auto& part : partsOf(value))
        if (part.map && *part.map >= directMaps)
            value.refuse("It uses {" + std::to_string(*part.map) + "}, and the remote part takes over " +
                         std::to_string(directMaps) + " attributes.");
}

void checkDomain(const Json& domain, std::size_t directMaps) {
    domain.onlyKnows({"id", "name"});
    if (domain.size() == 0) domain.refuse("It must have an id or a name.");
    for (const auto& name : domain.names()) checkText(domain.at(name), directMaps);
}

void checkUser(const Json& user, std::size_t directMaps) {
    user.onlyKnows({"id", "name", "email", "domain", "type"});
    for (const auto* each : {"id", "name", "email"})
        if (const auto text = user.find(each)) checkText(*text, directMaps);
    if (const auto domain = user.find("domain")) checkDomain(*domain, directMaps);
    const auto type = user.text("type", "ephemeral");
    if (type != "ephemeral" && type != "local") user.at("type").refuse("It must be ephemeral or local.");
}

void checkGroup(const Json& group, std::size_t directMaps) {
    if (const auto id = group.find("id")) {
        group.onlyKnows({"id"});
        return checkText(*id, directMaps);
    }
    group.onlyKnows({"name", "domain"});
    checkText(group.at("name"), directMaps);
    checkDomain(group.object("domain"), directMaps);
}

void checkLocal(const Json& local, std::size_t directMaps) {
    local.onlyKnows({"user", "group", "groups", "group_ids", "domain", "projects"});
    if (const auto user = local.find("user")) checkUser(*user, directMaps);
    if (const auto group = local.find("group")) checkGroup(*group, directMaps);
    if (const auto domain = local.find("domain")) checkDomain(*domain, directMaps);
    if (const auto ids = local.find("group_ids")) checkText(*ids, directMaps);
    if (const auto groups = local.find("groups")) {
        checkText(*groups, directMaps);
        local.object("domain");
    }
    const auto projects = local.find("projects");
    if (!projects) return;
    for (const auto& each : projects->items()) {
        each.onlyKnows({"name", "roles"});
        checkText(each.at("name"), directMaps);
        for (const auto& role : each.array("roles").items()) {
            role.onlyKnows({"name"});
            checkText(role.at("name"), directMaps);
        }
    }
}

void checkRequirement(const Json& requirement) {
    requirement.text("type");
    const auto condition = conditionIn(requirement);
    if (!condition) return requirement.onlyKnows({"type"});
    if (isDirectMap(requirement))
        requirement.onlyKnows({"type", *condition});
    else
        requirement.onlyKnows({"type", *condition, "regex"});
    const bool isRegex = requirement.boolean("regex", false);
    for (const auto& each : requirement.array(*condition).items()) {
        const auto text = each.text();
        if (!isRegex) continue;
        try {
            expressionIn(text);
        } catch (const std::regex_error& problem) {
            each.refuse(std::string("It is no regular expression that can be used: ") + problem.what());
        }
    }
}

}

void checkRules(const Json& rules) {
    if (rules.items().empty()) rules.refuse("There must be a rule.");
    for (const auto& rule : rules.items()) {
        rule.onlyKnows({"local", "remote"});
        const auto requirements = rule.array("remote").items();
        if (requirements.empty()) rule.at("remote").refuse("There must be a requirement.");
        for (const auto& each : requirements) checkRequirement(each);
        const auto directMaps =
            static_cast<std::size_t>(std::count_if(requirements.begin(), requirements.end(), isDirectMap));
        for (const auto& each : rule.array("local").items()) checkLocal(each, directMaps);
    }
}

Mapped applyRules(const Json& rules, const Assertion& assertion) {
    Mapped mapped;
    bool applies = false, hasUser = false;
    for (const auto& rule : rules.items()) {
        const auto maps = mapsFor(rule.at("remote"), assertion);
        if (!maps) continue;
        for (const auto& local : rule.array("local").items()) {
            applies = true;
            if (const auto user = local.find("user"); user && !hasUser) { // the first rule that names one counts
                mapped.user = userFrom(*user, *maps);
                hasUser = true;
            }
            addGroups(mapped.groups, local, *maps);
            if (const auto projects = local.find("projects")) mapped.projects = projectsFrom(*projects, *maps);
        }
    }
    if (!applies)
        throw Error(Failure::Invalid,
                    "Could not map any federated user properties to identity values. Check the mapping and what the "
                    "identity provider sends.");
    return mapped;
}

}
